"""The deploy lock: a file in the target's state folder. It never expires, and nobody releases it for a killed deploy."""

import contextlib
import json

from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.client import ApiError
from sandbox.databricks_cli.clock import now
from sandbox.databricks_cli.diagnostics import Diagnostic, Failed, Stopped
from sandbox.databricks_cli.go_json import dumps
from sandbox.databricks_cli.ids import new_id
from sandbox.databricks_cli.values import get
from sandbox.databricks_cli.workspace_files import FileExists, Folder, NoFile, NoFolder, NotAllowed

_FILE = "deploy.lock"


class Lock:
    """The lock of one target. `held` says whether this command holds it."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.folder = Folder(bundle.api, bundle.workspace("state_path"))
        self.id = new_id()
        self.held = False
        self.enabled = get(bundle.config, "bundle", "deployment", "lock", "enabled") is not False

    def acquire(self) -> None:
        """Take the lock; with --force-lock whoever holds it.

        Raises:
            Stopped: it cannot be had; why was printed.
        """
        if not self.enabled:
            return
        forced = self.bundle.options.force_lock or bool(
            get(self.bundle.config, "bundle", "deployment", "lock", "force")
        )
        user = str(self.bundle.me.get("userName", ""))
        content = {"ID": self.id, "AcquisitionTime": now(), "IsForced": forced, "User": user}
        try:
            with contextlib.suppress(FileExists):  # then it is somebody's: the next line says whose
                self.folder.write(_FILE, dumps(content).encode(), overwrite=forced)
            self.assert_held()
        except Failed as error:
            self.report(error)
            raise Stopped from error
        self.held = True

    def report(self, error: Failed) -> None:
        log = self.bundle.log
        message = error.message if isinstance(error, ApiError) else error.summary
        log.line(f"Error: Failed to acquire deployment lock: {message}")
        if isinstance(error, (NotAllowed, NoFile, NoFolder)):
            state = self.bundle.workspace("state_path")
            log.line(f"Error: Failed to update, encountered possible permission error: {state}")
            log.add(Diagnostic("Error", _no_permission(self.bundle, state)))
        else:
            log.failure(error)

    def assert_held(self) -> None:
        """Read the lock file and compare. Raises `Failed` when it is somebody else's."""
        try:
            content = self.folder.read(_FILE)
        except NoFile as error:
            error.summary = f"no active lock on target dir: {error.summary}"
            raise
        holder = _parsed(content)
        if holder.get("ID") != self.id:
            how = "force-acquired" if holder.get("IsForced") else "acquired"
            raise Failed(
                f"deploy lock {how} by {holder.get('User')} at {_go_time(str(holder.get('AcquisitionTime')))}.\n"
                "Another deployment may be in progress. Use --force-lock to override, but this may\n"
                "conflict with the other deployment if it is still active"
            )

    def release(self, *, may_be_gone: bool = False) -> None:
        """Give the lock back. After a destroy the file may be gone. Raises `Failed` when that does not work."""
        if not self.held:
            return
        try:
            self.folder.status(_FILE)
        except NoFile:
            if may_be_gone:
                self.held = False
                return
        try:
            self.assert_held()
        except Failed as error:
            raise Failed(f"unlock called when lock is not held: {error.summary}", error.detail) from error
        self.folder.delete(_FILE)
        self.held = False


def _parsed(content: bytes) -> dict[str, object]:
    try:
        holder = json.loads(content)
    except ValueError as error:
        raise Failed(_json_complaint(content)) from error
    return holder if isinstance(holder, dict) else {}


def _json_complaint(content: bytes) -> str:
    """The words of Go's JSON reader for the most likely kinds of rubbish."""
    text = content.decode("utf-8", "replace").lstrip()
    if not text:
        return "unexpected end of JSON input"
    for literal in ("null", "true", "false"):
        if text[0] == literal[0]:
            for position, letter in enumerate(literal):
                if text[position : position + 1] != letter:
                    found = text[position : position + 1]
                    if not found:
                        return "unexpected end of JSON input"
                    return f"invalid character '{found}' in literal {literal} (expecting '{letter}')"
    return f"invalid character '{text[0]}' looking for beginning of value"


def _go_time(text: str) -> str:
    """Write a time of the lock file as Go prints times."""
    from datetime import datetime  # noqa: PLC0415 - only here, and slow to load

    try:
        when = datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        return text
    offset = when.strftime("%z")
    fraction = f".{when.microsecond:06d}".rstrip("0").rstrip(".")
    zone = "UTC" if offset == "+0000" else offset
    return f"{when:%Y-%m-%d %H:%M:%S}{fraction} {offset} {zone}"


def _no_permission(bundle: Bundle, path: str) -> str:
    managers = sorted(
        str(p.get("user_name") or p.get("group_name"))
        for p in bundle.config.get("permissions") or []
        if p.get("level") == "CAN_MANAGE" and (p.get("user_name") or p.get("group_name"))
    )
    help_text = "For assistance, contact the owners of this project."
    if managers:
        names = ", ".join(managers)
        help_text = f"For assistance, users or groups with appropriate permissions may include: {names}."
    return (
        f"unable to deploy to {path} as {bundle.me.get('displayName') or ''}.\n"
        "Please make sure the current user or one of their groups is listed under the permissions of this bundle.\n"
        f"{help_text}\n"
        "They may need to redeploy the bundle to apply the new permissions.\n"
        "Please refer to https://docs.databricks.com/dev-tools/bundles/permissions.html for more on managing"
        " permissions."
    )
