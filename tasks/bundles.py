"""One bundle of a release on one target, in a throw-away worktree: what the steps share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tasks.rules import digests
from tasks.rules.errors import NeedsHuman
from tasks.rules.plans import Plan, protected_in
from tasks.rules.redaction import without
from tasks.rules.release import Candidate, Validated
from tasks.systems import connections
from tasks.systems.bundle_cli import BundleCli
from tasks.systems.bundle_files import ROOT_FILES
from tasks.systems.git_repo import Mirror
from tasks.systems.targets import target_of

if TYPE_CHECKING:
    from tasks.systems.workspace import Workspace


class OfARepository(Protocol):
    """Whatever is about one repository: a release, a check of a pull request."""

    @property
    def repository(self) -> str: ...


@contextmanager
def bundle_clis(release: OfARepository, candidate: Candidate, target: str) -> Iterator[list[BundleCli]]:
    """The `databricks` command for each bundle of the candidate, with the credentials of `target` only.

    Nothing is sent anywhere before all of this is looked at.

    Raises:
        NeedsHuman: a bundle is not there, two are called the same, or one names another host for the target than we
            know: the credentials would go there.
    """
    with Mirror(release.repository).worktree(candidate.commit) as folder:
        for bundle in candidate.settings.bundles:
            _insist_on_folder(folder, bundle, candidate.commit)
        clis = [
            BundleCli(target_of(target), folder, bundle=bundle, journal_home=connections.home() / "journals")
            for bundle in candidate.settings.bundles
        ]
        for cli in clis:
            cli.host_in_bundle()
        _own_names(clis)
        yield clis


def _insist_on_folder(folder: Path, bundle: str, commit: str) -> None:
    inside = (folder / bundle).resolve()
    if not inside.is_relative_to(folder.resolve()):
        problem = f"the bundle folder {bundle} is a link that leads out of the repository"
    elif not inside.is_dir():
        problem = f"there is no folder {bundle}"
    elif not any((inside / name).is_file() for name in ROOT_FILES):
        problem = f"the folder {bundle} holds no databricks.yml"
    else:
        return
    raise NeedsHuman(
        f"`bundles` in release.yaml names what is no bundle: {problem} at {commit[:12]}",
        "correct `bundles`, or bring the folder back; the paths in it start at the top of the repository",
    )


def _own_names(clis: list[BundleCli]) -> None:
    """Insist that every bundle has a name of its own: it is what their folders on the targets are called after."""
    names = [cli.name() for cli in clis]
    for name in sorted({name for name in names if names.count(name) > 1}):
        folders = " and ".join(str(cli.bundle) for cli in clis if cli.name() == name)
        raise NeedsHuman(
            f"the bundles in {folders} are both called {name}", "give each a `bundle.name` of its own"
        )


def all_validated(clis: list[BundleCli], target: str) -> tuple[Validated, ...]:
    """What `bundle validate` says about each bundle on a target, asked now.

    Raises:
        NeedsHuman: a bundle is not valid for this target, or two of them share a folder there.
    """
    deployer = deployer_of(target)
    found = tuple(validated(cli, deployer=deployer) for cli in clis)
    own_roots(found)
    if len(found) == 1:
        return found
    return tuple(replace(v, sources=cli.sources()) for v, cli in zip(found, clis, strict=True))


def validated(cli: BundleCli, *, deployer: str) -> Validated:
    """What `bundle validate` says, as the values that later steps need.

    Raises:
        NeedsHuman: the bundle is not valid for this target.
    """
    found = cli.validate()
    return Validated(
        bundle=str(cli.bundle),
        target=cli.target.name,
        host=cli.target.host,
        root_path=str(found["workspace"]["root_path"]),
        deployer=deployer,
        cli_version=cli.cli_version(),
        variables=digests.variables_of(found),
        protected=protected_in(found),
    )


def deployer_of(target: str) -> str:
    """Who deploys to a target, as its workspace knows them; ends within seconds when nobody answers.

    Raises:
        TryAgain: the workspace does not answer.
        NeedsHuman: it refuses our credentials.
    """
    return workspace_of(target).preflight()


def workspace_of(target: str) -> "Workspace":
    # Not at the top: databricks-sdk takes two fifths of the time in which a run starts, and many never ask a workspace.
    from tasks.systems.workspace import Workspace  # noqa: PLC0415

    return Workspace(target_of(target))


def plan_without_secrets(
    cli: BundleCli, bundle: Validated, *, after_unfinished: bool = False
) -> dict[str, Any]:
    """What a deploy of the bundle would do; the values of secret variables are hidden wherever the bundle puts them.

    Raises:
        NeedsHuman: there is no plan to be had.
        TryAgain: the workspace does not answer.
    """
    plan = cli.plan(after_unfinished=after_unfinished)
    if not digests.holds_secrets(bundle.variables):
        return plan
    secrets = digests.secrets_of(cli.validate())
    hidden: dict[str, Any] = {**plan, "plan": without(plan["plan"], secrets, digests.fingerprint)}
    return hidden


def insist_on_a_state(bundle: Validated, plan: Plan, runs: str | None) -> None:
    """Insist that the plan knows the state of a target that runs something.

    Args:
        bundle: which bundle, on which target.
        plan: what a deploy would do.
        runs: the commit that the target's metadata names.

    Raises:
        NeedsHuman: the command believed that there is no state, and would make everything a second time.
    """
    if runs is not None and plan.creates_everything:
        raise NeedsHuman(
            f"{bundle.target} is deployed ({runs[:12]}), but the plan wants to create everything again",
            "the workspace answered that the state does not exist: look at the folder"
            f" {bundle.root_path}/state there, then retry",
        )


def own_roots(found: tuple[Validated, ...]) -> None:
    """Insist that every bundle has a folder of its own on the target, none inside another's.

    Raises:
        NeedsHuman: two bundles would overwrite each other's state or files.
    """
    for one, other in combinations(found, 2):
        first, second = sorted((f"{one.root_path.rstrip('/')}/", f"{other.root_path.rstrip('/')}/"))
        if second.startswith(first):
            raise NeedsHuman(
                f"the bundles in {one.bundle} and {other.bundle} would overwrite each other on {one.target}: they"
                f" deploy to {one.root_path} and {other.root_path}",
                "give each bundle a `workspace.root_path` of its own, none inside another's",
            )
