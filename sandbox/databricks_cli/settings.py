"""Fills in what a configuration leaves out: workspace paths, presets of the target's mode, defaults, permissions."""

from collections.abc import Iterator

from sandbox.databricks_cli.auth import is_service_principal
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.diagnostics import Diagnostic, Failed
from sandbox.databricks_cli.values import Json, Map, find, get, located, merge, place

_PATHS = {
    "file_path": "files",
    "resource_path": "resources",
    "artifact_path": "artifacts",
    "state_path": "state",
}


def workspace_paths(bundle: Bundle) -> None:
    """Give every workspace path a value: `~` is the user's folder, `/Users` and `/Shared` get `/Workspace` before."""
    workspace = bundle.config["workspace"]
    root = workspace.get("root_path")
    if not root:
        if not bundle.name:
            raise Failed("unable to define default workspace root: bundle name not defined")
        root = f"~/.bundle/{bundle.name}/{bundle.target}"
    if root == "~" or root.startswith("~/"):
        root = f"/Workspace/Users/{bundle.me.get('userName', '')}{root[1:]}"
    workspace["root_path"] = located(root, place(workspace.get("root_path")))
    for key, folder in _PATHS.items():
        workspace[key] = workspace.get(key) or f"{root}/{folder}"
    for key in ("root_path", *_PATHS):
        path = workspace[key]
        if path.startswith("/") and not path.startswith(("/Workspace/", "/Volumes/")):
            workspace[key] = located(f"/Workspace{path}", place(path))


def apply_mode(bundle: Bundle) -> None:
    """Set the presets that `mode: development` means."""
    if get(bundle.config, "bundle", "mode") != "development":
        return
    lock = get(bundle.config, "bundle", "deployment", "lock", "enabled")
    if lock is not True:
        off = {"deployment": {"lock": {"enabled": False}}}
        bundle.config["bundle"] = merge(bundle.config["bundle"], off)
    short = str(bundle.me.get("short_name", ""))
    presets = bundle.config["presets"] = located(dict(bundle.config.get("presets") or {}), None)
    presets["name_prefix"] = presets.get("name_prefix") or f"[dev {short}] "
    presets["tags"] = {"dev": short, **(presets.get("tags") or {})}
    presets["jobs_max_concurrent_runs"] = presets.get("jobs_max_concurrent_runs") or 4
    presets["trigger_pause_status"] = presets.get("trigger_pause_status") or "PAUSED"
    if presets.get("pipelines_development") is not False:
        presets["pipelines_development"] = True


def apply_run_as(bundle: Bundle) -> None:
    """Give jobs and pipelines the identity they run as, where they name none."""
    if "run_as" not in bundle.config:
        return
    run_as = bundle.config["run_as"] or Map()
    names = {k: run_as[k] for k in ("service_principal_name", "user_name") if run_as.get(k)}
    if not names:
        raise Failed(
            "run_as section must specify exactly one identity. Neither service_principal_name nor user_name is"
            " specified",
            at=place(run_as),
        )
    if len(names) > 1:
        raise Failed(
            "run_as section cannot specify both user_name and service_principal_name", at=place(run_as)
        )
    for resource in (*bundle.jobs().values(), *bundle.pipelines().values()):
        resource.setdefault("run_as", dict(names))


def apply_presets(bundle: Bundle) -> None:  # noqa: C901 - one preset after another
    """Lay the presets over jobs and pipelines: name prefix, tags, concurrency, paused triggers."""
    presets = bundle.config.get("presets") or Map()
    pause = presets.get("trigger_pause_status") or ""
    if pause not in {"", "PAUSED", "UNPAUSED"}:
        raise Failed("Invalid value for trigger_pause_status, should be PAUSED or UNPAUSED", at=place(pause))
    for resource in (*bundle.jobs().values(), *bundle.pipelines().values()):
        resource["name"] = f"{presets.get('name_prefix') or ''}{resource.get('name') or ''}"
        if presets.get("tags"):
            own = {k: v for k, v in (resource.get("tags") or {}).items() if v or k not in presets["tags"]}
            resource["tags"] = {**presets["tags"], **own}
    for job in bundle.jobs().values():
        if not job.get("max_concurrent_runs") and presets.get("jobs_max_concurrent_runs"):
            job["max_concurrent_runs"] = presets["jobs_max_concurrent_runs"]
        for trigger in _TRIGGERS:
            if pause and job.get(trigger) is not None and not job[trigger].get("pause_status"):
                job[trigger]["pause_status"] = pause
    for pipeline in bundle.pipelines().values():
        if presets.get("pipelines_development"):
            pipeline["development"] = True
        if pause == "PAUSED" and pipeline.get("continuous"):
            pipeline["continuous"] = False


_TRIGGERS = ("schedule", "trigger", "continuous")


