"""Play a release in tests: start, answer and retry runs in this process, and act as the people on GitHub."""

import contextlib
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any
from uuid import UUID

import httpx
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow

import flows
from flows.standard_release import standard_release
from sandbox.world import World
from tasks import smoke

SLUG = "acme/lakehouse"
GONE = "resources.jobs.legacy_export"  # what the sample's release destroys in production


def without_waiting() -> None:
    """Steps repeat at once instead of after seconds, and see at once that a smoke job has ended."""
    smoke.LOOK_EVERY_SECONDS = 0.1
    modules = [import_module(f"flows.{found.name}") for found in iter_modules(flows.__path__)]
    for step in (value for module in modules for value in vars(module).values()):
        if hasattr(step, "retry_delay_seconds") and not isinstance(step, Flow):
            step.retry_delay_seconds = [0.0] * step.retries


def forget_runs() -> None:
    """No run of an earlier test is ours any more: none waits, and housekeeping sees none.

    Deleting them would take longer: a server is still writing down what they did.
    """
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(
            flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=["dabflow"]))
        ):
            client.update_flow_run(run.id, tags=[])


@dataclass
class Run:
    """One flow run of a release; `go` runs it in this process until it ends or waits."""

    id: UUID
    flow: Flow[Any, Any] = standard_release

    def go(self) -> State[Any]:
        with contextlib.suppress(Pause), get_client(sync_client=True) as client:
            run_flow(self.flow, flow_run=client.read_flow_run(self.id), return_type="state")
        return self.state

    @property
    def flow_run(self) -> FlowRun:
        with get_client(sync_client=True) as client:
            return client.read_flow_run(self.id)

    @property
    def state(self) -> State[Any]:
        state = self.flow_run.state
        assert state is not None
        return state

    @property
    def said(self) -> str:
        return f"{self.state.name}: {self.state.message}"

    def answer(self, decision: str, reason: str = "", destroys: str = GONE) -> State[Any]:
        """Answer the form, then go on. What 1.4.0 destroys is named, unless a test is about that."""
        said = {"decision": decision, "reason": reason, "destroys": destroys}
        with get_client(sync_client=True) as client:
            client.resume_flow_run(self.id, run_input=said)
        return self.go()

    def decide(self, decision: str, reason: str = "", to: str = "") -> State[Any]:
        """Answer what becomes of a release that stopped half way in production, then go on."""
        with get_client(sync_client=True) as client:
            client.resume_flow_run(self.id, run_input={"decision": decision, "reason": reason, "to": to})
        return self.go()

    def look_again(self) -> State[Any]:
        """What wakes a run that waits for nothing but time."""
        with get_client(sync_client=True) as client:
            client.resume_flow_run(self.id, run_input={"decision": "recheck", "reason": "woken"})
        return self.go()

    def retry(self) -> State[Any]:
        """What the Retry button does."""
        from prefect.states import AwaitingRetry

        with get_client(sync_client=True) as client:
            client.set_flow_run_state(self.id, AwaitingRetry(), force=False)
        return self.go()


def start(**parameters: Any) -> Run:
    """A scheduled run of a release, as the form makes it."""
    return begin(standard_release, bump="minor", **{"reason": "weekly", **parameters})


def begin(flow: Flow[Any, Any], **parameters: Any) -> Run:
    """A scheduled run of one of our flows, as the form makes it."""
    given = {"repository": SLUG, "requested_by": "rita", **parameters}
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(flow)
        deployment = client.create_deployment(
            flow_id, name="default", tags=["dabflow"], enforce_parameter_schema=False
        )
        return Run(client.create_flow_run_from_deployment(deployment, parameters=given).id, flow)


