"""Releases and their assets.

Source: GitHub REST API description 2022-11-28, `release`, `release-asset`.
"""

from sandbox.github.exchange import Call
from sandbox.github.records import Asset, Release
from sandbox.github.render.people import Json, node_id, stamp, user


def release(call: Call, record: Release) -> Json:
    """A release; drafts have a page of their own name, because their tag may not exist."""
    url = f"{call.api}/releases/{record.id}"
    place = _place(record)
    packed = None if record.draft else record.tag_name
    return {
        "url": url,
        "html_url": f"{call.html}/releases/tag/{place}",
        "assets_url": f"{url}/assets",
        "upload_url": f"{url}/assets{{?name,label}}",
        "tarball_url": packed and f"{call.api}/tarball/{packed}",
        "zipball_url": packed and f"{call.api}/zipball/{packed}",
        "id": record.id,
        "node_id": node_id("RE", record.id),
        "tag_name": record.tag_name,
        "target_commitish": record.target_commitish,
        "name": record.name,
        "body": record.body,
        "draft": record.draft,
        "prerelease": record.prerelease,
        "immutable": call.repository.immutable_releases and not record.draft,
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.updated_at),
        "published_at": stamp(record.published_at),
        "author": user(call, record.author),
        "assets": [asset(call, record, item) for item in record.assets],
    }


def _place(record: Release) -> str:
    return f"untagged-{record.id}" if record.draft else record.tag_name


def asset(call: Call, record: Release, item: Asset) -> Json:
    return {
        "url": f"{call.api}/releases/assets/{item.id}",
        "browser_download_url": f"{call.html}/releases/download/{_place(record)}/{item.name}",
        "id": item.id,
        "node_id": node_id("RA", item.id),
        "name": item.name,
        "label": item.label,
        "state": item.state,
        "content_type": item.content_type,
        "size": item.size,
        "digest": item.digest,
        "download_count": 0,
        "created_at": stamp(item.created_at),
        "updated_at": stamp(item.created_at),
        "uploader": user(call, item.uploader),
    }
