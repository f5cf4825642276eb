"""REST routes of pipelines: `/api/2.0/pipelines/...`.

Imitates: Databricks REST API 2.0, "Pipelines".
"""

import re
import uuid

from starlette.routing import Route

from sandbox.workspace.access import EDIT, MANAGE, RUN, VIEW, Access
from sandbox.workspace.call import Call, Identify, invalid, not_found, route
from sandbox.workspace.shelf import Json
from sandbox.workspace.state import State, now_ms
from sandbox.workspace.updates import Updates, event_filter, shown_update, stamp

PIPELINES = "/api/2.0/pipelines"
PER_PAGE = 25
_BESIDE_SPEC = ("run_as", "parameters")
_NOT_SPEC = {*_BESIDE_SPEC, "allow_duplicate_names", "dry_run", "pipeline_id", "expected_last_modified"}


class Pipelines:
    def __init__(self, state: State, access: Access, updates: Updates) -> None:
        self.state = state
        self.access = access
        self.updates = updates

    def routes(self, identify: Identify) -> list[Route]:
        one = PIPELINES + "/{pipeline_id}"
        table = [
            ("POST", PIPELINES, self.create),
            ("GET", PIPELINES, self.list),
            ("GET", one, self.show),
            ("PUT", one, self.edit),
            ("DELETE", one, self.delete),
            ("POST", f"{one}/updates", self.start_update),
            ("GET", f"{one}/updates", self.list_updates),
            ("GET", f"{one}/updates/{{update_id}}", self.show_update),
            ("GET", f"{one}/events", self.events),
            ("POST", f"{one}/stop", self.stop),
        ]
        return [route(method, path, handler, identify) for method, path, handler in table]

    def create(self, call: Call) -> Json:
        pipeline_id = str(uuid.uuid4())
        born = {"pipeline_id": pipeline_id, "creator_user_name": call.person.name, "created_at": now_ms()}
        self._keep(born, call.body)
        return {"pipeline_id": pipeline_id}

    def edit(self, call: Call) -> Json:
        pipeline = self._allowed(call, EDIT)
        self._keep(pipeline, call.body)
        self.updates.restart(pipeline["pipeline_id"], call.person.name)
        return {}

    def _keep(self, pipeline: Json, body: Json) -> None:
        """Store what a request says about a pipeline; what it leaves out is gone, except `run_as`."""
        pipeline_id = pipeline["pipeline_id"]
        spec = {name: value for name, value in body.items() if name not in _NOT_SPEC}
        if not spec.get("storage") and not spec.get("catalog"):
            spec["storage"] = f"dbfs:/pipelines/{pipeline_id}"
        born = {name: pipeline[name] for name in ("pipeline_id", "creator_user_name", "created_at")}
        kept = {"run_as": pipeline["run_as"]} if "run_as" in pipeline else {}
        self.state.pipelines[pipeline_id] = {
            **born,
            **kept,
            **{name: body[name] for name in _BESIDE_SPEC if name in body},
            "name": spec.get("name", ""),
            "last_modified": now_ms(),
            "spec": {**spec, "id": pipeline_id},
        }

    def show(self, call: Call) -> Json:
        return self.shown(self._allowed(call, VIEW))

    def shown(self, pipeline: Json) -> Json:
        """A pipeline as the API shows it, with its state and its latest updates."""
        updates = self.updates.of(pipeline["pipeline_id"])
        latest = [
            {"update_id": u["update_id"], "state": u["state"], "creation_time": stamp(u["creation_time"])}
            for u in updates[:5]
        ]
        return {
            **{name: value for name, value in pipeline.items() if name != "created_at"},
            "run_as_user_name": run_as(pipeline),
            "effective_publishing_mode": "DEFAULT_PUBLISHING_MODE",
            "state": self._state(pipeline["pipeline_id"]),
            **({"latest_updates": latest} if latest else {}),
        }

    def _state(self, pipeline_id: str) -> str:
        if self.updates.is_active(pipeline_id):
            return "RUNNING"
        last = self.updates.of(pipeline_id)[:1]
        return "FAILED" if last and last[0]["state"] == "FAILED" else "IDLE"

    def list(self, call: Call) -> Json:
        fits = _name_filter(call.query("filter"))
        found = [
            pipeline
            for pipeline in self.state.pipelines.values()
            if self.access.rank(call.person, "pipelines", pipeline["pipeline_id"]) >= VIEW
            and fits.fullmatch(pipeline["name"])
        ]
        found.sort(key=lambda pipeline: int(pipeline["created_at"]), reverse=True)
        start = call.number("page_token", 0)
        end = start + call.number("max_results", PER_PAGE)
        answer: Json = {"next_page_token": str(end)} if end < len(found) else {}
        if found[start:end]:
            names = (
                "pipeline_id",
                "name",
                "state",
                "creator_user_name",
                "run_as_user_name",
                "latest_updates",
            )
            shown = [self.shown(pipeline) for pipeline in found[start:end]]
            answer["statuses"] = [{n: one[n] for n in names if n in one} for one in shown]
        return answer

    def delete(self, call: Call) -> Json:
        pipeline_id = self._allowed(call, MANAGE)["pipeline_id"]
        self.updates.stop(pipeline_id)
        del self.state.pipelines[pipeline_id]
        self.state.acls.pop(f"pipelines-{pipeline_id}", None)
        return {}

    def start_update(self, call: Call) -> Json:
        pipeline_id = self._allowed(call, RUN)["pipeline_id"]
        if self.updates.is_active(pipeline_id):
            raise invalid(f"An active update already exists for pipeline {pipeline_id}.")
        return {"update_id": self.updates.start(pipeline_id, call.person.name)}

    def list_updates(self, call: Call) -> Json:
        updates = self.updates.of(self._allowed(call, VIEW)["pipeline_id"])
        return {
            "updates": [shown_update(update) for update in updates[: call.number("max_results", PER_PAGE)]]
        }

    def show_update(self, call: Call) -> Json:
        self._allowed(call, VIEW)
        update = self.state.updates.get(call.path["update_id"])
        if update is None:
            raise not_found(f"The specified update {call.path['update_id']} was not found.")
        return {"update": shown_update(update)}

    def events(self, call: Call) -> Json:
        """What happened in a pipeline's updates, newest first; `filter` as `databricks` sends it."""
        pipeline_id = self._allowed(call, VIEW)["pipeline_id"]
        try:
            keep = event_filter(call.query("filter"))
        except ValueError as error:
            raise invalid(str(error)) from error
        events = [event for update in self.updates.of(pipeline_id) for event in reversed(update["events"])]
        return {"events": [event for event in events if keep(event)][: call.number("max_results", PER_PAGE)]}

    def stop(self, call: Call) -> Json:
        self.updates.stop(self._allowed(call, RUN)["pipeline_id"])
        return {}

    def _allowed(self, call: Call, rank: int) -> Json:
        """The pipeline of the path; raises ApiError: 404 there is none, 403 the caller may not do this."""
        pipeline_id = call.path["pipeline_id"]
        pipeline = self.state.pipelines.get(pipeline_id)
        if pipeline is None:
            raise not_found(f"The specified pipeline {pipeline_id} was not found.")
        self.access.need(call.person, "pipelines", pipeline_id, rank)
        return pipeline


def run_as(pipeline: Json) -> str:
    """Whose rights an update of the pipeline has."""
    chosen = pipeline.get("run_as") or {}
    name: str = (
        chosen.get("service_principal_name") or chosen.get("user_name") or pipeline["creator_user_name"]
    )
    return name


def _name_filter(text: str) -> re.Pattern[str]:
    """What names a filter such as `name LIKE '%ingest'` lets through; raises ApiError (400) for others."""
    if not text.strip():
        return re.compile(".*", re.DOTALL)
    match = re.fullmatch(r"\s*name\s+LIKE\s+'([^']*)'\s*", text, re.IGNORECASE)
    if match is None:
        raise invalid(f"This filter is not understood: {text}")
    return re.compile(".*".join(re.escape(part) for part in match[1].split("%")), re.DOTALL)
