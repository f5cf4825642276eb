"""What one step has at hand: connections that it has read, tokens that it has got; none of it outlives the step.

Outside of a step everything is read anew each time, and nothing is remembered.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar, cast

T = TypeVar("T")


@dataclass
class _AtHand:
    things: dict[object, object] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set, repr=False)


_at_hand: ContextVar[_AtHand | None] = ContextVar("at_hand", default=None)


@contextmanager
def one_step() -> Iterator[None]:
    """Inside, each connection is read once and its secrets are known; afterwards they are forgotten."""
    if _at_hand.get() is not None:
        yield
        return
    mine = _at_hand.set(_AtHand())
    try:
        yield
    finally:
        _at_hand.reset(mine)


@contextmanager
def trying(things: Mapping[object, object]) -> Iterator[None]:
    """Like a step that has these at hand already: how a connection is tried before it is stored."""
    mine = _at_hand.set(_AtHand(dict(things)))
    try:
        yield
    finally:
        _at_hand.reset(mine)


def once(key: object, make: Callable[[], T]) -> T:
    """What `make` gave when this step first asked for `key`; made now where it is the first time, or no step."""
    step = _at_hand.get()
    if step is None:
        return make()
    if key not in step.things:
        step.things[key] = make()
    return cast("T", step.things[key])


def secret(value: str) -> str:
    """The value itself; as long as this step lasts it is known as one that nobody may read."""
    step = _at_hand.get()
    if step is not None and value:
        step.secrets.add(value)
    return value


def secrets() -> list[str]:
    """Every secret that this step has read so far."""
    step = _at_hand.get()
    return sorted(step.secrets) if step else []
