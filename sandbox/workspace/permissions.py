"""REST routes of permissions: `/api/2.0/permissions/{jobs|pipelines|directories|...}/{id}`.

Imitates: Databricks REST API, "Permissions": GET shows the list, PUT replaces it, PATCH adds to it.
"""

from starlette.routing import Route

from sandbox.workspace.access import MANAGE, RANKS, VIEW, Access
from sandbox.workspace.call import Call, Identify, invalid, not_found, route
from sandbox.workspace.shelf import Json
from sandbox.workspace.state import State

KINDS = {
    "jobs": "job",
    "pipelines": "pipelines",
    "directories": "directory",
    "files": "file",
    "notebooks": "notebook",
}
_WHO = ("user_name", "group_name", "service_principal_name")
_OWNED = {"jobs": "job", "pipelines": "pipeline"}


class Permissions:
    def __init__(self, state: State, access: Access) -> None:
        self.state = state
        self.access = access

    def routes(self, identify: Identify) -> list[Route]:
        path = "/api/2.0/permissions/{kind}/{key}"
        table = [("GET", self.show), ("PUT", self.replace), ("PATCH", self.add)]
        return [route(method, path, handler, identify) for method, handler in table]

    def show(self, call: Call) -> Json:
        kind, key = self._thing(call)
        self.access.need(call.person, kind, key, VIEW)
        return self._shown(kind, key)

    def replace(self, call: Call) -> Json:
        return self._keep(call, _entries(call.body))

    def add(self, call: Call) -> Json:
        kind, key = self._thing(call)
        added = _entries(call.body)
        others = [e for e in self.access.entries(kind, key) if _who(e) not in {_who(new) for new in added}]
        return self._keep(call, [*others, *added])

    def _keep(self, call: Call, entries: list[Json]) -> Json:
        kind, key = self._thing(call)
        self.access.need(call.person, kind, key, MANAGE)
        owners = [e for e in entries if e["permission_level"] == "IS_OWNER"]
        if kind in _OWNED and len(owners) != 1:
            raise invalid(f"The {_OWNED[kind]} must have exactly one owner.")
        self.state.acls[f"{kind}-{key}"] = {"entries": entries}
        return self._shown(kind, key)

    def _thing(self, call: Call) -> tuple[str, str]:
        """Kind and id of what the path names; raises ApiError when there is no such kind or thing."""
        kind, key = call.path["kind"], call.path["key"]
        if kind not in KINDS:
            raise invalid(f"request_object_type is not recognized: {kind}")
        shelf = {"jobs": self.state.jobs, "pipelines": self.state.pipelines}.get(kind, self.state.objects)
        if key not in shelf:
            raise not_found(f"{kind} {key} not found.")
        return kind, key

    def _shown(self, kind: str, key: str) -> Json:
        listed = [_answer(entry, inherited=False) for entry in self.access.entries(kind, key)]
        admins = _answer({"group_name": "admins", "permission_level": "CAN_MANAGE"}, inherited=True)
        return {
            "object_id": f"/{kind}/{key}",
            "object_type": KINDS[kind],
            "access_control_list": [*listed, admins],
        }


def _answer(entry: Json, *, inherited: bool) -> Json:
    field, name = _who(entry)
    shown: Json = {field: name, "all_permissions": [_permission(entry["permission_level"], inherited)]}
    return shown if field == "group_name" else {**shown, "display_name": name}


def _permission(level: str, inherited: bool) -> Json:  # noqa: FBT001
    return {"permission_level": level, "inherited": inherited}


def _who(entry: Json) -> tuple[str, str]:
    return next((field, entry[field]) for field in _WHO if entry.get(field))


def _entries(body: Json) -> list[Json]:
    """The entries of a request; raises ApiError (400) for one without principal or known level."""
    entries: list[Json] = body.get("access_control_list") or []
    for entry in entries:
        if not any(entry.get(field) for field in _WHO):
            raise invalid("An access control entry must name a user, group or service principal.")
        if entry.get("permission_level") not in RANKS:
            raise invalid(f"Unknown permission level: {entry.get('permission_level')}")
    return entries
