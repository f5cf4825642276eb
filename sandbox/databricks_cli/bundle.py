"""One bundle while a command works on it: its configuration, its folders, what the command line asked for."""

import os
from pathlib import Path

from sandbox.databricks_cli.client import Client
from sandbox.databricks_cli.diagnostics import Log
from sandbox.databricks_cli.record import field, record
from sandbox.databricks_cli.values import Json, Map, get


@record
class Options:
    """What the command line asked for. Where a command has no such flag it stays as it is here."""

    target: str = ""
    output: str = "text"
    variables: list[str] = field(default_factory=list)
    auto_approve: bool = False
    force: bool = False
    force_lock: bool = False
    force_pull: bool = False
    fail_on_active_runs: bool = False
    strict: bool = False
    no_wait: bool = False
    quiet: int = 0
    select: list[str] = field(default_factory=list)


@record
class Bundle:
    """`root` is the folder of databricks.yml; `config` grows more definite with every step."""

    root: Path
    options: Options
    log: Log
    config: Map = field(default_factory=Map)
    worktree: Path | None = None
    client: Client | None = None
    root_path_is_explicit: bool = False

    @property
    def target(self) -> str:
        return str(get(self.config, "bundle", "target") or "")

    @property
    def name(self) -> str:
        return str(get(self.config, "bundle", "name") or "")

    @property
    def api(self) -> Client:
        assert self.client is not None, "commands connect before they talk"
        return self.client

    @property
    def me(self) -> dict[str, Json]:
        """The identity that deploys, as the workspace knows it."""
        user: dict[str, Json] = get(self.config, "workspace", "current_user") or {}
        return user

    def workspace(self, key: str) -> str:
        """One of the workspace paths: root_path, file_path, state_path, artifact_path, resource_path."""
        return str(get(self.config, "workspace", key) or "")

    def jobs(self) -> dict[str, Json]:
        jobs: dict[str, Json] = get(self.config, "resources", "jobs") or {}
        return jobs

    def pipelines(self) -> dict[str, Json]:
        pipelines: dict[str, Json] = get(self.config, "resources", "pipelines") or {}
        return pipelines

    def local_folder(self) -> Path:
        """The folder of this target's state and journal; not created here."""
        moved = os.environ.get("DATABRICKS_BUNDLE_TMP")
        base = Path(moved) if moved else self.root / ".databricks" / "bundle"
        return base / self.target

    def make_local_folder(self) -> Path:
        """Return the folder of this target's state, created if it was missing."""
        folder = self.local_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.write_gitignore()
        return folder

    def write_gitignore(self) -> None:
        """Keep the local folder out of git; a tree that cannot be written stays as it is."""
        ignore = self.root / ".databricks" / ".gitignore"
        if not ignore.exists():
            try:
                ignore.parent.mkdir(exist_ok=True)
                ignore.write_text("*\n", encoding="utf-8")
            except OSError:
                return
