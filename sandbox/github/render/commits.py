"""Refs, tags, commits, comparisons, file changes, statuses and check runs.

Source: GitHub REST API description 2022-11-28, `git-ref`, `git-tag`, `git-commit`, `commit`,
`commit-comparison`, `diff-entry`, `status`, `combined-commit-status`, `check-run`.
"""

from datetime import UTC

from sandbox.github.exchange import Call
from sandbox.github.objects import Commit, FileChange, Person
from sandbox.github.records import Account, CheckRun, CommitStatus
from sandbox.github.render.people import Json, app, node_id, stamp, user
from sandbox.github.render.repository import minimal_repository

MOST_COMMITS = 250
MOST_FILES = 300
_UNSIGNED = {
    "verified": False,
    "reason": "unsigned",
    "signature": None,
    "payload": None,
    "verified_at": None,
}


def git_ref(call: Call, name: str, sha: str) -> Json:
    kind = call.git.type_of(sha)
    place = "tags" if kind == "tag" else "commits"
    return {
        "ref": name,
        "node_id": node_id("REF", name),
        "url": f"{call.api}/git/{name}",
        "object": {"sha": sha, "type": kind, "url": f"{call.api}/git/{place}/{sha}"},
    }


def git_tag(call: Call, sha: str) -> Json:
    tag = call.git.tag(sha)
    return {
        "node_id": node_id("TA", sha),
        "tag": tag.name,
        "sha": sha,
        "url": f"{call.api}/git/tags/{sha}",
        "message": tag.message,
        "tagger": _signature(tag.tagger),
        "object": {"sha": tag.object, "type": tag.type, "url": f"{call.api}/git/{tag.type}s/{tag.object}"},
        "verification": _UNSIGNED,
    }


def _signature(person: Person) -> Json:
    return {"name": person.name, "email": person.email, "date": stamp(person.date.astimezone(UTC))}


def git_commit(call: Call, sha: str) -> Json:
    commit = call.git.commit(sha)
    return {
        "sha": sha,
        "node_id": node_id("C", sha),
        "url": f"{call.api}/git/commits/{sha}",
        "html_url": f"{call.html}/commit/{sha}",
        "author": _signature(commit.author),
        "committer": _signature(commit.committer),
        "tree": _tree(call, commit),
        "message": commit.message,
        "parents": [_parent(call, parent, "git/commits") for parent in commit.parents],
        "verification": _UNSIGNED,
    }


def _tree(call: Call, commit: Commit) -> Json:
    return {"sha": commit.tree, "url": f"{call.api}/git/trees/{commit.tree}"}


def _parent(call: Call, sha: str, place: str) -> Json:
    return {"sha": sha, "url": f"{call.api}/{place}/{sha}", "html_url": f"{call.html}/commit/{sha}"}


def account_of(call: Call, person: Person) -> Account | None:
    """The account whose commit this is, by its address."""
    accounts = call.hub.state.accounts.values()
    return next((a for a in accounts if person.email in {a.email, a.noreply}), None)


def commit_user(call: Call, person: Person) -> Json | None:
    account = account_of(call, person)
    return user(call, account.login) if account else None


def commit(call: Call, sha: str) -> Json:
    record = call.git.commit(sha)
    return {
        "url": f"{call.api}/commits/{sha}",
        "sha": sha,
        "node_id": node_id("C", sha),
        "html_url": f"{call.html}/commit/{sha}",
        "comments_url": f"{call.api}/commits/{sha}/comments",
        "commit": {
            "url": f"{call.api}/git/commits/{sha}",
            "author": _signature(record.author),
            "committer": _signature(record.committer),
            "message": record.message,
            "comment_count": 0,
            "tree": _tree(call, record),
            "verification": _UNSIGNED,
        },
        "author": commit_user(call, record.author),
        "committer": commit_user(call, record.committer),
        "parents": [_parent(call, parent, "commits") for parent in record.parents],
    }


