"""What people do by hand after `dabflow init`, before their first release: nothing of it is done for them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from tasks.rules.proposal import Found, Proposal, versions_of
from tasks.rules.versions import Version, highest

_DEPLOYS = ("bundle deploy", "bundle destroy", "databricks/setup-cli")
_OURS = "dabflow-"


@dataclass(frozen=True)
class History:
    """What was released before dabflow came.

    released: tags with a published GitHub release; None where GitHub was not asked.
    outside: tags that develop does not contain. contained: whether develop contains production's branch.
    workflows: path and text of each workflow.
    """

    released: Collection[str] | None = None
    outside: Collection[str] = ()
    contained: bool = True
    workflows: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Step:
    """One thing to do: what is so, and how it is done (commands or a page)."""

    so: str
    do: str


def first_steps(slug: str, found: Found, proposal: Proposal, history: History) -> list[Step]:
    """Everything that is in the way of the first release, in the order in which it is done."""
    return [
        *_guesses(proposal),
        *_branches(found, proposal),
        *_past(slug, found, proposal, history),
        *_old_workflows(history),
    ]


def where_it_goes_on(slug: str, found: Found, proposal: Proposal) -> str:
    """Say in a sentence what dabflow takes up: the newest version, and the releases that are open."""
    settings = proposal.settings
    newest = highest(versions_of(found.tags, settings.tag_prefix))
    begun = f"{slug} is at {newest}" if newest else f"{slug} has no version yet"
    kinds = (("release", settings.branches.release_prefix), ("hotfix", settings.branches.hotfix_prefix))
    open_ones = [
        f"{prefix}{version}: dabflow {_going_on(kind, version)}"
        for kind, prefix in kinds
        for version in versions_of(found.branches, prefix)
        if newest is None or version > newest
    ]
    if not open_ones:
        return f"{begun}, and nothing is under way: dabflow release --bump minor starts the next one"
    return "\n".join([f"{begun}, and this is under way:", *(f"  {line}" for line in open_ones)])


def _going_on(kind: str, version: Version) -> str:
    if kind == "release":
        return f"release --version {version} goes on with it"
    return "does not take over a hotfix that it did not begin: finish it as before, or delete its branch"


def _guesses(proposal: Proposal) -> Iterator[Step]:
    guessed = sorted(key for key in proposal.guessed if key.startswith("targets."))
    if guessed:
        yield Step(
            f"no target of databricks.yml looks like {' or '.join(k.partition('.')[2] for k in guessed)}",
            f"name yours in release.yaml: {', '.join(guessed)}",
        )
    if proposal.left_out:
        targets = proposal.settings.targets
        yield Step(
            f"these bundles do not have both targets, {targets.staging} and {targets.production}, and are left out:"
            f" {', '.join(proposal.left_out)}",
            "give them the targets and list them in release.yaml under bundles, if they are to be released",
        )


def _branches(found: Found, proposal: Proposal) -> Iterator[Step]:
    names = proposal.settings.branches
    if names.production not in found.branches:
        yield Step(
            f"there is no branch {names.production}", "name yours in release.yaml: branches.production"
        )
    elif names.develop not in found.branches:
        yield Step(
            f"there is no branch {names.develop}, where work is collected",
            f"git push origin origin/{names.production}:refs/heads/{names.develop}",
        )


def _past(slug: str, found: Found, proposal: Proposal, history: History) -> Iterator[Step]:
    names, settings = proposal.settings.branches, proposal.settings
    if not history.contained:
        yield Step(
            f"{names.production} holds commits that {names.develop} does not",
            f"merge {names.production} into {names.develop} with a merge commit, in a pull request",
        )
    versions = versions_of(found.tags, settings.tag_prefix)
    newest = highest(versions)
    if newest is None:
        return
    tag = versions[newest]
    if history.released is None:
        yield Step(
            f"GitHub was not asked whether {tag} is published",
            f"look at https://github.com/{slug}/releases: if production runs it and it is not there, publish it."
            f" Without that dabflow takes it for a release that stopped before production\n{_publish(slug, tag)}",
        )
    elif tag not in history.released:
        yield Step(
            f"the newest tag {tag} has no published GitHub release, so dabflow would take it for a release that"
            " stopped before production",
            f"if production runs it, publish it:\n{_publish(slug, tag)}",
        )
    outside = [versions[v] for v in versions if versions[v] in history.outside]
    if outside:
        yield Step(
            f"{names.develop} does not contain {', '.join(outside)}: dabflow would take them for releases that are not"
            " finished",
            f"merge them into {names.develop} with merge commits; or delete those tags if they were never released",
        )


def _publish(slug: str, tag: str) -> str:
    return (
        f'gh release create {tag} --repo {slug} --verify-tag --title {tag} --notes "released before dabflow"'
    )


def _old_workflows(history: History) -> Iterator[Step]:
    for path, text in sorted((history.workflows or {}).items()):
        name = path.rpartition("/")[2]
        if not name.startswith(_OURS) and any(words in text for words in _DEPLOYS):
            yield Step(
                f"{path} deploys with the databricks command, beside dabflow",
                f"look whether it deploys to staging or production; if so: gh workflow disable {name}, and delete the"
                " file with the next change. Deploys to development may stay",
            )
