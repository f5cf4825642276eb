"""The repository itself, in full and short.

Source: GitHub REST API description 2022-11-28, `full-repository`, `minimal-repository`.
"""

from sandbox.github.exchange import Call
from sandbox.github.records import Repository
from sandbox.github.render.people import Json, node_id, permissions, stamp, user

_URLS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def minimal_repository(call: Call, record: Repository) -> Json:
    api = f"{call.base}/repos/{record.slug}"
    return {
        "id": record.id,
        "node_id": node_id("R", record.id),
        "name": record.name,
        "full_name": record.slug,
        "owner": user(call, record.owner),
        "private": record.private,
        "html_url": f"{call.base}/{record.slug}",
        "description": record.description,
        "fork": record.parent is not None,
        "url": api,
        **{name: api + tail for name, tail in _URLS.items()},
    }


def plain_repository(call: Call, record: Repository) -> Json:
    """The repository as it stands inside pull requests: no settings, no permissions."""
    open_pulls = sum(pull.state == "open" for pull in record.pulls)
    html = f"{call.base}/{record.slug}"
    zeros = ("forks_count", "forks", "stargazers_count", "watchers_count", "watchers", "size")
    return {
        **minimal_repository(call, record),
        "git_url": f"{html}.git",
        "ssh_url": f"ssh://git@{call.base.partition('//')[2]}/{record.slug}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        **dict.fromkeys(("mirror_url", "homepage", "language", "license")),
        **dict.fromkeys(zeros, 0),
        "default_branch": record.default_branch,
        "open_issues_count": open_pulls,
        "open_issues": open_pulls,
        "is_template": False,
        "topics": [],
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": False,
        "has_discussions": False,
        "archived": False,
        "disabled": False,
        "visibility": "private" if record.private else "public",
        "pushed_at": stamp(record.pushed_at),
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.updated_at),
        "allow_forking": False,
        "web_commit_signoff_required": False,
    }


def full_repository(call: Call, record: Repository) -> Json:
    return {
        **plain_repository(call, record),
        "permissions": permissions(call.hub.role(record, call.login)),
        "allow_merge_commit": record.allow_merge_commit,
        "allow_squash_merge": record.allow_squash_merge,
        "allow_rebase_merge": record.allow_rebase_merge,
        "allow_auto_merge": record.allow_auto_merge,
        "delete_branch_on_merge": record.delete_branch_on_merge,
        "allow_update_branch": True,
        "merge_commit_title": "MERGE_MESSAGE",
        "merge_commit_message": "PR_TITLE",
        "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
        "squash_merge_commit_message": "COMMIT_MESSAGES",
        "organization": user(call, record.owner),
        "subscribers_count": 0,
        "network_count": 0,
    }
