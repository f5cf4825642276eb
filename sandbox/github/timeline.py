"""What happened to a pull request, in order, as its page tells it."""

from dataclasses import dataclass
from datetime import datetime

from sandbox.github.hub import Hub
from sandbox.github.mergeability import conflicts, known
from sandbox.github.records import Event, Pull, Repository

_REVIEWS = {
    "APPROVED": ("approved", "good"),
    "CHANGES_REQUESTED": ("requested changes", "bad"),
    "COMMENTED": ("reviewed", ""),
    "DISMISSED": ("reviewed (dismissed)", ""),
}
_EVENTS = {
    "merged": ("merged this as", "plum"),
    "closed": ("closed this", "bad"),
    "reopened": ("reopened this", "good"),
    "head_ref_deleted": ("deleted the branch", ""),
    "head_ref_restored": ("restored the branch", ""),
    "head_ref_force_pushed": ("force-pushed the branch to", "warn"),
    "base_ref_changed": ("changed the base branch", "warn"),
    "review_dismissed": ("dismissed a review", "warn"),
}


@dataclass(frozen=True)
class Item:
    """One entry: an event is a line, everything else is a card with a body."""

    id: int
    kind: str
    user: str
    at: datetime
    words: str
    tone: str = ""
    body: str = ""
    commit_id: str | None = None
    stale: bool = False
    anchor: str = ""


def timeline(repository: Repository, pull: Pull) -> list[Item]:
    """Comments, reviews and events, oldest first."""
    items = [
        Item(c.id, "comment", c.user, c.created_at, "commented", body=c.body, anchor=f"issuecomment-{c.id}")
        for c in repository.comments
        if c.number == pull.number
    ]
    for review in repository.reviews:
        if review.number == pull.number and review.state in _REVIEWS:
            words, tone = _REVIEWS[review.state]
            items.append(
                Item(
                    review.id,
                    "review",
                    review.user,
                    review.submitted_at,
                    words,
                    tone,
                    review.body,
                    review.commit_id,
                    stale=review.commit_id != pull.head_sha,
                    anchor=f"pullrequestreview-{review.id}",
                )
            )
    items += [_event(event) for event in repository.events if event.number == pull.number]
    return sorted(items, key=lambda item: (item.at, item.id))


def _event(event: Event) -> Item:
    words, tone = _EVENTS.get(event.event, ("", ""))
    commit = event.commit_id if event.event in {"merged", "head_ref_force_pushed"} else None
    return Item(
        event.id, "event", event.actor, event.created_at, words or _told(event), tone, commit_id=commit
    )


def _told(event: Event) -> str:
    details = event.details
    match event.event:
        case "review_requested":
            return f"asked {details['requested_reviewer']} for a review"
        case "labeled" | "unlabeled":
            return (
                f"{'added' if event.event == 'labeled' else 'removed'} the label {details['label']['name']}"
            )
        case "renamed":
            return f"changed the title from “{details['rename']['from']}”"
        case "automatic_base_change_succeeded":
            return f"moved this from {details['old_base']} to {details['new_base']}"
        case _:
            return event.event.replace("_", " ")


@dataclass(frozen=True)
class MergeBox:
    title: str
    text: str
    tone: str
    possible: bool = False


def merge_box(hub: Hub, repository: Repository, pull: Pull, refused: str | None) -> MergeBox:
    """What the page says about merging; `refused` is why the rules forbid it."""
    if pull.merged_at is not None:
        return MergeBox("Merged", f"{pull.merged_by} merged this into {pull.base_ref}.", "plum")
    if pull.state == "closed":
        return MergeBox("Closed", "This was closed without being merged.", "bad")
    match known(hub, repository, pull).state:
        case "dirty":
            files = ", ".join(conflicts(hub, repository, pull))
            return MergeBox("This branch has conflicts", f"To be resolved before a merge: {files}", "bad")
        case "draft":
            return MergeBox("This is a draft", "Drafts cannot be merged.", "warn")
        case "behind" | "blocked":
            return MergeBox("Merging is blocked", refused or "A rule forbids it.", "warn")
        case "unstable":
            return MergeBox(
                "Some checks have not passed",
                "They are not required: it can be merged.",
                "warn",
                possible=True,
            )
        case _:
            return MergeBox("Ready to merge", "No conflict with the base branch.", "good", possible=True)
