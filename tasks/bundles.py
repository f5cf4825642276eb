"""One bundle of a release on one target, in a throw-away worktree: what the steps share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from tasks.rules import digests
from tasks.rules.errors import NeedsHuman
from tasks.rules.plans import Plan, protected_in
from tasks.rules.redaction import without
from tasks.rules.release import Candidate, Validated
from tasks.systems import connections
from tasks.systems.bundle_cli import BundleCli
from tasks.systems.git_repo import Mirror
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace


class OfARepository(Protocol):
    """Whatever is about one repository: a release, a check of a pull request."""

    @property
    def repository(self) -> str: ...


@contextmanager
def bundle_clis(release: OfARepository, candidate: Candidate, target: str) -> Iterator[list[BundleCli]]:
    """The `databricks` command for each bundle of the candidate, with the credentials of `target` only.

    Raises:
        NeedsHuman: a bundle names another host for the target than we know; the credentials would go there.
    """
    with Mirror(release.repository).worktree(candidate.commit) as folder:
        clis = [
            BundleCli(target_of(target), folder, bundle=bundle, journal_home=connections.home() / "journals")
            for bundle in candidate.settings.bundles
        ]
        for cli in clis:
            cli.host_in_bundle()
        yield clis


def all_validated(clis: list[BundleCli], target: str) -> tuple[Validated, ...]:
    """What `bundle validate` says about each bundle on a target, asked now.

    Raises:
        NeedsHuman: a bundle is not valid for this target, or two of them share a folder there.
    """
    deployer = deployer_of(target)
    found = tuple(validated(cli, deployer=deployer) for cli in clis)
    one_root(found)
    return found


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
    return Workspace(target_of(target)).preflight()


def workspace_of(target: str) -> Workspace:
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


def one_root(found: tuple[Validated, ...]) -> None:
    """Insist that every bundle has a folder of its own on the target.

    Raises:
        NeedsHuman: two bundles would overwrite each other's state.
    """
    roots = [v.root_path for v in found]
    twice = sorted({r for r in roots if roots.count(r) > 1})
    if twice:
        raise NeedsHuman(
            f"several bundles deploy to {', '.join(twice)}", "give each bundle a root_path of its own"
        )
