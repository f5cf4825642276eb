"""The doctor: everything that a release will need is looked at, and nothing is changed. Prefect is looked at elsewhere.

git and the `databricks` command first; then GitHub, each target and release.yaml side by side. What cannot be looked at
hides nothing else: it is a finding of its own.
"""

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tasks.rules.errors import ReleaseError
from tasks.rules.findings import Finding, fine, found, not_looked, stopped
from tasks.rules.findings_github import GitHubFacts, github_findings
from tasks.rules.findings_settings import AREA as SETTINGS
from tasks.rules.findings_settings import in_force_findings, settings_findings, smoke_findings
from tasks.rules.findings_target import BundleFacts, TargetFacts, area_of, bundle_findings, target_findings
from tasks.rules.settings import ReleaseSettings
from tasks.rules.versions import Version
from tasks.standing import SETTINGS_FILE, production_settings
from tasks.systems import clock, connections, databricks_command
from tasks.systems.bundle_cli import BundleCli
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.github_rights import Rights
from tasks.systems.targets import Target, target_of

if TYPE_CHECKING:
    from tasks.systems.workspace_rights import Identity, WorkspaceRights

OLDEST_GIT = (2, 31)
_SECONDS = 10.0

Jobs = dict[str, set[str]]  # the keys of a target's jobs, by the target's name


def examined(repository: str) -> list[Finding]:
    """Look at everything but Prefect, for a repository (owner/name)."""
    with ThreadPoolExecutor() as looks:
        command = looks.submit(databricks_findings)
        git, mirror = look_at_git(repository)
        settings, of_file = look_at_settings(mirror)
        meant = settings or ReleaseSettings()
        hub = looks.submit(look_at_github, repository, meant)
        names = (meant.targets.staging, meant.targets.production)
        able = not any(f.severity == "error" for f in command.result())
        targets = [
            looks.submit(look_at_target, mirror, meant, name, able=able) for name in dict.fromkeys(names)
        ]
        jobs: Jobs = {}
        of_targets: list[Finding] = []
        for look in targets:
            findings, seen = look.result()
            of_targets += findings
            jobs |= seen
        of_jobs = list(smoke_findings(meant, jobs)) if settings else []
        return [*git, *command.result(), *hub.result(), *of_targets, *of_file, *of_jobs]