class People:
    """What the people of acme/lakehouse do on GitHub, each with an own token; or in a fork of it."""

    def __init__(self, world: World, slug: str = SLUG) -> None:
        self.world, self.slug = world, slug

    def api(self, login: str, method: str, path: str, **body: Any) -> Any:
        token = self.world.github.accounts[login].token
        answer = httpx.request(
            method,
            f"{self.world.github_url}/repos/{self.slug}{path}",
            headers={"Authorization": f"Bearer {token}"},
            json=body or None,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def review(self, login: str, number: int, event: str = "APPROVE", body: str = "looked at it") -> None:
        self.api(login, "POST", f"/pulls/{number}/reviews", event=event, body=body)

    def develop(self, path: str, text: str, *, branch: str = "feature/next") -> int:
        """A pull request that changes one file is merged into develop; returns its number."""
        self.commit_to("develop", path, text, onto=branch)
        number: int = self.api(
            "rita", "POST", "/pulls", head=branch, base="develop", title=f"Change {path}", body=""
        )["number"]
        self.review("rosa", number)
        self.api("rita", "PUT", f"/pulls/{number}/merge", merge_method="merge")
        return number

    def commit_to(
        self, branch: str, path: str, text: str, *, login: str = "rita", onto: str | None = None
    ) -> str:
        """Push a commit on a branch that changes one file, to `onto` if that is another one; returns it."""
        return self.commit_files(branch, {path: text}, login=login, onto=onto)

    def commit_files(
        self, branch: str, files: Mapping[str, str], *, login: str = "rita", onto: str | None = None
    ) -> str:
        """The same with several files."""
        git, clone = self._cloned(branch, login)
        for path, text in files.items():
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            (clone / path).write_text(text, encoding="utf-8")
        git("add", *files)
        git("commit", "--quiet", "-m", f"fix: change {', '.join(files)}")
        git("push", "--quiet", "origin", f"HEAD:refs/heads/{onto or branch}")
        return git("rev-parse", "HEAD")

    def merge_into(self, branch: str, other: str, path: str, text: str, *, login: str = "rita") -> str:
        """Merge another branch into one, resolve the conflict in one file, push; returns the merge commit."""
        git, clone = self._cloned(branch, login)
        with contextlib.suppress(subprocess.CalledProcessError):
            git("merge", "--quiet", "--no-edit", f"origin/{other}")
        (clone / path).write_text(text, encoding="utf-8")
        git("add", path)
        git("commit", "--quiet", "-m", f"Merge {other} into {branch}")
        git("push", "--quiet", "origin", branch)
        return git("rev-parse", "HEAD")

    def _cloned(self, branch: str, login: str) -> tuple[Callable[..., str], Path]:
        """Somebody's clone of a branch, and git in it."""
        clone = Path(tempfile.mkdtemp(dir=self.world.folder))
        token = b64encode(f"x:{self.world.github.accounts[login].token}".encode()).decode()
        settings = ("http.extraHeader", f"Authorization: Basic {token}"), ("user.name", login)
        options = [o for key, value in settings for o in ("-c", f"{key}={value}")]

        def git(*command: str) -> str:
            whole = ["git", *options, "-c", f"user.email={login}@acme.example", *command]
            return subprocess.run(whole, cwd=clone, check=True, capture_output=True, text=True).stdout.strip()

        git("clone", "--quiet", "--branch", branch, f"{self.world.github_url}/{self.slug}.git", ".")
        return git, clone

    def pulls(self, base: str = "main", state: str = "all") -> list[Any]:
        found: list[Any] = self.api("rita", "GET", f"/pulls?state={state}&base={base}&per_page=100")
        return found

    def release_pull(self) -> Any:
        """The newest pull request into main."""
        return self.pulls()[0]


def writes(world: World, *, after: int = 0, server: str = "github") -> list[str]:
    """The requests that changed something on a server, as `POST /path`, oldest first."""
    url = world.github_url if server == "github" else world.workspace_urls[server]
    found = httpx.get(f"{url}/_sandbox/requests", params={"after": after}).json()
    reads = {"GET", "HEAD"}
    return [
        f"{r['method']} {r['path']}"
        for r in found
        if r["method"] not in reads and not r["path"].endswith(("git-upload-pack", "/token"))
    ]


def asked(world: World, *, server: str = "github") -> int:
    """How many requests a server has seen."""
    url = world.github_url if server == "github" else world.workspace_urls[server]
    return len(httpx.get(f"{url}/_sandbox/requests").json())


def arm(world: World, *, server: str = "github", **fault: Any) -> None:
    """Let a server go wrong."""
    url = world.github_url if server == "github" else world.workspace_urls[server]
    httpx.post(f"{url}/_sandbox/faults", json=fault).raise_for_status()


def settle(world: World, settings: str) -> None:
    """The production branch has these settings in release.yaml, and develop contains them.

    Written past the branches' rules, as if it had been released before.
    """
    repository = world.folder / "github" / "repositories" / f"{SLUG}.git"
    clone = Path(tempfile.mkdtemp(dir=world.folder))

    def git(*command: str) -> None:
        names = ("-c", "user.name=admin", "-c", "user.email=admin@acme.example")
        subprocess.run(["git", *names, *command], cwd=clone, check=True, capture_output=True, text=True)

    git("clone", "--quiet", "--branch", "main", str(repository), ".")
    (clone / "release.yaml").write_text(settings, encoding="utf-8")
    git("commit", "--quiet", "-am", "chore: how we release")
    git("switch", "--quiet", "develop")
    git("merge", "--quiet", "--no-edit", "-X", "theirs", "main")
    for branch in ("main", "develop"):
        subprocess.run(
            ["git", f"--git-dir={repository}", "fetch", "--quiet", str(clone), f"+{branch}:{branch}"],
            check=True,
            capture_output=True,
        )
