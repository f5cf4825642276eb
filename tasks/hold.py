"""Holds: a version that was withdrawn does not go to production again, until somebody lifts its hold with a reason."""

from tasks.by_people import insist_on_reason, insist_on_write_access
from tasks.evidence import chain_in, chain_of, note
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import LIFTED, WITHDRAWN, Chain
from tasks.rules.outcomes import Hold, held
from tasks.rules.release import Release
from tasks.rules.rollback_text import lifted_comment
from tasks.rules.rollbacks import adding_nothing, hold_problem, hold_remedy
from tasks.rules.versions import Version
from tasks.standing import holds, merged_pull_request, production_settings
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo


def insist_on_no_hold(mirror: Mirror, version: Version) -> None:
    """Insist that a version that would go to production was not withdrawn from it, as of the mirror's last fetch.

    Raises:
        NeedsHuman: it was, and its hold was not lifted.
    """
    hold = held(chain_in(mirror, version))
    if hold is not None:
        raise NeedsHuman(hold_problem(hold), hold_remedy(hold))


def without_news(release: Release, mirror: Mirror, commit: str) -> list[Hold]:
    """The holds of versions before this one that held every change that `commit` holds; merges change nothing."""
    tags = mirror.tags()

    def adds_to(version: Version) -> bool:
        tag = tags.get(release.settings.tag(version))
        return tag is None or any(len(c.parents) < 2 for c in mirror.commits(after=tag, upto=commit))  # noqa: PLR2004

    return adding_nothing(release.version, holds(mirror), adds_to)


def lifted(repository: str, version: Version, reason: str) -> str:
    """The version may go to production again; returns what is so, as a sentence.

    Raises:
        NeedsHuman: the version was never withdrawn, the reason is empty, or the caller may not write.
        TryAgain: GitHub did not answer.
    """
    hub, reason = GitHubRepo(repository), insist_on_reason(reason, "lifting a hold")
    insist_on_write_access(hub)
    chain = chain_of(repository, version)
    if chain.last(WITHDRAWN) is None:
        raise NeedsHuman(
            f"{version} was never withdrawn: there is no hold on it", "see what there is: dabflow status"
        )
    if held(chain) is None:
        _tell(hub, chain, version)
        return f"{chain.title} is not held"
    chain = note(repository, version, LIFTED, {"by": hub.me, "reason": reason})
    _tell(hub, chain, version)
    return f"{chain.title} is no longer held: {reason}"


def _tell(hub: GitHubRepo, chain: Chain, version: Version) -> None:
    """The pull request of the version has our comment about the lifted hold; written once for each."""
    mirror, entry = Mirror(chain.repository), chain.last(LIFTED)
    pull = merged_pull_request(mirror, hub, production_settings(mirror), version)
    if pull is None or entry is None:
        return
    text = lifted_comment(chain.version, entry)
    if hub.comment(pull.number, text.split("\n", 1)[0]) is None:
        hub.add_comment(pull.number, text)
