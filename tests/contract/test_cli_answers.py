"""What goes over the wire: the sandbox's answers against recorded ones, and how the command presents itself: 11."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from cli_lab import ROOT, SECRET, SP, Lab
from cli_recordings import FOLDER

TEXT = (FOLDER / "11-http-answers/examples.txt").read_text("utf-8")
# The fake's own mark of a field that nobody reads.
_PATH_PARTS = ((r"\d{10,}", "[ID]"), (r"[0-9a-f-]{36}|\[UUID-\d+\]|\[SP\]", "[UUID]"), (r"[?].*", ""))


@dataclass
class Example:
    """One recorded exchange."""

    status: int
    method: str
    path: str
    agent: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def answer(self) -> Any:
        """The parsed JSON answer, or None where there was none or it was cut."""
        text = "\n".join(line[2:] for line in self.lines if line.startswith("< ")).strip()
        try:
            return json.loads(text)
        except ValueError:
            return None


def _examples() -> list[Example]:
    found = []
    for line in TEXT.splitlines():
        head = re.fullmatch(r"=== (\d+) (\w+) (.*)", line)
        if head:
            found.append(Example(int(head[1]), head[2], head[3]))
        elif line.startswith("# "):
            found[-1].agent = line.partition("user-agent ")[2]
        else:
            found[-1].lines.append(line)
    return found


EXAMPLES = _examples()


def _general(path: str) -> str:
    path = path.replace(ROOT, "[ROOT]").replace("//", "/").replace("/[ROOT]", "[ROOT]")
    for pattern, name in _PATH_PARTS:
        path = re.sub(pattern, name, path)
    return path


def _agent(text: str) -> str:
    """The words of a User-Agent that say what is done, without versions and numbers."""
    words = [
        w for w in text.split() if not re.match(r"(cli|databricks-sdk-go|go|python-http)/|sdk-feature/", w)
    ]
    return re.sub(r"[0-9a-f-]{36}|\[UUID\]", "[UUID]", " ".join(words))


def test_the_command_presents_itself(lab: Lab) -> None:
    """The User-Agent names command, engine and log-in, request by request."""
    assert len(EXAMPLES) > 30
    results = [
        lab.run(f"bundle {words} -t staging") for words in ("deploy", "plan", "run smoke_test", "run ingest")
    ]
    machine = {"DATABRICKS_TOKEN": None, "DATABRICKS_CLIENT_ID": SP, "DATABRICKS_CLIENT_SECRET": SECRET}
    results.append(lab.run("bundle plan -t staging", folder=None, **machine))
    seen = {
        (r["status"], r["method"], _general(r["path"]), _agent(r["agent"]))
        for result in results
        for r in result.requests
    }
    for example in EXAMPLES:
        if "urllib" in example.agent or "jobs/reset" in example.path or example.agent.endswith("oauth-m2m"):
            continue  # the lab's own look, and what this story does not do
        wanted = (example.status, example.method, _general(example.path), _agent(example.agent))
        assert wanted in seen, f"{wanted} is not among\n" + "\n".join(map(str, sorted(seen, key=str)))


def test_the_workspace_answers_with_the_recorded_fields(lab: Lab) -> None:
    """Everything that the recorded fake told, the sandbox tells too; it may tell more."""
    for words in ("deploy", "run smoke_test"):
        assert lab.run(f"bundle {words} -t staging").exit_code == 0
    job = lab.ids()["smoke_test"]
    run = lab.api("GET", f"/api/2.2/jobs/runs/list?job_id={job}")["runs"][0]["run_id"]
    task = lab.api("GET", f"/api/2.2/jobs/runs/get?run_id={run}")["tasks"][0]["run_id"]
    state = f"/api/2.0/workspace/get-status?path={ROOT}/state/resources.json"
    ways = {
        "/.well-known/databricks-config": "/.well-known/databricks-config",
        "/oidc/.well-known/oauth-authorization-server": "/oidc/.well-known/oauth-authorization-server",
        "/api/2.0/preview/scim/v2/Me": "/api/2.0/preview/scim/v2/Me",
        r"/api/2.0/workspace/get-status\?path=\[ROOT\]/state/.*": f"{state}&return_export_info=true",
        r"/api/2.0/workspace/get-status\?path=\[ROOT\]/files": state.replace("state/resources.json", "files"),
        r"/api/2.2/jobs/get\?.*": f"/api/2.2/jobs/get?job_id={job}",
        r"/api/2.2/jobs/runs/get\?.*": f"/api/2.2/jobs/runs/get?run_id={run}",
        r"/api/2.2/jobs/runs/get-output\?.*": f"/api/2.2/jobs/runs/get-output?run_id={task}",
        r"/api/2.0/pipelines/\[UUID-\d+\]": f"/api/2.0/pipelines/{lab.pipelines()[0]}",
    }
    answered = [
        e for e in EXAMPLES if e.method == "GET" and e.status < 400 and "pipelines/[UUID-2]/" not in e.path
    ]
    for example in answered:
        if "/export?" in example.path:
            continue  # files: recording 12
        (asked,) = [to for way, to in ways.items() if re.fullmatch(way, example.path)]
        missing = _missing(example.answer, lab.api("GET", asked))
        assert not missing, f"{example.path}: {missing}"


def _missing(recorded: Any, answer: Any, at: str = "") -> list[str]:
    """The fields of `recorded` that `answer` lacks."""
    if isinstance(recorded, dict) and isinstance(answer, dict):
        return [
            each
            for key, value in recorded.items()
            for each in (
                [f"{at}.{key}"] if key not in answer else _missing(value, answer[key], f"{at}.{key}")
            )
        ]
    if isinstance(recorded, list) and isinstance(answer, list) and recorded and answer:
        return _missing(recorded[0], answer[0], f"{at}[0]")
    return []
