"""How long people wait for a plan: `databricks bundle plan` beside our reading, digest and rendering of it.

    python -m bench.plan                       1, 50 and 500 jobs, the sandbox's stand-in for `databricks`
    python -m bench.plan --databricks PATH     the real command
    python -m bench.plan --jobs 1 200          other sizes

Prints a Markdown page. Each size is measured in a process of its own, so that its memory is its own. The workspace
is the sandbox's, on this machine: against a real one the command takes longer, and our part stays the same.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.databricks_cli.launcher import write_launcher
from sandbox.serving import Served, listening_socket
from sandbox.workspace.server import Principal, Workspace
from tasks.rules import digests
from tasks.rules.bound_plan import bound_plan
from tasks.rules.differences import beyond
from tasks.rules.plan_text import About
from tasks.rules.plans import Plan
from tasks.rules.release import ProductionPlan
from tasks.systems.bundle_cli import BundleCli
from tasks.systems.targets import target_of

CLIENT_ID, SECRET = "9d0e4b7c-b0f1-4f3a-9c55-0a7de11ab003", "bench-secret"
SIZES = (1, 50, 500)
REPEATS = 5
COMMAND_REPEATS = 3
MANY = 500  # jobs, of which the command takes long
MEGABYTE = 1024 * 1024

BUNDLE = """\
bundle:
  name: bench
targets:
  prod:
    mode: production
    workspace:
      root_path: /Workspace/Users/{client_id}/.bundle/bench/prod
    run_as:
      service_principal_name: {client_id}
resources:
  jobs:
"""
JOB = """\
    report_{number:03}:
      name: report {number}
      max_concurrent_runs: {runs}
      schedule:
        quartz_cron_expression: 0 {minute} 6 * * ?
        timezone_id: UTC
      tasks:
        - task_key: report
          environment_key: default
          spark_python_task:
            python_file: ./main.py
            parameters: [--day, "{number}"]
      environments:
        - environment_key: default
          spec:
            environment_version: "4"
"""

HEADINGS = {
    "jobs": "jobs",
    "plan_megabytes": "plan, MB",
    "command": "`bundle plan`, s",
    "read": "read, s",
    "bind": "digest and pages, s",
    "compare": "compare with approved, s",
    "ours": "ours in all, s",
    "share": "ours / command",
    "our_megabytes": "ours, peak MB",
    "command_megabytes": "command, peak MB",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.plan", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, nargs="+", default=SIZES, help="sizes of the bundle")
    parser.add_argument("--databricks", type=Path, help="the real command; the stand-in if not given")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.jobs[0], options.databricks)))
        return
    print(page([in_own_process(size, options.databricks) for size in options.jobs]), end="")


def in_own_process(jobs: int, command: Path | None) -> dict[str, Any]:
    """The measurements of one size."""
    named = ["--databricks", str(command.absolute())] if command else []
    done = subprocess.run(
        [sys.executable, "-m", "bench.plan", "--one", "--jobs", str(jobs), *named],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


PAGE = """\
# The time of a plan

Printed by `python -m bench.plan` on {day}: {machine}, Python {python}, `databricks` {version}.
Every job changes, each in another way. Medians of {repeats} runs; of the command {command_repeats}, and 1 from 500 jobs
on. The workspace is the sandbox's, on the same machine; other programs ran beside.

{table}

*Read*: the strict reading of the command's JSON. *Digest and pages*: canonical form, digest, the whole page and the
text that fits a comment. *Compare*: what a deploy asks again right before it touches production.
"""


def page(rows: list[dict[str, Any]]) -> str:
    """The measurements as Markdown."""
    table = [
        f"| {' | '.join(HEADINGS.values())} |",
        f"| {' | '.join('---:' for _ in HEADINGS)} |",
        *(f"| {' | '.join(str(row[name]) for name in HEADINGS)} |" for row in rows),
    ]
    return PAGE.format(
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=machine(),
        python=platform.python_version(),
        version=rows[0]["version"],
        repeats=REPEATS,
        command_repeats=COMMAND_REPEATS,
        table="\n".join(table),
    )


def machine() -> str:
    """What this runs on, without a name."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.partition(":")[2].strip()
            for line in cpuinfo.read_text().splitlines()
            if "model name" in line
        ]
        model = names[0] if names else model
    return f"{platform.system()}, {os.cpu_count()} cores ({model})"


