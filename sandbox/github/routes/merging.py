"""Merges: of a pull request, of a branch, of the base into a pull request."""

from sandbox.github.bare import ZERO, RefMoved
from sandbox.github.exchange import Answer, Call, Refused, not_found, route
from sandbox.github.following import follow, mark_merged
from sandbox.github.merges import Conflict, merge_commit, rebased_commits, squash_commit
from sandbox.github.moving import forbid_guarded, move
from sandbox.github.records import Pull, Repository
from sandbox.github.render import commits as render
from sandbox.github.rules import merge_refusal

R = "/repos/{owner}/{repo}"
N = R + "/pulls/{pull_number:int}"
NOT_MERGEABLE = "Pull Request is not mergeable"


@route("GET", N + "/merge", "pull_requests=read")
def is_merged(call: Call) -> Answer:
    if call.pull.merged_at is None:
        raise not_found()
    return Answer(status=204)


@route("PUT", N + "/merge", "contents=write")
def merge_pull(call: Call) -> Answer:
    """Merge for real: a commit of base and head, put on the base branch if that has not moved.

    405 says not now or never, 409 that the head is not the one the caller knows.
    """
    pull, method = call.pull, call.maybe_text("merge_method") or "merge"
    _forbid_merge(call, pull, method)
    base = call.git.ref(f"refs/heads/{pull.base_ref}") or ZERO
    try:
        made = _make_commit(call, pull, base, method)
        call.git.update_ref(f"refs/heads/{pull.base_ref}", made, base)
    except Conflict as error:
        raise Refused(405, NOT_MERGEABLE) from error
    except RefMoved as error:
        raise Refused(405, "Base branch was modified. Review and try the merge again.") from error
    pull.base_sha = base
    mark_merged(call.hub, call.repository, pull, made, call.login)
    _delete_merged_branch(call, pull)
    follow(call.hub, call.repository, call.login)
    return Answer({"sha": made, "merged": True, "message": "Pull Request successfully merged"})


def _forbid_merge(call: Call, pull: Pull, method: str) -> None:
    if pull.state == "closed":
        raise Refused(405, NOT_MERGEABLE)
    if pull.draft:
        raise Refused(405, "Pull Request is still a draft")
    expected = call.maybe_text("sha")
    if expected is not None and expected != pull.head_sha:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    _forbid_method(call.repository, method)
    if (refused := merge_refusal(call.hub, call.repository, pull, call.login, method)) is not None:
        raise Refused(405, refused)


def _forbid_method(repository: Repository, method: str) -> None:
    allowed = {
        "merge": (repository.allow_merge_commit, "Merge commits"),
        "squash": (repository.allow_squash_merge, "Squash merges"),
        "rebase": (repository.allow_rebase_merge, "Rebase merges"),
    }
    if method not in allowed:
        raise Refused(422, "Invalid request.\n\nInvalid property /merge_method.")
    is_allowed, words = allowed[method]
    if not is_allowed:
        raise Refused(405, f"{words} are not allowed on this repository.")


def _make_commit(call: Call, pull: Pull, base: str, method: str) -> str:
    git, author, by = call.git, call.hub.person(call.login), call.hub.web_flow()
    if method == "rebase":
        return rebased_commits(git, base, pull.head_sha, by)
    owner = (pull.head_repo or call.repository.slug).partition("/")[0]
    default = f"Merge pull request #{pull.number} from {owner}/{pull.head_ref}"
    if method == "squash":
        default = f"{pull.title} (#{pull.number})"
    title, text = call.maybe_text("commit_title") or default, call.maybe_text("commit_message")
    text = pull.title if text is None and method == "merge" else text
    make = merge_commit if method == "merge" else squash_commit
    return make(git, base, pull.head_sha, f"{title}\n\n{text or ''}".strip() + "\n", author, by)


def _delete_merged_branch(call: Call, pull: Pull) -> None:
    if pull.head_repo:
        return
    name = f"refs/heads/{pull.head_ref}"
    wanted = call.repository.delete_branch_on_merge and pull.head_ref != call.repository.default_branch
    if wanted and pull.head_ref not in call.repository.protections and call.git.ref(name) == pull.head_sha:
        call.git.update_ref(name, ZERO, pull.head_sha)


@route("PUT", N + "/update-branch", "pull_requests=write")
def update_branch(call: Call) -> Answer:
    pull = call.pull
    expected = call.maybe_text("expected_head_sha")
    if expected is not None and expected != pull.head_sha:
        raise Refused(422, "expected head sha didn't match current head ref.")
    base = call.git.ref(f"refs/heads/{pull.base_ref}")
    if pull.head_repo:
        raise Refused(403, "Resource not accessible by personal access token")
    if pull.state == "closed" or base is None or call.git.is_ancestor(base, pull.head_sha):
        raise Refused(422, "There are no new commits on the base branch.")
    message = f"Merge branch '{pull.base_ref}' into {pull.head_ref}"
    try:
        made = merge_commit(
            call.git, pull.head_sha, base, message, call.hub.person(call.login), call.hub.web_flow()
        )
    except Conflict as error:
        raise Refused(422, "merge conflict between base and head") from error
    name = f"refs/heads/{pull.head_ref}"
    forbid_guarded(call, name, pull.head_sha, made)
    move(call, name, made, pull.head_sha)
    url = f"{call.api}/pulls/{pull.number}"
    return Answer({"message": "Updating pull request branch.", "url": url}, 202)


@route("POST", R + "/merges", "contents=write")
def merge_branch(call: Call) -> Answer:
    """Merge a branch or commit into a branch: 201 with the commit, or 204 when it is in already."""
    base_name, head_name = call.text("base"), call.text("head")
    base, head = call.git.branches().get(base_name), call.git.resolve(head_name)
    if base is None:
        raise Refused(404, "Base does not exist")
    if head is None:
        raise Refused(404, "Head does not exist")
    if call.git.is_ancestor(head, base):
        return Answer(status=204)
    message = call.maybe_text("commit_message") or f"Merge {head_name} into {base_name}"
    try:
        made = merge_commit(call.git, base, head, message, call.hub.person(call.login), call.hub.web_flow())
    except Conflict as error:
        raise Refused(409, "Merge conflict") from error
    name = f"refs/heads/{base_name}"
    forbid_guarded(call, name, base, made)
    move(call, name, made, base)
    return Answer(render.commit_with_files(call, made), 201)
