"""One pull request from its first commit to its last, checked as GitHub Actions start it."""

from pathlib import Path
from uuid import UUID

import httpx
from playing import SLUG, People, Run
from rendered import rendered
from trigger_world import deploy

from deployments import trigger
from flows.pull_request_check import pull_request_check
from sandbox.world import World

# All of it is legal: git takes such a branch and such a file, and GitHub such a title.
BRANCH = "feature/`$(touch${IFS}owned)`<img/src=x>&#64;{{7+7}}|@rita#1-\u202e';touch${IFS}owned;'"
FILE = "src/`<script>alert(1)</script>`@rita\n# heading\x1b[2J.txt"
TITLE = f"fixes #1 @rita <img src=x onerror=alert(1)> ```\n::error::owned {BRANCH}"


def checked(api: str, folder: Path, number: int, head: str) -> Run:
    """What the workflow does about a new head, and the worker then."""
    output = folder / f"output-{len(list(folder.glob('output-*')))}"
    environment = {
        "PREFECT_API_URL": api,
        "GITHUB_REPOSITORY": SLUG,
        "GITHUB_RUN_ID": f"{folder.name}-{output.name}",
        "GITHUB_OUTPUT": str(output),
        "PULL_REQUEST": str(number),
        "HEAD": head,
    }
    trigger.start("check", environment)
    found = dict(line.split("=", 1) for line in output.read_text().splitlines())
    run = Run(UUID(found["flow_run_id"]), pull_request_check)
    run.go()
    return run


def test_each_commit_is_checked_and_told_in_one_comment(
    world: World, people: People, prefect_server: str, tmp_path: Path
) -> None:
    deploy("pull_request_check")
    first = people.commit_to("develop", FILE, "one\n", onto=BRANCH)
    about = {"head": BRANCH, "base": "develop", "title": TITLE, "body": ""}
    number = people.api("rita", "POST", "/pulls", **about)["number"]

    def check(head: str) -> Run:
        return checked(prefect_server, tmp_path, number, head)

    def status(head: str) -> tuple[str, str]:
        newest = people.api("rita", "GET", f"/commits/{head}/statuses")[0]
        return newest["state"], newest["target_url"]

    run = check(first)
    assert run.state.name == "Completed", run.said
    assert run.flow_run.name == f"{SLUG}#{number} at {first[:12]}"
    assert status(first) == ("success", page(prefect_server, run))

    (comment,) = people.api("rita", "GET", f"/issues/{number}/comments")
    insist_on_plain_text(world, number, comment["body"])

    second = people.commit_to(BRANCH, "databricks.yml", "bundle: {}\n")
    late = check(first)
    assert late.said == f"Superseded: {SLUG}#{number} has moved on from {first[:12]} to {second[:12]}"

    run = check(second)
    assert run.state.name == "Failed"
    assert status(second) == ("failure", page(prefect_server, run))
    (comment,) = people.api("rita", "GET", f"/issues/{number}/comments")
    assert "could not be told" in comment["body"]
    assert page(prefect_server, run) in comment["body"]


def insist_on_plain_text(world: World, number: int, comment: str) -> None:
    """Nothing in the branch's, the file's or the pull request's name is more than text, wherever it is shown."""
    assert "`<script>" in comment
    read = rendered(comment)
    assert [one for one in read.markup if "html" in one or "image" in one] == []
    assert read.made_by_github == []
    shown = httpx.get(f"{world.github_url}/{SLUG}/pull/{number}").text
    assert [bad for bad in ("<img", "<script") if bad in shown] == []
    assert not list(world.folder.rglob("owned"))


def page(api: str, run: Run) -> str:
    return f"{api.removesuffix('/api')}/runs/flow-run/{run.id}"
