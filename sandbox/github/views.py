"""What each page shows: the values its template is filled with."""

from dataclasses import dataclass
from typing import Any

from sandbox.github.bare import BareRepository
from sandbox.github.hub import Hub
from sandbox.github.latest import latest_release
from sandbox.github.objects import Commit
from sandbox.github.records import ROLES, Account, Deployment, Pull, Repository
from sandbox.github.rules import (
    latest_check_runs,
    latest_statuses,
    merge_refusal,
    opinions,
    protected,
    verdicts,
)
from sandbox.github.timeline import merge_box, timeline

Values = dict[str, Any]
PER_PAGE = 40


class Missing(Exception):
    """There is nothing of that name to show."""


@dataclass(frozen=True)
class Person:
    login: str
    name: str
    note: str
    writes: bool


@dataclass
class View:
    """One repository as a visitor of its pages sees it; `base` is the server's own address."""

    hub: Hub
    repository: Repository
    base: str

    @property
    def git(self) -> BareRepository:
        return self.hub.git(self.repository.slug)

    def frame(self, tab: str, heading: str) -> Values:
        return {
            "repository": self.repository,
            "at": f"/{self.repository.slug}",
            "tab": tab,
            "heading": heading,
        }

    # -- small things many pages need

    def resolve(self, name: str) -> str:
        sha = self.git.resolve(name)
        if sha is None:
            raise Missing(f"{self.repository.slug} has no branch, tag or commit {name}")
        return sha

    def split_ref(self, rest: str) -> tuple[str, str]:
        """Take a path apart into a branch, tag or commit (which may contain slashes) and what follows."""
        parts = rest.strip("/").split("/")
        for end in range(len(parts), 0, -1):
            if self.git.resolve("/".join(parts[:end])):
                return "/".join(parts[:end]), "/".join(parts[end:])
        raise Missing(f"{self.repository.slug} has no branch, tag or commit {rest}")

    def login(self, commit: Commit) -> str | None:
        accounts = self.hub.state.accounts.values()
        return next((a.login for a in accounts if commit.author.email in {a.email, a.noreply}), None)

    def rows(self, shas: list[str]) -> list[tuple[Commit, str | None]]:
        return [(commit, self.login(commit)) for commit in self.git.commits(shas)]

    def running(self) -> list[tuple[str, Deployment]]:
        """The newest successful deployment of each environment."""
        good = [d for d in self.repository.deployments if d.statuses and d.statuses[-1].state == "success"]
        return sorted({d.environment: d for d in good}.items())

    # -- pages

    def home(self, ref: str, path: str) -> Values:
        sha = self.git.resolve(ref)
        entries = self.entries(sha, path) if sha else []
        if sha and path and not entries:
            raise Missing(f"{ref} has no folder {path}")
        readme = next((e["path"] for e in entries if e["name"].lower() == "readme.md"), None)
        commit = self.git.commit(sha) if sha else None
        return {
            **self.frame("Code", path or "Code"),
            "ref": ref,
            "path": path,
            "parent": path.rpartition("/")[0],
            "clone": f"{self.base}/{self.repository.slug}.git",
            "commit": commit,
            "login": self.login(commit) if commit else None,
            "entries": entries,
            "readme": self.file(sha or "", readme).decode(errors="replace") if readme else None,
            "latest": latest_release(self.repository),
            "open_pulls": [p for p in reversed(self.repository.pulls) if p.state == "open"],
            "running": self.running(),
        }

    def entries(self, sha: str, path: str) -> list[dict[str, str]]:
        where = [f"{path.rstrip('/')}/"] if path else []
        lines = self.git.run("ls-tree", "--full-tree", "-z", sha, "--", *where).split("\0")
        found = []
        for line in filter(None, lines):
            meta, _, name = line.partition("\t")
            kind = "dir" if meta.split()[1] == "tree" else "file"
            found.append({"type": kind, "path": name, "name": name.rpartition("/")[2]})
        return sorted(found, key=lambda entry: (entry["type"], entry["name"]))

    def file(self, sha: str, path: str) -> bytes:
        done = self.git.call("cat-file", "blob", f"{sha}:{path}")
        if done.returncode:
            raise Missing(f"there is no file {path}")
        return done.stdout

    def blob(self, ref: str, path: str) -> Values:
        data = self.file(self.resolve(ref), path)
        text = None if b"\0" in data else data.decode(errors="replace")
        where = {"ref": ref, "path": path, "parent": path.rpartition("/")[0]}
        return {**self.frame("Code", path), **where, "size": len(data), "text": text}

    def branches(self) -> Values:
        found = sorted(self.git.branches().items())
        base = self.git.resolve(f"heads/{self.repository.default_branch}")
        rows = []
        for name, sha in found:
            ahead, behind = self.git.ahead_behind(base, sha) if base else (0, 0)
            pulls = [p for p in self.repository.pulls if p.head_name == name]
            rows.append(
                {
                    "name": name,
                    "commit": self.git.commit(sha),
                    "protected": protected(self.repository, name),
                    "ahead": ahead,
                    "behind": behind,
                    "pull": pulls[-1] if pulls else None,
                }
            )
        return {**self.frame("Branches", "Branches"), "branches": rows}

    def commits(self, ref: str, page: int) -> Values:
        known = bool(self.git.refs())
        shas = self.git.history(self.resolve(ref)) if known else []
        shown = shas[(page - 1) * PER_PAGE : page * PER_PAGE]
        more = len(shas) > page * PER_PAGE
        frame = self.frame("Commits", f"Commits on {ref}")
        return {**frame, "ref": ref, "commits": self.rows(shown), "page": page, "more": more}

    def commit(self, name: str) -> Values:
        sha = self.resolve(name)
        commit = self.git.commit(sha)
        names = [n.split("/", 2)[2] for n, at in self.git.refs().items() if self.git.peel(at) == sha]
        pulls = [p for p in self.repository.pulls if sha in {p.merge_commit_sha, p.head_sha}]
        return {
            **self.frame("Commits", commit.title),
            "commit": commit,
            "login": self.login(commit),
            "text": commit.message.partition("\n")[2].strip(),
            "names": [n for n in names if not n.endswith("/head")],
            "pulls": pulls,
            "verdicts": verdicts(self.repository, sha),
            "changes": self.git.changes_of(sha),
        }

    def compare(self, base: str, head: str) -> Values:
        old, new = self.resolve(base), self.resolve(head)
        start = self.git.merge_base(old, new) or old
        ahead, behind = self.git.ahead_behind(old, new)
        return {
            **self.frame("Commits", f"{base}...{head}"),
            "base": base,
            "head": head,
            "ahead": ahead,
            "behind": behind,
            "commits": self.rows(self.git.between(old, new)[:PER_PAGE]),
            "changes": self.git.changes(start, new),
        }

    def pulls(self, state: str) -> Values:
        found = list(reversed(self.repository.pulls))
        counts = [(name, sum(p.state == name for p in found)) for name in ("open", "closed")]
        shown = [p for p in found if p.state == state]
        return {
            **self.frame("Pull requests", "Pull requests"),
            "state": state,
            "counts": counts,
            "pulls": shown,
        }

    def find_pull(self, number: int) -> Pull:
        for pull in self.repository.pulls:
            if pull.number == number:
                return pull
        raise Missing(f"{self.repository.slug} has no pull request #{number}")

    def pull(self, number: int, notice: str = "") -> Values:
        pull, repository = self.find_pull(number), self.repository
        start = self.git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
        refused = merge_refusal(self.hub, repository, pull, pull.user) if pull.state == "open" else None
        return {
            **self.frame("Pull requests", f"{pull.title} · Pull request #{number}"),
            "pull": pull,
            "notice": notice,
            "timeline": timeline(repository, pull),
            "merge": merge_box(self.hub, repository, pull, refused),
            "people": self.people(pull),
            "opinions": opinions(self.hub, repository, pull),
            "checks": self.checks(pull.head_sha),
            "deployments": [d for d in reversed(repository.deployments) if d.sha == pull.head_sha],
            "commits": self.rows(self.git.between(pull.base_sha, pull.head_sha)[:PER_PAGE]),
            "changes": self.git.changes(start, pull.head_sha),
        }

    def people(self, pull: Pull) -> list[Person]:
        """Who may be played on a pull request's page: everybody but bots and its author."""
        accounts = self.hub.state.accounts.values()
        return [self.person(a) for a in accounts if a.type == "User" and a.login != pull.user]

    def person(self, account: Account) -> Person:
        role = self.hub.role(self.repository, account.login)
        writes = ROLES.index(role) >= ROLES.index("write")
        teams = [team.name for team in self.hub.state.teams if account.login in team.members]
        note = ", ".join([*teams, f"role {role}"] + ([] if writes else ["a review does not count"]))
        return Person(account.login, account.name, note, writes)

    def checks(self, sha: str) -> list[dict[str, str | None]]:
        found: list[dict[str, str | None]] = [
            {"name": s.context, "word": s.state, "url": s.target_url, "text": s.description}
            for s in latest_statuses(self.repository, sha)
        ]
        for run in latest_check_runs(self.repository, sha):
            url = f"/{self.repository.slug}/runs/{run.id}"
            word = run.conclusion or run.status
            found.append({"name": run.name, "word": word, "url": url, "text": run.title})
        return found

    def releases(self) -> Values:
        found = sorted(
            self.repository.releases,
            key=lambda r: (r.draft, r.published_at or r.created_at, r.id),
            reverse=True,
        )
        latest = latest_release(self.repository)
        return {**self.frame("Releases", "Releases"), "releases": found, "latest": latest}

    def release(self, name: str) -> Values:
        for record in self.repository.releases:
            if name == (f"untagged-{record.id}" if record.draft else record.tag_name):
                sha = self.git.resolve(f"tags/{record.tag_name}")
                commit = self.git.commit(sha) if sha else None
                frame = self.frame("Releases", record.name or record.tag_name)
                latest = latest_release(self.repository)
                return {**frame, "release": record, "latest": latest, "commit": commit}
        raise Missing(f"{self.repository.slug} has no release {name}")

    def deployments(self) -> Values:
        found = list(reversed(self.repository.deployments))
        return {**self.frame("Deployments", "Deployments"), "deployments": found}

    def run(self, number: int) -> Values:
        for record in self.repository.check_runs:
            if record.id == number:
                return {**self.frame("Pull requests", record.name), "run": record}
        raise Missing(f"{self.repository.slug} has no check run {number}")
