"""One Databricks workspace: who we are there, and what runs there. The home of databricks-sdk.

Its job runs are in `job_runs.py`, the way to it in `workspace_client.py`, `sign_in.py` and `workspace_errors.py`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from databricks.sdk.errors import NotFound

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.job_runs import JobRuns, RunOutcome

__all__ = ["Lock", "Orphan", "PipelineState", "RunOutcome", "Workspace"]

_AT_REST = {"IDLE", "FAILED", "DELETED"}


@dataclass(frozen=True)
class Orphan:
    """A job or pipeline that says it belongs to a bundle whose state does not know it."""

    kind: str
    id: str
    name: str
    url: str


@dataclass(frozen=True)
class Lock:
    """Who holds the deploy lock of a bundle, and since when (as the CLI wrote it)."""

    holder: str
    since: str
    forced: bool


@dataclass(frozen=True)
class PipelineState:
    """How a pipeline stands; a `continuous` one goes on until somebody stops it."""

    pipeline_id: str
    name: str
    state: str
    continuous: bool
    running: bool
    url: str


class Workspace(JobRuns):
    """The workspace of one target, asked as its service principal."""

    def preflight(self) -> str:
        """Say as whom we are signed in: the application id of the service principal.

        Ends within about 10 seconds also when nothing listens; a bundle command would go on for 15 minutes.

        Raises:
            TryAgain: the workspace does not answer.
            NeedsHuman: it does not accept the credentials.

        Source: SCIM API, "Get current user information", `userName`.
        """
        with self.answers("the name of its deployer"):
            return str(self.client.current_user.me().user_name)

    def ensure_folder(self, path: str) -> str:
        """The folder is there and we may write into it; returns what is so, in words.

        Raises:
            NeedsHuman: we may not.
            TryAgain: the workspace did not answer.

        Source: Workspace API, `mkdirs`: makes what is missing, leaves what is there.
        """
        with self.answers(f"a folder {path}"):
            there = self._exists(path)
            self.client.workspace.mkdirs(path)
        return f"{path} is there" if there else f"{path} was made"

    def deployed_commit(self, root_path: str) -> str | None:
        """The commit of the last deployment to `root_path` that ended well; None if there never was one.

        It says nothing about files: a deployment that failed later may have replaced them.

        Raises:
            TryAgain: no answer, which is not the same as "never deployed".
            NeedsHuman: what is deployed does not name a commit.

        Source: `metadata.json` in the state folder, `config.bundle.git.commit`; CLI 1.14.
        """
        metadata = self._json(f"{root_path}/state/metadata.json")
        if metadata is None:
            return None
        commit = _at(metadata, "config", "bundle", "git", "commit")
        if not commit:
            raise NeedsHuman(
                f"what {self.target.name} runs at {root_path} names no commit: it was deployed without git",
                "deploy it once from a clone of its repository",
            )
        return str(commit)

    def state_ids(self, root_path: str) -> dict[str, str]:
        """The ids of everything that the bundle's state knows, by key (`resources.jobs.daily_report`).

        Source: `resources.json` in the state folder, direct engine; CLI 1.14.
        """
        state = self._json(f"{root_path}/state/resources.json")
        if state is None:
            self._insist_on_direct_engine(root_path)
            return {}
        entries = _at(state, "state") or {}
        return {key: str(entry["__id__"]) for key, entry in entries.items() if _at(entry, "__id__")}

    def state_version(self, root_path: str) -> tuple[str, int] | None:
        """The lineage of the bundle's state and how often it was written, or None if there is none.

        Source: `resources.json` in the state folder, `lineage` and `serial`; CLI 1.14.
        """
        state = self._json(f"{root_path}/state/resources.json")
        return None if state is None else (str(_at(state, "lineage")), int(_at(state, "serial") or 0))

    def orphans(self, root_path: str) -> list[Orphan]:
        """Jobs and pipelines that name this bundle as their owner but are not in its state.

        A deployment that was killed, or lost an answer, leaves them; deploying again makes each a second
        time. Pipelines of other makers are not looked into: a request each.

        Source: field `deployment.metadata_file_path` of jobs and pipelines, set by the CLI 1.14.
        """
        owner = f"{root_path}/state/metadata.json"
        with self.answers("the list of jobs and pipelines"):
            found = [*self._jobs_of(owner), *self._pipelines_of(owner)]
        # The state is read last: what a deployment has just added is then in both.
        known = set(self.state_ids(root_path).values())
        return [orphan for orphan in found if orphan.id not in known]

    def lock(self, root_path: str) -> Lock | None:
        """The deploy lock of the bundle, or None if it is free.

        Source: `deploy.lock` in the state folder; CLI 1.14.
        """
        text = self._json(f"{root_path}/state/deploy.lock")
        if text is None:
            return None
        return Lock(
            str(_at(text, "User")), str(_at(text, "AcquisitionTime")), forced=bool(_at(text, "IsForced"))
        )

    def job_id(self, root_path: str, key: str) -> int | None:
        """The number of the deployed job that the bundle calls `key`, or None if its state knows no such job."""
        found = self.state_ids(root_path).get(f"resources.jobs.{key}")
        return None if found is None else int(found)

    def pipelines(self, pipeline_ids: Iterable[str]) -> list[PipelineState]:
        """Those of the given pipelines that exist; one request each.

        Source: Pipelines API 2.0, "Get a pipeline", `state` and `spec.continuous`.
        """
        with self.answers("the state of its pipelines"):
            return [state for each in pipeline_ids if (state := self._pipeline(each)) is not None]

    def _pipeline(self, pipeline_id: str) -> PipelineState | None:
        try:
            found = self.client.pipelines.get(pipeline_id)
        except NotFound:  # deleted by hand: the plan says so
            return None
        state = found.state.value if found.state else "UNKNOWN"
        return PipelineState(
            pipeline_id,
            found.name or "",
            state,
            continuous=bool(found.spec and found.spec.continuous),
            running=state not in _AT_REST,
            url=f"{self.target.host}/pipelines/{pipeline_id}",
        )

    def _json(self, path: str) -> Any | None:  # noqa: ANN401 - other people's JSON
        """What the file holds; None only if the workspace itself says, twice, that it is not there."""
        with self.answers(f"the file {path}"):
            try:
                with self.client.workspace.download(path) as content:
                    text = content.read()
            except NotFound:
                self._insist_on_absence(path)
                return None
        try:
            return json.loads(text)
        except ValueError as error:
            raise NeedsHuman(
                f"{path} on {self.target.name} is not JSON: {error}",
                "look at that file; a deployment writes it anew",
            ) from error

    def _insist_on_absence(self, path: str) -> None:
        """A 404 alone is not believed: the workspace must know us, and must not list the file either.

        Raises:
            TryAgain: the two answers contradict each other.
        """
        self.client.current_user.me()
        if self._exists(path):
            raise TryAgain(
                f"{self.target.name} lists {path} but does not give it out",
                "nothing now: the step looks again by itself",
            )

    def _exists(self, path: str) -> bool:
        try:
            self.client.workspace.get_status(path)
        except NotFound:
            return False
        return True

    def _insist_on_direct_engine(self, root_path: str) -> None:
        with self.answers(f"the state in {root_path}"):
            old = self._exists(f"{root_path}/state/terraform.tfstate")
        if old:
            raise NeedsHuman(
                f"{root_path} on {self.target.name} was deployed by the terraform engine",
                "migrate it once: databricks bundle deployment migrate -t " + self.target.name,
            )

    def _jobs_of(self, owner: str) -> Iterator[Orphan]:
        for job in self.client.jobs.list(limit=100):
            settings = job.settings
            if settings is None or settings.deployment is None or job.job_id is None:
                continue
            if _same_path(settings.deployment.metadata_file_path, owner):
                url = f"{self.target.host}/jobs/{job.job_id}"
                yield Orphan("job", str(job.job_id), settings.name or "", url)

    def _pipelines_of(self, owner: str) -> Iterator[Orphan]:
        me = self.client.current_user.me().user_name
        for listed in self.client.pipelines.list_pipelines(max_results=100):
            if listed.pipeline_id is None or listed.creator_user_name not in {None, me}:
                continue
            try:
                spec = self.client.pipelines.get(listed.pipeline_id).spec
            except NotFound:  # gone since it was listed
                continue
            if spec and spec.deployment and _same_path(spec.deployment.metadata_file_path, owner):
                url = f"{self.target.host}/pipelines/{listed.pipeline_id}"
                yield Orphan("pipeline", listed.pipeline_id, listed.name or "", url)


def _same_path(one: str | None, other: str) -> bool:
    """Whether both name the same workspace file; /Users/x and /Workspace/Users/x do."""
    return one is not None and one.removeprefix("/Workspace") == other.removeprefix("/Workspace")


def _at(value: Any, *keys: str) -> Any:  # noqa: ANN401 - other people's JSON
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
