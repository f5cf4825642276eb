"""What people call the things in a plan: job `daily_report`, permissions of job `daily_report`, `41be00000000`."""

from tasks.rules.markdown import code
from tasks.rules.plans import Action, ResourceChange

_SHA = 12

VERBS = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.UPDATE_ID: "update, with a new id,",
    Action.RESIZE: "resize",
    Action.RECREATE: "recreate",
    Action.DELETE: "delete",
}


def label(resource: ResourceChange) -> str:
    """Return what people call a resource: job `daily_report`, permissions of job `daily_report`."""
    kind = _singular(resource.kind)
    return (
        f"{resource.right} of {kind} {code(resource.name)}"
        if resource.right
        else f"{kind} {code(resource.name)}"
    )


def sha(commit: str) -> str:
    """Return the first digits of a commit, as a code span."""
    return code(commit[:_SHA])


def _singular(kind: str) -> str:
    words = kind.replace("_", " ")
    return words.removesuffix("es") if words.endswith(("indexes", "branches")) else words.removesuffix("s")