def apply_defaults(bundle: Bundle) -> None:
    """Set what the real command sets before it sends a job or a pipeline."""
    for job in bundle.jobs().values():
        job["name"] = job.get("name") or "Untitled"
        _default(job, "max_concurrent_runs", 1)
        for trigger in _TRIGGERS:
            if job.get(trigger) is not None:
                _default(job[trigger], "pause_status", "UNPAUSED")
        _default(job, "queue", {"enabled": True})
        for cluster in job.get("job_clusters") or []:
            clients = get(cluster, "new_cluster", "workload_type", "clients")
            if clients is not None:
                _default(clients, "notebooks", True)
                _default(clients, "jobs", True)
    for pipeline in bundle.pipelines().values():
        _default(pipeline, "edition", "ADVANCED")
        _default(pipeline, "channel", "CURRENT")


def _default(container: dict[str, Json], key: str, value: Json) -> None:
    if container.get(key) is None:
        container[key] = value


_LEVELS = {
    "jobs": {"CAN_MANAGE": "CAN_MANAGE", "CAN_VIEW": "CAN_VIEW", "CAN_RUN": "CAN_MANAGE_RUN"},
    "pipelines": {"CAN_MANAGE": "CAN_MANAGE", "CAN_VIEW": "CAN_VIEW", "CAN_RUN": "CAN_RUN"},
}
_RANK = ("CAN_VIEW", "CAN_RUN", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER")
_PRINCIPALS = ("user_name", "service_principal_name", "group_name")


def apply_permissions(bundle: Bundle) -> None:
    """Add the bundle's permissions to every job and pipeline, and the deployer as owner."""
    wanted = bundle.config.get("permissions") or []
    for permission in wanted:
        if permission.get("level") not in {"CAN_MANAGE", "CAN_VIEW", "CAN_RUN"}:
            raise Failed(
                f"invalid permission level: {permission.get('level') or ''}, allowed values:"
                " [CAN_MANAGE, CAN_VIEW, CAN_RUN]"
            )
    for group, levels in _LEVELS.items():
        for resource in (get(bundle.config, "resources", group) or {}).values():
            own = list(resource.get("permissions") or [])
            named = {_principal(p) for p in own}
            own += [{**p, "level": levels[p["level"]]} for p in wanted if _principal(p) not in named]
            if own:
                resource["permissions"] = _with_owner(own, str(bundle.me.get("userName", "")))


def _principal(permission: dict[str, Json]) -> tuple[str, str]:
    return next(((k, str(permission[k])) for k in _PRINCIPALS if permission.get(k)), ("", ""))


def _with_owner(permissions: list[dict[str, Json]], me: str) -> list[dict[str, Json]]:
    """Exactly one owner, every principal once with its highest level."""
    mine = ("service_principal_name" if is_service_principal(me) else "user_name", me)
    owned = any(p.get("level") == "IS_OWNER" for p in permissions)
    levels: dict[tuple[str, str], str] = {}
    for permission in permissions:
        principal, level = _principal(permission), str(permission.get("level") or "")
        if principal[0] and level and (principal not in levels or _rank(level) > _rank(levels[principal])):
            levels[principal] = level
    if not owned:
        levels[mine] = "IS_OWNER"
    elif _rank(levels.get(mine, "")) < _rank("CAN_MANAGE"):
        levels[mine] = "CAN_MANAGE"
    return [{"level": level, kind: name} for (kind, name), level in levels.items()]


def _rank(level: str) -> int:
    return _RANK.index(level) if level in _RANK else -1


def check_mode(bundle: Bundle) -> None:
    """Say what the target's mode forbids. Raises `Failed` for what it does not allow."""
    match get(bundle.config, "bundle", "mode"):
        case "development":
            _check_development(bundle)
        case "production":
            _check_production(bundle)
        case None | "":
            pass
        case mode:
            raise Failed(
                f"unsupported value '{mode}' specified for 'mode': must be either 'development' or 'production'"
            )


def _check_development(bundle: Bundle) -> None:
    found = list(_wrong_in_development(bundle))
    for error in found[:-1]:
        bundle.log.failure(error)
    if found:
        raise found[-1]


def _wrong_in_development(bundle: Bundle) -> Iterator[Failed]:
    """What could get in the way of somebody else's copy."""
    presets, me = bundle.config["presets"], bundle.me
    names = [str(me[k]) for k in ("userName", "short_name", "domain_friendly_name") if me.get(k)]
    if presets.get("trigger_pause_status") == "UNPAUSED":
        yield Failed(
            "target with 'mode: development' cannot set trigger pause status to UNPAUSED by default",
            at=place(presets["trigger_pause_status"]),
        )
    for key in ("root_path", *_PATHS):
        if not any(name in bundle.workspace(key) for name in names):
            yield Failed(
                f"{key} must start with '~/' or contain the current username to ensure uniqueness when using"
                " 'mode: development'"
            )
            break
    prefix = presets.get("name_prefix")
    if prefix and not any(name in prefix for name in names):
        yield Failed(
            "prefix should contain the current username or ${workspace.current_user.short_name} to ensure"
            " uniqueness when using 'mode: development'",
            at=place(prefix),
        )


def _check_production(bundle: Bundle) -> None:
    if any(p.get("development") for p in bundle.pipelines().values()):
        raise Failed("target with 'mode: production' cannot include a pipeline with 'development: true'")
    if bundle.root_path_is_explicit:
        return
    me = str(bundle.me.get("userName", ""))
    advice = "set 'workspace.root_path' to make sure only one copy is deployed"
    detail = (
        "A common practice is to use a username or principal name in this path, i.e. use\n\n"
        f"  root_path: /Workspace/Users/{me}/.bundle/${{bundle.name}}/${{bundle.target}}"
    )
    if all(job.get("run_as") for job in bundle.jobs().values()) or is_service_principal(me):
        summary = f"target with 'mode: production' should {advice}"
        bundle.log.add(Diagnostic("Recommendation", summary, detail))
        return
    raise Failed(f"target with 'mode: production' must {advice}", detail)


def check_shared_folder(bundle: Bundle) -> None:
    """Warn about a root path that everybody can write to."""
    root = bundle.workspace("root_path")
    shared = root.startswith("/Workspace/Shared/") or root == "/Workspace/Shared"
    everybody = any(
        p.get("group_name") == "users" and p.get("level") == "CAN_MANAGE"
        for p in bundle.config.get("permissions") or []
    )
    if shared and not everybody:
        bundle.log.caution(
            f"the bundle root path {root} is writable by all workspace users",
            detail="The bundle is configured to use /Workspace/Shared, which will give read/write access to all"
            " users. If this is intentional, add CAN_MANAGE for 'group_name: users' permission to your bundle"
            " configuration. If the deployment should be restricted, move it to a restricted folder such as"
            " /Workspace/Users/<username or principal name>.",
        )


def check_deployer(bundle: Bundle) -> None:
    """Recommend that a bundle with permissions names its deployer among them."""
    permissions = bundle.config.get("permissions") or []
    me = str(bundle.me.get("userName", ""))
    groups = {g.get("display") for g in bundle.me.get("groups") or []}
    managers = [p for p in permissions if p.get("level") == "CAN_MANAGE"]
    if not permissions or any(
        me in {p.get("user_name"), p.get("service_principal_name")} or p.get("group_name") in groups
        for p in managers
    ):
        return
    kind = "service_principal_name" if is_service_principal(me) else "user_name"
    summary = (
        f"permissions section should explicitly include the current deployment identity '{me}' or one of its groups\n"
        "If it is not included, CAN_MANAGE permissions are only applied if the present identity is used to deploy."
        "\n\nConsider using a adding a top-level permissions section such as the following:\n\n"
        f"  permissions:\n    - {kind}: {me}\n      level: CAN_MANAGE\n\n"
        "See https://docs.databricks.com/dev-tools/bundles/permissions.html to learn more about permission"
        " configuration."
    )
    bundle.log.add(Diagnostic("Recommendation", summary, at=place(permissions)))


def annotate(bundle: Bundle) -> None:
    """Mark jobs and pipelines as made by this target; orphans are found by this mark."""
    mark = {"kind": "BUNDLE", "metadata_file_path": f"{bundle.workspace('state_path')}/metadata.json"}
    for job in bundle.jobs().values():
        job.update(deployment=dict(mark), edit_mode="UI_LOCKED", format="MULTI_TASK")
    for pipeline in bundle.pipelines().values():
        pipeline["deployment"] = dict(mark)


def merge_lists(bundle: Bundle) -> None:
    """Join list entries of one name that base and target both wrote; tasks are sorted by their key."""
    for container, key, _ in list(find(bundle.config, ("resources", "jobs", "*"))):
        job = container[key]
        for name, field in (
            ("job_clusters", "job_cluster_key"),
            ("parameters", "name"),
            ("tasks", "task_key"),
        ):
            if job.get(name):
                joined = _joined(job[name], field)
                if name == "tasks":
                    joined.sort(key=lambda task: str(task.get("task_key") or ""))
                job[name] = located(joined, place(job[name]))
    for pipeline in bundle.pipelines().values():
        if pipeline.get("clusters"):
            clusters = _joined(pipeline["clusters"], "label", default="default")
            pipeline["clusters"] = located(clusters, place(pipeline["clusters"]))


def _joined(items: list[Json], field: str, default: str = "") -> list[Json]:
    named: dict[str, Json] = {}
    for item in items:
        name = str(item.get(field) or default)
        name = name.lower() if default else name
        joined = merge(named[name], item) if name in named else item
        named[name] = located({**joined, field: name}, place(joined))
    return list(named.values())
