"""Releases: drafts, publishing, the latest one, notes, assets."""

import hashlib
import re

from sandbox.github.bare import ZERO
from sandbox.github.exchange import Answer, Call, invalid, not_found, route
from sandbox.github.latest import latest_release, mark
from sandbox.github.moving import forbid_guarded, move
from sandbox.github.records import ROLES, Asset, Release
from sandbox.github.render import releases as render

R = "/repos/{owner}/{repo}"
ONE = R + "/releases/{release_id:int}"


def _writes(call: Call) -> bool:
    return ROLES.index(call.hub.role(call.repository, call.login)) >= ROLES.index("write")


def _release(call: Call) -> Release:
    """The release of that number; drafts are seen by those who may write.

    Raises:
        Refused: 404.
    """
    for record in call.repository.releases:
        if record.id == call.number("release_id") and (not record.draft or _writes(call)):
            return record
    raise not_found()


@route("GET", R + "/releases", "contents=read")
def list_releases(call: Call) -> Answer:
    found = [r for r in call.repository.releases if not r.draft or _writes(call)]
    found.sort(key=lambda r: (r.draft, r.created_at, r.id), reverse=True)
    return Answer(call.paged(found, lambda record: render.release(call, record)))


@route("GET", R + "/releases/latest", "contents=read")
def get_latest(call: Call) -> Answer:
    found = latest_release(call.repository)
    if found is None:
        raise not_found()
    return Answer(render.release(call, found))


@route("GET", R + "/releases/tags/{tag:path}", "contents=read")
def get_by_tag(call: Call) -> Answer:
    for record in call.repository.releases:
        if record.tag_name == call.parts["tag"] and not record.draft:
            return Answer(render.release(call, record))
    raise not_found()


@route("GET", ONE, "contents=read")
def get_release(call: Call) -> Answer:
    return Answer(render.release(call, _release(call)))


@route("POST", R + "/releases", "contents=write")
def create_release(call: Call) -> Answer:
    """Drafts of one tag pile up, published releases do not; publishing makes the tag when there is none."""
    now, tag = call.hub.now(), call.text("tag_name")
    target = call.maybe_text("target_commitish") or call.repository.default_branch
    record = Release(
        id=call.hub.new_id(),
        tag_name=tag,
        target_commitish=target,
        name=call.maybe_text("name"),
        body=call.maybe_text("body"),
        draft=True,
        prerelease=call.flag("prerelease", default=False),
        created_at=now,
        updated_at=now,
        author=call.login,
    )
    _date(call, record)
    make_latest = _make_latest(call) or "true"
    if not call.flag("draft", default=False):
        _publish(call, record, make_latest)
    call.repository.releases.append(record)
    url = f"{call.api}/releases/{record.id}"
    return Answer(render.release(call, record), 201, {"Location": url})


def _date(call: Call, record: Release) -> None:
    """A release is as old as its commit, whenever it was published."""
    sha = call.git.resolve(f"tags/{record.tag_name}") or call.git.resolve(record.target_commitish)
    if sha is None:
        raise invalid("Release", "target_commitish")
    record.created_at = call.git.commit(sha).committer.date


def _make_latest(call: Call) -> str | None:
    value = call.maybe_text("make_latest")
    if value not in {None, "true", "false", "legacy"}:
        raise invalid("Release", "make_latest")
    return value


def _publish(call: Call, record: Release, make_latest: str) -> None:
    if any(
        r.tag_name == record.tag_name and not r.draft for r in call.repository.releases if r is not record
    ):
        raise invalid("Release", "tag_name", "already_exists")
    name = f"refs/tags/{record.tag_name}"
    if call.git.ref(name) is None:
        sha = call.git.resolve(record.target_commitish)
        if sha is None:
            raise invalid("Release", "target_commitish")
        if not call.git.name_is_valid(name):
            raise invalid("Release", "tag_name")
        forbid_guarded(call, name, ZERO, sha)
        move(call, name, sha)
    _date(call, record)
    record.draft, record.published_at = False, call.hub.now()
    mark(call.repository, record, make_latest)


