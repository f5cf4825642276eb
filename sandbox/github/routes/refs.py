"""Refs and annotated tags."""

import re
from datetime import UTC, datetime

from sandbox.github.bare import ZERO
from sandbox.github.exchange import Answer, Call, Refused, not_found, route
from sandbox.github.moving import forbid_guarded, move
from sandbox.github.objects import Person
from sandbox.github.render import commits as render

R = "/repos/{owner}/{repo}"


def _existing(call: Call, missing: Refused) -> tuple[str, str]:
    refs = call.git.refs()
    name = f"refs/{call.parts['ref']}"
    if not refs:
        raise Refused(409, "Git Repository is empty.")
    if name not in refs:
        raise missing
    return name, refs[name]


def _no_reference() -> Refused:
    return Refused(422, "Reference does not exist")


@route("GET", R + "/git/ref/{ref:path}", "contents=read")
def get_ref(call: Call) -> Answer:
    return Answer(render.git_ref(call, *_existing(call, not_found())))


@route("GET", R + "/git/matching-refs/{ref:path}", "contents=read")
def list_matching_refs(call: Call) -> Answer:
    """All refs whose name begins like that: a prefix, not a folder."""
    prefix = f"refs/{call.parts['ref']}"
    found = sorted(item for item in call.git.refs().items() if item[0].startswith(prefix))
    return Answer([render.git_ref(call, name, sha) for name, sha in found])


@route("POST", R + "/git/refs", "contents=write")
def create_ref(call: Call) -> Answer:
    name, sha = call.text("ref"), call.text("sha")
    refs = call.git.refs()
    if not refs:
        raise Refused(409, "Git Repository is empty.")
    if not re.fullmatch("refs/[^/]+/.+", name) or not call.git.name_is_valid(name):
        raise Refused(422, f"{name} is not a valid ref name.")
    if name in refs:
        raise Refused(422, "Reference already exists")
    if call.git.type_of(sha) is None:
        raise Refused(422, "Object does not exist")
    forbid_guarded(call, name, ZERO, sha)
    move(call, name, sha)
    return Answer(render.git_ref(call, name, sha), 201, {"Location": f"{call.api}/git/{name}"})


@route("PATCH", R + "/git/refs/{ref:path}", "contents=write")
def update_ref(call: Call) -> Answer:
    name, old = _existing(call, _no_reference())
    new = call.text("sha")
    if call.git.type_of(new) is None:
        raise Refused(422, "Object does not exist")
    forbid_guarded(call, name, old, new)
    if not call.flag("force", default=False) and not call.git.is_ancestor(old, new):
        raise Refused(422, "Update is not a fast forward")
    move(call, name, new, old)
    return Answer(render.git_ref(call, name, new))


@route("DELETE", R + "/git/refs/{ref:path}", "contents=write")
def delete_ref(call: Call) -> Answer:
    name, old = _existing(call, _no_reference())
    if name == f"refs/heads/{call.repository.default_branch}":
        raise Refused(422, "Cannot delete the default branch")
    forbid_guarded(call, name, old, ZERO)
    move(call, name, ZERO, old)
    return Answer(status=204)


@route("GET", R + "/git/tags/{tag_sha}", "contents=read")
def get_tag(call: Call) -> Answer:
    sha = call.parts["tag_sha"]
    if call.git.type_of(sha) != "tag":
        raise not_found()
    return Answer(render.git_tag(call, sha))


@route("POST", R + "/git/tags", "contents=write")
def create_tag(call: Call) -> Answer:
    """Make a tag object; nothing points to it until a ref is made."""
    name, message, target, kind = (call.text(key) for key in ("tag", "message", "object", "type"))
    if call.git.type_of(target) != kind:
        raise Refused(422, "Object does not exist")
    who = _tagger(call)
    when = f"{int(who.date.timestamp())} {who.date:%z}"
    text = f"object {target}\ntype {kind}\ntag {name}\ntagger {who.name} <{who.email}> {when}\n\n{message}"
    sha = call.git.run("hash-object", "-t", "tag", "-w", "--stdin", stdin=f"{text.rstrip()}\n".encode())
    return Answer(render.git_tag(call, sha), 201, {"Location": f"{call.api}/git/tags/{sha}"})


def _tagger(call: Call) -> Person:
    sent = call.sent.get("tagger") or {}
    person = call.hub.person(call.login)
    date = sent.get("date")
    return Person(
        name=sent.get("name") or person.name,
        email=sent.get("email") or person.email,
        date=datetime.fromisoformat(date).astimezone(UTC) if date else person.date,
    )
