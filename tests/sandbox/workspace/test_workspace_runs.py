"""Running a job really runs it, and tells how it went."""

import io
import time
import zipfile
from typing import Any

import pytest
from workspace_site import ROOT, Site, until

Json = dict[str, Any]
FILES = f"{ROOT}/files"
DEPLOYMENT = {"kind": "BUNDLE", "metadata_file_path": f"{ROOT}/state/metadata.json"}


def file_task(key: str, path: str, *parameters: str, **more: object) -> Json:
    return {
        "task_key": key,
        "spark_python_task": {"python_file": path, "parameters": list(parameters)},
        **more,
    }


def notebook_task(key: str, path: str, **more: object) -> Json:
    return {"task_key": key, "notebook_task": {"notebook_path": path, **more}}


def after(*keys: str) -> list[Json]:
    return [{"task_key": key} for key in keys]


def wheel(**modules: str) -> bytes:
    """A wheel `lakehouse` 0.1.0 of these modules, with an entry point `report` if there is such a module."""
    info = "lakehouse-0.1.0.dist-info"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, source in {"__init__": "", **modules}.items():
            file.writestr(f"lakehouse/{name}.py", source)
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: lakehouse\nVersion: 0.1.0\n")
        file.writestr(f"{info}/entry_points.txt", "[console_scripts]\nreport = lakehouse.report:main\n")
        file.writestr(f"{info}/RECORD", "")
    return packed.getvalue()


def state(run: Json) -> tuple[str, str]:
    return run["state"]["life_cycle_state"], run["state"]["result_state"]


def results(run: Json) -> dict[str, str]:
    return {task["task_key"]: task["state"]["result_state"] for task in run["tasks"]}


def test_a_file_runs_with_its_parameters_and_finds_its_neighbours(site: Site) -> None:
    site.put_file(f"{FILES}/src/helper.py", "X = 42")
    site.put_file(f"{FILES}/shared/__init__.py", "Y = 43")
    site.put_file(f"{FILES}/src/data.txt", "beside")
    site.put_file(
        f"{FILES}/src/extract.py",
        "import sys, helper, shared\n"
        "print(sys.argv[1:], helper.X, shared.Y, open('data.txt').read(), __name__)",
    )

    task = file_task("extract", f"{FILES}/src/extract.py", "--catalog", "staging")
    run = site.run_job(task, deployment=DEPLOYMENT)

    assert state(run) == ("TERMINATED", "SUCCESS")
    logs = site.output(run, "extract")["logs"]
    assert logs == "['--catalog', 'staging'] 42 43 beside __main__\n"


def test_a_failing_file_is_a_failed_run_with_its_trace(site: Site) -> None:
    """States and messages as databricks 1.14.0-dev showed them for a file that raises."""
    site.put_file(f"{FILES}/smoke.py", "print('checking')\nraise ValueError('row count is 0')\n")

    run = site.run_job(file_task("smoke", f"{FILES}/smoke.py"))
    output = site.output(run, "smoke")

    assert state(run) == ("INTERNAL_ERROR", "FAILED")
    assert run["state"]["state_message"] == (
        "Task smoke failed with message: Workload failed, see run output for details."
    )
    assert run["tasks"][0]["state"]["life_cycle_state"] == "TERMINATED"
    assert output["error"] == "ValueError: row count is 0"
    assert output["error_trace"].splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{FILES}/smoke.py", line 2, in <module>',
        "    raise ValueError('row count is 0')",
        "ValueError: row count is 0",
    ]
    assert output["logs"].startswith("checking\nTraceback")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import os; os._exit(4)", "exit status 4"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "exit status -9"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_every_bad_end_has_an_error(site: Site, source: str, error: str) -> None:
    site.put_file("/Shared/x.py", source)
    run = site.run_job(file_task("x", "/Shared/x.py"))

    assert state(run)[1] == "FAILED"
    assert site.output(run, "x")["error"] == error


