"""Job runs: started once, watched to their end. A failed run is an outcome, not an error."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice

from databricks.sdk.errors import NotFound
from databricks.sdk.service.jobs import BaseRun, Run, RunLifeCycleState

from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.systems.workspace_client import Connection

LONGEST_TOKEN = 64  # characters of an idempotency token; Jobs API 2.2, "Trigger a new job run"
_OUTPUT_CHARACTERS = 20_000  # of a run's output, its end
_ASKED_ONE_BY_ONE = 10  # jobs; above, all active runs of the workspace are listed at once
_ENDED = {RunLifeCycleState.TERMINATED, RunLifeCycleState.SKIPPED, RunLifeCycleState.INTERNAL_ERROR}


@dataclass(frozen=True)
class RunOutcome:
    """How a job run stands; `state` is its result once it has one, else its life cycle state."""

    run_id: int
    state: str
    message: str
    url: str
    output: str = ""
    job_id: int = 0

    @property
    def succeeded(self) -> bool:
        return self.state == "SUCCESS"


class JobRuns(Connection):
    """The job runs of one workspace."""

    def start_run(self, job_id: int, token: str) -> int:
        """Start the job, or find the run that was started with the same token; the run's number.

        Args:
            job_id: which job.
            token: names this start; at most 64 characters. Asked twice with it, Databricks starts one run.

        Source: Jobs API 2.2, "Trigger a new job run", `idempotency_token`.
        """
        if not 0 < len(token) <= LONGEST_TOKEN:
            raise ValueError(f"an idempotency token has 1 to {LONGEST_TOKEN} characters, not {len(token)}")
        with self.answers(f"the start of job {job_id}"):
            return int(self.client.jobs.run_now(job_id, idempotency_token=token).bind()["run_id"])

    def outcome(self, run_id: int) -> RunOutcome | None:
        """How the run ended, with its output; None while it is under way.

        Raises:
            TryAgain: the workspace does not answer, or does not show the run yet.
        """
        with self.answers(f"the state of run {run_id}"):
            try:
                run = self.client.jobs.get_run(run_id)
            except NotFound as error:
                problem = f"{self.target.name} does not show run {run_id} yet"
                raise TryAgain(problem, "nothing now: it is looked at again") from error
        return replace(self._outcome(run), output=self._output(run)) if _ended(run) else None

    def await_run(self, run_id: int, *, within_seconds: float, every_seconds: float = 10) -> RunOutcome:
        """Wait until the run has ended, and say how it ended; a failed run is an outcome, not an error.

        Time is read from a clock, so slow answers count as waiting too.

        Args:
            run_id: the number Databricks gave the run.
            within_seconds: stop looking after this long; the run itself goes on.
            every_seconds: pause between two looks.

        Raises:
            TryAgain: the workspace did not answer properly; asked again, the same run is found.
            NeedsHuman: the run had not ended in time; the text has its address.

        Source: Jobs API 2.2, "Get a single job run", `state`; "Get the output for a single run".
        """
        deadline = time.monotonic() + within_seconds
        while True:
            outcome = self.outcome(run_id)
            if outcome is not None:
                return outcome
            if time.monotonic() + every_seconds > deadline:
                raise self._unended(run_id, within_seconds)
            time.sleep(every_seconds)

    def active_runs(self, job_ids: Iterable[int]) -> list[RunOutcome]:
        """The runs of these jobs that have not ended.

        Source: Jobs API 2.2, "List job runs", `active_only`; at most 25 a page, so for many jobs all are listed.
        """
        wanted = list(job_ids)
        places: list[int | None] = [None] if len(wanted) > _ASKED_ONE_BY_ONE else [*wanted]
        with self.answers("the list of active runs"):
            return [
                self._outcome(run)
                for job_id in places
                for run in self.client.jobs.list_runs(job_id=job_id, active_only=True)
                if run.job_id in wanted
            ]

    def runs_so_far(self, job_id: int, *, most: int) -> int:
        """How many runs the history of a job holds; `most` also if there are more.

        Source: Jobs API 2.2, "List job runs": Databricks forgets runs after 60 days.
        """
        with self.answers(f"the history of job {job_id}"):
            return sum(1 for _ in islice(self.client.jobs.list_runs(job_id=job_id), most))

    def _unended(self, run_id: int, seconds: float) -> NeedsHuman:
        with self.answers(f"the state of run {run_id}"):
            now = self._outcome(self.client.jobs.get_run(run_id))
        return NeedsHuman(
            f"run {run_id} on {self.target.name} is {now.state} after {seconds:.0f} s",
            f"look at {now.url}; when it has ended, retry: the same run is found again",
        )

    def _outcome(self, run: Run | BaseRun) -> RunOutcome:
        state = run.state
        result = state and (state.result_state or state.life_cycle_state)
        message = self.scrubber.text((state and state.state_message) or "")
        run_id = int(run.run_id or 0)
        url = run.run_page_url or f"{self.target.host}/jobs/{run.job_id}/runs/{run_id}"
        return RunOutcome(
            run_id, result.value if result else "UNKNOWN", message, url, job_id=int(run.job_id or 0)
        )

    def _output(self, run: Run) -> str:
        """What the run's tasks printed; a task whose output is not to be had does not change the outcome."""
        tasks = [(task.task_key or "", task.run_id) for task in run.tasks or []] or [("", run.run_id)]
        texts = []
        for name, run_id in tasks:
            text = self._task_output(run_id)
            texts.append(f"{name}:\n{text}" if len(tasks) > 1 else text)
        return self.scrubber.text("\n".join(texts))[-_OUTPUT_CHARACTERS:]

    def _task_output(self, run_id: int | None) -> str:
        try:
            with self.answers(f"the output of run {run_id}"):
                output = self.client.jobs.get_run_output(int(run_id or 0))
        except ReleaseError as error:
            return f"(no output: {error.problem})"
        notebook = output.notebook_output.result if output.notebook_output else None
        return "\n".join(part for part in (output.logs, notebook, output.error, output.error_trace) if part)


def _ended(run: Run) -> bool:
    return run.state is not None and run.state.life_cycle_state in _ENDED
