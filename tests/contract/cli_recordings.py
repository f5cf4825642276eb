"""Reads recordings of the real `databricks` command, and makes them and a fresh run comparable.

Recorded with 1.14.0-dev against Databricks' own fake workspace. Ids, hosts, times, versions and folders are
replaced by names on both sides; what differs between that fake and the sandbox's workspace is left out by name.
"""

import difflib
import json
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from cli_lab import DISPLAY_NAME, SP, Lab, Result

FOLDER = Path(__file__).parent / "recordings"

_REPLACED = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\[UUID-\d+\]"), "[UUID]"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "[SHA]"),
    (re.compile(r"1\.14\.0-(dev|sandbox)"), "[VERSION]"),
    (re.compile(r"http://HOST/"), "http://STAGING_HOST/"),
    (re.compile(r"update_id\+=\+"), "update_id = "),
    (re.compile(r" AND timestamp > '[^']*'"), ""),
    (re.compile(r"(?m)^\S+Z update_progress [^\n]*\n"), ""),  # the recorded fake had no events
    (re.compile(r"acquired by (\S+) at [^\n]*\.\n"), r"acquired by \1 at [TIME].\n"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "[TIME]"),
    (re.compile(r"\b\d{10,}\b"), "[ID]"),
)
# The sandbox's workspace has its own words for these; they are no part of the contract.
_WORKSPACE_FACTS = {
    "created_time",
    "last_modified",
    "creator_user_name",
    "run_as_user_name",
    "effective_publishing_mode",
    # The recorded fake knew only id and name of a user, and no times of a run.
    "active",
    "displayName",
    "groups",
    "EndTime",
}
# How often these are sent depends on how long a run takes.
_POLLED = re.compile(r"GET /api/\S*(runs/get\?run_id|/updates/|/events\?)")
_JOB = re.compile(r"daily_report|smoke_test")
# Which of these is sent depends on what the cache under HOME knows.
_LOG_IN = re.compile(r"/oidc/|/\.well-known/|/scim/v2/Me")


class Recording:
    """One recorded command: what was called, and what it did."""

    def __init__(self, name: str) -> None:
        text = (FOLDER / f"{name}.txt").read_text("utf-8")
        head, _, rest = text.partition("# --- stdout\n")
        self.stdout, _, self.stderr = rest.partition("# --- stderr\n")
        self.words = head.splitlines()[0].removeprefix("$ databricks ")
        found = re.search(r"# exit (-?\d+)", head)
        assert found, f"{name} tells no exit code"
        self.exit_code = int(found[1])
        requests = FOLDER / f"{name}.requests.txt"
        lines = requests.read_text("utf-8").splitlines() if requests.exists() else []
        self.requests = _counted(line for line in lines if re.match(r"\d{3} ", line))

    def with_job(self, job: str) -> "Recording":
        """The same with `job` in place of every job that is named."""
        other = copy(self)
        other.stderr = _JOB.sub(job, self.stderr)
        return other


def plain_text(text: str) -> str:
    for pattern, name in _REPLACED:
        text = pattern.sub(name, text)
    return text


def _counted(lines: Iterable[str]) -> Counter[str]:
    """Requests with the recordings' names in them; their order is not part of it, nor how often one polls."""
    found = Counter(plain_text(line) for line in lines)
    return Counter({line: 1 if _POLLED.search(line) else count for line, count in found.items()})


def without_log_in(requests: Counter[str]) -> Counter[str]:
    return Counter({line: count for line, count in requests.items() if not _LOG_IN.search(line)})


def normal(lab: Lab, text: str, folder: Path | None = None) -> str:
    """The text of a run with the recordings' names in it; they have decoded queries."""
    text = text.replace("%2F", "/")
    for value, name in (
        (str(folder or lab.bundle), "[BUNDLE]"),
        (str(lab.cli.path), "[CLI]"),
        (lab.host, "http://STAGING_HOST"),
        (f"/Workspace/Users/{SP}/.bundle/lakehouse/staging", "[ROOT]"),
        (f"client_id={SP}", "client_id=cid"),
        (SP, "[SP]"),
        (f"as {DISPLAY_NAME}.", "as ."),  # the recorded fake's user had no name
    ):
        text = text.replace(value, name)
    return text


