"""What the original pull request of a hotfix is told when its fix is in production."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.rules.fixes import some
from tasks.rules.markdown import code, escaped, link
from tasks.rules.release import Release


@dataclass(frozen=True)
class Told:
    """What became of the original pull request: `number` and `url` are of the hotfix's own one and its release.

    `closed`: it was open, and is closed now. `lacking` are its commits that the hotfix does not have. `kept` says why
    its branch is still there, "" where it is deleted.
    """

    number: int
    url: str
    closed: bool = False
    lacking: Sequence[str] = ()
    kept: str = ""


def origin_marker(release: Release) -> str:
    """The first line of our comment on the original pull request; there is one for each hotfix of it."""
    return f"<!-- dabflow-hotfix:{release.key} -->"


def origin_comment(release: Release, told: Told) -> str:
    """The comment that says where the fix is now, and what becomes of the pull request and its branch."""
    fix, version = release.fix, release.version
    by = f", asked for by @{release.requested_by}" if release.requested_by else ""
    why = f": {escaped(release.reason)}" if release.reason else ""
    run = f" ([run in Prefect]({release.run_url}))" if release.run_url else ""
    lines = [
        origin_marker(release),
        f"### In production with {version}",
        "",
        f"The hotfix {link(str(version), told.url)} brought this to production by #{told.number}{by}{why}{run}.",
    ]
    if told.closed:
        develop = code(release.settings.branches.develop)
        lines += ["", f"{develop} gets it from there, by a back-merge, so this pull request is closed."]
    if told.lacking:
        lines += [
            "",
            f"It has commits that {version} does not have ({some(told.lacking)}), so it is left open.",
        ]
    branch = code(fix.branch if fix else "")
    lines += ["", f"The branch {branch} is kept: {told.kept}." if told.kept else _deleted(branch, version)]
    return "\n".join(lines) + "\n"


def _deleted(branch: str, version: object) -> str:
    return f"The branch {branch} is deleted: {version} has all that was on it."
