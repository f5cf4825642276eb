"""Which release is the latest.

Source: GitHub REST API description 2022-11-28, `GET releases/latest` and the parameter `make_latest`: the one
marked so; else the newest by `created_at`, which is the date of the commit, and then by semantic version.
"""

import re

from sandbox.github.records import Release, Repository

_NUMBERS = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def latest_release(repository: Repository) -> Release | None:
    """Drafts and prereleases do not count; neither does a tag without a release."""
    published = [r for r in repository.releases if not r.draft and not r.prerelease]
    marked = [r for r in published if r.id == repository.latest_release]
    return marked[0] if marked else max(published, key=_order, default=None)


def _order(release: Release) -> tuple[float, tuple[int, ...], int]:
    found = _NUMBERS.match(release.tag_name)
    return release.created_at.timestamp(), tuple(map(int, found.groups())) if found else (), release.id


def mark(repository: Repository, release: Release, make_latest: str) -> None:
    """Apply `make_latest` to a published release: true marks it, false and legacy take the mark away."""
    if make_latest == "true" and not release.prerelease:
        repository.latest_release = release.id
    elif make_latest == "legacy" or repository.latest_release == release.id:
        repository.latest_release = None
