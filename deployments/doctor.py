"""The doctor's look at Prefect, beside its looks at everything else."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from prefect.client.orchestration import SyncPrefectClient

from deployments.install import differences
from deployments.parts.pool import POOL
from deployments.prefect_api import PrefectApi, prefect_client, server
from deployments.server_facts import server_problems
from tasks.doctor import examined
from tasks.rules.errors import ReleaseError
from tasks.rules.findings import Finding, fine, found, stopped
from tasks.rules.server_settings import Problem

AREA = "prefect"


def diagnosis(repository: str) -> list[Finding]:
    """Everything that a release of the repository will need, looked at side by side."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        world = beside.submit(examined, repository)
        prefect = prefect_findings()
        return [*prefect, *world.result()]


def prefect_findings() -> list[Finding]:
    """Whether runs are started, kept and carried out as they must be."""
    try:
        with prefect_client() as client:
            return [*_server(client), *_installed(client), *_workers(client)]
    except ReleaseError as error:
        return [stopped("prefect-unreachable", error)]


def _server(client: SyncPrefectClient) -> Iterator[Finding]:
    problems = server_problems(client)
    yield fine(AREA, f"the server at {server()} answers")
    yield from map(_of_problem, problems)
    if not any(problem.severity == "error" for problem in problems):
        yield fine(AREA, "its settings lose no release")


def _of_problem(problem: Problem) -> Finding:
    name = "prefect-loses" if problem.severity == "error" else "prefect-hampers"
    told = found(name, f"{problem.name}: {problem.what}")
    return replace(told, severity=problem.severity, why=problem.why, fix=problem.fix)


def _installed(client: SyncPrefectClient) -> Iterator[Finding]:
    try:
        seen = differences(client)
    except ReleaseError as error:
        yield stopped("prefect-not-installed", error)
        return
    missing = [part.title for part, one in seen if one.missing]
    if missing:
        yield found("prefect-not-installed", f"this is not there: {', '.join(missing)}")
    differing = [part.title for part, one in seen if one.differences and not one.missing]
    if differing:
        yield found("prefect-differs", f"this is not as described: {', '.join(differing)}")
    if not missing and not differing:
        yield fine(AREA, "pool, deployments, block types and automation are as this dabflow describes them")


def _workers(client: SyncPrefectClient) -> Iterator[Finding]:
    online = PrefectApi(client).workers_online()
    if online:
        yield fine(AREA, f"{online} worker{'s' if online > 1 else ''} of the pool {POOL}")
    else:
        yield found("prefect-no-worker", f"no worker asks for the runs of the pool {POOL}")
