"""Who may do what to which job, pipeline or folder.

Imitates: Databricks documentation, "Access control lists". Admins may do everything; what a list does not
name is forbidden, except to its creator, and in one's own home folder and in `/Shared`.
"""

from sandbox.workspace.call import ApiError
from sandbox.workspace.people import Person
from sandbox.workspace.shelf import Json
from sandbox.workspace.state import State
from sandbox.workspace.tree import canonical, parent_of

NONE, VIEW, RUN, EDIT, MANAGE = range(5)

RANKS = {
    "CAN_VIEW": VIEW,
    "CAN_READ": VIEW,
    "CAN_RUN": RUN,
    "CAN_MANAGE_RUN": RUN,
    "CAN_EDIT": EDIT,
    "CAN_MANAGE": MANAGE,
    "IS_OWNER": MANAGE,
}

_WORDS = {
    VIEW: "View or Admin or Manage Run or Owner",
    RUN: "Manage Run or Admin or Owner",
    EDIT: "Edit or Manage",
    MANAGE: "Admin or Owner",
}


def entry_for(person: Person, level: str) -> Json:
    return {person.acl_field: person.name, "permission_level": level}


class Access:
    def __init__(self, state: State) -> None:
        self.state = state

    def entries(self, kind: str, key: str) -> list[Json]:
        """The list of permissions of a thing; without one, its creator owns it."""
        stored = self.state.acls.get(f"{kind}-{key}")
        if stored is not None:
            return list(stored["entries"])
        shelf = {"jobs": self.state.jobs, "pipelines": self.state.pipelines}.get(kind)
        creator = shelf[key]["creator_user_name"] if shelf is not None and key in shelf else ""
        if not creator:
            return []
        is_service = bool(self.state.people.get(creator, {}).get("secret"))
        field = "service_principal_name" if is_service else "user_name"
        return [{field: creator, "permission_level": "IS_OWNER"}]

    def rank(self, person: Person, kind: str, key: str) -> int:
        """How much `person` may do to one thing."""
        if person.is_admin:
            return MANAGE
        return max((_rank(entry, person) for entry in self.entries(kind, key)), default=NONE)

    def need(self, person: Person, kind: str, key: str, rank: int) -> None:
        """Raise ApiError (403) unless `person` may do as much as `rank` to the job or pipeline."""
        if self.rank(person, kind, key) < rank:
            thing = {"jobs": "job", "pipelines": "pipeline"}.get(kind, kind)
            raise _denied(f"User {person.name} does not have {_WORDS[rank]} permissions on {thing} {key}")

    def to_read(self, person: Person, path: str) -> None:
        """Raise ApiError (403) unless `person` may read what lies at `path`."""
        if self._path_rank(person, canonical(path)) < VIEW:
            raise _denied(f"{person.name} does not have View permissions on {path}.")

    def to_write(self, person: Person, path: str) -> None:
        """Raise ApiError (403) unless `person` may create, change or delete at `path`."""
        if self._path_rank(person, canonical(path)) < EDIT:
            raise _denied(
                f"{person.name} does not have Edit permissions on {path}. "
                "Please contact the owner or an administrator for access."
            )

    def _path_rank(self, person: Person, path: str) -> int:
        if person.is_admin:
            return MANAGE
        home = f"/Users/{person.name}"
        if path in {home, "/Shared"} or path.startswith((f"{home}/", "/Shared/")):
            return MANAGE
        best = VIEW if path in {"/", "/Users"} else NONE
        while path != "/":
            key = self.state.paths.get(path)
            if key is not None:
                best = max(best, self.rank(person, "directories", key))
            path = parent_of(path)
        return best


def _rank(entry: Json, person: Person) -> int:
    named = entry.get(person.acl_field) == person.name or entry.get("group_name") == "users"
    return RANKS[entry["permission_level"]] if named else NONE


def _denied(message: str) -> ApiError:
    return ApiError(403, "PERMISSION_DENIED", message)
