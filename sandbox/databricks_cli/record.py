"""Classes that are made of their fields, as `dataclasses` has them, without the time that it takes to load."""

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


class _Made:
    """A default that is made anew for each object."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], T]) -> T:
    """A field whose default is made anew for each object."""
    made: Any = _Made(default_factory)
    return made  # type: ignore[no-any-return]


@dataclass_transform(field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Give a class the `__init__` and the comparison that its annotations ask for."""
    names = tuple(cls.__annotations__)
    defaults = {name: vars(cls)[name] for name in names if name in vars(cls)}

    def __init__(self: T, *values: object, **named: object) -> None:  # noqa: N807 - it becomes the method
        given: dict[str, object] = dict(zip(names, values, strict=False)) | named
        if len(values) > len(names) or len(given) < len(values) + len(named) or given.keys() - set(names):
            raise TypeError(f"{cls.__name__} has the fields {', '.join(names)}")
        for name in names:
            value = given[name] if name in given else defaults[name]
            setattr(self, name, value.make() if isinstance(value, _Made) else value)

    def __eq__(self: T, other: object) -> bool:  # noqa: N807
        return type(other) is type(self) and vars(other) == vars(self)

    cls.__init__ = __init__  # type: ignore[assignment,method-assign]
    cls.__eq__ = __eq__  # type: ignore[assignment,method-assign]
    return cls
