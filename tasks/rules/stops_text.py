"""What people read about production that stopped half way, and about what was decided then."""

from collections.abc import Sequence

from tasks.rules.labels import sha
from tasks.rules.markdown import code, escaped, fenced, limited
from tasks.rules.outcomes import Stopped
from tasks.rules.release import BundleRuns, Release
from tasks.rules.texts import marker

LOG = "see the run's log"

_NEXT = (
    "somebody decides, in Prefect or by `dabflow decide {name} DECISION --reason TEXT`. Until then nothing else goes"
    " to production, except a hotfix or a rollback that says so."
)
_OVER = (
    "nothing for this release: it is never published. Its tag `{tag}` and `{branch}` stay as they are; the next"
    " release starts from what production really runs."
)


def stop_description(
    release: Release, stop: Stopped, *, runs: Sequence[BundleRuns], missing: str = ""
) -> str:
    """What the operator reads above the form."""
    lines = [
        f"## {release.title} stopped half way in production",
        "",
        *([f"**{missing}**", ""] if missing else []),
        *_what_is_so(stop, runs),
        "",
        *_choices(release),
    ]
    return limited("\n".join(lines) + "\n", rest=LOG)


def stopped_comment(release: Release, stop: Stopped, *, runs: Sequence[BundleRuns]) -> str:
    """The control comment while nobody has decided yet."""
    lines = [
        marker(release),
        f"### {release.title}: stopped half way in production",
        "",
        f"**Next:** {_NEXT.format(name=release.name)}",
        "",
        *_what_is_so(stop, runs),
        "",
        *_choices(release),
        *_run(release),
    ]
    return limited("\n".join(lines) + "\n", rest=LOG)


def abandoned_comment(
    release: Release, reason: str, *, runs: Sequence[BundleRuns], overtaken_by: str = ""
) -> str:
    """The control comment about a release that stays merged and tagged, and is never published."""
    why = f"{overtaken_by} went to production instead and contains it" if overtaken_by else reason
    lines = [
        marker(release),
        f"### {release.title}: abandoned",
        "",
        f"**Next:** {_OVER.format(tag=release.tag, branch=release.settings.branches.production)}",
        "",
        f"Why: {escaped(why)}",
        "",
        _truth(runs),
        *_run(release),
    ]
    return limited("\n".join(lines) + "\n", rest=LOG)


def _what_is_so(stop: Stopped, runs: Sequence[BundleRuns]) -> list[str]:
    return [f"Commit {sha(stop.commit)}:", "", fenced(stop.problem), "", _truth(runs)]


def _truth(runs: Sequence[BundleRuns]) -> str:
    """What production says itself; a deploy that was cut off may have changed more than its metadata tells."""
    commits = sorted({one.commit for one in runs if one.commit})
    if not commits:
        return "What production runs could not be read there: look at the workspace."
    named = sha(commits[0])
    if len(runs) > 1:
        named = ", ".join(
            f"{sha(one.commit) if one.commit else 'nothing'} for {code(one.bundle)}" for one in runs
        )
    return f"Production's own metadata names {named}; single resources may be ahead of it."


def _choices(release: Release) -> list[str]:
    return [
        "- `retry`: the same again; what is done already is not done twice",
        "- `roll back`: production goes back to the version before; its plan is shown and approved first",
        f"- `abandon`: {release.version} stays merged and tagged, and is never published",
    ]


def _run(release: Release) -> list[str]:
    return ["", f"[Run in Prefect]({release.run_url})"] if release.run_url else []
