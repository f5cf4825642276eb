"""What happened in acme/lakehouse so far: version 1.3.0, and four pull requests on develop since then.

The newest state of the repository is this project's own sample bundle. What it looked like before is found by
undoing the edits below, last one first; so an edit names text that stands in the sample bundle today.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

Files = dict[str, str]

VERSION = "1.3.0"


class StoryBroken(ValueError):
    """The sample bundle no longer holds what an edit of the story says it made."""


class Edit(Protocol):
    """One change of one file, which can be undone."""

    @property
    def path(self) -> str: ...

    def undo(self, files: Files) -> None: ...


@dataclass(frozen=True)
class Added:
    """The file came into being."""

    path: str

    def undo(self, files: Files) -> None:
        if files.pop(self.path, None) is None:
            raise StoryBroken(f"{self.path} is not in the sample bundle")


@dataclass(frozen=True)
class Replaced:
    """A piece of text, which stands there once, replaced an older one."""

    path: str
    old: str
    new: str

    def undo(self, files: Files) -> None:
        if files.get(self.path, "").count(self.new) != 1:
            raise StoryBroken(f"{self.path} does not hold this text once: {self.new!r}")
        files[self.path] = files[self.path].replace(self.new, self.old)


@dataclass(frozen=True)
class Removed:
    """The file, which held `text`, went away."""

    path: str
    text: str

    def undo(self, files: Files) -> None:
        if self.path in files:
            raise StoryBroken(f"{self.path} is in the sample bundle again")
        files[self.path] = self.text


@dataclass(frozen=True)
class Change:
    """One pull request into develop."""

    title: str
    author: str
    reviewer: str
    branch: str
    body: str
    edits: tuple[Edit, ...]


_LEGACY_JOB = """\
# Every night: all orders as one CSV file, for the old warehouse.
resources:
  jobs:
    legacy_export:
      name: legacy_export
      schedule:
        quartz_cron_expression: 0 0 2 * * ?
        timezone_id: UTC
        pause_status: UNPAUSED
      max_concurrent_runs: 1
      tasks:
        - task_key: export
          environment_key: default
          spark_python_task:
            python_file: ../src/legacy_export.py
      environments:
        - environment_key: default
          spec:
            environment_version: "4"
            dependencies:
              - ../src/dist/*.whl
"""

_LEGACY_SCRIPT = '''\
"""All clean orders as CSV, the way the old warehouse wants them."""

import csv
import sys

from lakehouse.orders import clean, read_orders

writer = csv.writer(sys.stdout)
for order in clean(read_orders()):
    writer.writerow([order.number, order.day, order.country, order.amount])
'''

CHANGES: tuple[Change, ...] = (
    Change(
        title="feat(quality): check every hour that the orders are plausible",
        author="ravi",
        reviewer="rosa",
        branch="feature/order-quality",
        body="A new job, `order_quality`. A failed run is the alarm.",
        edits=(
            Added("resources/order_quality.yml"),
            Added("src/lakehouse/quality.py"),
            Added("src/tests/test_quality.py"),
            Replaced("src/pyproject.toml", "", 'order_quality = "lakehouse.quality:main"\n'),
        ),
    ),
    Change(
        title="feat(report): start the daily report at 05:30",
        author="rosa",
        reviewer="ravi",
        branch="feature/earlier-report",
        body="The morning meeting begins at six. Changes the schedule of `daily_report`.",
        edits=(
            Replaced(
                "resources/daily_report.yml",
                "quartz_cron_expression: 0 0 6 * * ?",
                "quartz_cron_expression: 0 30 5 * * ?",
            ),
        ),
    ),
    Change(
        title="fix(orders): the last word about an order counts, not the first",
        author="rita",
        reviewer="rosa",
        branch="fix/last-word-counts",
        body="An order that was paid later stayed open for ever. No job changes, only its code.",
        edits=(
            Replaced(
                "src/lakehouse/orders.py",
                '    """Return each order once, as first told, without the cancelled ones; by number."""\n'
                "    latest: dict[str, Order] = {}\n"
                "    for order in orders:\n"
                "        latest.setdefault(order.number, order)\n",
                '    """Return each order once, as last told, without the cancelled ones; by number."""\n'
                "    latest = {order.number: order for order in orders}\n",
            ),
            Replaced(
                "src/tests/test_orders.py",
                "",
                "    def test_the_last_word_about_an_order_counts(self) -> None:\n"
                '        told = [order("1", "open"), order("1", "paid")]\n'
                '        self.assertEqual(clean(told), [order("1", "paid")])\n'
                "\n",
            ),
        ),
    ),
    Change(
        title="refactor(export): remove the nightly CSV export that nobody reads",
        author="ravi",
        reviewer="rita",
        branch="chore/drop-legacy-export",
        body="The old warehouse is gone. Removes the job `legacy_export`.",
        edits=(
            Removed("resources/legacy_export.yml", _LEGACY_JOB),
            Removed("src/legacy_export.py", _LEGACY_SCRIPT),
        ),
    ),
)


@dataclass(frozen=True)
class Step:
    """One commit of the time before 1.3.0: the files that came with it, by the beginning of their path."""

    title: str
    author: str
    prefixes: tuple[str, ...]


BEGINNINGS: tuple[Step, ...] = (
    Step(
        "chore: a place for the lakehouse bundle",
        "rita",
        ("README.md", ".gitignore", "release.yaml", "docs/"),
    ),
    Step(
        "feat(ingest): clean orders, in a pipeline of their own",
        "ravi",
        ("databricks.yml", "resources/ingest.yml", "src/pyproject.toml", "src/lakehouse", "src/ingest.py"),
    ),
    Step("feat(report): a report every morning", "rosa", ("resources/daily_report.yml", "src/notebooks")),
    Step("feat(export): orders for the old warehouse", "ravi", ("resources/legacy", "src/legacy")),
    Step("test: unit tests and a smoke test", "rosa", ("resources/smoke_test.yml", "src/")),
)


def before(files: Mapping[str, str], changes: Iterable[Change]) -> Files:
    """Return the files as they were before these changes.

    Raises:
        StoryBroken: an edit does not fit the files.
    """
    past = dict(files)
    for change in reversed(tuple(changes)):
        for edit in reversed(change.edits):
            edit.undo(past)
    return past


def after_only(files: Mapping[str, str], index: int) -> Files:
    """Return the files with exactly one of the changes made, as on its branch before it was merged.

    `files` is the newest state. Every change starts from the state before all of them.
    """
    others = tuple(change for number, change in enumerate(CHANGES) if number != index)
    return before(files, others)


def difference(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str | None]:
    """Return the new content of each file that differs; None for one that went away."""
    return {path: now.get(path) for path in sorted({*then, *now}) if then.get(path) != now.get(path)}