def requests_of(lab: Lab, result: Result) -> Counter[str]:
    """The requests of a run as the recordings write them."""
    lines = []
    for request in result.requests:
        query = urllib.parse.unquote_plus(request["query"])
        path = request["path"].replace("import-file/Workspace", "import-file//Workspace")
        line = f"{request['status']} {request['method']} {path}{'?' + query if query else ''}"
        line = normal(lab, line).replace("import-file/[ROOT]", "import-file[ROOT]")
        lines.append(line.replace("import-file//", "import-file/"))
    found = _counted(lines)
    # The first emptying of the wheel folder finds nothing here; the recorded fake said 200.
    if found.pop("404 POST /api/2.0/workspace/delete", 0):
        found["200 POST /api/2.0/workspace/delete"] += 1
    return found


def blocks(text: str) -> Counter[str]:
    """The paragraphs of stderr; things that are done side by side say so in any order."""
    return Counter(re.split(r"\n\n|\n(?=Error: |Warn: )", plain_text(text).strip()))


def without_workspace_facts(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in _WORKSPACE_FACTS and k != "current_user"}
        return {k: without_workspace_facts(v) for k, v in kept.items()}
    if isinstance(value, list):
        return [without_workspace_facts(v) for v in value]
    return value


def comparable(text: str) -> Any:
    """A JSON document with the recordings' names in it, without what each workspace says in its own words."""
    return without_workspace_facts(json.loads(plain_text(text).replace(": [ID]", ': "[ID]"')))


class Options(TypedDict, total=False):
    """How a command is run, and what is left out where not everything of it can be compared."""

    folder: Path  # the checkout, if not the lab's first one
    words: str  # what to call instead, where ids or files were recorded
    environment: dict[str, str | None]  # variables that differ from the lab's
    log_in: bool  # the requests that lead to a token are compared too
    requests: bool  # False: which requests were still under way is chance
    job: str  # the job that things happened to, where it is chance which of the two it is


def assert_same(lab: Lab, name: str, **how: Unpack[Options]) -> Result:
    """Run what was recorded and compare exit code, stdout, stderr and, where recorded, requests."""
    recorded = Recording(name)
    folder = how.get("folder")
    result = lab.run(how.get("words", recorded.words), folder=folder, **how.get("environment", {}))
    if "job" in how:
        recorded = recorded.with_job(how["job"])
        result = replace(result, stderr=_JOB.sub(how["job"], result.stderr))
    assert_matches(lab, recorded, result, name, folder)
    if recorded.requests and how.get("requests", True):
        seen, expected = requests_of(lab, result), recorded.requests
        if not how.get("log_in", False):
            seen, expected = without_log_in(seen), without_log_in(expected)
        same(f"{name}: requests", _lines(seen), _lines(expected))
    return result


def assert_matches(
    lab: Lab, recorded: Recording, result: Result, name: str, folder: Path | None = None
) -> None:
    """Compare exit code, stdout and stderr."""
    stdout, stderr = normal(lab, result.stdout, folder), normal(lab, result.stderr, folder)
    assert result.exit_code == recorded.exit_code, f"{name}: {stderr}"
    if recorded.stdout.startswith("{"):
        same(f"{name}: stdout", _pretty(stdout), _pretty(recorded.stdout))
    else:
        same(f"{name}: stdout", plain_text(stdout).splitlines(), plain_text(recorded.stdout).splitlines())
    same(f"{name}: stderr", _lines(blocks(stderr)), _lines(blocks(recorded.stderr)))


def same(what: str, seen: list[str], expected: list[str]) -> None:
    """Fail with the differing lines: - recorded, + seen."""
    difference = [line for line in difflib.ndiff(expected, seen) if line[0] in "-+"]
    assert not difference, "\n".join([what, *difference])


def _lines(counted: Counter[str]) -> list[str]:
    return sorted(counted.elements())


def _pretty(text: str) -> list[str]:
    return json.dumps(comparable(text), indent=1, sort_keys=True).splitlines()
