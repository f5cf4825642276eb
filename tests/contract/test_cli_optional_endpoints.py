"""What each command does when one endpoint is missing: recording 33, line by line.

A 404 on the state, on a job or on a pipeline is believed: the plan then creates it again.
"""

import re
import shutil
from dataclasses import dataclass

import pytest
from cli_lab import Lab, Result
from cli_recordings import FOLDER, normal

STATE = r"/state/(resources\.json|terraform\.tfstate|deployment\.json)"
GET_STATUS, IMPORT = "/api/2.0/workspace/get-status", ".*/import-file/.*"
# As recorded -> path and query. The first of the two deletes is the one of old artifacts.
ENDPOINTS = {
    "GET /.well-known/databricks-config": ("/.well-known/databricks-config", ""),
    "GET /api/2.0/preview/scim/v2/Me": (".*/Me", ""),
    "GET workspace/get-status (state files)": (GET_STATUS, STATE),
    "GET workspace/get-status terraform.tfstate": (GET_STATUS, "terraform.tfstate"),
    "GET workspace/get-status deployment.json": (GET_STATUS, "deployment.json"),
    "GET workspace/get-status deploy.lock": (GET_STATUS, "deploy.lock"),
    "GET workspace/get-status files folder": (GET_STATUS, "/files$"),
    "GET workspace/export": ("/api/2.0/workspace/export", ""),
    "POST workspace/mkdirs": ("/api/2.0/workspace/mkdirs", ""),
    "POST workspace/delete": ("/api/2.0/workspace/delete", ""),
    "POST workspace/delete (old artifacts only)": ("/api/2.0/workspace/delete", ""),
    "POST import-file deploy.lock": (f"{IMPORT}deploy.lock", ""),
    "POST import-file wheel": (f"{IMPORT}whl", ""),
    "POST import-file files/": (f"{IMPORT}/files/.*", ""),
    "POST import-file deployment.json": (f"{IMPORT}deployment.json", ""),
    "POST import-file resources.json": (f"{IMPORT}/state/resources.json", ""),
    "POST import-file metadata.json": (f"{IMPORT}metadata.json", ""),
    "POST jobs/create": (".*/jobs/create", ""),
    "POST pipelines": ("/api/2.0/pipelines", ""),
    "POST telemetry-ext": ("/telemetry-ext", ""),
    "GET jobs/get": (".*/jobs/get", ""),
    "GET pipelines/{id}": ("/api/2.0/pipelines/.*", ""),
    "POST jobs/run-now": (".*/run-now", ""),
    "GET jobs/runs/get": (".*/runs/get", ""),
    "GET jobs/runs/get-output": (".*/runs/get-output", ""),
}
CODES = {"404": "ENDPOINT_NOT_FOUND", "501": "NOT_IMPLEMENTED"}
FIRST_DEPLOY = re.compile(r"(\d+) for (.*): hit (\d+)x, first deploy exit (\d), created (yes|no)(?:: (.*))?")
LATER = re.compile(r"(?:existing deployment, )?(\d+) for (.*): (plan|deploy|run) exit (\d); (.*)")
COMMANDS = {
    "plan": "bundle plan -t staging",
    "deploy": "bundle deploy -t staging",
    "run": "bundle run -t staging smoke_test",
}
LINES = (FOLDER / "33-optional-endpoints/notes.txt").read_text("utf-8").splitlines()


@dataclass(frozen=True)
class Told:
    """What a line tells of one command."""

    status: str
    endpoint: str
    command: str
    exit_code: int
    said: str
    hits: int = 0
    created: str = ""


def _told(line: str) -> Told:
    first = FIRST_DEPLOY.fullmatch(line)
    if first:
        status, endpoint, hits, code, created, said = first.groups()
        return Told(status, endpoint, "deploy", int(code), said or "", int(hits), created)
    later = LATER.fullmatch(line)
    assert later, f"a line that is not understood: {line}"
    status, endpoint, command, code, said = later.groups()
    return Told(status, endpoint, command, int(code), said)


ALL = [_told(line) for line in LINES]


def _fault(lab: Lab, told: Told, code: str, message: str) -> None:
    path, query = ENDPOINTS[told.endpoint]
    lab.fault(
        kind="refuse",
        method=told.endpoint.partition(" ")[0],
        path=path,
        query=query,
        status=int(told.status),
        body={"error_code": code, "message": message},
        times=1 if "old artifacts only" in told.endpoint else 999,
    )


def _assert_told(lab: Lab, told: Told, result: Result) -> None:
    assert result.exit_code == told.exit_code, f"{told}: {result.stderr}"
    seen = f"{result.stdout}\n{result.stderr}"
    lines = [*seen.splitlines(), *normal(lab, seen).splitlines()]
    lines = [re.sub(r"\b\d{10,}\b", "[ID]", line) for line in lines]
    for text in told.said.split(" | "):
        wanted = re.escape(re.sub(r"\b\d{10,}\b", "[ID]", text))
        wanted = wanted.replace(r"\[TIME\]", r"\S+ \S+").replace(r"\[UUID\-1\]", r"[0-9a-f-]{36}")
        assert any(re.match(wanted, line) for line in lines), f"{told.endpoint} {told.status}: {text}\n{seen}"


@pytest.mark.parametrize("status", ["404", "501"])
def test_a_first_deploy(lab: Lab, status: str) -> None:
    for number, told in enumerate(t for t in ALL if t.hits and t.status == status):
        lab.forget_everything()
        _fault(lab, told, CODES[status], f"No API found for '{told.endpoint}'")
        result = lab.run(COMMANDS["deploy"], HOME=str(lab.folder / f"home{number}"))
        lab.calm()
        _assert_told(lab, told, result)
        # How many uploads were under way is chance.
        if told.endpoint != "POST import-file files/":
            assert sum(bool(r["fault"]) for r in result.requests) == told.hits, told
        assert ("\nCreated " in result.stderr) == (told.created == "yes"), told


@pytest.mark.parametrize("command", ["plan", "deploy", "run"])
def test_an_existing_deployment(lab: Lab, command: str) -> None:
    assert lab.run(COMMANDS["deploy"]).exit_code == 0
    for told in [t for t in ALL if not t.hits and t.command == command]:
        shutil.rmtree(lab.bundle / ".databricks", ignore_errors=True)
        _fault(lab, told, "X", "No API")
        result = lab.run(COMMANDS[command])
        lab.calm()
        if command == "run":  # it goes on when the command does not, and the next one would wait for it
            lab.api("POST", "/api/2.2/jobs/runs/cancel-all", {"job_id": lab.ids()["smoke_test"]})
        _assert_told(lab, told, result)


def test_every_line_is_tried() -> None:
    assert {t.command for t in ALL if not t.hits} == set(COMMANDS)
    assert {t.endpoint for t in ALL} <= set(ENDPOINTS)
    assert {t.status for t in ALL} == set(CODES)
