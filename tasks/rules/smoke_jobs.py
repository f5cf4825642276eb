"""Which jobs are the smoke jobs of a release, by the keys in `release.yaml`: `smoke_test`, or `reports:smoke_test`."""

from collections.abc import Collection, Mapping, Sequence

from tasks.rules.errors import NeedsHuman


def smoke_jobs(
    keys: Sequence[str], jobs: Mapping[str, Collection[str]], *, target: str
) -> list[tuple[str, str]]:
    """Return the bundle folder and the key of each smoke job, in the order of the keys.

    A key without a folder means the jobs of that key in every bundle. A key whose folder is no bundle of the release
    means nothing: the release no longer has that bundle, and its plan says so.

    Args:
        keys: what `smoke` names.
        jobs: the keys of each bundle's jobs, by bundle folder, in the order of deployment.
        target: for people.

    Raises:
        NeedsHuman: no bundle has a job of that key.
    """
    found: list[tuple[str, str]] = []
    for key in keys:
        folder, _, job = key.rpartition(":")
        if folder and folder not in jobs:
            continue
        matches = [(bundle, job) for bundle in jobs if job in jobs[bundle] and folder in {"", bundle}]
        if not matches:
            where = f"the bundle {folder} on {target}" if folder else target
            raise NeedsHuman(
                f"{where} has no job with the key {job}",
                "name a job of the bundle under `smoke` in release.yaml",
            )
        found += [match for match in matches if match not in found]
    return found


def jobs_among(keys: Collection[str]) -> frozenset[str]:
    """Return the keys of the jobs among the keys of resources: `smoke_test` of `resources.jobs.smoke_test`."""
    parts = (key.split(".") for key in keys)
    return frozenset(
        found[2] for found in parts if len(found) == len(("resources", "jobs", "key")) and found[1] == "jobs"
    )