def test_exit_zero_is_a_success(site: Site) -> None:
    site.put_file("/Shared/x.py", "import sys; sys.exit(0)")

    assert state(site.run_job(file_task("x", "/Shared/x.py")))[1] == "SUCCESS"


def test_a_task_sees_nothing_of_the_servers_environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    site.put_file("/Shared/x.py", "import os; print(sorted(os.environ))")

    run = site.run_job(file_task("x", "/Shared/x.py"))

    names = site.output(run, "x")["logs"]
    assert "SECRET_OF_THE_SERVER" not in names
    assert "DATABRICKS_RUNTIME_VERSION" in names


NOTEBOOK = """# Databricks notebook source
# MAGIC %md
# MAGIC # Title

# COMMAND ----------

import helper
dbutils.widgets.text("day", "monday")
dbutils.widgets.text("size", "small")

# COMMAND ----------

print(dbutils.widgets.get("day"), dbutils.widgets.get("size"), helper.X)

# COMMAND ----------

dbutils.notebook.exit("42 rows")
print("never")
"""


def test_a_notebook_runs_cell_by_cell_with_its_parameters(site: Site) -> None:
    site.put_file(f"{FILES}/src/helper.py", "X = 42")
    site.put_file(f"{FILES}/src/nb.py", NOTEBOOK)

    task = notebook_task("nb", f"{FILES}/src/nb", base_parameters={"day": "friday"})
    run = site.run_job(task, deployment=DEPLOYMENT)
    output = site.output(run, "nb")

    assert output["logs"] == "friday small 42\n"
    assert output["notebook_output"] == {"result": "42 rows", "truncated": False}


def test_a_jupyter_notebook_runs_too(site: Site) -> None:
    site.put_file("/Shared/nb.ipynb", '{"cells": [{"cell_type": "code", "source": ["print(1 + 1)"]}]}')

    run = site.run_job(notebook_task("nb", "/Shared/nb"))

    assert site.output(run, "nb")["logs"] == "2\n"


def test_a_trace_names_the_line_of_the_notebook(site: Site) -> None:
    site.put_file("/Shared/nb.py", "# Databricks notebook source\nx = 1\n# COMMAND ----------\nx / 0\n")

    output = site.output(site.run_job(notebook_task("nb", "/Shared/nb")), "nb")

    assert '/Workspace/Shared/nb.py", line 4' in output["error_trace"]
    assert output["error"] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("cell", "refusal"),
    [
        ("# MAGIC %sql select 1", "only Python cells, not %sql"),
        ("# MAGIC %run ./other", "only Python cells, not %run"),
        ("# MAGIC %pip install x", "only Python cells, not %pip"),
        ("spark.table('x')", "the sandbox has no Spark: spark.table"),
        ("dbutils.fs.ls('/')", "the sandbox has no dbutils.fs"),
        ("dbutils.notebook.run('other', 60)", "does not run notebooks from notebooks"),
    ],
)
def test_what_a_notebook_cannot_do_here_is_refused_by_name(site: Site, cell: str, refusal: str) -> None:
    site.put_file("/Shared/nb.py", f"# Databricks notebook source\n{cell}\n")

    run = site.run_job(notebook_task("nb", "/Shared/nb"))

    assert state(run)[1] == "FAILED"
    assert refusal in site.output(run, "nb")["error"]


WHEEL = f"{ROOT}/artifacts/.internal/lakehouse-0.1.0-py3-none-any.whl"


def wheel_task(entry_point: str, **more: object) -> Json:
    task = {"package_name": "lakehouse", "entry_point": entry_point, **more}
    return {"task_key": "report", "environment_key": "default", "python_wheel_task": task}


@pytest.mark.parametrize("entry_point", ["report", "plain"])
def test_a_wheel_runs_from_its_entry_point_or_function(site: Site, entry_point: str) -> None:
    report = "import sys\ndef main():\n    print('report', sys.argv[1:])\n"
    plain = "import sys\ndef plain():\n    print('report', sys.argv[1:])\n"
    site.put_file(WHEEL, wheel(report=report, __init__=plain))
    environments = [{"environment_key": "default", "spec": {"dependencies": [WHEEL]}}]

    run = site.run_job(wheel_task(entry_point, parameters=["a", "b"]), environments=environments)

    assert site.output(run, "report")["logs"] == "report ['a', 'b']\n"


