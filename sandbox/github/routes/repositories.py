"""The repository and its branches."""

from sandbox.github.exchange import Answer, Call, Refused, not_found, route
from sandbox.github.render import commits, protection
from sandbox.github.render.repository import full_repository
from sandbox.github.rules import protected

R = "/repos/{owner}/{repo}"


@route("GET", R)
def get_repository(call: Call) -> Answer:
    return Answer(full_repository(call, call.repository))


@route("GET", R + "/branches", "contents=read")
def list_branches(call: Call) -> Answer:
    def short(branch: tuple[str, str]) -> dict[str, object]:
        name, sha = branch
        is_protected = protected(call.repository, name)
        return {
            "name": name,
            "commit": {"sha": sha, "url": f"{call.api}/commits/{sha}"},
            "protected": is_protected,
            "protection": protection.summary(call, name),
            "protection_url": f"{call.api}/branches/{name}/protection",
        }

    wanted = call.query.get("protected")
    found = sorted(call.git.branches().items())
    if wanted is not None:
        found = [b for b in found if protected(call.repository, b[0]) == (wanted == "true")]
    return Answer(call.paged(found, short))


@route("GET", R + "/branches/{branch:path}", "contents=read")
def get_branch(call: Call) -> Answer:
    name = call.parts["branch"]
    sha = call.git.branches().get(name)
    if sha is None:
        raise Refused(404, "Branch not found")
    url = f"{call.api}/branches/{name}"
    body = {
        "name": name,
        "commit": commits.commit(call, sha),
        "_links": {"self": url, "html": f"{call.html}/tree/{name}"},
        "protected": protected(call.repository, name),
        "protection": protection.summary(call, name),
        "protection_url": f"{url}/protection",
    }
    return Answer(body)


@route("GET", R + "/tags")
def list_tags(call: Call) -> Answer:
    def render(tag: tuple[str, str]) -> dict[str, object]:
        name, sha = tag
        commit = call.git.peel(sha) or sha
        return {
            "name": name,
            "commit": {"sha": commit, "url": f"{call.api}/commits/{commit}"},
            "zipball_url": f"{call.api}/zipball/refs/tags/{name}",
            "tarball_url": f"{call.api}/tarball/refs/tags/{name}",
            "node_id": f"REF_{name}",
        }

    return Answer(call.paged(sorted(call.git.tags().items(), reverse=True), render))


@route("GET", R + "/immutable-releases", "administration=read", role="read")
def get_immutable_releases(call: Call) -> Answer:
    """200 when the switch is on; GitHub says 404 when it is off."""
    if not call.repository.immutable_releases:
        raise not_found()
    return Answer({"enabled": True, "enforced_by_owner": False})
