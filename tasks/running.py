"""What a target runs now, by what its workspace says."""

from tasks.bundles import bundle_clis, deployer_of, validated, workspace_of
from tasks.rules.phases import Phase
from tasks.rules.release import BundleRuns, Candidate, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.versions import Version
from tasks.standing import settings_at
from tasks.systems.git_repo import Mirror


def running_bundles(
    mirror: Mirror, settings: ReleaseSettings, commit: str, target: str
) -> tuple[BundleRuns, ...]:
    """What the target runs of each bundle that `commit` has, in the order in which they are deployed.

    Raises:
        TryAgain: the workspace does not answer.
        NeedsHuman: the bundles at that commit are not valid, or a deployment there names no commit.
    """
    subject = Release(
        mirror.repository, Version(0, 0, 0), Phase.PLANNED, settings, commit, requested_by="", reason=""
    )
    candidate = Candidate(commit, mirror.tree(commit), settings_at(mirror, commit))
    deployer = deployer_of(target)
    with bundle_clis(subject, candidate, target) as clis:
        found = [validated(cli, deployer=deployer) for cli in clis]
    workspace = workspace_of(target)
    return tuple(BundleRuns(v.bundle, v.root_path, workspace.deployed_commit(v.root_path)) for v in found)


def commits_of(runs: tuple[BundleRuns, ...]) -> tuple[str, ...]:
    """The commits that bundles name, each once."""
    return tuple(sorted({one.commit for one in runs if one.commit}))