@route("PATCH", ONE, "contents=write")
def edit_release(call: Call) -> Answer:
    record, sent = _release(call), call.sent
    make_latest = _make_latest(call)
    for key in ("name", "body"):
        if key in sent:
            setattr(record, key, call.maybe_text(key))
    for key in ("tag_name", "target_commitish"):
        if (value := call.maybe_text(key)) is not None:
            setattr(record, key, value)
    record.prerelease = call.flag("prerelease", default=record.prerelease)
    _change_draft(call, record, make_latest)
    record.updated_at = call.hub.now()
    return Answer(render.release(call, record))


def _change_draft(call: Call, record: Release, make_latest: str | None) -> None:
    draft = call.flag("draft", default=record.draft)
    if record.draft and not draft:
        _publish(call, record, make_latest or "true")
    elif draft:
        record.draft = True
        mark(call.repository, record, "false")
    elif make_latest is not None:
        mark(call.repository, record, make_latest)


@route("DELETE", ONE, "contents=write")
def delete_release(call: Call) -> Answer:
    """The tag stays."""
    record = _release(call)
    mark(call.repository, record, "false")
    call.repository.releases.remove(record)
    return Answer(status=204)


@route("POST", R + "/releases/generate-notes", "contents=write")
def generate_notes(call: Call) -> Answer:
    """Name the merged pull requests since the previous tag; nothing is stored."""
    tag, previous = call.text("tag_name"), call.maybe_text("previous_tag_name")
    target = call.maybe_text("target_commitish") or call.repository.default_branch
    end = call.git.resolve(f"tags/{tag}") or call.git.resolve(target)
    if end is None:
        raise invalid("Release", "target_commitish")
    if previous is None and (latest := latest_release(call.repository)) is not None:
        previous = latest.tag_name
    start = call.git.resolve(f"tags/{previous}") if previous else None
    if previous and start is None:
        raise invalid("Release", "previous_tag_name")
    commits = set(call.git.between(start, end) if start else call.git.history(end))
    merged = [p for p in call.repository.pulls if p.merge_commit_sha in commits]
    lines = [f"* {p.title} by @{p.user} in {call.html}/pull/{p.number}" for p in merged]
    changes = ["## What's Changed", *lines, "", ""] if lines else []
    span = f"compare/{previous}...{tag}" if previous else f"commits/{tag}"
    body = "\n".join([*changes, f"**Full Changelog**: {call.html}/{span}"])
    return Answer({"name": tag, "body": body})


@route("GET", ONE + "/assets", "contents=read")
def list_assets(call: Call) -> Answer:
    record = _release(call)
    return Answer(call.paged(record.assets, lambda item: render.asset(call, record, item)))


@route("GET", R + "/releases/assets/{asset_id:int}", "contents=read")
def get_asset(call: Call) -> Answer:
    """What is known about a file, or the way to the file itself when that is asked for."""
    record, item = _asset(call)
    shown = render.asset(call, record, item)
    if call.headers.get("accept") != "application/octet-stream":
        return Answer(shown)
    if item.state != "uploaded":
        raise not_found()
    return Answer(status=302, headers={"Location": shown["browser_download_url"]})


@route("DELETE", R + "/releases/assets/{asset_id:int}", "contents=write")
def delete_asset(call: Call) -> Answer:
    record, item = _asset(call)
    record.assets.remove(item)
    return Answer(status=204)


def _asset(call: Call) -> tuple[Release, Asset]:
    for record in call.repository.releases:
        for item in record.assets:
            if item.id == call.number("asset_id") and (not record.draft or _writes(call)):
                return record, item
    raise not_found()


@route("POST", ONE + "/assets", "contents=write")
def upload_asset(call: Call) -> Answer:
    record, name = _release(call), call.query.get("name", "")
    if not re.fullmatch(r"[\w.+-]+", name) or name.startswith("."):
        raise invalid("ReleaseAsset", "name")
    if any(item.name == name for item in record.assets):
        raise invalid("ReleaseAsset", "name", "already_exists")
    item = Asset(
        id=call.hub.new_id(),
        name=name,
        label=call.query.get("label"),
        content_type=call.headers.get("content-type", "application/octet-stream"),
        size=len(call.raw),
        digest=f"sha256:{hashlib.sha256(call.raw).hexdigest()}",
        uploader=call.login,
        created_at=call.hub.now(),
    )
    folder = call.hub.home / "assets"
    folder.mkdir(exist_ok=True)
    (folder / str(item.id)).write_bytes(call.raw)
    record.assets.append(item)
    return Answer(render.asset(call, record, item), 201)
