"""References from one resource to another, such as `${resources.pipelines.ingest.id}`.

They are filled in when the other one exists: while planning if it stays as it is, else while deploying.
"""

from collections.abc import Callable
from typing import Protocol

from sandbox.databricks_cli.diagnostics import Failed
from sandbox.databricks_cli.kinds import type_of
from sandbox.databricks_cli.values import Json
from sandbox.databricks_cli.variables import references_in

LATER = object()

# Gives the value of a field of a resource, or LATER.
LookUp = Callable[[str, list[str]], Json]


class Waiting(Protocol):
    """Something with settings and references still to be filled in, each by the path of its field."""

    settings: Json
    waiting_for: dict[str, str]


def split(settings: Json, type_name: str) -> tuple[Json, dict[str, str]]:
    """Return the settings with placeholders, and the references by path. A number's placeholder is 0."""
    found: dict[str, str] = {}
    return _split(settings, type_name, "", found), found


def _split(value: Json, shape: str, path: str, found: dict[str, str]) -> Json:
    if isinstance(value, dict):
        is_map = shape.startswith("{")
        result = {}
        for key, item in value.items():
            below = shape[1:] if is_map else type_of(shape, key)
            result[key] = _split(item, below, _join(path, key), found)
        return result
    if isinstance(value, list):
        return [_split(item, shape.removeprefix("["), f"{path}[{i}]", found) for i, item in enumerate(value)]
    if isinstance(value, str) and references_in(value):
        found[path] = value
        return {"i": 0, "b": False, "f": 0}.get(shape.partition(":")[0], value)
    return value


def _join(path: str, key: str) -> str:
    plain = key.replace("_", "").replace("-", "").isalnum()
    step = f".{key}" if plain else f"['{key}']"
    return (path + step).removeprefix(".")


def _targets(text: str) -> list[tuple[str, str, list[str]]]:
    """(reference, key of the resource, path of the field) for every reference in a text."""
    targets = []
    for reference in dict.fromkeys(references_in(text)):
        parts = reference.split(".")
        length = 4 if len(parts) > 4 and parts[3] == "permissions" else 3  # noqa: PLR2004 - key of a child
        targets.append((reference, ".".join(parts[:length]), parts[length:]))
    return targets


def dependencies(waiting: dict[str, str]) -> list[dict[str, str]]:
    """Which resources the references lead to, each with the reference as its label."""
    found = {(key, f"${{{reference}}}") for text in waiting.values() for reference, key, _ in _targets(text)}
    return [{"node": node, "label": label} for node, label in sorted(found)]


def fill(entry: Waiting, look_up: LookUp, *, partly: bool) -> None:
    """Put known values in place of references; with `partly` the unknown ones stay.

    Raises:
        Failed: one cannot be filled in.
    """
    for path, text in list(entry.waiting_for.items()):
        result: Json = text
        for reference, key, field in _targets(text):
            try:
                value = look_up(key, field)
            except Failed as error:
                raise Failed(f'cannot resolve "${{{reference}}}": {error.summary}') from error
            if value is LATER:
                if not partly:
                    raise Failed(f'cannot resolve "${{{reference}}}"')
                continue
            whole = result == f"${{{reference}}}"
            result = value if whole else str(result).replace(f"${{{reference}}}", _word(value))
        if isinstance(result, str) and references_in(result):
            entry.waiting_for[path] = result
            if result != text:
                _put(entry.settings, path, result)
        else:
            _put(entry.settings, path, result)
            del entry.waiting_for[path]


def _word(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _put(settings: Json, path: str, value: Json) -> None:
    """Write a value at a path; a number's field takes an id as a number."""
    *steps, last = _steps(path)
    for step in steps:
        settings = settings[step]
    old = settings[last]
    if isinstance(old, str):
        settings[last] = value
    elif not (isinstance(value, str) and references_in(value)):
        settings[last] = int(value) if isinstance(old, int) and not isinstance(old, bool) else value


def _steps(path: str) -> list[Json]:
    steps: list[Json] = []
    for part in path.replace("['", ".['").replace("[", ".[").replace("..", ".").removeprefix(".").split("."):
        if part.startswith("['"):
            steps.append(part[2:-2])
        elif part.startswith("["):
            steps.append(int(part[1:-1]))
        else:
            steps.append(part)
    return steps


def child(value: Json, path: list[str]) -> Json:
    """The value of a field given as `tasks[0].task_key` split at dots, or None."""
    for step in _steps(".".join(path)):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
