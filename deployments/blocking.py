"""Block a release, and lift the block: an entry of its evidence, told on its pull request."""

from tasks.by_people import insist_on_reason, insist_on_write_access
from tasks.evidence import chain_of, note
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import BLOCKED, UNBLOCKED, Chain, Entry, blocked
from tasks.rules.evidence_text import block_comment
from tasks.rules.phases import Phase
from tasks.rules.versions import Version
from tasks.standing import branch_of, current_pull_request, phase_now, production_settings
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo, PullRequest


def block(repository: str, version: Version, reason: str) -> str:
    """No approval of the release passes from now on; returns what is so, as a sentence.

    Raises:
        NeedsHuman: the release is published or not begun, the reason is empty, or the caller may not write.
        TryAgain: GitHub did not answer.
    """
    return _say(repository, version, BLOCKED, reason)


def unblock(repository: str, version: Version, reason: str) -> str:
    """The release is not blocked; returns what is so, as a sentence.

    Raises:
        NeedsHuman: as for `block`.
        TryAgain: GitHub did not answer.
    """
    return _say(repository, version, UNBLOCKED, reason)


def _say(repository: str, version: Version, kind: str, reason: str) -> str:
    mirror, hub = Mirror(repository).fetch(), GitHubRepo(repository)
    reason = insist_on_reason(reason, "a block")
    insist_on_write_access(hub)
    pull = _pull_under_way(mirror, hub, version)
    chain = chain_of(repository, version)
    if kind == UNBLOCKED and blocked(chain) is None:
        _tell(hub, pull, chain)
        return f"{chain.title} is not blocked"
    chain = note(repository, version, kind, {"by": hub.me, "reason": reason})
    _tell(hub, pull, chain)
    return f"{chain.title} is {kind}: {reason}"


def _pull_under_way(mirror: Mirror, hub: GitHubRepo, version: Version) -> PullRequest | None:
    """The pull request of a release that is begun and not published, if it has one by now."""
    settings = production_settings(mirror)
    phase = phase_now(mirror, hub, settings, version)
    if phase is Phase.PLANNED:
        raise NeedsHuman(f"there is no release {version} yet", "see which ones are under way: dabflow status")
    if phase >= Phase.PUBLISHED:
        raise NeedsHuman(
            f"{version} is released already: nothing is left to approve", "another release takes it back"
        )
    branch = branch_of(mirror, settings, version)
    head = mirror.branches().get(branch)
    return current_pull_request(hub, branch, settings.branches.production, head)


def _tell(hub: GitHubRepo, pull: PullRequest | None, chain: Chain) -> None:
    """The pull request has our comment about the newest word on a block; written once for each."""
    newest = _newest(chain)
    if pull is None or newest is None:
        return
    text = block_comment(chain.version, newest)
    if hub.comment(pull.number, text.split("\n", 1)[0]) is None:
        hub.add_comment(pull.number, text)


def _newest(chain: Chain) -> Entry | None:
    return next((e for e in reversed(chain.entries) if e.kind in {BLOCKED, UNBLOCKED}), None)
