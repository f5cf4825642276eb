"""How tasks and runs end: pure rules, no clock and no process.

Imitates: Databricks documentation, "Run if conditional task settings", and states as the Jobs API reports
them: the run of a failed task is INTERNAL_ERROR with result FAILED, the task itself TERMINATED.
"""

from dataclasses import dataclass, field

from sandbox.workspace.shelf import Json

SUCCESS, FAILED, TIMEDOUT, CANCELED = "SUCCESS", "FAILED", "TIMEDOUT", "CANCELED"
UPSTREAM_FAILED, EXCLUDED = "UPSTREAM_FAILED", "EXCLUDED"

BAD = {FAILED, TIMEDOUT, CANCELED, UPSTREAM_FAILED}
ENDED = {"TERMINATED", "SKIPPED", "INTERNAL_ERROR"}

TASK_FAILED = "Workload failed, see run output for details"
STOPPED = "The sandbox workspace was stopped while this ran; start the run again."


@dataclass(frozen=True)
class Ended:
    """How one task ended; `output` is what get-output shows beside the log."""

    result: str
    message: str = ""
    output: Json = field(default_factory=dict)

    def state(self) -> Json:
        return ended("TERMINATED", self.result, self.message)


def ended(life_cycle: str, result: str, message: str = "") -> Json:
    """The `state` of something that is over."""
    user = result in {CANCELED, TIMEDOUT}
    return {
        "life_cycle_state": life_cycle,
        "result_state": result,
        "state_message": message,
        "user_cancelled_or_timedout": user,
    }


def going(life_cycle: str, message: str = "") -> Json:
    """The `state` of something that is not over yet."""
    return {"life_cycle_state": life_cycle, "state_message": message, "user_cancelled_or_timedout": False}


def is_over(record: Json) -> bool:
    return record["state"]["life_cycle_state"] in ENDED


def not_to_run(task: Json, upstream: list[str]) -> Ended | None:
    """Why a task is passed over, given how the tasks before it ended; None when it is to run."""
    if task.get("disabled"):
        return Ended(EXCLUDED, "The task is disabled.")
    run_if = task.get("run_if") or "ALL_SUCCESS"
    bad = [result for result in upstream if result in BAD]
    good = [result for result in upstream if result == SUCCESS]
    wanted = {
        "ALL_SUCCESS": len(good) == len(upstream),
        "ALL_DONE": True,
        "NONE_FAILED": not bad,
        "AT_LEAST_ONE_SUCCESS": bool(good) or not upstream,
        "ALL_FAILED": len(bad) == len(upstream),
        "AT_LEAST_ONE_FAILED": bool(bad),
    }
    if wanted.get(run_if, True):
        return None
    if bad and run_if in {"ALL_SUCCESS", "NONE_FAILED", "AT_LEAST_ONE_SUCCESS"}:
        return Ended(UPSTREAM_FAILED, "An upstream task failed.")
    return Ended(EXCLUDED, f"The condition {run_if} was not met.")


def verdict(tasks: list[Json]) -> Json:
    """The state of a run whose tasks have all ended: its last tasks decide."""
    before = {d["task_key"] for task in tasks for d in task.get("depends_on") or []}
    results = {task["task_key"]: task["state"]["result_state"] for task in tasks}
    failed = [task for task in tasks if results[task["task_key"]] in BAD - {UPSTREAM_FAILED}]
    if any(results[key] in BAD for key in results.keys() - before):
        told = failed[0] if failed else tasks[0]
        message = f"Task {told['task_key']} failed with message: {told['state']['state_message']}."
        return ended("INTERNAL_ERROR", FAILED, message)
    return ended("TERMINATED", "SUCCESS_WITH_FAILURES" if failed else SUCCESS)
