"""A thousand values that try to be more than text, from the forms of GitHub Actions into a real Prefect."""

import re
from pathlib import Path
from typing import Any

import pytest
from hostile import KIND, thousand, values
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from rendered import rendered
from trigger_world import deploy

from deployments import trigger, trigger_text
from deployments.trigger_http import Server, Stop
from deployments.trigger_orders import order_of
from deployments.trigger_start import FlowRun, create, look_up

JOB = {"GITHUB_REPOSITORY": "acme/lakehouse", "GITHUB_ACTOR": "rita", "GITHUB_ACTIONS": "true"}
PAGE = 200  # the most that the API gives at once
SIX = st.lists(values, min_size=6, max_size=6)


@pytest.fixture(scope="module")
def server(prefect_server: str) -> Server:
    return Server(prefect_server, "https://prefect.example", "", 5)


@pytest.fixture(scope="module")
def deployed(server: Server) -> dict[str, str]:
    found = {}
    for name, deployment in (("hotfix", "hotfix/default"), ("standard_release", "standard-release/default")):
        deploy(name)
        found[name] = look_up(server, deployment)
    return found


def test_a_thousand_values_are_kept_as_they_are_or_refused_by_their_field(
    server: Server, deployed: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six in each example: two that may be anything, and four that Prefect's own check must refuse."""
    sent: dict[str, dict[str, Any]] = {}

    @settings(thousand, max_examples=1_000 // 6 + 1)
    @given(SIX)
    def taken_or_refused(six: list[str]) -> None:
        reason, branch, version, bump, login, repository = six
        key = f"hostile-{len(sent)}"
        branch = re.sub(r"[\x00-\x20\x7f]", "", branch)[:250]
        form = {"REASON": reason[:4_000], "BRANCH": branch}
        order = order_of("hotfix", {**JOB, **form})
        trigger.report(job(tmp_path, key), create(server, deployed["hotfix"], order, key), order)
        sent[key] = dict(order.given)

        form = {"VERSION": f"{version}.", "BUMP": f"{bump}.", "REASON": reason}
        wrong = order_of(
            "release", {"GITHUB_REPOSITORY": f"{repository}/", "GITHUB_ACTOR": f"{login}.", **form}
        )
        with pytest.raises(Stop) as stop:
            create(server, deployed["standard_release"], wrong, key)
        trigger_text.command("error", str(stop.value))
        assert re.search(
            r"Validation failed for field '(version|bump|repository|requested_by)'", str(stop.value)
        )

    taken_or_refused()

    assert kept(list(sent)) == sent
    insist_on_plain_lines(capsys.readouterr().out)
    for key in sent:
        insist_on_outputs(tmp_path / f"{key}-output")
    insist_on_a_summary(tmp_path, list(sent))


@pytest.mark.parametrize("reason", [KIND, "{{ 7 * 7 }}", "{{ prefect.variables.x }}"])
def test_a_template_in_a_field_stays_text(server: Server, deployed: dict[str, str], reason: str) -> None:
    order = order_of("hotfix", {**JOB, "REASON": reason, "BRANCH": "x"})

    create(server, deployed["hotfix"], order, reason)

    assert kept([reason])[reason]["reason"] == reason


def test_bytes_that_are_no_text_are_no_reason_to_stop(server: Server, deployed: dict[str, str]) -> None:
    """Prefect answers 500 to half a character, however often it is asked."""
    order = order_of("hotfix", {**JOB, "REASON": "caf\udce9", "BRANCH": "x"})

    create(server, deployed["hotfix"], order, "half a character")

    assert kept(["half a character"])["half a character"]["reason"] == "caf�"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"REASON": "x" * 4_001}, "reason"),
        ({"BRANCH": "a b"}, "branch"),
        ({"BRANCH": "x" * 251}, "branch"),
        ({"GITHUB_ACTOR": "x/../rita"}, "requested_by"),
    ],
)
def test_a_refusal_names_the_field(
    server: Server, deployed: dict[str, str], form: dict[str, str], field: str
) -> None:
    order = order_of("hotfix", {**JOB, **form})

    with pytest.raises(Stop, match=f"field '{field}'") as stop:
        create(server, deployed["hotfix"], order, "refused")

    assert len(str(stop.value)) < 2_000


def kept(keys: list[str]) -> dict[str, dict[str, Any]]:
    """The parameters of the runs with these keys, as Prefect has them."""
    found: dict[str, dict[str, Any]] = {}
    with get_client(sync_client=True) as client:
        for begin in range(0, len(keys), PAGE):
            some = FlowRunFilterIdempotencyKey(any_=keys[begin : begin + PAGE])
            runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(idempotency_key=some), limit=PAGE)
            found |= {str(run.idempotency_key): run.parameters for run in runs}
    return found


def insist_on_plain_lines(text: str) -> None:
    lines = text.split("\n")
    assert all(line.isprintable() for line in lines)
    assert "##[" not in text
    commands = {line.split(" ")[0] for line in lines if line.lstrip().startswith("::")}
    assert commands <= {"::error::Prefect", "::warning::no"}


def insist_on_outputs(file: Path) -> None:
    names = [line.partition("=")[0] for line in file.read_text(encoding="utf-8").split("\n")]
    assert names == ["flow_run_id", "url", ""]


def insist_on_a_summary(folder: Path, keys: list[str]) -> None:
    plain = (
        "heading_open h3",
        "heading_close h3",
        "paragraph_open p",
        "code_inline code",
        "link_open a",
        "link_close a",
    )
    for key in keys:
        page = rendered((folder / f"{key}-summary").read_text(encoding="utf-8"))
        markup = [one.split(" https://prefect.example/runs/flow-run/")[0] for one in page.markup]
        assert markup == [*plain, "paragraph_close p"], page
        assert page.made_by_github == [], page


def job(folder: Path, key: str) -> dict[str, str]:
    files = {"GITHUB_OUTPUT": "output", "GITHUB_STEP_SUMMARY": "summary"}
    return {**JOB, **{variable: str(folder / f"{key}-{file}") for variable, file in files.items()}}


def test_a_line_that_begins_like_a_command_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    trigger_text.say("  ::error::owned")

    assert not capsys.readouterr().out.lstrip().startswith("::")


def test_a_name_from_prefect_is_text(tmp_path: Path) -> None:
    """A run is named after what others chose; so is what its state says."""
    order = order_of("check", {**JOB, "PULL_REQUEST": "7"})
    name = "x](https://evil.example) <b> @rita ##[add-mask]e"

    trigger.report(
        job(tmp_path, "x"), FlowRun("1", name, "https://prefect.example/runs/flow-run/1", "RUNNING"), order
    )

    page = rendered((tmp_path / "x-summary").read_text())
    assert [one for one in page.markup if "evil" in one] == []
    assert page.made_by_github == []
