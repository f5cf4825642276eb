"""The kinds of things that the stand-in deploys: how each is read, made, changed and deleted.

jobs                  /api/2.2/jobs/...
pipelines             /api/2.0/pipelines...
*.permissions         /api/2.0/permissions/...   a thing of its own, because it changes on its own
"""

from abc import ABC, abstractmethod

from sandbox.databricks_cli import schema
from sandbox.databricks_cli.client import Client
from sandbox.databricks_cli.differ import EMBEDDED, Rule, Rules
from sandbox.databricks_cli.record import record
from sandbox.databricks_cli.values import Json

_WEBHOOKS = (
    "on_start",
    "on_success",
    "on_failure",
    "on_duration_warning_threshold_exceeded",
    "on_streaming_backlog_exceeded",
)
_TASKS = ("tasks[*]", "tasks[*].for_each_task.task")
_CLUSTERS = (*(f"{task}.new_cluster" for task in _TASKS), "job_clusters[*].new_cluster")

_MARK = {"deployment": "Deployment_", "edit_mode": "s", "format": "s"}


def type_of(shape: str, name: str) -> str:
    """The type of a field of `shape`, in the notation of fields.json."""
    base = shape.removeprefix("[")
    return _MARK.get(name) or schema.fields(base).get(name, "*")


JOB_RULES = Rules(
    type_of=type_of,
    root_type="Job",
    keyed={
        "tasks": "task_key",
        "parameters": "name",
        "job_clusters": "job_cluster_key",
        "environments": "environment_key",
        **{f"{task}.depends_on": "task_key" for task in _TASKS},
        **{
            f"{parent}webhook_notifications.{event}": "id"
            for parent in ("", *(f"{task}." for task in _TASKS))
            for event in _WEBHOOKS
        },
    },
    ignore_local=(Rule("deployment.version_id", "managed by the deployment metadata service"),),
    ignore_remote=(
        Rule("deployment.version_id", "managed by the deployment metadata service"),
        *(
            Rule(f"{cluster}.{cloud}_attributes", "managed")
            for cluster in _CLUSTERS
            for cloud in ("aws", "azure", "gcp")
        ),
        *(Rule(f"{cluster}.apply_policy_default_values", "not_returned_by_api") for cluster in _CLUSTERS),
    ),
    backend_defaults=(
        *(
            Rule(f"{cluster}.{name}")
            for cluster in _CLUSTERS
            for name in (
                "enable_elastic_disk",
                "enable_local_disk_encryption",
                "node_type_id",
                "driver_node_type_id",
                "driver_instance_pool_id",
                "data_security_mode",
            )
        ),
        Rule("format", values=("MULTI_TASK", "SINGLE_TASK")),
        *(Rule(f"{task}.run_if", values=("ALL_SUCCESS",)) for task in _TASKS),
        Rule("run_as"),
        *(
            Rule(f"{task}.{name}.source")
            for task in _TASKS
            for name in ("notebook_task", "spark_python_task", "sql_task.file", "dbt_task")
        ),
    ),
)

PIPELINE_RULES = Rules(
    type_of=type_of,
    root_type="Pipeline",
    keyed={},
    recreate=tuple(
        Rule(field, "immutable")
        for field in (
            "storage",
            "ingestion_definition.connection_name",
            "ingestion_definition.ingestion_gateway_id",
            "ingestion_definition.ingest_from_uc_foreign_catalog",
            "gateway_definition.connection_id",
            "gateway_definition.connection_name",
            "gateway_definition.gateway_storage_catalog",
            "gateway_definition.gateway_storage_schema",
        )
    ),
    ignore_local=(
        Rule("deployment.version_id", "managed by the deployment metadata service"),
        Rule("id", "!drop"),
    ),
    ignore_remote=(
        Rule("deployment.version_id", "managed by the deployment metadata service"),
        Rule("id", "!drop"),
        Rule("run_as", "input_only"),
        Rule("allow_duplicate_names", "input_only"),
        Rule("ingestion_definition.source_type", "spec:output_only"),
    ),
    backend_defaults=tuple(
        Rule(field)
        for field in (
            "storage",
            "clusters[*].node_type_id",
            "clusters[*].driver_node_type_id",
            "clusters[*].enable_local_disk_encryption",
            "event_log.catalog",
            "event_log.schema",
        )
    ),
    write_only=frozenset({"cascade_on_destroy"}),
)

