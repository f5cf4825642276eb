"""What a target runs now, by what its workspace says."""

from tasks.bundles import bundle_clis, deployer_of, validated, workspace_of
from tasks.rules.phases import Phase
from tasks.rules.release import Candidate, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.versions import Version
from tasks.standing import settings_at
from tasks.systems.git_repo import Mirror


def running_commits(mirror: Mirror, settings: ReleaseSettings, commit: str, target: str) -> tuple[str, ...]:
    """The commits that the target's bundles name, each once; the bundles are those of `commit`.

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
        roots = [validated(cli, deployer=deployer).root_path for cli in clis]
    found = {workspace_of(target).deployed_commit(root) for root in roots}
    return tuple(sorted(commit for commit in found if commit))
