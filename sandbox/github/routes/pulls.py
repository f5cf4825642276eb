"""Pull requests: list, open, look, edit."""

from sandbox.github.exchange import Answer, Call, Refused, invalid, route
from sandbox.github.following import close, head_of, keep_head_ref
from sandbox.github.records import Pull
from sandbox.github.render import commits as render_commits
from sandbox.github.render import pulls as render

R = "/repos/{owner}/{repo}"
N = R + "/pulls/{pull_number:int}"


@route("GET", R + "/pulls", "pull_requests=read")
def list_pulls(call: Call) -> Answer:
    """A `head` without its owner is ignored, as on GitHub."""
    query = call.query
    found = list(call.repository.pulls)
    if (state := query.get("state", "open")) != "all":
        found = [p for p in found if p.state == state]
    if base := query.get("base"):
        found = [p for p in found if p.base_ref == base]
    if ":" in (head := query.get("head", "")):
        found = [p for p in found if head in {p.head_name, f"{call.repository.owner}:{p.head_name}"}]
    keys = {"updated": lambda p: (p.updated_at, p.number), "created": lambda p: (p.created_at, p.number)}
    sort = query.get("sort", "created")
    found.sort(key=keys.get(sort, keys["created"]), reverse=query.get("direction", "desc") == "desc")
    return Answer(call.paged(found, lambda pull: render.pull_simple(call, pull)))


@route("POST", R + "/pulls", "pull_requests=write", role="read")
def create_pull(call: Call) -> Answer:
    head_ref, base_ref = call.text("head").removeprefix(f"{call.repository.owner}:"), call.text("base")
    title, body = call.text("title"), call.maybe_text("body", 65536)
    fork = _fork(call, head_ref)
    head_ref = head_ref.rpartition(":")[2]
    head, base = _ends(call, head_ref, base_ref, fork)
    _forbid_second(call, head_ref, base_ref, fork)
    now = call.hub.now()
    pull = Pull(
        id=call.hub.new_id(),
        number=call.repository.next_number,
        title=title,
        body=body,
        user=call.login,
        draft=call.flag("draft", default=False),
        head_ref=head_ref,
        head_repo=fork,
        head_sha=head,
        base_ref=base_ref,
        base_sha=base,
        created_at=now,
        updated_at=now,
        maintainer_can_modify=call.flag("maintainer_can_modify", default=False),
    )
    call.repository.next_number += 1
    call.repository.pulls.append(pull)
    keep_head_ref(call.git, pull)
    location = f"{call.api}/pulls/{pull.number}"
    return Answer(render.pull_full(call, pull), 201, {"Location": location})


def _fork(call: Call, head: str) -> str | None:
    """The fork that `somebody:branch` is in; None for a branch of the repository itself."""
    owner = head.rpartition(":")[0]
    if not owner:
        return None
    forks = (r for r in call.hub.state.repositories.values() if r.parent == call.repository.slug)
    found = next((fork.slug for fork in forks if fork.owner == owner), None)
    if found is None:
        raise invalid("PullRequest", "head")
    return found


def _ends(call: Call, head_ref: str, base_ref: str, fork: str | None) -> tuple[str, str]:
    """The commits of both branches, if a pull request between them makes sense."""
    base = call.git.branches().get(base_ref)
    head = head_of(call.hub, call.repository, head_ref, fork)
    if base is None:
        raise invalid("PullRequest", "base")
    if head is None:
        raise invalid("PullRequest", "head")
    if call.git.is_ancestor(head, base):
        raise _custom(f"No commits between {base_ref} and {head_ref}")
    if call.git.merge_base(base, head) is None:
        raise _custom(f"The {head_ref} branch has no history in common with {base_ref}")
    return head, base


def _custom(message: str) -> Refused:
    error = {"resource": "PullRequest", "code": "custom", "message": message}
    return Refused(422, "Validation Failed", [error])


def _forbid_second(call: Call, head_ref: str, base_ref: str, fork: str | None) -> None:
    wanted = ("open", fork, head_ref, base_ref)
    for pull in call.repository.pulls:
        if (pull.state, pull.head_repo, pull.head_ref, pull.base_ref) == wanted:
            owner = (fork or call.repository.slug).partition("/")[0]
            raise _custom(f"A pull request already exists for {owner}:{head_ref}.")


@route("GET", N, "pull_requests=read")
def get_pull(call: Call) -> Answer:
    return Answer(render.pull_full(call, call.pull, looked=True))


@route("PATCH", N, "pull_requests=write", role="read")
def edit_pull(call: Call) -> Answer:
    pull = call.pull
    if pull.user != call.login and call.hub.role(call.repository, call.login) == "read":
        raise Refused(403, "Resource not accessible by personal access token")
    if title := call.maybe_text("title"):
        _rename(call, pull, title)
    if "body" in call.sent:
        pull.body = call.maybe_text("body", 65536)
    pull.maintainer_can_modify = call.flag("maintainer_can_modify", default=pull.maintainer_can_modify)
    if base := call.maybe_text("base"):
        _rebase(call, pull, base)
    if state := call.maybe_text("state"):
        _set_state(call, pull, state)
    pull.updated_at = call.hub.now()
    return Answer(render.pull_full(call, pull))


def _rename(call: Call, pull: Pull, title: str) -> None:
    if title != pull.title:
        rename = {"from": pull.title, "to": title}
        call.hub.note(call.repository, pull, "renamed", call.login, rename=rename)
        pull.title = title


def _rebase(call: Call, pull: Pull, base: str) -> None:
    if base == pull.base_ref:
        return
    if pull.state == "closed":
        raise _custom("Cannot change the base branch of a closed pull request.")
    _forbid_second(call, pull.head_ref, base, pull.head_repo)
    _, pull.base_sha = _ends(call, pull.head_ref, base, pull.head_repo)
    pull.base_ref = base
    call.hub.note(call.repository, pull, "base_ref_changed", call.login)


def _set_state(call: Call, pull: Pull, state: str) -> None:
    if state not in {"open", "closed"}:
        raise invalid("PullRequest", "state")
    if state == pull.state:
        return
    if state == "closed":
        close(call.hub, call.repository, pull, call.login)
        return
    _reopen(call, pull)


def _reopen(call: Call, pull: Pull) -> None:
    if pull.merged_at is not None:
        raise _custom("state cannot be changed. The pull request cannot be reopened.")
    if head_of(call.hub, call.repository, pull.head_ref, pull.head_repo) is None:
        raise _custom(f"state cannot be changed. The {pull.head_ref} branch has been deleted.")
    _forbid_second(call, pull.head_ref, pull.base_ref, pull.head_repo)
    pull.head_sha, pull.base_sha = _ends(call, pull.head_ref, pull.base_ref, pull.head_repo)
    keep_head_ref(call.git, pull)
    pull.state, pull.closed_at = "open", None
    call.hub.note(call.repository, pull, "reopened", call.login)


@route("GET", N + "/commits", "pull_requests=read")
def list_commits(call: Call) -> Answer:
    shas = call.git.between(call.pull.base_sha, call.pull.head_sha)
    return Answer(call.paged(shas[:250], lambda sha: render_commits.commit(call, sha)))


@route("GET", N + "/files", "pull_requests=read")
def list_files(call: Call) -> Answer:
    pull = call.pull
    start = call.git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    changes = call.git.changes(start, pull.head_sha)
    return Answer(call.paged(changes, lambda c: render_commits.file_change(call, c, pull.head_sha)))
