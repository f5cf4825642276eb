"""Who may do what in the repository, who is in which team, and who wrote what."""

import re
from urllib.parse import quote

from github.Commit import Commit

from tasks.rules.errors import NeedsHuman
from tasks.rules.slugs import is_login
from tasks.systems.github_auth import App
from tasks.systems.github_client import NOT_FOUND, GitHubClient, Refused, github_errors, login_of

_CO_AUTHOR = re.compile(r"^co-authored-by:.*<([^<>\s]+)>\s*$", re.IGNORECASE | re.MULTILINE)
# The address GitHub gives to people who hide theirs.
_NO_REPLY = re.compile(r"(?:\d+\+)?([^@+]+)@users\.noreply\..+", re.IGNORECASE)


class People(GitHubClient):
    """The people of the repository, as GitHub knows them."""

    def permission(self, login: str) -> str:
        """admin, write, read or none, and none for somebody GitHub does not know, or whose name cannot be one."""
        if not is_login(login):
            return "none"  # it would become part of the address: `x/../rita` is asked about as rita
        repo = self._repo
        try:
            with self._asking(f"reading what {login} may do"):
                return repo.get_collaborator_permission(login)
        except Refused as error:
            if error.status == NOT_FOUND:
                return "none"
            raise

    def own_permission(self) -> str:
        """The same for dabflow itself. An App is nobody's collaborator: what it was given where it is installed counts."""
        if isinstance(self._auth, App):
            return self._auth.permissions.get("contents", "none")
        return self.permission(self.me)

    def in_team(self, team: str, login: str) -> bool:
        """Whether somebody is an active member of a team (its slug) of the repository's owner, or of one below it.

        Raises:
            NeedsHuman: there is no such team, or our token may not see it; GitHub answers both with 404.
        """
        url = f"/orgs/{self.owner}/teams/{quote(team, safe='')}"
        try:
            with github_errors(f"reading whether {login} is in the team {team}"):
                path = f"{url}/memberships/{quote(login, safe='')}"
                _, found = self._client.requester.requestJsonAndCheck("GET", path)
            return bool(found["state"] == "active")
        except Refused as error:
            if error.status != NOT_FOUND:
                raise
        # The same 404 comes for a team that is not there or that we may not see.
        self._insist_on_team(team, url)
        return False

    def _insist_on_team(self, team: str, url: str) -> None:
        try:
            with github_errors(f"reading the team {team}"):
                self._client.requester.requestJsonAndCheck(
                    "GET", f"{url}/members", parameters={"per_page": 1}
                )
        except Refused as error:
            raise NeedsHuman(
                f"GitHub shows us no team {team} of {self.owner}, so nobody can be counted as its member",
                "check the team's name (as in its address on GitHub) in the production branch's release.yaml, "
                "and that the token may read the organisation's members",
            ) from error

    def authors_between(self, base: str, head: str) -> frozenset[str]:
        """The logins of whoever wrote a commit of `head` that `base` lacks, co-authors and mergers included.

        Somebody whose address belongs to no account on GitHub has no login, and is not among them.

        Raises:
            NeedsHuman: GitHub does not list all commits (it stops at 10,000).
        """
        span = f"{_short(base)}..{_short(head)}"
        with self._asking(f"reading who wrote {span}"):
            # Completed: what is lazy lists commits page by page, and would be asked once more for their number.
            compared = self._repo.compare(base, head).complete()
            commits = list(compared.commits)
            if len(commits) < compared.total_commits:
                raise NeedsHuman(
                    f"GitHub lists {len(commits)} of the {compared.total_commits} commits of {span}, so their"
                    " authors are not all known",
                    "release in smaller steps, or let authors approve (authors_approve in release.yaml)",
                )
            known = _logins_by_address(commits)
            co_authors = {
                address.lower() for c in commits for address in _CO_AUTHOR.findall(c.commit.message)
            }
            found = {login_of(c.author) for c in commits}
            found |= {known.get(address) or self._login_of_address(address) for address in co_authors}
        return frozenset(login for login in found if login)

    def _login_of_address(self, address: str) -> str | None:
        """Whose address it is: of whoever wrote other commits with it, or as the address itself says."""
        newest = next(iter(self._repo.get_commits(author=address)), None)
        if newest is not None and (login := login_of(newest.author)):
            return login
        hidden = _NO_REPLY.fullmatch(address)
        return hidden[1] if hidden else None


def _short(name: str) -> str:
    return name[:12] if re.fullmatch("[0-9a-f]{40}", name) else name


def _logins_by_address(commits: list[Commit]) -> dict[str, str]:
    return {
        commit.commit.author.email.lower(): login
        for commit in commits
        if (login := login_of(commit.author)) is not None
    }
