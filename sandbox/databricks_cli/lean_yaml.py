"""PyYAML without the half of it that is written in Python: that takes 20 ms to load, a sixth of a short command.

The parser in C needs of it only the classes of events, and those of errors when there are any.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType

_LATER = (
    "tokens",
    "nodes",
    "reader",
    "scanner",
    "parser",
    "composer",
    "constructor",
    "emitter",
    "serializer",
    "representer",
)


class _Later:
    """A module whose classes are wanted when something goes wrong, if at all; it is loaded then."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> Callable[..., object]:
        def make(*words: object) -> object:
            return getattr(import_module(self.name), name)(*words)

        return make


def prepare() -> None:
    """Let `yaml._yaml` and `yaml.events` be loaded alone. For a process that does nothing else with PyYAML."""
    found = PathFinder.find_spec("yaml")
    if found is None or found.submodule_search_locations is None or "yaml" in sys.modules:
        return
    package = ModuleType("yaml")
    package.__path__ = found.submodule_search_locations
    sys.modules["yaml"] = package
    for name in ("error", "events"):
        import_module(f"yaml.{name}")
    for name in _LATER:
        setattr(package, name, _Later(f"yaml.{name}"))
    try:
        import_module("yaml._yaml")
    except ImportError:  # PyYAML was built without it, and its parser in Python needs everything
        del sys.modules["yaml"]
