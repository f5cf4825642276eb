"""The `databricks` command for one bundle and one target.

Before it is started, what it would silently get wrong is looked at: its version, the host that databricks.yml
names, and whether the workspace answers. Each call gets a HOME of its own and the credentials of one target.
Success is an exit code and, where there is one, JSON; the command's words are shown to people and not read.
"""

import hashlib
import logging
import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.systems import bundle_files, child
from tasks.systems.bundle_errors import first_error, remedy_for
from tasks.systems.bundle_sources import sources_of
from tasks.systems.databricks_command import json_object, log_stderr, program, version_of
from tasks.systems.deploy_journal import DeployJournal
from tasks.systems.target_tokens import credentials_of, secrets_in
from tasks.systems.targets import Target, same_host

if TYPE_CHECKING:
    from tasks.systems.workspace import Workspace

log = logging.getLogger(__name__)

_PLAN_VERSION = 2
_REQUESTS_PER_SECOND = 60  # the command's own limit is 15: 75 s for the first deploy of 500 jobs
_NO_COMMIT_EPOCH = 315_532_800  # 1980-01-01, the first day that a zip file can name


@dataclass(frozen=True)
class Limits:
    """Seconds after which a call is ended. A deploy gets plenty: ending it leaves things half done."""

    version: float = 30
    look: float = 600
    deploy: float = 3600


