"""Where the releases of a repository stand: git, GitHub, the workspaces and Prefect, looked at together."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from shlex import quote

from deployments.prefect_api import PrefectApi, connected
from deployments.runs import Run
from tasks.drift import last_look
from tasks.evidence import chain_in
from tasks.known_state import ADOPTED, recorded_in, version_of_record
from tasks.plan_release import known_of
from tasks.rules.drift import Look
from tasks.rules.drift_text import drift_line
from tasks.rules.endings import readable
from tasks.rules.errors import NeedsHuman, ReleaseError
from tasks.rules.evidence import Chain, blocked
from tasks.rules.known_state import Recorded
from tasks.rules.names import named
from tasks.rules.outcomes import Hold, given_up, stopped
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, STAGING, BundleRuns
from tasks.rules.rollbacks import phase_of_rollback
from tasks.rules.settings import ReleaseSettings
from tasks.rules.settings_words import Kind
from tasks.running import commits_of, running_bundles
from tasks.standing import (
    branch_of,
    current_pull_request,
    holds,
    kind_of,
    phase_now,
    production_settings,
    rollbacks_under_way,
)
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo


@dataclass(frozen=True)
class Standing:
    """One release, hotfix or rollback: its phase, its pull request's page ("" if none), its newest run, what that misses.

    `version` is its version, or what a rollback is called. `blocked` says by whom and why nothing of it may be
    approved, "" where nobody blocked it; `stopped` that production stopped half way with it; `given_up` is withdrawn
    or abandoned. `fix` is what a hotfix brings: a pull request's number, or a branch.
    """

    version: str
    phase: Phase
    pull_request: str
    run: Run | None
    missing: str = ""
    blocked: str = ""
    kind: Kind = "release"
    fix: str = ""
    stopped: str = ""
    given_up: str = ""

    @property
    def words(self) -> str:
        """Where it stands, in a few words."""
        if self.stopped:
            return "stopped half way in production"
        if self.given_up:
            return (
                self.given_up
                if self.phase is Phase.BACK_MERGED
                else f"{self.given_up}, not yet back in develop"
            )
        return self.phase.words

    @property
    def next_step(self) -> str:
        """What a person, or dabflow, does next."""
        if self.stopped:
            return "somebody decides: retry, roll back or abandon"
        return self.phase.next_step

    @property
    def again(self) -> str:
        """The command that goes on with it."""
        if self.kind == "hotfix":
            return (
                f"dabflow hotfix --pr {self.fix}"
                if self.fix.isdigit()
                else f"dabflow hotfix --branch {quote(self.fix)}"
            )
        if self.kind == "rollback":
            return f"dabflow rollback --to {named(self.version).version} --reason TEXT"
        return f"dabflow release --version {self.version}"


@dataclass(frozen=True)
class Environment:
    """What an environment runs: by GitHub's last successful record, and by the workspace itself.

    `running` is the workspace's commit, "" where it could not be asked; `problem` says why not. `unfinished`: that is
    what a release deployed there that has not ended. `left`: each bundle is as that release left it, also where it
    changed nothing of one. `bundles` are folder and commit of each, where there are several.

    `since` (UTC), `run_url`, `requested_by` and `approved_by` are of the record; `in_form` says whether somebody
    approved in Prefect's form. `drift` is what the last look for it has shown, None where nobody looked.
    """

    name: str
    target: str
    version: str
    recorded: str
    running: str
    problem: str = ""
    unfinished: bool = False
    left: bool = False
    bundles: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    run_url: str = ""
    requested_by: str = ""
    approved_by: tuple[str, ...] = ()
    in_form: bool = False
    drift: Look | None = None

    @property
    def approved(self) -> str:
        """Who approved it, in words."""
        return ", ".join([*self.approved_by, *(["the form in Prefect"] if self.in_form else [])])

    @property
    def drift_now(self) -> bool:
        """Whether the last look has shown drift of what runs there now."""
        look = self.drift
        return look is not None and look.drifted and (self.since is None or look.at >= self.since)

    @property
    def drift_words(self) -> str:
        """What is known about drift, in a few words."""
        if self.drift is None:
            return "never looked at"
        if self.since is not None and self.drift.at < self.since:
            return f"not looked at since {self.version} came"
        return f"{drift_line(self.drift)} (seen {readable(self.drift.at)})"

    @property
    def by_hand(self) -> bool:
        """Whether somebody deployed something else than the last release did."""
        differs = bool(self.recorded and self.running) and self.recorded != self.running
        return differs and not (self.unfinished or self.left)


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
    holds: tuple[Hold, ...] = ()


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
    begun = [*map(str, sorted({*known.unfinished, *known.hotfixes})), *rollbacks_under_way(mirror)]
    names = [str(named(version))] if version else begun
    runs, beginning, problem = _runs(repository, names)
    with ThreadPoolExecutor(2) as both:
        on_its_way = _tagged(mirror, settings, begun)
        environments = both.map(
            lambda name: environment_of(mirror, hub, settings, name, on_its_way), (STAGING, PRODUCTION)
        )
        standings = tuple(_standing(mirror, hub, settings, name, runs.get(name)) for name in names)
    return Overview(
        repository,
        str(known.finished or ""),
        known.news,
        standings,
        tuple(environments),
        problem,
        beginning,
        tuple(holds(mirror)),
    )


def _runs(repository: str, names: Sequence[str]) -> tuple[dict[str, tuple[Run, str]], Run | None, str]:
    """The run of each version that matters now, with what it still misses; one that begins; why Prefect cannot say."""
    found: dict[str, tuple[Run, str]] = {}
    try:
        with connected() as api:
            for name in names:
                runs = api.runs(repository, name)
                if runs:
                    run = next((r for r in runs if not r.ended), runs[0])
                    found[name] = (run, _missing(api, run))
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
    name: str,
    run: tuple[Run, str] | None,
) -> Standing:
    about = named(name)
    chain, problem = _chain(mirror, name)
    shown = about.withdraws or about.version
    branch = branch_of(mirror, settings, shown)
    pull = current_pull_request(hub, branch, settings.branches.production, mirror.branches().get(branch))
    rollback = about.withdraws is not None
    block, asked = blocked(chain), chain.last("asked")
    return Standing(
        version=name,
        phase=phase_of_rollback(chain) if rollback else phase_now(mirror, hub, settings, about.version),
        pull_request=pull.url if pull else "",
        run=run[0] if run else None,
        missing=run[1] if run else "",
        blocked=f"by {block.by}: {block.reason}" if block else problem,
        kind="rollback" if rollback else kind_of(mirror, settings, about.version),
        fix=str(asked.facts.get("fix", "")) if asked else "",
        stopped=_stopped(chain),
        given_up="" if rollback else given_up(chain),
    )


def _chain(mirror: Mirror, name: str) -> tuple[Chain, str]:
    """What was noted about it; what is wrong with evidence that cannot be read, which blocks it."""
    try:
        return chain_in(mirror, name), ""
    except NeedsHuman as error:
        return Chain(mirror.repository, name), error.problem


def _stopped(chain: Chain) -> str:
    """Why production stopped half way, on one line, while nobody has decided about it."""
    stop = stopped(chain)
    return stop.problem.split("\n", 1)[0] if stop else ""


def _tagged(mirror: Mirror, settings: ReleaseSettings, names: Sequence[str]) -> frozenset[str]:
    """The commits that those of them deploy to production which got that far."""
    tags = mirror.tags()
    versions = [v for name in names for v in (named(name).version, named(name).withdraws) if v is not None]
    return frozenset(tags[settings.tag(v)] for v in versions if settings.tag(v) in tags)


def environment_of(
    mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings, name: str, on_its_way: frozenset[str]
) -> Environment:
    """What an environment runs; `on_its_way` are the commits of releases that have not ended."""
    target = settings.targets.production if name == PRODUCTION else settings.targets.staging
    drift, record = last_look(mirror, name), hub.newest_successful_deployment(name)
    if record is None:
        return Environment(name, target, "", "", "", "no release was deployed there yet", drift=drift)
    recorded = recorded_in(mirror, record) or Recorded(record.sha)
    reviewers, in_form = _approved(mirror, record) if name == PRODUCTION else ((), False)
    known = Environment(
        name,
        target,
        version_of_record(record),
        recorded.commit,
        "",
        since=record.state_since,
        run_url=record.run_url,
        requested_by=str(record.payload.get("requested_by") or record.payload.get("by") or ""),
        approved_by=reviewers,
        in_form=in_form,
        drift=drift,
    )
    try:
        runs = running_bundles(mirror, settings, record.sha, target)
    except ReleaseError as error:
        return replace(known, problem=error.problem)
    return _running(known, recorded, runs, on_its_way if name == PRODUCTION else frozenset())


def _running(
    known: Environment, recorded: Recorded, runs: tuple[BundleRuns, ...], on_its_way: frozenset[str]
) -> Environment:
    """The same with what the workspace says about its bundles."""
    commits = commits_of(runs)
    if not commits:
        return replace(known, problem="nothing is deployed there")
    others = [one for one in runs if not recorded.left(one)]
    return replace(
        known,
        running=", ".join(commits),
        left=not others,
        # Of several bundles that stopped half way, those before the one that failed name the new commit.
        unfinished=bool(others) and all(one.commit in on_its_way for one in others),
        bundles=tuple((one.bundle, one.commit or "") for one in runs) if len(runs) > 1 else (),
    )


def _approved(mirror: Mirror, record: DeploymentRecord) -> tuple[tuple[str, ...], bool]:
    """Whose reviews approved what was deployed, and whether somebody did in the form, as the evidence has it."""
    name = str(record.payload.get("release", "")).rpartition("@")[2]
    if not name or name == ADOPTED:
        return (), False
    chain, _ = _chain(mirror, name)
    entry = chain.last("approved")
    if entry is None:
        return (), False
    logins = (str(review.get("login", "")) for review in entry.facts.get("reviews", ()))
    return tuple(dict.fromkeys(filter(None, logins))), bool(entry.facts.get("form"))
