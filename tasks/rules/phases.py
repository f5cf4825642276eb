"""Where a release stands: looked up in git and GitHub, never remembered."""

from dataclasses import dataclass
from enum import IntEnum

from tasks.rules.settings_words import Kind


class Phase(IntEnum):
    """How far a release has come; a later phase implies the earlier ones."""

    PLANNED = 0
    CUT = 1
    REHEARSED = 2
    PROPOSED = 3
    REJECTED = 4
    MERGED = 5
    TAGGED = 6
    DEPLOYED = 7
    PUBLISHED = 8
    BACK_MERGED = 9

    @property
    def words(self) -> str:
        return _WORDS[self]

    @property
    def next_step(self) -> str:
        """What a person, or dabflow, does next."""
        return _NEXT[self]

    def next_step_of(self, kind: Kind) -> str:
        """The same in the words of a release's kind."""
        return _NEXT_OF_HOTFIX.get(self, self.next_step) if kind == "hotfix" else self.next_step


_WORDS = {
    Phase.PLANNED: "planned",
    Phase.CUT: "cut",
    Phase.REHEARSED: "rehearsed on staging",
    Phase.PROPOSED: "waits for approval",
    Phase.REJECTED: "rejected",
    Phase.MERGED: "merged",
    Phase.TAGGED: "tagged",
    Phase.DEPLOYED: "deployed to production",
    Phase.PUBLISHED: "published",
    Phase.BACK_MERGED: "finished",
}

_NEXT = {
    Phase.PLANNED: "dabflow cuts the release branch",
    Phase.CUT: "dabflow validates the commit and rehearses it on staging",
    Phase.REHEARSED: "dabflow opens the pull request into production's branch",
    Phase.PROPOSED: "approvers read the plan of production, then approve or reject",
    Phase.REJECTED: "push a fix to the release branch and start the release again, or delete the branch",
    Phase.MERGED: "dabflow tags the merge commit",
    Phase.TAGGED: "dabflow deploys the tag to production",
    Phase.DEPLOYED: "dabflow publishes the GitHub release",
    Phase.PUBLISHED: "dabflow merges production's branch back into develop",
    Phase.BACK_MERGED: "nothing: this release is finished",
}

_NEXT_OF_HOTFIX = {
    Phase.PLANNED: "dabflow cuts the hotfix branch",
    Phase.REJECTED: "push a fix to the hotfix branch and start the hotfix again, or delete the branch",
    Phase.BACK_MERGED: "nothing: this hotfix is finished",
}


@dataclass(frozen=True)
class Facts:
    """What git and GitHub say about one version.

    `pull` is the state of its newest pull request for the current head: open, merged, closed, or None.
    `rehearsed` and `deployed` are successful GitHub Deployments of that commit. `given_up`: it was withdrawn or
    abandoned, so all that is left of it is its way back into develop.
    """

    branch: str | None = None
    pull: str | None = None
    tag: str | None = None
    rehearsed: bool = False
    deployed: bool = False
    published: bool = False
    given_up: bool = False
    back_merged: bool = False


def phase_of(facts: Facts) -> Phase:
    """Read the phase off the facts: the furthest one that they prove."""
    table = [
        ((facts.published or facts.given_up) and facts.back_merged, Phase.BACK_MERGED),
        (facts.published or facts.given_up, Phase.PUBLISHED),
        (facts.tag is not None and facts.deployed, Phase.DEPLOYED),
        (facts.tag is not None, Phase.TAGGED),
        (facts.pull == "merged", Phase.MERGED),
        (facts.pull == "closed", Phase.REJECTED),
        (facts.pull == "open" and facts.rehearsed, Phase.PROPOSED),
        (facts.rehearsed, Phase.REHEARSED),
        (facts.branch is not None, Phase.CUT),
    ]
    return next((phase for holds, phase in table if holds), Phase.PLANNED)
