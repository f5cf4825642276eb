"""Smoke jobs: real runs of the sandbox's server, started once whatever happens on the way."""

import io
from collections.abc import Callable

import pytest
from databricks.sdk.service.jobs import SparkPythonTask, Task
from databricks.sdk.service.workspace import ImportFormat
from workspace_box import SECRET, Box

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.job_runs import LONGEST_TOKEN
from tasks.systems.workspace import RunOutcome

pytest_plugins = ["workspace_fixtures"]

RUN_NOW = "/api/2.2/jobs/run-now"
Job = Callable[..., int]


@pytest.fixture
def job(box: Box) -> Job:
    """Makes a job of one task for each of the given Python sources."""

    def made(*sources: str) -> int:
        client = box.workspace().client
        client.workspace.mkdirs("/Workspace/Shared/smoke")
        tasks = []
        for number, source in enumerate(sources):
            path = f"/Workspace/Shared/smoke/{number}.py"
            content = io.BytesIO(source.encode())
            client.workspace.upload(path, content, format=ImportFormat.AUTO, overwrite=True)
            tasks.append(Task(task_key=f"task{number}", spark_python_task=SparkPythonTask(path)))
        return int(client.jobs.create(name="smoke", tasks=tasks).job_id or 0)

    return made


def ended(box: Box, run: int) -> RunOutcome:
    return box.workspace().await_run(run, within_seconds=60, every_seconds=0.1)


def runs_of(box: Box, job_id: int) -> list[int]:
    return [int(run.run_id or 0) for run in box.workspace().client.jobs.list_runs(job_id=job_id)]


def test_a_run_that_ends_well_says_what_it_printed(box: Box, job: Job) -> None:
    run = box.workspace().start_run(job("print('all orders are there')"), "1.4.0")

    outcome = ended(box, run)

    assert (outcome.run_id, outcome.state, outcome.succeeded) == (run, "SUCCESS", True)
    assert "all orders are there" in outcome.output
    assert outcome.url.startswith(box.url)


def test_a_failed_run_is_an_outcome_with_its_trace(box: Box, job: Job) -> None:
    run = box.workspace().start_run(job("raise SystemExit('orders are missing')"), "1.4.0")

    outcome = ended(box, run)

    assert not outcome.succeeded
    assert outcome.state == "FAILED"
    assert "orders are missing" in outcome.output + outcome.message


def test_every_task_is_named_with_its_output(box: Box, job: Job) -> None:
    outcome = ended(box, box.workspace().start_run(job("print('one')", "print('two')"), "1.4.0"))

    assert "task0:\none" in outcome.output
    assert "task1:\ntwo" in outcome.output


def test_the_same_token_is_the_same_run(box: Box, job: Job) -> None:
    number = job("print(1)")

    first, second = (box.workspace().start_run(number, "x" * LONGEST_TOKEN) for _ in range(2))
    other = box.workspace().start_run(number, "another start")

    assert first == second
    assert sorted(runs_of(box, number)) == sorted([first, other])


@pytest.mark.parametrize("status", [0, 500, 502, 503])
def test_a_lost_answer_starts_nothing_twice(box: Box, job: Job, status: int) -> None:
    """The run was started, the answer did not come: asking again finds it."""
    number = job("print(1)")
    box.goes_wrong("after", RUN_NOW, status=status, times=9)
    with pytest.raises(TryAgain):
        box.workspace().start_run(number, "1.4.0")
    box.all_is_well()

    run = box.workspace().start_run(number, "1.4.0")

    assert runs_of(box, number) == [run]


def test_a_refused_start_starts_nothing(box: Box, job: Job) -> None:
    number = job("print(1)")
    box.goes_wrong("refuse", RUN_NOW, status=403)

    with pytest.raises(NeedsHuman, match=f"refused the start of job {number}"):
        box.workspace().start_run(number, "1.4.0")

    assert runs_of(box, number) == []


@pytest.mark.parametrize("token", ["", "x" * (LONGEST_TOKEN + 1)])
def test_a_token_that_databricks_would_cut_is_refused(box: Box, token: str) -> None:
    with pytest.raises(ValueError, match="1 to 64 characters"):
        box.workspace().start_run(1, token)


def test_while_it_runs_it_has_no_outcome_and_waiting_ends_in_time(box: Box, job: Job) -> None:
    number = job("import time; time.sleep(60)")
    workspace = box.workspace()
    run = workspace.start_run(number, "1.4.0")

    assert workspace.outcome(run) is None
    found = workspace.active_runs([number])
    assert [(active.run_id, active.job_id) for active in found] == [(run, number)]
    assert workspace.active_runs(range(number, number + 20)) == found
    assert workspace.active_runs(range(number + 1, number + 21)) == []
    with pytest.raises(NeedsHuman, match=f"run {run} on prod is .* after 0 s") as stop:
        workspace.await_run(run, within_seconds=0.2, every_seconds=0.1)
    assert "the same run is found again" in stop.value.remedy

    workspace.client.jobs.cancel_run(run).result()
    assert ended(box, run).state == "CANCELED"
    assert workspace.active_runs([number]) == []


def test_output_that_is_not_to_be_had_does_not_change_the_outcome(box: Box, job: Job) -> None:
    """`bundle run` calls a run failed that succeeded, because its output could not be read."""
    run = box.workspace().start_run(job("print('fine')"), "1.4.0")
    box.goes_wrong("before", "/api/2.2/jobs/runs/get-output", status=500, times=9)

    outcome = ended(box, run)

    assert outcome.succeeded
    assert outcome.output.startswith("(no output: ")


def test_trouble_while_waiting_is_tried_again_and_finds_the_same_run(box: Box, job: Job) -> None:
    run = box.workspace().start_run(job("print(1)"), "1.4.0")
    box.goes_wrong("before", "/api/2.2/jobs/runs/get", status=500)

    with pytest.raises(TryAgain):
        ended(box, run)

    assert ended(box, run).succeeded


def test_a_job_that_prints_a_secret_does_not_spread_it(box: Box, job: Job) -> None:
    run = box.workspace().start_run(job(f"print({SECRET!r}, 'Bearer abcdefghijkl')"), "1.4.0")

    output = ended(box, run).output

    assert "*** Bearer ***" in output


def test_the_runs_of_a_job_are_counted_up_to_a_limit(box: Box, job: Job) -> None:
    number = job("print(1)")
    workspace = box.workspace()

    assert workspace.runs_so_far(number, most=2) == 0
    for start in range(3):
        ended(box, workspace.start_run(number, f"start {start}"))
    assert workspace.runs_so_far(number, most=2) == 2
    assert workspace.runs_so_far(number, most=100) == 3
