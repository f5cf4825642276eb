"""How a bundle target stands: facts in, findings out."""

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.rules.findings import Finding, fine, found

_CLOCK_SECONDS = 60


@dataclass(frozen=True)
class TargetFacts:
    """One target as its workspace says. `clock_ahead` in seconds: by how much ours is ahead of its."""

    name: str
    host: str
    identity: str
    clock_ahead: float = 0.0


@dataclass(frozen=True)
class BundleFacts:
    """One bundle on a target, as `bundle validate` and its state say.

    run_as: of the bundle; "" where it does not say. made_by: of a job that is there. may_write: None if not told.
    holder, since: of the deploy lock; "" where it is free.
    """

    bundle: str
    root_path: str
    run_as: str = ""
    made_by: str | None = None
    may_write: bool | None = None
    holder: str = ""
    since: str = ""


def target_findings(target: TargetFacts) -> Iterator[Finding]:
    """What is so of the workspace itself."""
    area = area_of(target.name)
    yield fine(area, f"{target.host} knows us as {target.identity}")
    if abs(target.clock_ahead) > _CLOCK_SECONDS:
        way = "ahead of" if target.clock_ahead > 0 else "behind"
        what = f"this machine's clock is {abs(target.clock_ahead):.0f} s {way} the workspace's"
        yield found("target-clock", what, area=area)


def bundle_findings(target: TargetFacts, bundle: BundleFacts) -> Iterator[Finding]:
    """What is so of one bundle there."""
    area = area_of(target.name)
    yield fine(area, f"the bundle in {bundle.bundle} is valid, and lives in {bundle.root_path}")
    if bundle.run_as and bundle.run_as != target.identity:
        what = f"the bundle in {bundle.bundle} runs as {bundle.run_as}, and is deployed by {target.identity}"
        yield found("target-run-as", what, area=area, target=target.name, identity=target.identity)
    if bundle.made_by and bundle.made_by != target.identity:
        what = f"its jobs were made by {bundle.made_by}, and we are {target.identity}"
        yield found("target-deployer", what, area=area)
    if bundle.may_write is False:
        what = f"{target.identity} may not write to {bundle.root_path}"
        yield found("target-read-only", what, area=area, identity=target.identity, folder=bundle.root_path)
    if bundle.holder:
        what = f"{bundle.holder} holds the deploy lock of {bundle.root_path} since {bundle.since}"
        yield found("target-locked", what, area=area)


def area_of(target: str) -> str:
    """What the findings of a target are listed under."""
    return f"target {target}"
