"""Where the releases of a repository stand: git, GitHub, the workspaces and Prefect, looked at together."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from deployments.prefect_api import PrefectApi, connected
from deployments.runs import Run
from tasks.bundles import bundle_clis, deployer_of, validated, workspace_of
from tasks.evidence import chain_in
from tasks.plan_release import known_of
from tasks.rules.errors import NeedsHuman, ReleaseError
from tasks.rules.evidence import blocked
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, STAGING, Candidate, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.versions import Version
from tasks.standing import branch_of, current_pull_request, phase_now, production_settings, settings_at
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo


@dataclass(frozen=True)
class Standing:
    """One release: its phase, its pull request's page ("" if none), its newest run, what that run still misses.

    `blocked` says by whom and why nothing of it may be approved, "" where nobody blocked it.
    """

    version: str
    phase: Phase
    pull_request: str
    run: Run | None
    missing: str = ""
    blocked: str = ""


@dataclass(frozen=True)
class Environment:
    """What an environment runs: by GitHub's last successful record, and by the workspace itself.

    `running` is the workspace's commit, "" where it could not be asked; `problem` says why not.
    """

    name: str
    target: str
    version: str
    recorded: str
    running: str
    problem: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether somebody deployed something else than the last release did."""
        return bool(self.recorded and self.running) and self.recorded != self.running


@dataclass(frozen=True)
class Overview:
    """Everything that `dabflow status` tells.

    `news`: develop holds what no release has. `beginning`: a run that has not chosen its version yet.
    """

    repository: str
    released: str
    news: bool
    standings: tuple[Standing, ...]
    environments: tuple[Environment, ...]
    prefect_problem: str = ""
    beginning: Run | None = None


def overview_of(repository: str, version: str | None = None) -> Overview:
    """Look at the repository now; at one version only, finished or not, if one is named.

    Prefect or a workspace that does not answer is told; the rest is told all the same.

    Raises:
        NeedsHuman: GitHub refuses us, or release.yaml has mistakes.
        TryAgain: GitHub does not answer.
    """
    mirror, hub = Mirror(repository).fetch(), GitHubRepo(repository)
    settings = production_settings(mirror)
    known, _ = known_of(mirror, hub, settings)
    versions = [Version.parse(version)] if version else list(known.unfinished)
    runs, beginning, problem = _runs(repository, versions)
    with ThreadPoolExecutor(2) as both:
        environments = both.map(lambda name: _environment(mirror, hub, settings, name), (STAGING, PRODUCTION))
        standings = tuple(_standing(mirror, hub, settings, v, runs.get(str(v))) for v in versions)
    return Overview(
        repository, str(known.finished or ""), known.news, standings, tuple(environments), problem, beginning
    )


def _runs(repository: str, versions: Sequence[Version]) -> tuple[dict[str, tuple[Run, str]], Run | None, str]:
    """The run of each version that matters now, with what it still misses; one that begins; why Prefect cannot say."""
    found: dict[str, tuple[Run, str]] = {}
    try:
        with connected() as api:
            for version in map(str, versions):
                runs = api.runs(repository, version)
                if runs:
                    run = next((r for r in runs if not r.ended), runs[0])
                    found[version] = (run, _missing(api, run))
            return found, api.beginning(repository), ""
    except ReleaseError as error:
        return {}, None, error.problem


def _missing(api: PrefectApi, run: Run) -> str:
    waiting = api.waiting(run.id) if run.waits else None
    return waiting.missing if waiting else ""


def _standing(
    mirror: Mirror,
    hub: GitHubRepo,
    settings: ReleaseSettings,
    version: Version,
    run: tuple[Run, str] | None,
) -> Standing:
    branch = branch_of(mirror, settings, version)
    pull = current_pull_request(hub, branch, settings.branches.production, mirror.branches().get(branch))
    return Standing(
        version=str(version),
        phase=phase_now(mirror, hub, settings, version),
        pull_request=pull.url if pull else "",
        run=run[0] if run else None,
        missing=run[1] if run else "",
        blocked=_blocked(mirror, version),
    )


def _blocked(mirror: Mirror, version: Version) -> str:
    """Who blocked it and why; what is wrong with evidence that cannot be read blocks as well."""
    try:
        block = blocked(chain_in(mirror, version))
    except NeedsHuman as error:
        return error.problem
    return f"by {block.by}: {block.reason}" if block else ""


def _environment(mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings, name: str) -> Environment:
    target = settings.targets.production if name == PRODUCTION else settings.targets.staging
    record = hub.newest_successful_deployment(name)
    if record is None:
        return Environment(name, target, "", "", "", "no release was deployed there yet")
    released = str(record.payload.get("release", "")).rpartition("@")[2]
    version = released or str(record.payload.get("version", ""))
    try:
        running = _running(mirror, settings, record.sha, target)
        problem = "" if running else "nothing is deployed there"
    except ReleaseError as error:
        running, problem = "", error.problem
    return Environment(name, target, version, record.sha, running, problem)


def _running(mirror: Mirror, settings: ReleaseSettings, commit: str, target: str) -> str:
    """The commits that the workspace's bundles name, joined where they differ."""
    subject = Release(
        mirror.repository, Version(0, 0, 0), Phase.PLANNED, settings, commit, requested_by="", reason=""
    )
    candidate = Candidate(commit, mirror.tree(commit), settings_at(mirror, commit))
    deployer = deployer_of(target)
    with bundle_clis(subject, candidate, target) as clis:
        roots = [validated(cli, deployer=deployer).root_path for cli in clis]
    found = {workspace_of(target).deployed_commit(root) or "" for root in roots}
    return ", ".join(sorted(found))