def test_a_wheel_of_the_tasks_libraries_serves_a_file(site: Site) -> None:
    site.put_file(WHEEL, wheel(report="Z = 7"))
    site.put_file("/Shared/x.py", "from lakehouse.report import Z; print(Z)")

    run = site.run_job(file_task("x", "/Shared/x.py", libraries=[{"whl": WHEEL}]))

    assert site.output(run, "x")["logs"] == "7\n"


def test_a_wheel_named_parameters(site: Site) -> None:
    site.put_file(WHEEL, wheel(report="import sys\ndef main():\n    print(sys.argv[1:])\n"))
    environments = [{"environment_key": "default", "spec": {"dependencies": [WHEEL]}}]
    parameters = [{"name": "day", "default": "monday"}]

    task = wheel_task("report", named_parameters={"catalog": "staging"})
    run = site.run_job(task, environments=environments, parameters=parameters)

    assert site.output(run, "report")["logs"] == "['--catalog=staging', '--day=monday']\n"


@pytest.mark.parametrize(
    ("task", "settings", "refusal"),
    [
        (file_task("report", "/Shared/gone.py"), {}, "/Shared/gone.py does not exist in the workspace"),
        (wheel_task("report"), {}, "no wheel among the task's dependencies contains the package"),
        (
            wheel_task("report"),
            {"environments": [{"environment_key": "default", "spec": {"dependencies": [WHEEL]}}]},
            "the wheel " + WHEEL + " is not in the workspace",
        ),
        (
            wheel_task("report"),
            {"environments": [{"environment_key": "default", "spec": {"dependencies": ["nope==1"]}}]},
            "'nope==1' is not one",
        ),
        ({"task_key": "report", "sql_task": {}}, {}, "does not run this kind of task: sql_task"),
        ({"task_key": "report"}, {}, "none given"),
        ({"task_key": "report", "notebook_task": {}}, {}, "lacks 'notebook_path'"),
        (file_task("report", "relative.py"), {}, "must be absolute"),
        (
            {"task_key": "report", "pipeline_task": {"pipeline_id": "x"}},
            {},
            "The specified pipeline x was not found",
        ),
        ({"task_key": "report", "run_job_task": {"job_id": 1}}, {}, "Job 1 does not exist"),
    ],
)
def test_what_cannot_run_fails_and_says_why(site: Site, task: Json, settings: Json, refusal: str) -> None:
    run = site.run_job(task, **settings)

    assert state(run) == ("INTERNAL_ERROR", "FAILED")
    assert refusal in site.output(run, "report")["error"]


def test_tasks_wait_for_each_other_and_stop_after_a_failure(site: Site) -> None:
    site.put_file("/Shared/ok.py", "print('ok')")
    site.put_file("/Shared/bad.py", "1 / 0")

    run = site.run_job(
        file_task("last", "/Shared/ok.py", depends_on=after("bad")),
        file_task("bad", "/Shared/bad.py", depends_on=after("first")),
        file_task("first", "/Shared/ok.py"),
        file_task("clean_up", "/Shared/ok.py", depends_on=after("bad"), run_if="ALL_DONE"),
    )

    assert results(run) == {
        "first": "SUCCESS",
        "bad": "FAILED",
        "last": "UPSTREAM_FAILED",
        "clean_up": "SUCCESS",
    }
    assert state(run) == ("INTERNAL_ERROR", "FAILED")
    assert "Task bad failed" in run["state"]["state_message"]
    times = {task["task_key"]: (task["start_time"], task["end_time"]) for task in run["tasks"]}
    assert times["first"][1] <= times["bad"][0]