def measured(jobs: int, command: Path | None) -> dict[str, Any]:
    """What one size takes: seconds and megabytes."""
    with (
        tempfile.TemporaryDirectory(prefix="dabflow-bench-") as folder,
        bundle(Path(folder), jobs, command) as cli,
    ):
        cli.deploy()
        write_bundle(cli.folder, jobs, changed=True)
        commands = [timed(cli.plan) for _ in range(1 if jobs >= MANY else COMMAND_REPEATS)]
        printed = commands[0][1]
        version = cli.cli_version()
        memory = memory_of_plan(cli, Path(folder))
    text = json.dumps(printed)
    read, plan = median(lambda: Plan.of_json(text))
    bind, approved = median(lambda: bound(printed, plan, "c" * 40))
    compare, more = median(lambda: beyond(approved, unread(printed, plan, "d" * 40)))
    assert len(plan.changes) == jobs
    assert more == []
    taken = statistics.median(seconds for seconds, _ in commands)
    ours = read + bind + compare
    return {
        "jobs": jobs,
        "version": version,
        "plan_megabytes": f"{len(text) / MEGABYTE:.2f}",
        "command": f"{taken:.2f}",
        "read": f"{read:.3f}",
        "bind": f"{bind:.3f}",
        "compare": f"{compare:.3f}",
        "ours": f"{ours:.3f}",
        "share": f"{ours / taken:.0%}",
        "our_megabytes": f"{peak(lambda: bound(printed, Plan.of_json(text), 'c' * 40)) / MEGABYTE:.1f}",
        "command_megabytes": f"{memory / MEGABYTE:.0f}",
    }


def unread(printed: dict[str, Any], plan: Plan, commit: str) -> ProductionPlan:
    """What a deploy compares with what was approved: nobody reads it."""
    subject, plans = subject_of(plan, commit), {".": digests.kept(printed, commit=commit)}
    return ProductionPlan(
        digest=digests.digest(subject, plans), subject=subject, plans=plans, markdown="", line=""
    )


def bound(printed: dict[str, Any], plan: Plan, commit: str) -> ProductionPlan:
    """What the release makes of a printed plan."""
    files = [f"src/file_{number}.py" for number in range(200)]
    about = About("prod", commit, "9" * 40, files)
    return bound_plan(subject_of(plan, commit), {".": printed}, [(plan, about)])


def subject_of(plan: Plan, commit: str) -> digests.Subject:
    roots = {".": "/Workspace/x"}
    return digests.Subject(
        commit, "e" * 40, plan.cli_version, "prod", "https://prod.example", CLIENT_ID, roots
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def median(work: Callable[[], Any]) -> tuple[float, Any]:
    runs = [timed(work) for _ in range(REPEATS)]
    return statistics.median(seconds for seconds, _ in runs), runs[0][1]


def peak(work: Callable[[], Any]) -> int:
    """The most memory that the work holds at once, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


WATCHER = """\
#!{python}
import resource, subprocess, sys

code = subprocess.call([{command!r}, *sys.argv[1:]])
with open({record!r}, "a") as record:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=record)
sys.exit(code)
"""


def memory_of_plan(cli: BundleCli, folder: Path) -> int:
    """The most memory that the command has while it plans, in bytes.

    Seen by a small process between us: Linux counts for a program what its parent had when it was started.
    """
    record, watcher = folder / "memory.txt", folder / "watcher"
    command = os.environ["DABFLOW_DATABRICKS_CLI"]
    watcher.write_text(WATCHER.format(python=sys.executable, command=command, record=str(record)))
    watcher.chmod(0o755)
    os.environ["DABFLOW_DATABRICKS_CLI"] = str(watcher)
    BundleCli(cli.target, cli.folder, journal_home=cli.journal_home).plan()
    unit = 1 if sys.platform == "darwin" else 1024
    return max(int(line) for line in record.read_text().split()) * unit


@contextmanager
def bundle(folder: Path, jobs: int, command: Path | None) -> Iterator[BundleCli]:
    """The command for a bundle of so many jobs and an empty workspace of the sandbox."""
    principal = Principal(CLIENT_ID, SECRET, "deployer of prod")
    served = Served(
        Workspace.open(folder / "workspace", name="prod", principal=principal).app, listening_socket()
    ).start()
    checkout = folder / "checkout"
    checkout.mkdir()
    write_bundle(checkout, jobs)
    os.environ |= {
        "DABFLOW_TARGET_PROD_HOST": served.url,
        "DABFLOW_TARGET_PROD_CLIENT_ID": CLIENT_ID,
        "DABFLOW_TARGET_PROD_CLIENT_SECRET": SECRET,
        "DABFLOW_DATABRICKS_CLI": str(command or write_launcher(folder)),
    }
    try:
        yield BundleCli(target_of("prod"), checkout, journal_home=folder / "journals")
    finally:
        served.stop()


def write_bundle(checkout: Path, jobs: int, *, changed: bool = False) -> None:
    """The bundle as it was deployed, or with a change in each job."""
    listed = (
        JOB.format(number=number, minute=number % 60, runs=number + 2 if changed else 1)
        for number in range(jobs)
    )
    (checkout / "databricks.yml").write_text(BUNDLE.format(client_id=CLIENT_ID) + "".join(listed))
    (checkout / "main.py").write_text("print('all is well')\n")


if __name__ == "__main__":
    main()