class BundleCli:
    """`databricks bundle ...` in `folder`/`bundle` for `target`.

    Args:
        target: where to, and as whom.
        folder: a checkout of the repository at the commit that is meant.
        bundle: the folder of the bundle within it.
        journal_home: durable folder for the journals of deploys, one for each bundle, target and deployer.
        limits: how long each call may take.
    """

    def __init__(
        self,
        target: Target,
        folder: Path,
        *,
        bundle: str | Path = ".",
        journal_home: Path,
        limits: Limits | None = None,
    ) -> None:
        self.target = target
        self.folder = folder
        self.bundle = Path(bundle)
        self.root = folder / bundle
        self.journal_home = journal_home
        self.limits = limits or Limits()

    def cli_version(self) -> str:
        """The version of the command, once it is known to be one that we understand.

        Raises:
            NeedsHuman: there is no such command, or it is too old or too new.
        """
        return self._version

    def name(self) -> str:
        """What the bundle's files call it. Nothing is sent.

        Raises:
            NeedsHuman: they cannot be read, or do not know the target.
        """
        return self._declared.bundle

    def sources(self) -> tuple[str, ...]:
        """The folders and files of the repository that the bundle is made of. Nothing is sent."""
        return sources_of(self.root, self.folder)

    def host_in_bundle(self) -> str | None:
        """The host that the bundle's files name for the target, which is ours; None if they name none.

        Nothing is sent. The command would believe the file and send our credentials there.

        Raises:
            NeedsHuman: it is another host than ours, or cannot be told.
        """
        host = self._declared.host
        if host is not None and not same_host(host, self.target.host):
            raise NeedsHuman(
                f"databricks.yml says that {self.target.name} is {host}, but this worker knows it as"
                f" {self.target.host}",
                "correct the one that is wrong; our credentials would go to the host in databricks.yml",
            )
        return host

    def validate(self) -> dict[str, Any]:
        """The bundle's resolved configuration; it is valid for the target.

        Raises:
            NeedsHuman: it is not, with the place in the file.
            TryAgain: the workspace does not answer.
        """
        return self._json("validate", "--output", "json")

    def plan(self, *, after_unfinished: bool = False) -> dict[str, Any]:
        """What a deploy would change, as the command's JSON. Code is not part of a plan.

        Args:
            after_unfinished: count as done what the journal of a deploy that was ended in the middle holds, as the
                next deploy will.

        Raises:
            NeedsHuman: no plan came, or one of another kind.
            TryAgain: the workspace does not answer.
        """
        plan = self._json("plan", "--output", "json", journal=self.journal if after_unfinished else None)
        if plan.get("plan_version") != _PLAN_VERSION or not isinstance(plan.get("plan", {}), dict):
            raise NeedsHuman(
                f"databricks {self._version} gave a plan of version {plan.get('plan_version')}, not"
                f" {_PLAN_VERSION}",
                "install a version of the Databricks CLI that this version of dabflow knows",
            )
        return plan

    def summary(self) -> dict[str, Any]:
        """The configuration with the id and address of each thing that the remote state knows."""
        return self._json("summary", "--output", "json", "--force-pull")

    def deploy(
        self, *, auto_approve: bool = False, fail_on_active_runs: bool = False, force_lock: bool = False
    ) -> None:
        """The command has deployed the bundle and said so. Prove it by state, plan and metadata.

        To be called under a lock of ours: the command reads its state before it takes its own lock.

        Args:
            auto_approve: also delete or recreate what holds data (schemas, pipelines, ...).
            fail_on_active_runs: refuse while jobs or pipelines of the bundle run.
            force_lock: take the command's lock though it is held: only if it is known to be a dead deploy's.

        Raises:
            NeedsHuman: it was refused, or was ended in the middle: then the state must be looked at.
            TryAgain: it failed and the workspace does not answer; the state must be looked at all the same.
        """
        flags = [
            *(["--auto-approve"] if auto_approve else []),
            *(["--fail-on-active-runs"] if fail_on_active_runs else []),
            *(["--force-lock"] if force_lock else []),
        ]
        journal = self.journal
        self._forget_sent_files(journal.folder)
        with journal.deploying() as in_use:
            self._bundle(
                "deploy", *flags, keep=journal.folder, within_seconds=self.limits.deploy, in_use=in_use
            )
            journal.forget()

    # How it is called

    def _json(self, what: str, *flags: str, journal: DeployJournal | None = None) -> dict[str, Any]:
        # Not the journal's folder itself: `plan` would replay the journal of a deploy that is under way.
        with tempfile.TemporaryDirectory(prefix="dabflow-bundle-") as keep:
            if journal is not None:
                journal.copied_to(Path(keep))
            done = self._bundle(what, *flags, keep=Path(keep), within_seconds=self.limits.look)
        return json_object(f"databricks bundle {what}", done.stdout)

    def _bundle(
        self, what: str, *flags: str, keep: Path, within_seconds: float, in_use: int | None = None
    ) -> child.Finished:
        self.host_in_bundle()
        log.debug("databricks %s", self._version)
        self._workspace.preflight()
        with credentials_of(self.target) as credentials:
            done = child.run(
                [self._command, "bundle", what, "--target", self.target.name, *flags],
                cwd=self.root,
                environment=credentials | self._settings(keep),
                within_seconds=within_seconds,
                secrets=secrets_in(credentials),
                on_line=log_stderr,
                keeps_open=() if in_use is None else (in_use,),
            )
        if isinstance(done, child.TimedOut) or done.exit_code != 0:
            raise self._failure(what, done)
        return done

    def _settings(self, keep: Path) -> dict[str, str]:
        """Source: `libs/env`, `bundle/env`, `internal/build` of the Databricks CLI 1.14."""
        return {
            "DATABRICKS_BUNDLE_TMP": str(keep),
            "DATABRICKS_CACHE_ENABLED": "false",
            "DATABRICKS_CLI_DISABLE_TELEMETRY": "1",
            "DATABRICKS_RATE_LIMIT": str(_REQUESTS_PER_SECOND),
            "SOURCE_DATE_EPOCH": str(self._commit_time),
        }

    def _failure(self, what: str, done: child.Finished) -> ReleaseError:
        """What went wrong, in our words and the command's first error; whether it may pass, asked elsewhere."""
        ended = self._ended_early(what, done)
        if ended is not None:
            return ended
        error = first_error(done.stderr)
        problem = f"`databricks bundle {what}` for {self.target.name} failed: {error}"
        try:
            self._workspace.preflight()
        except ReleaseError as now:
            return type(now)(f"{problem}\n  and now {now.problem}", now.remedy)
        return NeedsHuman(problem, remedy_for(what, error))

    def _ended_early(self, what: str, done: child.Finished) -> ReleaseError | None:
        if isinstance(done, child.TimedOut):
            how = f"had not ended after {done.seconds:.0f} s and was ended"
        elif done.exit_code < 0:
            how = f"was killed by signal {-done.exit_code} after {done.seconds:.0f} s"
        else:
            return None
        problem = f"`databricks bundle {what}` for {self.target.name} {how}"
        if what != "deploy":
            return TryAgain(problem, "nothing now: it changed nothing and is run again")
        return NeedsHuman(
            f"{problem}: its lock may be left, and things may exist that the bundle's state does not know",
            "look at the state before anything is deployed again: retry this step, it names what was left behind",
        )

    @property
    def journal(self) -> DeployJournal:
        """The durable folder of this bundle, target and deployer, holding the last deploy's journal only."""
        subject = (
            self._declared.bundle,
            str(self.bundle),
            self.target.name,
            self.target.host,
            self.target.client_id,
        )
        key = hashlib.sha256("\0".join(subject).encode()).hexdigest()[:12]
        name = re.sub(r"[^\w.-]+", "_", f"{self._declared.bundle}-{self.target.name}")
        folder = self.journal_home / f"{name}-{key}"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return DeployJournal(folder, self.target.name)

    def _forget_sent_files(self, folder: Path) -> None:
        """The command also keeps in the journal which files it has sent, by their time on disk.

        A checkout may be older than that, and its files would then not be sent; so this part is forgotten.
        """
        shutil.rmtree(folder / self.target.name / "sync-snapshots", ignore_errors=True)
        (folder / self.target.name / "deployment.json").unlink(missing_ok=True)

    @cached_property
    def _workspace(self) -> "Workspace":
        from tasks.systems.workspace import Workspace  # noqa: PLC0415 - as in bundles.py

        return Workspace(self.target)

    @cached_property
    def _declared(self) -> bundle_files.Declared:
        return bundle_files.declared(self.root, self.target.name)

    @cached_property
    def _command(self) -> str:
        return program()

    @cached_property
    def _version(self) -> str:
        return version_of(self._command, within_seconds=self.limits.version)

    @cached_property
    def _commit_time(self) -> int:
        """Seconds since 1970 of the commit that is checked out, so that two builds of it are the same."""
        if not (self.folder / ".git").exists():
            return _NO_COMMIT_EPOCH
        done = child.run(
            ["git", "-c", "safe.directory=*", "log", "-1", "--format=%ct"],
            cwd=self.folder,
            environment={},
            within_seconds=self.limits.version,
            on_line=log_stderr,
        )
        if done.exit_code != 0 or not done.stdout.strip().isdigit():
            raise NeedsHuman(
                f"git does not know the commit of {self.folder}: {done.stderr.strip()}",
                "check out the release's commit there",
            )
        return int(done.stdout)