def git_findings() -> list[Finding]:
    """Whether the git that is installed is one that dabflow can use."""
    program = shutil.which("git")
    if program is None:
        return [found("git-missing", "git is not on PATH")]
    # It is told nothing: what the worker knows is none of its business.
    said = subprocess.run(
        [program, "--version"],
        env={"LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    numbers = re.search(r"(\d+)\.(\d+)", said.stdout)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST_GIT:
        return [found("git-old", f"{program} is {said.stdout.strip() or 'of no version that it tells'}")]
    return [fine("git", said.stdout.strip())]


def databricks_findings() -> list[Finding]:
    """Whether the `databricks` command is there, and one that dabflow knows."""
    try:
        command = databricks_command.located()
    except ReleaseError as error:
        return [stopped("cli-missing", error)]
    try:
        databricks_command.insist_on_checksum(command)
    except ReleaseError as error:
        return [stopped("cli-checksum", error)]
    try:
        version = databricks_command.version_of(command, within_seconds=_SECONDS)
    except ReleaseError as error:
        return [stopped("cli-unsupported", error)]
    what = f"databricks {version} at {command}, SHA-256 {databricks_command.checksum(command)}"
    return [fine("databricks", what), fine("databricks", "deploys with the direct engine")]


def look_at_git(repository: str) -> tuple[list[Finding], Mirror | None]:
    """Whether git can read the repository; its mirror, if so."""
    findings = git_findings()
    if any(finding.severity == "error" for finding in findings):
        return [*findings, not_looked("git", repository, "there is no usable git")], None
    try:
        mirror = Mirror(repository).fetch()
    except ReleaseError as error:
        return [*findings, stopped("git-unreachable", error)], None
    return [*findings, fine("git", f"{repository} can be read")], mirror


def look_at_settings(mirror: Mirror | None) -> tuple[ReleaseSettings | None, list[Finding]]:
    """The settings in force, None where they cannot be read, and what is to be said of the file."""
    if mirror is None:
        return None, [not_looked(SETTINGS, SETTINGS_FILE, "the repository cannot be read")]
    try:
        settings = production_settings(mirror)
    except ReleaseError as error:
        return None, [stopped("settings-invalid", error)]
    names, branches = settings.branches, mirror.branches()
    texts = [mirror.read(branches[name], SETTINGS_FILE) for name in (names.develop, names.production)]
    same = in_force_findings(texts[0], texts[1], branch=names.production)
    return settings, [*same, *settings_findings(settings, now=clock.now())]


def look_at_github(repository: str, settings: ReleaseSettings) -> list[Finding]:
    """What the repository lets us do, and what guards it."""
    try:
        return github_findings(_github_facts(repository, settings), settings)
    except ReleaseError as error:
        return [stopped("github-unreachable", error)]


def _github_facts(repository: str, settings: ReleaseSettings) -> GitHubFacts:
    rights, hub, names = Rights(repository), GitHubRepo(repository), settings.branches
    seen = rights.seen()
    asked = (settings.approval_of("release"), settings.approval_of("rollback"))
    teams = {group.team for approval in asked for group in approval.approvals if group.team}
    return GitHubFacts(
        web=f"{connections.github_url(repository)}/{repository}",
        me=seen.login,
        may=seen.may,
        scopes=seen.scopes,
        permissions=seen.permissions,
        merge_commits=rights.takes_merge_commits(),
        archived=rights.archived(),
        production=rights.guard(names.production),
        develop=rights.guard(names.develop),
        candidate=rights.guard(settings.release_branch(Version(1, 0, 0))),
        rulesets=rights.rulesets(),
        environments=rights.environments(),
        teams={team: rights.team_size(team) for team in sorted(teams)},
        reviewers={login: hub.permission(login) for login in settings.reviewers},
    )


def look_at_target(
    mirror: Mirror | None, settings: ReleaseSettings, name: str, *, able: bool
) -> tuple[list[Finding], Jobs]:
    """What is to be said of a target, and which jobs its bundles have."""
    try:
        target = target_of(name)
        identity = _rights_at(target).identity()
    except ReleaseError as error:
        return [stopped("target-unreachable", error, area=area_of(name))], {}
    facts = TargetFacts(name, target.host, identity.name, identity.clock_ahead)
    findings = list(target_findings(facts))
    if mirror is None or not able:
        because = (
            "the repository cannot be read" if mirror is None else "there is no usable databricks command"
        )
        return [*findings, not_looked(area_of(name), "its bundles", because)], {}
    jobs: set[str] = set()
    for bundle in settings.bundles:
        try:
            findings += bundle_findings(facts, _bundle(mirror, settings, bundle, target, identity, jobs))
        except ReleaseError as error:
            findings.append(stopped("target-invalid", error, area=area_of(name)))
    return findings, {name: jobs}


def _bundle(
    mirror: Mirror, settings: ReleaseSettings, bundle: str, target: Target, who: "Identity", jobs: set[str]
) -> BundleFacts:
    """One bundle as the next release would bring it to the target; its jobs are added to `jobs`."""
    develop = mirror.branches()[settings.branches.develop]
    with mirror.worktree(develop) as folder:
        cli = BundleCli(target, folder, bundle=bundle, journal_home=connections.home() / "journals")
        cli.host_in_bundle()
        valid = cli.validate()
    jobs.update((valid.get("resources") or {}).get("jobs") or {})
    workspace, root = _rights_at(target), str(valid["workspace"]["root_path"])
    lock = workspace.lock(root)
    return BundleFacts(
        bundle=bundle,
        root_path=root,
        run_as=_run_as(valid),
        made_by=workspace.maker_of_jobs(root),
        may_write=workspace.may_write(root, who),
        holder=lock.holder if lock else "",
        since=lock.since if lock else "",
    )


def _rights_at(target: Target) -> "WorkspaceRights":
    from tasks.systems.workspace_rights import WorkspaceRights  # noqa: PLC0415 - as in bundles.py

    return WorkspaceRights(target)


def _run_as(valid: dict[str, Any]) -> str:
    named = valid.get("run_as") or {}
    return str(named.get("service_principal_name") or named.get("user_name") or "")