def commit_with_files(call: Call, sha: str) -> Json:
    changes = call.git.changes_of(sha)
    added, removed = sum(c.additions for c in changes), sum(c.deletions for c in changes)
    return {
        **commit(call, sha),
        "stats": {"additions": added, "deletions": removed, "total": added + removed},
        "files": [file_change(call, change, sha) for change in changes[:MOST_FILES]],
    }


def file_change(call: Call, change: FileChange, at: str) -> Json:
    name = change.filename
    entry: Json = {
        "sha": change.sha,
        "filename": name,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{call.html}/blob/{at}/{name}",
        "raw_url": f"{call.html}/raw/{at}/{name}",
        "contents_url": f"{call.api}/contents/{name}?ref={at}",
    }
    if change.patch:
        entry["patch"] = change.patch
    if change.previous:
        entry["previous_filename"] = change.previous
    return entry


def comparison(call: Call, names: str, base: str, head: str, merge_base: str) -> Json:
    git = call.git
    ahead, behind = git.ahead_behind(base, head)
    status = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
    between = git.between(base, head)
    git.commits([base, merge_base, *between[:MOST_COMMITS]])
    first_page = call.query.get("page", "1") == "1"
    return {
        "url": f"{call.api}/compare/{names}",
        "html_url": f"{call.html}/compare/{names}",
        "permalink_url": f"{call.html}/compare/{base}...{head}",
        "diff_url": f"{call.html}/compare/{names}.diff",
        "patch_url": f"{call.html}/compare/{names}.patch",
        "base_commit": commit(call, base),
        "merge_base_commit": commit(call, merge_base),
        "status": status.get((bool(ahead), bool(behind)), "diverged"),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": _compared_commits(call, between),
        "files": [file_change(call, c, head) for c in git.changes(merge_base, head)[:MOST_FILES]]
        if first_page
        else [],
    }


def _compared_commits(call: Call, between: list[str]) -> list[Json]:
    """250 commits, or a page of them when the request speaks of pages and their size."""
    if "per_page" not in call.query:
        call.links = ""
        return [commit(call, sha) for sha in between[:MOST_COMMITS]]
    return call.paged(between, lambda sha: commit(call, sha))


def commit_status(call: Call, record: CommitStatus) -> Json:
    return {
        **_status(call, record),
        "creator": user(call, record.creator),
    }


def _status(call: Call, record: CommitStatus) -> Json:
    return {
        "url": f"{call.api}/statuses/{record.sha}",
        "avatar_url": f"{call.base}/avatars/{record.creator}",
        "id": record.id,
        "node_id": node_id("SC", record.id),
        "state": record.state,
        "description": record.description,
        "target_url": record.target_url,
        "context": record.context,
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.created_at),
    }


def combined_status(call: Call, sha: str, latest: list[CommitStatus], state: str) -> Json:
    return {
        "state": state,
        "statuses": call.paged(latest, lambda record: _status(call, record)),
        "sha": sha,
        "total_count": len(latest),
        "repository": minimal_repository(call, call.repository),
        "commit_url": f"{call.api}/commits/{sha}",
        "url": f"{call.api}/commits/{sha}/status",
    }


def check_run(call: Call, record: CheckRun) -> Json:
    return {
        "id": record.id,
        "name": record.name,
        "node_id": node_id("CR", record.id),
        "head_sha": record.head_sha,
        "external_id": record.external_id or "",
        "url": f"{call.api}/check-runs/{record.id}",
        "html_url": f"{call.html}/runs/{record.id}",
        "details_url": record.details_url or f"{call.html}/runs/{record.id}",
        "status": record.status,
        "conclusion": record.conclusion,
        "started_at": stamp(record.started_at),
        "completed_at": stamp(record.completed_at),
        "output": {
            "title": record.title,
            "summary": record.summary,
            "text": record.text,
            "annotations_count": 0,
            "annotations_url": f"{call.api}/check-runs/{record.id}/annotations",
        },
        "check_suite": {"id": record.id},
        "app": app(call, slug="sandbox-ci"),
        "pull_requests": [],
    }