PERMISSION_RULES = Rules(
    type_of=lambda shape, name: "[Permission" if name == EMBEDDED else "s" if shape else "*",
    root_type="Permissions_",
    keyed={"": "user_name|service_principal_name|group_name"},
)

_NOT_SENT = {"permissions", "lifecycle", "id", "url", "modified_status"}
_REMOTE_JOB = (
    "created_time",
    "creator_user_name",
    "effective_budget_policy_id",
    "effective_usage_policy_id",
    "job_id",
    "run_as_user_name",
    "trigger_details",
    "trigger_state",
)
_REMOTE_PIPELINE = (
    "cause",
    "cluster_id",
    "creator_user_name",
    "effective_budget_policy_id",
    "effective_publishing_mode",
    "effective_serverless_compute_id",
    "health",
    "last_modified",
    "latest_updates",
    "pipeline_id",
    "run_as_user_name",
    "state",
)
_TASKS_PER_PAGE_FIELDS = ("tasks", "job_clusters", "environments", "parameters")


def settings_of(resource: dict[str, Json], type_name: str) -> dict[str, Json]:
    """What is sent of a resource: the API's own fields, sorted, without those of bundles."""
    known = {*schema.fields(type_name), *_MARK} - _NOT_SENT
    return {k: tidy(resource[k]) for k in sorted(resource) if k in known and resource[k] is not None}


def tidy(value: Json) -> Json:
    """A plain copy with sorted keys."""
    if isinstance(value, dict):
        return {str(k): tidy(value[k]) for k in sorted(value) if value[k] is not None}
    if isinstance(value, list):
        return [tidy(v) for v in value]
    return str(value) if isinstance(value, str) else value


@record
class Kind(ABC):
    """How one kind of thing is handled. `group` is as in `resources.<group>.<key>`."""

    group: str
    rules: Rules

    @abstractmethod
    def read(self, client: Client, id_: str) -> dict[str, Json]:
        """What the workspace has. Raises `ApiError`, with `missing` when it is gone."""

    @abstractmethod
    def comparable(self, remote: dict[str, Json]) -> dict[str, Json]:
        """The part of `remote` that a configuration can say something about."""

    @abstractmethod
    def create(self, client: Client, settings: Json) -> str:
        """Make it and return its id. There is no idempotency: a lost answer leaves an orphan."""

    @abstractmethod
    def update(self, client: Client, id_: str, settings: Json) -> None:
        """Bring it to these settings."""

    def is_local(self, changed: set[str]) -> bool:
        """Whether these fields are for the state only, so that no update is sent."""
        del changed
        return False

    @abstractmethod
    def delete(self, client: Client, id_: str, settings: Json) -> None:
        """Delete it."""


class Jobs(Kind):
    def read(self, client: Client, id_: str) -> dict[str, Json]:
        job = client.json("GET", "/api/2.2/jobs/get", query={"job_id": id_})
        settings = dict(job.get("settings") or {})
        token = job.get("next_page_token")
        while token:
            page = client.json("GET", "/api/2.2/jobs/get", query={"job_id": id_, "page_token": token})
            for name in _TASKS_PER_PAGE_FIELDS:
                settings[name] = [*settings.get(name, []), *((page.get("settings") or {}).get(name) or [])]
            token = page.get("next_page_token")
        settings = {k: v for k, v in settings.items() if v != [] or k not in _TASKS_PER_PAGE_FIELDS}
        found: dict[str, Json] = tidy(
            {**settings, **{k: job[k] for k in _REMOTE_JOB if job.get(k) is not None}}
        )
        return found

    def comparable(self, remote: dict[str, Json]) -> dict[str, Json]:
        return settings_of(remote, "Job")

    def create(self, client: Client, settings: Json) -> str:
        return str(client.json("POST", "/api/2.2/jobs/create", body=settings)["job_id"])

    def update(self, client: Client, id_: str, settings: Json) -> None:
        body = {"job_id": int(id_), "new_settings": settings}
        client.json("POST", "/api/2.2/jobs/reset", body=body)

    def delete(self, client: Client, id_: str, settings: Json) -> None:
        del settings
        client.json("POST", "/api/2.2/jobs/delete", body={"job_id": int(id_)})


