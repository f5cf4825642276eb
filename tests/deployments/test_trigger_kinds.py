"""Every kind of run that GitHub Actions start, who asks for it then, and how a run is followed."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed, Paused, Running
from trigger_world import deploy, started_runs

from deployments import trigger, trigger_start
from deployments.trigger_http import USAGE, Stop
from deployments.trigger_orders import order_of, whoever_asks

SHA = "0123456789abcdef0123456789abcdef01234567"
JOB = {"GITHUB_REPOSITORY": "acme/lakehouse", "GITHUB_ACTOR": "rita"}
ASKED = {"repository": "acme/lakehouse", "requested_by": "rita"}


@pytest.mark.parametrize(
    ("name", "form", "given"),
    [
        ("release", {"BUMP": "minor", "VERSION": "", "REASON": ""}, {**ASKED, "bump": "minor"}),
        (
            "hotfix",
            {"PULL_REQUEST": "#7", "REASON": " now ", "OVERTAKES": "true", "MEND_WITHDRAWN": "false"},
            {**ASKED, "pull_request": 7, "reason": "now", "overtakes": True},
        ),
        ("hotfix", {"BRANCH": "fix/a"}, {**ASKED, "branch": "fix/a"}),
        ("rollback", {"VERSION": "1.3.0", "REASON": "wrong"}, {**ASKED, "to": "1.3.0", "reason": "wrong"}),
        (
            "check",
            {"PULL_REQUEST": "7", "HEAD": SHA},
            {"repository": "acme/lakehouse", "pull_request": 7, "head": SHA},
        ),
    ],
)
def test_what_a_form_asks_for(name: str, form: Mapping[str, str], given: Mapping[str, object]) -> None:
    assert order_of(name, {**JOB, **form}).given == given


@pytest.mark.parametrize(
    ("name", "form", "said"),
    [
        ("rollback", {"REASON": "wrong"}, "the field version is empty"),
        ("rollback", {"VERSION": "1.3.0", "REASON": "  "}, "the field reason is empty"),
        ("check", {}, "the field pull_request is empty"),
        ("hotfix", {"PULL_REQUEST": "seven"}, "the field pull_request is no number: seven"),
        ("hotfix", {"PULL_REQUEST": "\u0667"}, "the field pull_request is no number"),
        ("hotfix", {"PULL_REQUEST": "9" * 10}, "the field pull_request is no number"),
        ("hotfix", {"OVERTAKES": "yes"}, "the field overtakes is neither true nor false: yes"),
    ],
)
def test_a_field_that_is_wrong_is_named(name: str, form: Mapping[str, str], said: str) -> None:
    with pytest.raises(Stop, match=said) as stop:
        order_of(name, {**JOB, **form})

    assert stop.value.code == USAGE


def test_a_job_that_somebody_else_runs_again_is_theirs() -> None:
    """Or they could approve by themselves what another one asked for weeks ago."""
    assert whoever_asks({**JOB, "GITHUB_TRIGGERING_ACTOR": "ravi"}) == "ravi"
    assert whoever_asks(JOB) == "rita"


@pytest.mark.parametrize(
    ("name", "flow", "form"),
    [
        ("hotfix", "hotfix", {"PULL_REQUEST": "7", "OVERTAKES": "true"}),
        ("rollback", "rollback", {"VERSION": "1.3.0", "REASON": "wrong"}),
        ("check", "pull_request_check", {"PULL_REQUEST": "7", "HEAD": SHA}),
    ],
)
def test_prefect_takes_each_kind_of_run(
    prefect_server: str, tmp_path: Path, name: str, flow: str, form: dict[str, str]
) -> None:
    deploy(flow)
    environment = job(prefect_server, tmp_path, **form)

    assert trigger.start(name, environment) == 0

    (run,) = started_runs(tmp_path.name)
    assert dict(run.parameters) == order_of(name, environment).given
    assert run.name in (tmp_path / "summary").read_text()


def test_a_refusal_names_the_field_of_the_form(prefect_server: str, tmp_path: Path) -> None:
    """Prefect knows it as `to`."""
    deploy("rollback")

    with pytest.raises(Stop, match="correct the field version, then"):
        trigger.start("rollback", job(prefect_server, tmp_path, VERSION="v1", REASON="wrong"))


def test_the_summary_says_who_ran_the_job_again(prefect_server: str, tmp_path: Path) -> None:
    deploy()
    trigger.start("release", job(prefect_server, tmp_path, GITHUB_TRIGGERING_ACTOR="ravi"))

    assert "Asked for by `ravi`. (The first attempt was of `rita`.)" in (tmp_path / "summary").read_text()


@pytest.mark.parametrize(
    ("states", "code", "word", "said"),
    [
        ([Paused()], trigger.WAITS, "waits", "waits for somebody"),
        ([Running(), Completed(message="done\n::error::no")], 0, "completed", "has ended: done ::error::no"),
        ([Failed(message="no bundle")], trigger.ENDED_BADLY_CODE, "failed", "is failed: no bundle"),
        ([Cancelled()], trigger.ENDED_BADLY_CODE, "cancelled", "is cancelled: see its page"),
        ([Running()], trigger.UNDER_WAY, "started", "is still under way"),
    ],
)
def test_a_run_is_followed_until_it_waits_or_ends(
    *,
    prefect_server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    states: list[State],
    code: int,
    word: str,
    said: str,
) -> None:
    monkeypatch.setattr(trigger_start, "_LOOK_EVERY_SECONDS", 0.05)
    deploy()
    environment = job(prefect_server, tmp_path)
    trigger.start("release", environment)
    (run,) = started_runs(tmp_path.name)

    def go_on() -> None:
        for state in states:
            time.sleep(0.1)
            with get_client(sync_client=True) as client:
                client.set_flow_run_state(run.id, state, force=True)

    going = threading.Thread(target=go_on)
    going.start()
    assert trigger.start("release", environment, wait=0.02) == code
    going.join()

    assert said in capsys.readouterr().out
    assert (tmp_path / "output").read_text().splitlines()[-1] == f"state={word}"


@pytest.mark.parametrize("minutes", ["soon", "-1", "nan", "inf", "2000"])
def test_how_long_to_wait_is_minutes(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert trigger.main(["release", f"--wait={minutes}"]) == USAGE
    assert f"--wait is no number of minutes: {minutes}" in capsys.readouterr().out


def job(api: str, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a job."""
    return {
        **JOB,
        "PREFECT_API_URL": api,
        "GITHUB_RUN_ID": folder.name,
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        **more,
    }
