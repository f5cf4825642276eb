"""Evidence as people read it: a chain as one line per entry, the oldest first, and what is said about a block."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tasks.rules.digests import short
from tasks.rules.evidence import BLOCKED, FILES, Chain, Entry
from tasks.rules.markdown import escaped

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LONGEST = 160

Facts = Mapping[str, Any]


def entry_lines(chain: Chain) -> list[str]:
    """Number, time (UTC), kind and what matters of each entry."""
    width = max((len(_plain(entry.kind)) for entry in chain.entries), default=0)
    digits = len(str(len(chain.entries)))
    return [
        f"{number:>{digits}}  {entry.at:%Y-%m-%d %H:%M:%S}  {_plain(entry.kind):<{width}}  {words_of(entry)}".rstrip()
        for number, entry in enumerate(chain.entries, 1)
    ]


def words_of(entry: Entry) -> str:
    """What an entry says, in one line."""
    say = _WORDS.get(entry.kind)
    text = say(entry.facts) if say else _all(entry.facts)
    line = _plain(text)
    return line if len(line) <= _LONGEST else line[:_LONGEST] + " ..."


def block_comment(version: str, entry: Entry) -> str:
    """What the pull request says about a block, or its end; the first line tells it from every other comment."""
    by, reason = entry.facts.get("by"), escaped(str(entry.facts.get("reason", "")))
    marker = f"<!-- dabflow-block:{entry.hash} -->"
    if entry.kind == BLOCKED:
        return (
            f"{marker}\n**{version} is blocked** by @{by}: {reason}\n\n"
            f"No approval passes until somebody lifts it: `dabflow unblock {version} --reason TEXT`\n"
        )
    return f"{marker}\n**{version} is no longer blocked**, says @{by}: {reason}\n"


def _plain(text: str) -> str:
    """One line without anything that a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def _asked(facts: Facts) -> str:
    fix = facts.get("fix")
    what = f"the hotfix of {f'#{fix}' if isinstance(fix, int) else fix}, " if fix else ""
    return f"{what}by {facts.get('requested_by') or 'somebody unknown'}{_why(facts)}"


def _checked(facts: Facts) -> str:
    return f"{_bound(facts)}: {_value(facts.get('checks')) or 'no checks'}"


def _shown(facts: Facts) -> str:
    subject = facts.get("subject")
    commit = subject.get("commit") if isinstance(subject, dict) else None
    return f"plan {_value(facts.get('digest'))} of {_value(commit)} in #{facts.get('number')}"


def _approved(facts: Facts) -> str:
    reviewers = [_reviewer(r) for r in _dicts(facts.get("reviews"))]
    form = [f"the form{_why(f)}" for f in _dicts(facts.get("form")) if f.get("decision") == "approve"]
    overrides = [
        f"{o.get('what')} overridden by {o.get('login')}{_why(o)}" for o in _dicts(facts.get("overrides"))
    ]
    said = ", ".join([*reviewers, *form]) or "nobody"
    return "; ".join([f"plan {_value(facts.get('digest'))} by {said}", *overrides])


def _reviewer(review: Facts) -> str:
    group = f" for {review['for']}" if review.get("for") else ""
    how = f"review {review['id']}" if review.get("id") else "by merging"
    return f"{review.get('login')} ({how}{group})"


def _merged(facts: Facts) -> str:
    return f"#{facts.get('number')} as {_bound(facts)}"


def _tagged(facts: Facts) -> str:
    return f"{facts.get('tag')} on {_value(facts.get('commit'))}"


def _said(facts: Facts) -> str:
    by = f"by {facts['by']}" if facts.get("by") else ""
    return f"{by}{_why(facts)}".removeprefix(": ")


def _withdrawn(facts: Facts) -> str:
    return f"for {facts.get('to')}, {_said(facts)}"


def _rolled_back(facts: Facts) -> str:
    gone = _value(facts.get("withdrawn")) or "nothing"
    return f"to {facts.get('tag')}, {_value(facts.get('commit'))}; withdrawn: {gone}"


def _bound(facts: Facts) -> str:
    tree = f", tree {_value(facts['tree'])}" if facts.get("tree") else ""
    return f"{_value(facts.get('commit'))}{tree}"


def _why(facts: Facts) -> str:
    return f": {facts['reason']}" if facts.get("reason") else ""


def _dicts(value: object) -> Iterable[Facts]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _all(facts: Facts) -> str:
    """Facts of a kind that has no words of its own."""
    shown = {name: _value(value) for name, value in facts.items() if name != FILES}
    return ", ".join(f"{name} {text}" for name, text in shown.items() if text)


def _value(value: object) -> str:
    """A value, short: hashes by their first digits, times in seconds, what is long by its size."""
    match value:
        case str() if _HASH.fullmatch(value):
            return short(value)
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case dict():
            return ", ".join(f"{name} {text}" for name, inner in value.items() if (text := _value(inner)))
        case list():
            return ", ".join(filter(None, (_value(item) for item in value)))
        case None:
            return ""
        case _:
            return str(value)


_WORDS: Mapping[str, Callable[[Facts], str]] = {
    "asked": _asked,
    "checked": _checked,
    "shown": _shown,
    "approved": _approved,
    "merged": _merged,
    "tagged": _tagged,
    "blocked": _said,
    "unblocked": _said,
    "withdrawn": _withdrawn,
    "hold lifted": _said,
    "restored": lambda facts: f"by {facts.get('rollback')}",
    "rolled back": _rolled_back,
    "rejected": _said,
    "expired": _said,
    "cancelled": _said,
}
