"""The bundle's own permissions on its folder in the workspace."""

import posixpath

from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.client import ApiError
from sandbox.databricks_cli.values import Json
from sandbox.databricks_cli.workspace_files import object_status

_FOLDER_LEVELS = {"CAN_MANAGE": "CAN_MANAGE", "CAN_VIEW": "CAN_READ", "CAN_RUN": "CAN_RUN"}
_PRINCIPALS = ("user_name", "service_principal_name", "group_name")


def _folders(bundle: Bundle) -> list[str]:
    """The workspace folders of the bundle, without those inside another one."""
    keys = ("root_path", "artifact_path", "file_path", "state_path", "resource_path")
    paths = [bundle.workspace(key) for key in keys]
    outer = [p for p in dict.fromkeys(paths) if not any(p != q and p.startswith(f"{q}/") for q in paths)]
    return [p for p in outer if not p.startswith("/Workspace/Shared/")]


def give_access(bundle: Bundle) -> None:
    """Let the people of the top-level permissions into the bundle's folder. Raises `Failed`."""
    wanted = bundle.config.get("permissions") or []
    if not wanted:
        return
    access = [
        {
            **{k: str(p[k]) for k in _PRINCIPALS if p.get(k)},
            "permission_level": _FOLDER_LEVELS[p["level"]],
        }
        for p in wanted
    ]
    for folder in _folders(bundle):
        found = object_status(bundle.api, folder)
        path = f"/api/2.0/permissions/directories/{found['object_id']}"
        bundle.api.json("PUT", path, body={"access_control_list": [dict(sorted(a.items())) for a in access]})


def check_folder(bundle: Bundle) -> None:
    """Compare the top-level permissions with those of the folder, or of the nearest one that exists.

    Raises:
        Failed: they cannot be read.
    """
    wanted = bundle.config.get("permissions") or []
    if not wanted:
        return
    for folder in _folders(bundle):
        path, found = folder, None
        while found is None:
            try:
                found = object_status(bundle.api, path)
            except ApiError as error:
                if not error.missing or path == "/":
                    raise
                path = posixpath.dirname(path)
        answer = bundle.api.json("GET", f"/api/2.0/permissions/directories/{found['object_id']}")
        _warn_of_more(bundle, path, answer, wanted)


def _warn_of_more(bundle: Bundle, path: str, answer: dict[str, Json], wanted: list[dict[str, Json]]) -> None:
    declared = {(str(p.get("level")), *_principal(p)) for p in wanted}
    missing = []
    for access in answer.get("access_control_list") or []:
        if access.get("group_name") == "admins":
            continue
        for permission in access.get("all_permissions") or []:
            level = {v: k for k, v in _FOLDER_LEVELS.items()}.get(
                permission.get("permission_level"), "CAN_MANAGE"
            )
            if (level, *_principal(access)) not in declared:
                kind, name = _principal(access)
                missing.append(f"- level: {level}, {kind}: {name}\n")
    if missing:
        bundle.log.caution(
            "workspace folder has permissions not configured in bundle",
            detail="The following permissions apply to the workspace folder at"
            f' "{path}" but are not configured in the bundle:\n{"".join(missing)}\n'
            "Add them to your bundle permissions or remove them from the folder.\n"
            "See https://docs.databricks.com/dev-tools/bundles/permissions",
        )


def _principal(permission: dict[str, Json]) -> tuple[str, str]:
    return next(((k, str(permission[k])) for k in _PRINCIPALS if permission.get(k)), ("", ""))