def test_parameters_of_the_job_reach_its_tasks(site: Site) -> None:
    site.put_file("/Shared/x.py", "import sys; print(sys.argv[1:])")
    site.put_file("/Shared/nb.py", "# Databricks notebook source\nprint(dbutils.widgets.get('day'))")
    job_id = site.create_job(
        file_task("x", "/Shared/x.py", "{{job.parameters.day}}", "{{job.name}}"),
        notebook_task("nb", "/Shared/nb"),
        parameters=[{"name": "day", "default": "monday"}],
    )

    run = site.finish(site.start(job_id, job_parameters={"day": "friday"}))

    assert site.output(run, "x")["logs"] == "['friday', 'a job']\n"
    assert site.output(run, "nb")["logs"] == "friday\n"
    assert run["job_parameters"] == [{"name": "day", "default": "monday", "value": "friday"}]


def test_values_that_a_task_sets_reach_later_tasks(site: Site) -> None:
    site.put_file("/Shared/a.py", "# Databricks notebook source\ndbutils.jobs.taskValues.set('rows', 42)")
    get = "dbutils.jobs.taskValues.get('a', 'rows'), dbutils.jobs.taskValues.get('a', 'x', default=0)"
    site.put_file("/Shared/b.py", f"# Databricks notebook source\nprint({get})")
    site.put_file("/Shared/c.py", "import sys; print(sys.argv[1:])")

    run = site.run_job(
        notebook_task("a", "/Shared/a"),
        {**notebook_task("b", "/Shared/b"), "depends_on": after("a")},
        file_task("c", "/Shared/c.py", "{{tasks.a.values.rows}}", depends_on=after("a")),
    )

    assert site.output(run, "b")["logs"] == "42 0\n"
    assert site.output(run, "c")["logs"] == "['42']\n"


def test_a_run_may_have_parameters_of_its_own(site: Site) -> None:
    site.put_file("/Shared/x.py", "import sys; print(sys.argv[1:])")
    job_id = site.create_job(file_task("x", "/Shared/x.py", "usual"))

    run = site.finish(site.start(job_id, python_params=["special"]))

    assert site.output(run, "x")["logs"] == "['special']\n"
    assert run["overriding_parameters"] == {"python_params": ["special"]}


def test_a_job_runs_another_job(site: Site) -> None:
    site.put_file("/Shared/x.py", "print('inner')")
    inner = site.create_job(file_task("x", "/Shared/x.py"))

    outer = site.run_job({"task_key": "go", "run_job_task": {"job_id": inner}})
    started = site.output(outer, "go")["run_job_output"]["run_id"]

    assert state(outer) == ("TERMINATED", "SUCCESS")
    assert site.run(started)["job_id"] == inner


def test_a_failing_task_is_tried_again_as_often_as_it_says(site: Site) -> None:
    source = "print('try'); raise SystemExit(1)"
    site.put_file("/Shared/x.py", source)

    run = site.run_job(file_task("x", "/Shared/x.py", max_retries=2))

    assert site.output(run, "x")["logs"] == "try\n" * 3
    assert run["tasks"][0]["attempt_number"] == 2


SLEEP = "import time; print('began', flush=True); time.sleep(60)"


def active(site: Site, job_id: int) -> list[int]:
    listed = site.get("/api/2.2/jobs/runs/list", job_id=job_id, active_only=True)
    return [run["run_id"] for run in listed.get("runs", [])]


def running(site: Site, run_id: int) -> Json:
    """The run once its task has printed something."""

    def output() -> Json:
        run = site.run(run_id)
        return site.output(run, run["tasks"][0]["task_key"])

    return until(output, lambda seen: bool(seen.get("logs")))


def test_a_run_can_be_cancelled(site: Site) -> None:
    site.put_file("/Shared/x.py", SLEEP)
    job_id = site.create_job(
        file_task("x", "/Shared/x.py"), file_task("y", "/Shared/x.py", depends_on=after("x"))
    )
    run_id = site.start(job_id)
    running(site, run_id)
    assert active(site, job_id) == [run_id]

    site.post("/api/2.2/jobs/runs/cancel", {"run_id": run_id})
    run = site.finish(run_id)

    assert state(run) == ("TERMINATED", "CANCELED")
    assert run["state"]["state_message"] == "Run cancelled."
    assert results(run) == {"x": "CANCELED", "y": "CANCELED"}
    assert active(site, job_id) == []


