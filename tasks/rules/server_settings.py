"""What in a Prefect server would lose a release, or leave people without a word. Facts in, problems out.

Each was seen to happen with Prefect 3.8.8 and, where nothing else is said, with 3.9.1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from semver import Version

Severity = Literal["error", "warning", "note"]

OLDEST, TOO_NEW = Version(3, 8, 8), Version(3, 10, 0)
_ZOMBIES_MENDED = Version(3, 9, 0)
_PAGE = 200  # how many of a thing dabflow asks for at a time

LEASES = "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"
_MEMORY = "prefect.server.concurrency.lease_storage.memory"
_FILES = "prefect.server.concurrency.lease_storage.filesystem"


@dataclass(frozen=True)
class Problem:
    """`name` is the setting or the automation; `what` is so, `why` it matters, and the `fix`."""

    name: str
    severity: Severity
    what: str
    why: str
    fix: str


@dataclass(frozen=True)
class AutomationFacts:
    """What matters of an automation that is switched on.

    `expects` and `after` are names of events. `flows` are those that it is limited to; none: all.
    `moves_to` are the types of states that it sets, `starts` whether it starts a deployment.
    """

    name: str
    proactive: bool
    expects: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    moves_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServerFacts:
    """`version` as the server says it, "" where it does not (Prefect Cloud); `settings` as /admin/settings has them."""

    version: str
    settings: Mapping[str, Any] | None
    automations: Sequence[AutomationFacts] = ()


@dataclass(frozen=True)
class _Service:
    path: str
    severity: Severity
    why: str

    @property
    def setting(self) -> str:
        return f"PREFECT_SERVER_SERVICES_{self.path.upper()}_ENABLED"


_SERVICES = (
    _Service(
        "repossessor",
        "error",
        "it takes locks back from runs that died: without it a killed release keeps production locked for ever",
    ),
    _Service(
        "scheduler",
        "error",
        "it starts the housekeeping: without it no waiting release is woken and nobody is reminded",
    ),
    _Service(
        "pause_expirations",
        "error",
        "it ends releases whose time to be approved is over: without it they can be approved for ever",
    ),
    _Service(
        "triggers",
        "warning",
        "it notices that a run ended without a word: without it GitHub is told minutes later, or not at all",
    ),
    _Service(
        "task_run_recorder",
        "warning",
        "it records the steps of a run: without it neither the UI nor dabflow can show how far a release is",
    ),
    _Service(
        "cancellation_cleanup",
        "warning",
        "it ends runs whose process does not answer to a cancellation: without it they stay Cancelling",
    ),
)


def problems(facts: ServerFacts, flows: Sequence[str]) -> list[Problem]:
    """Return what is wrong with a server for `flows`, the worst first."""
    found = [*_version(facts.version), *_of_settings(facts.settings)]
    for automation in facts.automations:
        found += _zombies(automation, facts.version, flows)
        found += _retries(automation, flows)
    order = ("error", "warning", "note")
    return sorted(found, key=lambda problem: order.index(problem.severity))


def _version(text: str) -> Iterator[Problem]:
    if not text:
        return
    version = Version.parse(text)
    supported = f"{OLDEST} to {TOO_NEW.major}.{TOO_NEW.minor - 1}.x"
    fix = f"run a server of a version that dabflow was tried with: {supported}"
    if version < OLDEST:
        why = "questions to approvers are stored otherwise there, and were never tried"
        yield Problem("Prefect's version", "error", f"the server is Prefect {version}", why, fix)
    elif version >= TOO_NEW:
        why = "dabflow was not tried with it; how Prefect keeps questions and locks may have changed"
        yield Problem("Prefect's version", "warning", f"the server is Prefect {version}", why, fix)


def _of_settings(settings: Mapping[str, Any] | None) -> Iterator[Problem]:
    if settings is None:
        yield Problem(
            "the server's settings",
            "note",
            "the server does not tell its settings, as Prefect Cloud",
            "Prefect Cloud keeps the leases of locks itself and runs every service; that is its promise, not checked here",
            "if this is a server of your own, let dabflow read GET /api/admin/settings, and run this again",
        )
        return
    yield from _leases(_at(settings, "server", "concurrency", "lease_storage"))
    for service in _SERVICES:
        if _at(settings, "server", "services", service.path, "enabled") is False:
            what = f"the service {service.path} of the server is switched off"
            yield Problem(service.setting, service.severity, what, service.why, f"set {service.setting}=true")
    limit = _at(settings, "server", "api", "default_limit")
    if isinstance(limit, int) and limit < _PAGE:
        yield Problem(
            "PREFECT_SERVER_API_DEFAULT_LIMIT",
            "error",
            f"the server gives {limit} things at a time at most",
            f"dabflow asks for {_PAGE} and is refused: waiting releases would not be found",
            f"set PREFECT_SERVER_API_DEFAULT_LIMIT={_PAGE}, which is its default",
        )


def _leases(storage: object) -> Iterator[Problem]:
    if storage == _MEMORY:
        yield Problem(
            LEASES,
            "error",
            "the server keeps the leases of locks in its memory",
            "when it restarts, a release that holds production's lock crashes in the middle of a deployment,"
            " and the lock stays taken for ever",
            f"set {LEASES}={_FILES} (its folder is PREFECT_HOME, which must outlive the server), or"
            " prefect_redis.lease_storage where there are several servers; then restart the server",
        )


def _zombies(automation: AutomationFacts, version: str, flows: Sequence[str]) -> Iterator[Problem]:
    crashes = automation.proactive and "CRASHED" in automation.moves_to and _meets(automation, flows)
    if not crashes or not any("heartbeat" in name for name in (*automation.after, *automation.expects)):
        return
    mended = bool(version) and Version.parse(version) >= _ZOMBIES_MENDED
    yield Problem(
        f"automation {automation.name}",
        "warning" if mended or not version else "error",
        "it crashes runs that send no heartbeat, as Prefect's documentation shows it",
        "a release that waits for approval sends none: Prefect 3.8 crashed each of them 90 s after it was asked about;"
        " 3.9 does not, but a heartbeat that is rarer than it expects crashes healthy runs on both",
        "delete it, or limit it by match_related to flows that are not dabflow's; housekeeping finds dead runs itself",
    )


def _retries(automation: AutomationFacts, flows: Sequence[str]) -> Iterator[Problem]:
    on_crash = any(_is_crash(name) for name in automation.expects)
    again = "SCHEDULED" in automation.moves_to
    if automation.proactive or not on_crash or not again or not _meets(automation, flows):
        return
    yield Problem(
        f"automation {automation.name}",
        "error",
        "it starts runs again as soon as they crash",
        "a worker reports a killed run twice: the second report starts a second process of the same release, and both"
        " deploy",
        "delete it, or limit it by match_related to flows that are not dabflow's; start a crashed release again by hand",
    )


def _meets(automation: AutomationFacts, flows: Sequence[str]) -> bool:
    return not automation.flows or bool(set(automation.flows) & set(flows))


def _is_crash(event: str) -> bool:
    return event in {"prefect.flow-run.Crashed", "prefect.flow-run.*", "prefect.*", "*"}


def _at(settings: Mapping[str, Any], *path: str) -> object:
    found: object = settings
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
