"""One changed field in words: `schedule.pause_status`: `UNPAUSED` → `PAUSED`."""

import json

from tasks.rules.markdown import code
from tasks.rules.plans import Action, FieldChange, ResourceChange
from tasks.rules.redaction import redacted

LONGEST = 160  # characters of one value
_CONTEXT = 24  # characters that two long values share before they differ
_LOOKS_LIKE_ANOTHER_TYPE = {"", "true", "false", "null"}


def changed(resource: ResourceChange, field: FieldChange) -> str:
    """Say what a deploy would do to a field that the bundle changes."""
    old, new, remote = (_text(resource, field, value) for value in (field.old, field.new, field.remote))
    if old is None and new is None:
        words = "changes"
    elif old is None:
        words = f"becomes {_code(new)}"
    elif new is None:
        words = f"{_code(old)} is taken away"
    else:
        words = _from_to(old, new)
    return f"{code(field.path)}: {words}{_why(field)}" + (
        f" (the target has {_code(remote)}, changed by hand)" if field.overwrites else ""
    )


def drifted(resource: ResourceChange, field: FieldChange) -> str:
    """Say what somebody changed by hand, and what a deploy makes of it."""
    new, remote = (_text(resource, field, value) for value in (field.new, field.remote))
    if new is None:
        words = f"{_code(remote)}, added by hand, is taken away"
    elif remote is None:
        words = f"taken away by hand, is {_code(new)} again"
    else:
        words = _from_to(remote, new)
    return f"{code(field.path)}: {words}{_why(field)}"


def shown(path: str, value: object) -> str:
    """Return one value as people may see it, as a code span; `nothing` if there is none."""
    text = _seen(path, value)
    return "nothing" if text is None else _code(text)


def _why(field: FieldChange) -> str:
    return " (cannot be changed in place)" if field.action is Action.RECREATE else ""


def _text(resource: ResourceChange, field: FieldChange, value: object) -> str | None:
    return _seen(f"secret.{field.path}" if resource.kind == "secrets" else field.path, value)


def _seen(path: str, value: object) -> str | None:
    if value is None:
        return None
    safe = redacted(path, value)
    if isinstance(safe, str) and not _ambiguous(safe):
        return safe
    return json.dumps(safe, ensure_ascii=False, sort_keys=True)


def _ambiguous(text: str) -> bool:
    """Say whether a text needs quotes to be told from a number, a truth value or from nothing."""
    return text in _LOOKS_LIKE_ANOTHER_TYPE or text != text.strip() or text.replace(".", "", 1).isdecimal()


def _from_to(one: str, other: str) -> str:
    if one == other:
        return "changes, its value is not shown"
    if max(len(one), len(other)) > LONGEST:
        same = _shared(one, other)
        one, other = (f"…{text[same - _CONTEXT :]}" if same > _CONTEXT else text for text in (one, other))
    return f"{_code(one)} → {_code(other)}"


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts share at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _code(text: str | None) -> str:
    shown = text or ""
    if len(shown) > LONGEST:
        shown = f"{shown[:LONGEST]}… ({len(shown) - LONGEST:,} more)"
    return code(shown)