def test_a_run_cancelled_at_once_ends_too(site: Site) -> None:
    """Cancelled before the server has begun to work on it."""
    site.put_file("/Shared/x.py", SLEEP)
    job_id = site.create_job(file_task("x", "/Shared/x.py"), max_concurrent_runs=10)
    for _ in range(5):
        site.start(job_id)

    site.post("/api/2.2/jobs/runs/cancel-all", {"job_id": job_id})

    until(lambda: {"left": active(site, job_id)}, lambda seen: not seen["left"])


@pytest.mark.parametrize("where", ["task", "job"])
def test_a_time_limit_ends_a_run(site: Site, where: str) -> None:
    site.put_file("/Shared/x.py", SLEEP)
    limits = {"timeout_seconds": 1}
    task = file_task("x", "/Shared/x.py", **(limits if where == "task" else {}))

    began = time.monotonic()
    run = site.run_job(task, **(limits if where == "job" else {}))

    assert time.monotonic() - began < 15
    assert results(run) == {"x": "TIMEDOUT"}
    assert state(run)[1] == ("FAILED" if where == "task" else "TIMEDOUT")


def test_children_of_a_task_end_with_it(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The whole process group is killed, so that nothing goes on behind the server's back."""
    alive = tmp_path_factory.mktemp("alive") / "touched"
    child = f"import time, pathlib; time.sleep(1.5); pathlib.Path({str(alive)!r}).touch()"
    site.put_file(
        "/Shared/x.py", f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])"
    )

    site.run_job(file_task("x", "/Shared/x.py"))
    time.sleep(2)

    assert not alive.exists()


def test_one_idempotency_token_starts_one_run(site: Site) -> None:
    site.put_file("/Shared/x.py", "print(1)")
    job_id = site.create_job(file_task("x", "/Shared/x.py"))

    first = site.start(job_id, idempotency_token="abc")
    second = site.start(job_id, idempotency_token="abc")
    other = site.start(job_id, idempotency_token="def")
    long = site.api.post("/api/2.2/jobs/run-now", json={"job_id": job_id, "idempotency_token": "x" * 65})

    assert first == second != other
    assert long.status_code == 400


def test_runs_beyond_the_limit_wait_or_are_skipped(site: Site) -> None:
    site.put_file("/Shared/x.py", SLEEP)
    site.put_file("/Shared/y.py", "print('my turn')")
    waiting = site.create_job(file_task("x", "/Shared/x.py"), queue={"enabled": True})
    skipping = site.create_job(file_task("x", "/Shared/x.py"))
    first, alone = site.start(waiting), site.start(skipping)
    running(site, first)

    second = site.start(waiting)
    skipped = site.finish(site.start(skipping))
    queued = until(lambda: site.run(second), lambda run: run["state"]["life_cycle_state"] == "QUEUED")
    for run_id in (first, alone):
        site.post("/api/2.2/jobs/runs/cancel", {"run_id": run_id})
    running(site, second)
    site.post("/api/2.2/jobs/runs/cancel", {"run_id": second})

    assert skipped["state"]["life_cycle_state"] == "SKIPPED"
    assert queued["tasks"][0]["state"]["life_cycle_state"] == "PENDING"


def test_a_run_shows_what_the_command_reads(site: Site) -> None:
    site.put_file("/Shared/x.py", "print(1)")
    job_id = site.create_job(file_task("x", "/Shared/x.py"), name="[staging] smoke_test")
    run_id = site.start(job_id)
    early = site.run(run_id)
    run = site.finish(run_id)
    workspace_id = site.workspace.parts.workspace_id

    assert early["state"]["life_cycle_state"] in {"PENDING", "RUNNING"}
    assert "result_state" not in early["state"]
    assert run["run_page_url"] == f"{site.url}/?o={workspace_id}#job/{job_id}/run/{run_id}"
    assert (run["run_name"], run["run_type"]) == ("[staging] smoke_test", "JOB_RUN")
    assert run["start_time"] <= run["end_time"]
    assert "kept" not in run


