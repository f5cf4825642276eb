"""What somebody does next, and the whole of `dabflow status` as JSON: pure functions of what was seen."""

from typing import Any

from deployments.runs import Run
from deployments.standings import Environment, Overview, Standing
from tasks.rules.outcomes import Hold
from tasks.rules.phases import Phase


def advice(seen: Overview) -> list[str]:
    """One sentence per thing that waits for somebody; never empty."""
    found = [_about_release(standing, seen) for standing in seen.standings]
    found += [_about_hold(hold) for hold in seen.holds]
    found += [_about_hand(environment) for environment in seen.environments if environment.by_hand]
    found += [_about_drift(e) for e in seen.environments if e.drift_now]
    if not seen.standings and seen.beginning:
        found.append(f"nothing: a release has just been started: {seen.beginning.url}")
    elif not seen.standings and not seen.holds:
        found.append(
            "develop holds what no release has: dabflow release" if seen.news else "nothing: all is released"
        )
    return found


def _about_release(standing: Standing, seen: Overview) -> str:
    version, run = standing.version, standing.run
    if standing.phase is Phase.BACK_MERGED:
        return f"{version}: nothing, it is finished"
    if standing.blocked:
        return f"{version}: it is blocked ({standing.blocked}); when that is over: dabflow unblock {version} --reason TEXT"
    if run is not None and run.waits:
        return _about_question(standing, run)
    if run is not None and not run.ended:
        return f"{version}: nothing, dabflow is at it: {run.url}"
    if standing.phase is Phase.REJECTED:
        return f"{version}: {standing.phase.next_step}"
    if standing.phase is Phase.PLANNED:
        return f"{version}: nobody has begun it: {standing.again}"
    unsure = "; whether a run is at it Prefect does not say" if seen.prefect_problem else ""
    return f"{version}: start it again, it goes on where it was: {standing.again}{unsure}"


def _about_question(standing: Standing, run: Run) -> str:
    """What somebody answers to a run that waits, or brings about for it."""
    version = standing.version
    missing = f" (missing: {standing.missing})" if standing.missing else ""
    if standing.stopped:
        return f"{version}: decide what becomes of it: dabflow decide {version} retry|roll-back|abandon --reason TEXT"
    if standing.phase is Phase.PUBLISHED:
        return f"{version}: bring it back into every branch{missing}; the run goes on by itself: {run.url}"
    return f"{version}: review {standing.pull_request}, then dabflow approve {version} --reason TEXT{missing}"


def _about_hold(hold: Hold) -> str:
    return (
        f"{hold.version}: it is withdrawn: release something that mends it, or let it go to production again:"
        f" dabflow unhold {hold.version} --reason TEXT"
    )


def _about_hand(environment: Environment) -> str:
    return (
        f"{environment.name}: it runs {environment.running[:12]}, the last release deployed"
        f" {environment.recorded[:12]}: somebody deployed by hand, find out who and why"
    )


def _about_drift(environment: Environment) -> str:
    return (
        f"{environment.name}: somebody changed it by hand: see what, dabflow drift {environment.target}; the next release"
        " sets it back"
    )


def as_json(seen: Overview) -> dict[str, Any]:
    """The same for programs; keys stay as they are."""
    return {
        "environments": {
            e.name: {
                "approved_by": list(e.approved_by),
                "approved_in_form": e.in_form,
                "bundles": dict(e.bundles),
                "drift": e.drift.to_json() if e.drift else None,
                "problem": e.problem or None,
                "recorded_commit": e.recorded or None,
                "requested_by": e.requested_by or None,
                "run": e.run_url or None,
                "running_commit": e.running or None,
                "since": e.since.isoformat(timespec="seconds") if e.since else None,
                "target": e.target,
                "version": e.version or None,
            }
            for e in seen.environments
        },
        "holds": [
            {"reason": hold.reason, "runs_instead": hold.to, "version": hold.version} for hold in seen.holds
        ],
        "next": advice(seen),
        "prefect_problem": seen.prefect_problem or None,
        "released": seen.released or None,
        "releases": [_release(standing) for standing in seen.standings],
        "repository": seen.repository,
        "unreleased_changes": seen.news,
    }


def _release(standing: Standing) -> dict[str, Any]:
    run = standing.run
    return {
        "blocked": standing.blocked or None,
        "fix": standing.fix or None,
        "given_up": standing.given_up or None,
        "kind": standing.kind,
        "missing": standing.missing or None,
        "next": standing.next_step,
        "phase": standing.phase.name.lower(),
        "pull_request": standing.pull_request or None,
        "run": {"id": run.id, "state": run.state, "url": run.url} if run else None,
        "stopped": standing.stopped or None,
        "version": standing.version,
    }
