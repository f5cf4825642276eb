"""What in release.yaml does nothing, or does less than it seems: settings in, findings out."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from tasks.rules.findings import Finding, fine, found
from tasks.rules.freezes import forever, frozen
from tasks.rules.settings import ReleaseSettings
from tasks.rules.settings_words import Kind

AREA = "release.yaml"
_KINDS: tuple[Kind, ...] = ("release", "hotfix", "rollback")


def settings_findings(settings: ReleaseSettings, *, now: datetime) -> list[Finding]:
    """What can be said from the file alone."""
    return [*_idle(settings, now), *_untested(settings), *_frozen(settings, now)]


def smoke_findings(settings: ReleaseSettings, jobs: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """Whether the smoke jobs are there; `jobs` are the keys of each target's jobs, for targets that were looked at."""
    targets = settings.targets
    wanted = {targets.staging: settings.smoke.staging, targets.production: settings.smoke.production}
    for target, keys in wanted.items():
        for key in keys:
            plain = key.rpartition(":")[2]
            if target in jobs and plain not in jobs[target]:
                yield found("settings-smoke-unknown", f"no bundle has the job {key} for {target}")


def in_force_findings(develop: str | None, production: str | None, *, branch: str) -> Iterator[Finding]:
    """Whether the file that counts is the one that people look at; each is its text, None where there is none."""
    if production is None and develop is None:
        yield found("settings-missing", "there is no release.yaml")
    elif production != develop:
        so = "differs from the one" if production is not None and develop is not None else "is not"
        where = "develop" if production is None else branch
        other = branch if production is None else "develop"
        yield found("settings-not-in-force", f"release.yaml on {where} {so} on {other}", branch=branch)
    else:
        yield fine(AREA, f"release.yaml is the same on {branch} and develop")


def _idle(settings: ReleaseSettings, now: datetime) -> Iterator[Finding]:
    """Keys that do nothing."""
    for freeze in settings.freezes:
        # A day more: whatever the time zone, it is over then.
        if freeze.until is not None and freeze.until.replace(tzinfo=UTC) < now - timedelta(days=1):
            yield found("settings-does-nothing", f"the freeze {freeze.name} is over")
    if settings.overrides.team and not settings.freezes and not _soaks(settings):
        yield found("settings-does-nothing", "overrides names a team, and there is nothing to override")
    if settings.approval.policy == "prefect" and settings.reviewers:
        what = "reviewers are asked, and approval.policy prefect counts no reviews"
        yield found("settings-does-nothing", what)


def _soaks(settings: ReleaseSettings) -> bool:
    return bool(settings.soak.hours or settings.soak.hotfix_hours)


def _untested(settings: ReleaseSettings) -> Iterator[Finding]:
    for environment in ("staging", "production"):
        if not getattr(settings.smoke, environment):
            what = f"no smoke job is named for {environment}"
            yield found("settings-no-smoke", what, environment=environment)
    if not settings.checks:
        yield found("settings-no-checks", "no checks are named")


def _frozen(settings: ReleaseSettings, now: datetime) -> Iterator[Finding]:
    for target in (settings.targets.staging, settings.targets.production):
        for kind in _KINDS:
            if names := forever(settings.freezes, target=target, kind=kind):
                what = f"{', '.join(names)}: no {kind} would ever go to {target}"
                yield found("settings-frozen-for-ever", what)
            elif held := frozen(settings.freezes, target=target, kind=kind, now=now):
                what = f"the freeze {held.name} keeps a {kind} from {target} until {held.until:%Y-%m-%d %H:%M} UTC"
                yield found("settings-frozen", what)
