"""Checks of a finished configuration: some before every plan and deploy, more in `bundle validate`."""

from collections.abc import Iterator

from sandbox.databricks_cli import syncing
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.diagnostics import Diagnostic, Failed
from sandbox.databricks_cli.permissions import check_folder
from sandbox.databricks_cli.values import Json, Path, get, place

_COMPUTE = ("job_cluster_key", "environment_key", "existing_cluster_id", "new_cluster")
_NEEDS_COMPUTE = ("python_wheel_task", "dbt_task", "spark_jar_task", "spark_submit_task", "spark_python_task")


def quick(bundle: Bundle) -> None:
    """Check what needs neither files nor requests. Raises `Stopped` after an error."""
    _look(bundle)
    bundle.log.stop_if_errors()


def _look(bundle: Bundle) -> None:
    for name, job in bundle.jobs().items():
        keys = {c.get("job_cluster_key") for c in job.get("job_clusters") or []}
        for task, path in _tasks(job, ("resources", "jobs", name)):
            wanted = task.get("job_cluster_key")
            if wanted and wanted not in keys:
                summary = f"job_cluster_key {wanted} is not defined"
                bundle.log.caution(summary, path=(*path, "job_cluster_key"), at=place(wanted))
            if any(task.get(kind) for kind in _NEEDS_COMPUTE) and not any(task.get(c) for c in _COMPUTE):
                bundle.log.add(
                    Diagnostic(
                        "Error",
                        "Missing required cluster or environment settings",
                        f'Task "{task.get("task_key") or ""}" requires a cluster or an environment to run.\n'
                        f"Specify one of the following fields: {', '.join(_COMPUTE)}.",
                        path,
                        place(task),
                    )
                )


def _tasks(job: dict[str, Json], base: Path) -> Iterator[tuple[Json, Path]]:
    for index, task in enumerate(job.get("tasks") or []):
        path: Path = (*base, "tasks", index)
        yield task, path
        inner = get(task, "for_each_task", "task")
        if inner:
            yield inner, (*path, "for_each_task", "task")


def thorough(bundle: Bundle) -> None:
    """Check everything. Not read-only: the remote folder is made if it is missing.

    Raises:
        Stopped: there was an error; it was printed.
    """
    _look(bundle)
    for check in (check_folder, syncing.check_there_are_files, syncing.check_patterns):
        try:
            check(bundle)
        except Failed as error:
            bundle.log.failure(error)
    bundle.log.stop_if_errors()
