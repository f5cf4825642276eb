"""One release, step by step, with a copy of the world as it was before each step.

A test of a step takes the copy, so it starts where the step starts, in the real state that the steps before it
left behind. The order here is the order of the flow.
"""

import dataclasses
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from playing import GONE, SLUG, People

from sandbox.world import World, copy_world
from tasks.approve import ensure_missing_told, ensure_rejected, still_what_was_approved
from tasks.ask import GateAnswer
from tasks.back_merge import ensure_back_merge_told, ensure_back_merged
from tasks.cut import ensure_cut
from tasks.deploy import ensure_deployed
from tasks.examine import plan_of_production, validation
from tasks.merge import ensure_merged, ensure_tagged
from tasks.plan_release import plan_release
from tasks.propose import ensure_proposed, ensure_shown, tell
from tasks.publish import ensure_published
from tasks.rules.choice import Wanted
from tasks.rules.gate import Judgement, Verdict
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, STAGING, Candidate, Examined, Proposal, Release
from tasks.rules.syncs import Sync, Synced
from tasks.rules.versions import Bump
from tasks.smoke import ensure_smoked


@dataclass
class Known:
    """What the steps so far have handed on."""

    release: Release
    candidate: Candidate
    examined: Examined
    proposal: Proposal
    merge: str

    @property
    def shipped(self) -> Candidate:
        return replace(self.candidate, commit=self.merge)


@dataclass(frozen=True)
class Step:
    """One `ensure_*` step: how it is run, and the one write that must never happen twice.

    `server` is github, staging or prod; `method` and `path` (a regular expression) are that write.
    """

    name: str
    run: Callable[[Known], Any]
    method: str
    path: str
    server: str = "github"


R = f"/repos/{SLUG}"
MISSING = Judgement(Verdict.WAITING, "nobody yet", ("nobody yet",))
APPROVED_BY_NAME = [GateAnswer(decision="approve", reason="read it", destroys=GONE)]

STEPS = [
    Step("cut", lambda k: ensure_cut.fn(k.release), "POST", f"{R}/git/refs"),
    Step(
        "deploy staging",
        lambda k: ensure_deployed.fn(k.release, k.candidate, k.examined.staging, environment=STAGING),
        "POST",
        f"{R}/deployments",
    ),
    Step(
        "smoke staging",
        lambda k: ensure_smoked.fn(k.release, k.candidate, k.examined.staging, environment=STAGING),
        "POST",
        "/api/2.2/jobs/run-now",
        "staging",
    ),
    Step("propose", lambda k: ensure_proposed.fn(k.release, k.candidate, k.examined), "POST", f"{R}/pulls"),
    Step("show", lambda k: ensure_shown.fn(k.release, k.proposal), "POST", f"{R}/deployments"),
    Step(
        "tell what is missing",
        lambda k: ensure_missing_told.fn(k.release, k.proposal, MISSING),
        "PATCH",
        f"{R}/issues/comments/.*",
    ),
    Step(
        "compare",
        lambda k: still_what_was_approved.fn(k.release, k.proposal, APPROVED_BY_NAME),
        "POST",
        f"/{SLUG}.git/git-receive-pack",
    ),
    Step(
        "tell",
        lambda k: tell.fn(k.release, Phase.MERGED, proposal=k.proposal),
        "PATCH",
        f"{R}/issues/comments/.*",
    ),
    Step("merge", lambda k: ensure_merged.fn(k.release, k.proposal), "PUT", f"{R}/pulls/.*/merge"),
    Step("tag", lambda k: ensure_tagged.fn(k.release, k.merge), "POST", f"{R}/git/refs"),
    Step(
        "deploy production",
        lambda k: ensure_deployed.fn(
            k.release, k.shipped, k.examined.production, environment=PRODUCTION, approved=k.proposal.plan
        ),
        "POST",
        f"{R}/deployments",
    ),
    Step(
        "smoke production",
        lambda k: ensure_smoked.fn(k.release, k.shipped, k.examined.production, environment=PRODUCTION),
        "POST",
        "/api/2.2/jobs/run-now",
        "prod",
    ),
    Step("publish", lambda k: ensure_published.fn(k.release, k.merge), "POST", f"{R}/releases"),
    Step("back-merge", lambda k: ensure_back_merged.fn(k.release, "develop"), "POST", f"{R}/pulls"),
    Step(
        "tell back-merge",
        lambda k: ensure_back_merge_told.fn(
            k.release, [Synced(Sync("1.4.0", k.merge, "develop"), done=True)]
        ),
        "PATCH",
        f"{R}/issues/comments/.*",
    ),
]

# Beside the way: taken where `merge` starts.
REJECT = Step(
    "reject", lambda k: ensure_rejected.fn(k.release, k.proposal, "not yet"), "PATCH", f"{R}/pulls/.*"
)


def planned() -> Release:
    return plan_release.fn(SLUG, Wanted(None, Bump.MINOR), requested_by="rita", reason="weekly")


class Stages:
    """Copies of the world before each step, made by running one release from end to end."""

    def __init__(self, seeded: Path, folder: Path) -> None:
        self.folder = folder
        self.known: dict[str, Known] = {}
        self.known_so_far: dict[str, Any] = {}
        here = copy_world(seeded, folder / "release")
        for step in STEPS:
            copy_world(here, self._copy(step.name))
            with opened(here) as world:
                self._go(step, world)

    def before(self, step: str, to: Path) -> tuple[Path, Known]:
        """A fresh copy of the world right before the step, and what the step is given."""
        return copy_world(self._copy(step), to), self.known[step]

    def _copy(self, name: str) -> Path:
        return self.folder / "before" / name.replace(" ", "-")

    def _go(self, step: Step, world: World) -> None:
        so_far = self.known_so_far
        if step.name == "cut":
            so_far["release"] = planned()
        self.known[step.name] = known = _known(so_far)
        result = step.run(known)
        match step.name:
            case "cut":
                so_far["candidate"] = result
                so_far["examined"] = _examined(known.release, result)
            case "propose" | "show":
                so_far["proposal"] = result
            case "tell what is missing":
                People(world).review("ravi", known.proposal.number)
            case "merge":
                so_far["merge"] = result
            case _:
                pass


def _known(so_far: dict[str, Any]) -> Known:
    return Known(**{field.name: so_far.get(field.name) for field in dataclasses.fields(Known)})  # type: ignore[arg-type]


def _examined(release: Release, candidate: Candidate) -> Examined:
    def on(environment: str) -> Any:
        return validation.fn(release, candidate, commit=candidate.commit, target=release.target(environment))

    production = on(PRODUCTION)
    return Examined(on(STAGING), production, plan_of_production(release, candidate))


@contextmanager
def opened(folder: Path) -> Iterator[World]:
    """The world of a folder, answering, and its environment in this process."""
    before = dict(os.environ)
    with World.open(folder) as world:
        os.environ.update(world.environment())
        try:
            yield world
        finally:
            os.environ.clear()
            os.environ.update(before)


def forget_faults(world: World) -> None:
    for url in (world.github_url, *world.workspace_urls.values()):
        httpx.delete(f"{url}/_sandbox/faults")
