"""A release that waits for approval, without the steps before: a real pull request in the sandbox, a real run."""

import contextlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from playing import SLUG, People
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Cancelled

from flows.this_run import tags_of
from sandbox.world import World
from tasks.approve import ensure_rejected
from tasks.ask import GateAnswer, answers, ask
from tasks.rules.digests import Subject
from tasks.rules.phases import Phase
from tasks.rules.release import (
    PRODUCTION,
    STAGING,
    Candidate,
    Examined,
    ProductionPlan,
    Proposal,
    Release,
)
from tasks.rules.settings import ReleaseSettings
from tasks.rules.texts import control_comment
from tasks.rules.versions import Version
from tasks.rules.waiting import Waiting
from tasks.standing import seen_on_github
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo

VERSION = Version(1, 4, 0)
BRANCH = f"release/{VERSION}"


def release_of(version: Version) -> Release:
    return Release(
        SLUG, version, Phase.PROPOSED, ReleaseSettings(), source="", requested_by="rita", reason=""
    )


RELEASE = release_of(VERSION)
errors: list[Exception] = []  # what the next process of a run ends with, instead of asking


@flow(name="standard-release", persist_result=True)
def proposed(repository: str, waiting: dict[str, Any], *, hangs: bool = False) -> Any:
    """Asks until somebody approves or rejects, as the release does; or stops, or hangs."""
    if errors:
        raise errors.pop()
    if hangs:
        time.sleep(600)
    found, said = Waiting.of_json(waiting), answers("gate", GateAnswer)
    if said and said[-1].decision == "approve":
        return "released"
    if said and said[-1].decision == "reject":
        release = release_of(Version.parse(found.version))
        ensure_rejected(release, proposal_of(found.number), said[-1].reason)
        return Cancelled(name="Rejected", message=said[-1].reason)
    ask(
        f"gate-{len(said) + 1}",
        GateAnswer,
        "go on?",
        timeout_seconds=found.seconds_left(datetime.now(UTC)),
        waiting=found,
    )
    return "answered"


def proposal_of(number: int) -> Proposal:
    subject = Subject("a" * 40, "b" * 40, "1.14.0", "prod", "https://prod.example", "us")
    plan = ProductionPlan(digest="d" * 64, subject=subject, plans={}, markdown="the plan", line="1 to create")
    candidate = Candidate("a" * 40, "b" * 40, ReleaseSettings())
    return Proposal(candidate, Examined((), (), plan), number, f"http://github.example/pull/{number}")


class ProposedRelease:
    """A release of acme/lakehouse: cut, rehearsed, proposed, asked about; nobody has answered."""

    def __init__(self, world: World, version: Version = VERSION) -> None:
        self.people = People(world)
        self.hub = GitHubRepo(SLUG)
        self.release, self.branch = release_of(version), f"release/{version}"
        self.commit = Mirror(SLUG).fetch().branches()["develop"]
        self.hub.create_branch(self.branch, self.commit)
        self.hub.open_pull_request(self.branch, "main", title=f"Release {version}", body="")
        (pull,) = self.hub.pull_requests(self.branch, "main")
        self.number = pull.number
        self.hub.add_comment(self.number, control_comment(self.release, Phase.PROPOSED))
        payload = {"release": self.release.key, "requested_by": "rita"}
        self.record(STAGING, payload, "success")
        self.record(PRODUCTION, {**payload, "asks": "d" * 64}, "queued")

    def record(self, environment: str, payload: dict[str, Any], state: str) -> None:
        self.hub.create_deployment(environment, self.commit, payload, text="")
        newest = self.records(environment)[0]
        self.hub.set_deployment_status(newest.id, state, text="", url="")

    def records(self, environment: str = PRODUCTION) -> list[DeploymentRecord]:
        return self.hub.deployments_of(environment, self.release.key)

    def waiting(self, **more: Any) -> Waiting:
        now = datetime.now(UTC)
        version = self.release.version
        given = {
            "seen": seen_on_github(
                self.hub, Mirror(SLUG).fetch(), number=self.number, branch=self.branch, name=str(version)
            ),
            "deadline": now + timedelta(days=30),
            "remind_at": now + timedelta(days=27),
            **more,
        }
        return Waiting(
            repository=SLUG,
            version=str(version),
            branch=self.branch,
            number=self.number,
            question="gate",
            missing="1 of 1 approving reviews",
            **given,
        )

    def run(self, **more: Any) -> "Run":
        """A run that waits."""
        return Run(self.waiting(**more)).go()

    @property
    def comments(self) -> list[str]:
        found = self.people.api("rita", "GET", f"/issues/{self.number}/comments")
        return [comment["body"] for comment in found]

    @property
    def pull_state(self) -> str:
        return self.hub.pull_request(self.number).state


class Run:
    """One run of the release, in a real Prefect and in this process."""

    def __init__(self, waiting: Waiting) -> None:
        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(
                client.create_flow(proposed), name="proposed", enforce_parameter_schema=False
            )
            made = client.create_flow_run_from_deployment(
                deployment,
                name=RELEASE.title,
                tags=tags_of(SLUG, str(VERSION)),
                parameters={"repository": SLUG, "waiting": waiting.to_json()},
            )
        self.id: UUID = made.id

    def go(self) -> "Run":
        with contextlib.suppress(Pause):
            run_flow(proposed, flow_run=self.flow_run, return_type="state")
        return self

    @property
    def flow_run(self) -> FlowRun:
        with get_client(sync_client=True) as client:
            return client.read_flow_run(self.id)

    @property
    def state(self) -> str:
        return str(self.flow_run.state_name)

    def set(self, state: State[Any], *, force: bool = False) -> "Run":
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(self.id, state, force=force)
        return self

    def answer(self, decision: str) -> None:
        with get_client(sync_client=True) as client:
            client.resume_flow_run(self.id, run_input={"decision": decision})

    @property
    def said(self) -> list[tuple[str, str]]:
        """What was answered so far."""
        found = []
        with get_client(sync_client=True) as client:
            kept = client.filter_flow_run_input(
                self.id, key_prefix="suspended-gate-", limit=50, exclude_keys=set()
            )
        for one in sorted(kept, key=lambda one: one.key):
            if one.key.endswith("-response"):
                answer = GateAnswer.model_validate_json(one.value)
                found.append((str(answer.decision), answer.reason))
        return found