class Pipelines(Kind):
    def read(self, client: Client, id_: str) -> dict[str, Json]:
        answer = client.json("GET", f"/api/2.0/pipelines/{id_}")
        known = {*schema.fields("Pipeline"), "deployment"} - {
            "permissions",
            "lifecycle",
            "cascade_on_destroy",
        }
        spec = {k: v for k, v in (answer.get("spec") or {}).items() if k in known}
        own = ("run_as", "parameters", *_REMOTE_PIPELINE)
        found: dict[str, Json] = tidy({**spec, **{k: answer[k] for k in own if answer.get(k) is not None}})
        return found

    def comparable(self, remote: dict[str, Json]) -> dict[str, Json]:
        return {**settings_of(remote, "Pipeline"), **({"id": remote["id"]} if remote.get("id") else {})}

    def create(self, client: Client, settings: Json) -> str:
        return str(client.json("POST", "/api/2.0/pipelines", body=_sent(settings))["pipeline_id"])

    def update(self, client: Client, id_: str, settings: Json) -> None:
        client.json("PUT", f"/api/2.0/pipelines/{id_}", body={**_sent(settings), "pipeline_id": id_})

    def is_local(self, changed: set[str]) -> bool:
        return changed == {"cascade_on_destroy"}

    def delete(self, client: Client, id_: str, settings: Json) -> None:
        cascade = (settings or {}).get("cascade_on_destroy")
        query = None if cascade is None else {"cascade": str(cascade).lower()}
        client.json("DELETE", f"/api/2.0/pipelines/{id_}", query=query)


def _sent(settings: dict[str, Json]) -> dict[str, Json]:
    return {k: v for k, v in settings.items() if k != "cascade_on_destroy"}


class Permissions(Kind):
    """The id is `/jobs/<id>` or `/pipelines/<id>`."""

    def read(self, client: Client, id_: str) -> dict[str, Json]:
        answer = client.json("GET", f"/api/2.0/permissions{id_}")
        found = []
        for access in answer.get("access_control_list") or []:
            names = {
                k: access[k] for k in ("user_name", "service_principal_name", "group_name") if access.get(k)
            }
            found += [
                {"level": p["permission_level"], **names}
                for p in access.get("all_permissions") or []
                if not p.get("inherited")
            ]
        return {"object_id": id_, **({EMBEDDED: found} if found else {})}

    def comparable(self, remote: dict[str, Json]) -> dict[str, Json]:
        return remote

    def create(self, client: Client, settings: Json) -> str:
        self.update(client, settings["object_id"], settings)
        return str(settings["object_id"])

    def update(self, client: Client, id_: str, settings: Json) -> None:
        del id_  # the settings name it too
        wanted = [
            {"permission_level": p["level"], **{k: v for k, v in p.items() if k != "level"}}
            for p in settings.get(EMBEDDED) or []
        ]
        path = f"/api/2.0/permissions{settings['object_id']}"
        client.json("PUT", path, body={"access_control_list": [dict(sorted(w.items())) for w in wanted]})

    def delete(self, client: Client, id_: str, settings: Json) -> None:
        """Nothing: permissions go with their resource, and giving back old ones would be a guess."""


KINDS: dict[str, Kind] = {
    "jobs": Jobs("jobs", JOB_RULES),
    "pipelines": Pipelines("pipelines", PIPELINE_RULES),
    "jobs.permissions": Permissions("jobs.permissions", PERMISSION_RULES),
    "pipelines.permissions": Permissions("pipelines.permissions", PERMISSION_RULES),
}


def group_of(key: str) -> str:
    """`resources.jobs.x.permissions` is of the group `jobs.permissions`."""
    _, group, _, *rest = key.split(".")
    return ".".join([group, *rest[-1:]]) if rest[-1:] == ["permissions"] else group


def kind_of(key: str) -> Kind:
    return KINDS[group_of(key)]
