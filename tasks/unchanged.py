"""Of several bundles, those of which a release changes nothing: they are left on a target as they are.

Left alone is what would be deployed as it is there already: the target names a commit that the candidate contains and
that has the same files of the bundle, and its plan is empty. A plan alone does not see code.
"""

from tasks.rules.known_state import Recorded
from tasks.rules.plans import Plan
from tasks.rules.release import BundleRuns, Candidate, Release, Validated
from tasks.systems.git_repo import Mirror


def released_unchanged(
    release: Release,
    candidate: Candidate,
    bundle: Validated,
    plan: Plan,
    *,
    runs: str | None,
    recorded: Recorded | None,
) -> bool:
    """Whether production has the bundle as the last release left it, tested, and this one changes nothing of it.

    What was taken over by hand, or left by a release that stopped half way, is deployed and tested again.
    """
    if recorded is None or recorded.adopted:
        return False
    left = recorded.left(BundleRuns(bundle.bundle, bundle.root_path, runs))
    return left and same_there(release, candidate, bundle, plan, runs)


def same_there(
    release: Release, candidate: Candidate, bundle: Validated, plan: Plan, runs: str | None
) -> bool:
    """Whether a deploy of the bundle would change nothing on its target, code included."""
    mirror = Mirror(release.repository)
    if runs is None or runs == candidate.commit or not (bundle.sources and plan.empty and mirror.has(runs)):
        return False
    if not mirror.is_ancestor(runs, candidate.commit):
        return False
    return not changed_in(bundle, mirror.changed_files(runs, candidate.commit))


def changed_in(bundle: Validated, files: list[str]) -> list[str]:
    """Those of the files that the bundle is made of."""
    sources = bundle.sources or (bundle.bundle,)
    return [file for file in files if any(_inside(file, source) for source in sources)]


def version_at(release: Release, commit: str) -> str:
    """The version whose tag is on a commit, else the beginning of its number."""
    tags = Mirror(release.repository).tags().items()
    versions = (release.settings.version_of_tag(tag) for tag, at in tags if at == commit)
    return next((str(version) for version in versions if version is not None), commit[:12])


def _inside(file: str, source: str) -> bool:
    return source in {".", file} or file.startswith(f"{source}/")
