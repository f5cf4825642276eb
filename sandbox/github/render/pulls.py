"""Pull requests, reviews, comments, labels and events.

Source: GitHub REST API description 2022-11-28, `pull-request`, `pull-request-simple`, `pull-request-review`,
`issue-comment`, `label`, `issue-event`.
"""

from sandbox.github.exchange import Call
from sandbox.github.mergeability import look
from sandbox.github.records import Comment, Event, Label, Pull, Review
from sandbox.github.render.people import Json, association, maybe_user, node_id, stamp, team, user
from sandbox.github.render.repository import plain_repository


def pull_simple(call: Call, pull: Pull) -> Json:
    """A pull request as it stands in a list."""
    api, issue = f"{call.api}/pulls/{pull.number}", f"{call.api}/issues/{pull.number}"
    html = f"{call.html}/pull/{pull.number}"
    urls = {
        "html_url": html,
        "issue_url": issue,
        "commits_url": f"{api}/commits",
        "review_comments_url": f"{api}/comments",
        "review_comment_url": f"{call.api}/pulls/comments{{/number}}",
        "comments_url": f"{issue}/comments",
        "statuses_url": f"{call.api}/statuses/{pull.head_sha}",
    }
    links = {
        name: urls[f"{name}_url"]
        for name in ("issue", "commits", "comments", "review_comments", "review_comment")
    }
    links |= {"self": api, "html": html, "statuses": urls["statuses_url"]}
    return {
        "url": api,
        "id": pull.id,
        "node_id": node_id("PR", pull.id),
        **urls,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "active_lock_reason": None,
        "title": pull.title,
        "user": user(call, pull.user),
        "body": pull.body,
        "labels": [label(call, record) for record in call.repository.labels if record.name in pull.labels],
        "milestone": None,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp(pull.closed_at),
        "merged_at": stamp(pull.merged_at),
        "merge_commit_sha": pull.merge_commit_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [user(call, login) for login in pull.reviewers],
        "requested_teams": [team(call, t) for t in call.hub.state.teams if t.slug in pull.teams],
        "head": _end(call, pull.head_ref, pull.head_sha, pull.head_repo),
        "base": _end(call, pull.base_ref, pull.base_sha),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": association(call, pull.user),
        "auto_merge": None,
        "draft": pull.draft,
    }


def _end(call: Call, ref: str, sha: str, fork: str | None = None) -> Json:
    """One end of a pull request; the repository is null where a fork was deleted."""
    repository = call.hub.state.repositories.get(fork) if fork else call.repository
    owner = (fork or call.repository.slug).partition("/")[0]
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(call, owner),
        "repo": plain_repository(call, repository) if repository else None,
    }


def pull_full(call: Call, pull: Pull, *, looked: bool = False) -> Json:
    """A pull request by itself. `looked` says that this is a look that makes GitHub find out `mergeable`."""
    base = pull.base_sha if call.git.merge_base(pull.base_sha, pull.head_sha) else pull.head_sha
    commits = call.git.between(base, pull.head_sha)
    changes = call.git.changes(call.git.merge_base(base, pull.head_sha) or base, pull.head_sha)
    found = look(call.hub, call.repository, pull, counts=looked)
    return {
        **pull_simple(call, pull),
        "merged": pull.merged_at is not None,
        "mergeable": found.mergeable,
        "rebaseable": found.mergeable,
        "mergeable_state": found.state,
        "merged_by": maybe_user(call, pull.merged_by),
        "comments": sum(comment.number == pull.number for comment in call.repository.comments),
        "review_comments": 0,
        "maintainer_can_modify": pull.maintainer_can_modify,
        "commits": len(commits),
        "additions": sum(change.additions for change in changes),
        "deletions": sum(change.deletions for change in changes),
        "changed_files": len(changes),
    }


def review(call: Call, record: Review) -> Json:
    html = f"{call.html}/pull/{record.number}#pullrequestreview-{record.id}"
    api = f"{call.api}/pulls/{record.number}"
    return {
        "id": record.id,
        "node_id": node_id("PRR", record.id),
        "user": user(call, record.user) if record.user in call.hub.state.accounts else None,
        "body": record.body,
        "state": record.state,
        "html_url": html,
        "pull_request_url": api,
        "author_association": association(call, record.user),
        "_links": {"html": {"href": html}, "pull_request": {"href": api}},
        **({} if record.state == "PENDING" else {"submitted_at": stamp(record.submitted_at)}),
        "commit_id": record.commit_id,
    }


def comment(call: Call, record: Comment) -> Json:
    return {
        "id": record.id,
        "node_id": node_id("IC", record.id),
        "url": f"{call.api}/issues/comments/{record.id}",
        "html_url": f"{call.html}/pull/{record.number}#issuecomment-{record.id}",
        "issue_url": f"{call.api}/issues/{record.number}",
        "body": record.body,
        "user": user(call, record.user),
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.updated_at),
        "author_association": association(call, record.user),
        "performed_via_github_app": None,
    }


def label(call: Call, record: Label) -> Json:
    return {
        "id": record.id,
        "node_id": node_id("LA", record.id),
        "url": f"{call.api}/labels/{record.name}",
        "name": record.name,
        "description": record.description,
        "color": record.color,
        "default": False,
        "archived_at": None,
        "archived_by": None,
    }


def event(call: Call, record: Event) -> Json:
    people = {"requested_reviewer", "review_requester"}
    details = {k: user(call, v) if k in people else v for k, v in record.details.items()}
    commit_url = f"{call.api}/commits/{record.commit_id}" if record.commit_id else None
    return {
        "id": record.id,
        "node_id": node_id("EV", record.id),
        "url": f"{call.api}/issues/events/{record.id}",
        "actor": user(call, record.actor),
        "event": record.event,
        "commit_id": record.commit_id,
        "commit_url": commit_url,
        "created_at": stamp(record.created_at),
        "performed_via_github_app": None,
        **details,
    }
