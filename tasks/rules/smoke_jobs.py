"""Which jobs are the smoke jobs of a release, by the keys in `release.yaml`: `smoke_test`, or `reports:smoke_test`."""

from collections.abc import Collection, Mapping, Sequence

from tasks.rules.errors import NeedsHuman

NAME_ONE = "name a job of the bundle under `smoke` in release.yaml"


def smoke_jobs(
    keys: Sequence[str], jobs: Mapping[str, Collection[str]], *, target: str, remedy: str = NAME_ONE
) -> list[tuple[str, str]]:
    """Return the bundle folder and the key of each smoke job, in the order of the keys.

    A key without a folder means the jobs of that key in every bundle. A key whose folder is no bundle of the release
    means nothing: the release no longer has that bundle, and its plan says so.

    Args:
        keys: what `smoke` names.
        jobs: the keys of each bundle's jobs, by bundle folder, in the order of deployment.
        target: for people.
        remedy: what to do where there is no such job.

    Raises:
        NeedsHuman: no bundle has a job of that key.
    """
    found: list[tuple[str, str]] = []
    for key in keys:
        folder, _, job = key.rpartition(":")
        if folder and folder not in jobs:
            continue
        matches = _matches(key, jobs)
        if not matches:
            where = f"the bundle {folder} on {target}" if folder else target
            raise NeedsHuman(f"{where} has no job with the key {job}", remedy)
        found += [match for match in matches if match not in found]
    return found


def absent(keys: Sequence[str], jobs: Mapping[str, Collection[str]]) -> list[str]:
    """Return the keys that name no job of these bundles: an older version may lack what is tested today."""
    return [key for key in keys if not _matches(key, jobs)]


def _matches(key: str, jobs: Mapping[str, Collection[str]]) -> list[tuple[str, str]]:
    folder, _, job = key.rpartition(":")
    return [(bundle, job) for bundle in jobs if job in jobs[bundle] and folder in {"", bundle}]


def jobs_among(keys: Collection[str]) -> frozenset[str]:
    """Return the keys of the jobs among the keys of resources: `smoke_test` of `resources.jobs.smoke_test`."""
    parts = (key.split(".") for key in keys)
    return frozenset(
        found[2] for found in parts if len(found) == len(("resources", "jobs", "key")) and found[1] == "jobs"
    )
