"""Reads recordings of the real `databricks` command, and makes them and a fresh run comparable.

Recorded with 1.14.0-dev against Databricks' own fake workspace. Ids, hosts, times, versions and folders are
replaced by names on both sides; what differs between that fake and the sandbox's workspace is left out by name.
"""

import json
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cli_lab import SP, Lab, Result

FOLDER = Path(__file__).parent / "recordings"

_REPLACED = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\[UUID-\d+\]"), "[UUID]"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "[SHA]"),
    (re.compile(r"1\.14\.0-(dev|sandbox)"), "[VERSION]"),
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


def _plain(text: str) -> str:
    for pattern, name in _REPLACED:
        text = pattern.sub(name, text)
    return text


def _counted(lines: Iterable[str]) -> Counter[str]:
    """Requests with the recordings' names in them; their order is not part of it, nor how often one polls."""
    found = Counter(_plain(line) for line in lines)
    return Counter({line: 1 if _POLLED.search(line) else count for line, count in found.items()})


def without_log_in(requests: Counter[str]) -> Counter[str]:
    return Counter({line: count for line, count in requests.items() if not _LOG_IN.search(line)})


def normal(lab: Lab, text: str, folder: Path | None = None) -> str:
    """The text of a run with the recordings' names in it."""
    for value, name in (
        (str(folder or lab.bundle), "[BUNDLE]"),
        (str(lab.cli.path), "[CLI]"),
        (lab.host, "http://STAGING_HOST"),
        (f"/Workspace/Users/{SP}/.bundle/lakehouse/staging", "[ROOT]"),
        (f"client_id={SP}", "client_id=cid"),
        (SP, "[SP]"),
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
        lines.append(normal(lab, line).replace("import-file/[ROOT]", "import-file[ROOT]"))
    found = _counted(lines)
    # The first emptying of the wheel folder finds nothing here; the recorded fake said 200.
    if found.pop("404 POST /api/2.0/workspace/delete", 0):
        found["200 POST /api/2.0/workspace/delete"] += 1
    return found


def blocks(text: str) -> Counter[str]:
    """The paragraphs of stderr; things that are done side by side say so in any order."""
    return Counter(_plain(text).strip().split("\n\n"))


def without_workspace_facts(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in _WORKSPACE_FACTS and k != "current_user"}
        return {k: without_workspace_facts(v) for k, v in kept.items()}
    if isinstance(value, list):
        return [without_workspace_facts(v) for v in value]
    return value


def comparable(text: str) -> Any:
    """A JSON document with the recordings' names in it, without what each workspace says in its own words."""
    return without_workspace_facts(json.loads(_plain(text).replace(": [ID]", ': "[ID]"')))


def assert_same(
    lab: Lab,
    name: str,
    *,
    folder: Path | None = None,
    words: str = "",
    log_in: bool = False,
    **changes: str | None,
) -> Result:
    """Run what was recorded and compare exit code, stdout, stderr and, where recorded, requests.

    Args:
        lab: where it is run.
        name: folder and name of the recording.
        folder: the checkout, if not the lab's first one.
        words: what to call instead, where ids were recorded.
        log_in: whether the requests that lead to a token are compared too.
        changes: variables of the environment.
    """
    recorded = Recording(name)
    result = lab.run(words or recorded.words, folder=folder, **changes)
    assert_matches(lab, recorded, result, name, folder)
    if recorded.requests:
        seen, expected = requests_of(lab, result), recorded.requests
        if not log_in:
            seen, expected = without_log_in(seen), without_log_in(expected)
        assert (seen - expected, expected - seen) == (Counter(), Counter()), name
    return result


def assert_matches(
    lab: Lab, recorded: Recording, result: Result, name: str, folder: Path | None = None
) -> None:
    """Compare exit code, stdout and stderr."""
    stdout, stderr = normal(lab, result.stdout, folder), normal(lab, result.stderr, folder)
    assert result.exit_code == recorded.exit_code, f"{name}: {stderr}"
    if recorded.stdout.startswith("{"):
        assert comparable(stdout) == comparable(recorded.stdout), name
    else:
        assert _plain(stdout) == _plain(recorded.stdout), name
    said, expected = blocks(stderr), blocks(recorded.stderr)
    assert (said - expected, expected - said) == (Counter(), Counter()), name
