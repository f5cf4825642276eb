"""What a workspace lets us do, and how it stands: only read, for the doctor."""

import email.utils
import posixpath
import time
from dataclasses import dataclass

from databricks.sdk.errors import NotFound, PermissionDenied

from tasks.systems.workspace import Workspace

_WRITES = {"CAN_EDIT", "CAN_MANAGE"}
_ME = "/api/2.0/preview/scim/v2/Me"


@dataclass(frozen=True)
class Identity:
    """Who we are there: the application id, our groups, and by how many seconds our clock is ahead."""

    name: str
    groups: frozenset[str]
    clock_ahead: float


class WorkspaceRights(Workspace):
    """The workspace of one target, asked what its service principal may do."""

    def identity(self) -> Identity:
        """Who we are, as the workspace says.

        Raises:
            TryAgain: the workspace does not answer.
            NeedsHuman: it does not accept the credentials.

        Source: SCIM API, "Get current user information"; the answer's Date header (RFC 9110).
        """
        with self.answers("who we are"):
            sent = time.time()
            said = self.client.api_client.do("GET", _ME, response_headers=["date"])
            middle = (sent + time.time()) / 2
        found = said if isinstance(said, dict) else {}
        groups = frozenset(str(group.get("display", "")) for group in found.get("groups") or [])
        return Identity(str(found.get("userName", "")), groups, _ahead(middle, str(found.get("date", ""))))

    def may_write(self, folder: str, who: Identity) -> bool | None:
        """Whether we may write at a folder, or where it is not there, at the nearest one above; None if it is not told.

        Source: Databricks REST API, "Permissions": directories.
        """
        home = f"/Workspace/Users/{who.name}"
        if folder == home or folder.startswith(f"{home}/") or "admins" in who.groups:
            return True
        with self.answers(f"who may write to {folder}"):
            try:
                number = self._nearest(folder)
                if number is None:
                    return None
                listed = self.client.permissions.get("directories", str(number)).access_control_list or []
            except (NotFound, PermissionDenied):
                return None
        ours = [
            permission
            for entry in listed
            if entry.service_principal_name == who.name or entry.group_name in {*who.groups, "users"}
            for permission in entry.all_permissions or []
        ]
        return any(p.permission_level is not None and p.permission_level.value in _WRITES for p in ours)

    def maker_of_jobs(self, root_path: str) -> str | None:
        """Who made a job that the bundle's state knows; None where it knows none, or it is gone."""
        numbers = [n for key, n in self.state_ids(root_path).items() if key.startswith("resources.jobs.")]
        with self.answers("who made the jobs"):
            for number in numbers:
                try:
                    return self.client.jobs.get(int(number)).creator_user_name
                except (NotFound, PermissionDenied):
                    continue
        return None

    def _nearest(self, folder: str) -> int | None:
        while folder not in {"", "/"}:
            try:
                return self.client.workspace.get_status(folder).object_id
            except NotFound:
                folder = posixpath.dirname(folder)
        return None


def _ahead(now: float, date: str) -> float:
    """Seconds; 0 where the server does not say its time, which has whole seconds only."""
    try:
        return now - email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return 0.0