def test_submit_runs_without_a_job(site: Site) -> None:
    site.put_file("/Shared/x.py", "print('once')")
    body = {"run_name": "once", "tasks": [file_task("x", "/Shared/x.py")], "idempotency_token": "t"}

    run_id = site.post("/api/2.2/jobs/runs/submit", body)["run_id"]
    again = site.post("/api/2.2/jobs/runs/submit", body)["run_id"]
    run = site.finish(run_id)

    assert again == run_id
    assert (run["run_type"], run["run_name"], "job_id" in run) == ("SUBMIT_RUN", "once", False)
    # A run of one task stands for that task.
    assert site.get("/api/2.2/jobs/runs/get-output", run_id=run_id)["logs"] == "once\n"


def test_some_of_a_jobs_tasks_can_be_run_alone(site: Site) -> None:
    site.put_file("/Shared/x.py", "print(1)")
    job_id = site.create_job(
        file_task("a", "/Shared/x.py"), file_task("b", "/Shared/x.py", depends_on=after("a"))
    )

    run = site.finish(site.start(job_id, only=["b"]))

    assert results(run) == {"b": "SUCCESS"}


def test_output_is_asked_for_task_by_task(site: Site) -> None:
    site.put_file("/Shared/x.py", "print(1)")
    run = site.run_job(file_task("a", "/Shared/x.py"), file_task("b", "/Shared/x.py"))
    ask = "/api/2.2/jobs/runs/get-output"

    whole = site.api.get(ask, params={"run_id": run["run_id"]})
    none = site.api.get(ask, params={"run_id": 1})
    one = site.output(run, "a")

    assert (whole.status_code, none.status_code) == (400, 404)
    assert "multiple tasks is not supported" in whole.json()["message"]
    assert one["metadata"]["task_key"] == "a"
    assert site.run(run["tasks"][0]["run_id"])["run_id"] == run["tasks"][0]["run_id"]


def test_runs_are_listed_newest_first_and_filtered(site: Site) -> None:
    site.put_file("/Shared/x.py", "print(1)")
    job_id = site.create_job(file_task("x", "/Shared/x.py"), max_concurrent_runs=5)
    ids = [site.start(job_id) for _ in range(3)]
    for run_id in ids:
        site.finish(run_id)
    listing = "/api/2.2/jobs/runs/list"

    everything = site.get(listing, job_id=job_id)
    page = site.get(listing, limit=2, expand_tasks=True)
    both = site.api.get(listing, params={"active_only": "true", "completed_only": "true"})

    assert [run["run_id"] for run in everything["runs"]] == ids[::-1]
    assert "tasks" not in everything["runs"][0]
    assert (len(page["runs"]), page["has_more"], "tasks" in page["runs"][0]) == (2, True, True)
    assert "runs" not in site.get(listing, job_id=job_id, active_only=True)
    assert len(site.get(listing, completed_only=True)["runs"]) == 3
    assert both.status_code == 400


def test_no_more_than_a_few_tasks_run_at_a_time(site: Site) -> None:
    """Each task tells when it began and ended; no moment sees more than four of them."""
    source = "import time; a = time.time(); time.sleep(0.3); print(a, time.time())"
    site.put_file("/Shared/x.py", source)

    run = site.run_job(*[file_task(f"t{n}", "/Shared/x.py") for n in range(10)])
    spans = [tuple(map(float, site.output(run, f"t{n}")["logs"].split())) for n in range(10)]

    assert state(run)[1] == "SUCCESS"
    assert max(sum(a <= at < b for a, b in spans) for at, _ in spans) <= 4
