"""What in a Prefect server would lose a release."""

from typing import Any

import pytest

from tasks.rules.server_settings import AutomationFacts, ServerFacts, problems

FLOWS = ("hotfix", "standard-release")
FILES = "prefect.server.concurrency.lease_storage.filesystem"
ZOMBIES = AutomationFacts(
    "zombies",
    proactive=True,
    after=("prefect.flow-run.heartbeat",),
    expects=("prefect.flow-run.*",),
    moves_to=("CRASHED",),
)
AGAIN = AutomationFacts(
    "again", proactive=False, expects=("prefect.flow-run.Crashed",), moves_to=("SCHEDULED",)
)


def settings(**changed: Any) -> dict[str, Any]:
    """As Prefect 3.8.8 tells them, where the leases are kept right."""
    services = ("repossessor", "scheduler", "pause_expirations", "triggers", "task_run_recorder")
    server: dict[str, Any] = {
        "concurrency": {"lease_storage": FILES},
        "services": {name: {"enabled": True} for name in (*services, "cancellation_cleanup")},
        "api": {"default_limit": 200},
    }
    for path, value in changed.items():
        section, name = path.split("__")
        server[section][name] = value
    return {"server": server}


def found(facts: ServerFacts) -> list[tuple[str, str]]:
    return [(one.severity, one.name) for one in problems(facts, FLOWS)]


OFF = {"enabled": False}
MEMORY = "prefect.server.concurrency.lease_storage.memory"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(ServerFacts("3.8.8", settings()), [], id="right"),
        pytest.param(ServerFacts("3.9.1", settings()), [], id="right on 3.9"),
        pytest.param(
            ServerFacts("3.8.8", settings(concurrency__lease_storage=MEMORY)),
            [("error", "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE")],
            id="leases in memory",
        ),
        pytest.param(
            ServerFacts("3.8.8", settings(concurrency__lease_storage="prefect_redis.lease_storage")),
            [],
            id="leases in Redis",
        ),
        pytest.param(
            ServerFacts("3.8.8", settings(services__repossessor=OFF)),
            [("error", "PREFECT_SERVER_SERVICES_REPOSSESSOR_ENABLED")],
            id="nobody takes locks back",
        ),
        pytest.param(
            ServerFacts("3.8.8", settings(services__triggers=OFF, services__pause_expirations=OFF)),
            [
                ("error", "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED"),
                ("warning", "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED"),
            ],
            id="the worst first",
        ),
        pytest.param(
            ServerFacts("3.8.8", settings(api__default_limit=50)),
            [("error", "PREFECT_SERVER_API_DEFAULT_LIMIT")],
            id="short pages",
        ),
        pytest.param(ServerFacts("3.8.8", {"server": {}}), [], id="a server that knows none of them"),
        pytest.param(ServerFacts("3.8.7", settings()), [("error", "Prefect's version")], id="too old"),
        pytest.param(ServerFacts("3.10.0", settings()), [("warning", "Prefect's version")], id="too new"),
        pytest.param(ServerFacts("", None), [("note", "the server's settings")], id="Prefect Cloud"),
        pytest.param(
            ServerFacts("3.8.8", settings(), [ZOMBIES]), [("error", "automation zombies")], id="zombies, 3.8"
        ),
        pytest.param(
            ServerFacts("3.9.1", settings(), [ZOMBIES]),
            [("warning", "automation zombies")],
            id="zombies, 3.9",
        ),
        pytest.param(
            ServerFacts("3.8.8", settings(), [AGAIN]), [("error", "automation again")], id="retry on crash"
        ),
    ],
)
def test_problems(facts: ServerFacts, expected: list[tuple[str, str]]) -> None:
    assert found(facts) == expected


@pytest.mark.parametrize("automation", [ZOMBIES, AGAIN], ids=lambda one: one.name)
def test_an_automation_about_other_flows_is_none_of_our_business(automation: AutomationFacts) -> None:
    theirs = AutomationFacts(
        automation.name,
        proactive=automation.proactive,
        expects=automation.expects,
        after=automation.after,
        flows=("nightly-etl",),
        moves_to=automation.moves_to,
    )
    ours = AutomationFacts(
        automation.name,
        proactive=automation.proactive,
        expects=automation.expects,
        after=automation.after,
        flows=("nightly-etl", "hotfix"),
        moves_to=automation.moves_to,
    )

    assert found(ServerFacts("3.8.8", settings(), [theirs])) == []
    assert len(found(ServerFacts("3.8.8", settings(), [ours]))) == 1


def test_each_problem_says_why_and_what_to_do() -> None:
    broken = settings(concurrency__lease_storage=MEMORY, services__scheduler=OFF, api__default_limit=1)
    every = problems(ServerFacts("3.8.0", broken, [ZOMBIES, AGAIN]), FLOWS)

    assert len(every) == 6
    assert all(one.what and one.why and one.fix for one in every)
