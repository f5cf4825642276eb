"""Branches and tags of the repository on GitHub."""

from datetime import UTC, datetime

from github import InputGitAuthor

from tasks.systems.github_client import NOT_FOUND, GitHubClient, Refused


class Refs(GitHubClient):
    """The repository's branches and tags."""

    def ref(self, name: str) -> str | None:
        """The commit of `heads/x` or `tags/x` (peeled), or None where there is no such ref."""
        repo = self._repo
        try:
            with self._asking(f"reading {name}"):
                found = repo.get_git_ref(name)
                if found.object.type == "tag":
                    return repo.get_git_tag(found.object.sha).object.sha
                return found.object.sha
        except Refused as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def is_protected(self, branch: str) -> bool:
        """Whether rules of the repository protect a branch; false where there is none of that name."""
        repo = self._repo
        try:
            with self._asking(f"reading the branch {branch}"):
                found = repo.get_branch(branch)
        except Refused as error:
            if error.status == NOT_FOUND:
                return False
            raise
        return found.name == branch and found.protected

    def create_branch(self, name: str, at: str) -> None:
        with self._asking(f"creating branch {name}"):
            self._whole.create_git_ref(f"refs/heads/{name}", at)

    def delete_branch(self, name: str) -> None:
        with self._asking(f"deleting branch {name}"):
            self._whole.get_git_ref(f"heads/{name}").complete().delete()  # its own address is another one

    def create_tag(self, name: str, at: str, message: str, *, when: int) -> None:
        """Create an annotated tag; the same arguments always make the same tag object (`when`: Unix seconds)."""
        tagger = InputGitAuthor(
            "dabflow", "dabflow@users.noreply.github.com", datetime.fromtimestamp(when, UTC).isoformat()
        )
        with self._asking(f"creating tag {name}"):
            made = self._whole.create_git_tag(name, message, at, "commit", tagger=tagger)
            self._whole.create_git_ref(f"refs/tags/{name}", made.sha)
