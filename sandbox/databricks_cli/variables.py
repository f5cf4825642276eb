"""Fills `${...}` in: values of variables, and references to `bundle`, `workspace`, `var` and `artifacts`.

References to `${resources...}` stay: they are known only when those resources exist (see references.py).
"""

import json
import os
import re

from sandbox.databricks_cli import schema
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.diagnostics import Failed, Log
from sandbox.databricks_cli.values import Json, Map, Path, kind, located, place, replace_texts

_SEGMENT = r"[^\W\d_]+(?:[-_]*[^\W_]+)*"
_REFERENCE = rf"\$\{{({_SEGMENT}(?:\.{_SEGMENT}(?:\[[0-9]+\])*)*(?:\[[0-9]+\])*)\}}"

_PREFIXES = ("bundle", "workspace", "variables")
_ROUNDS = 11


def references_in(text: str) -> list[str]:
    """What stands between the braces of every reference in a text."""
    return re.findall(_REFERENCE, text) if "${" in text else []


def assign(bundle: Bundle) -> None:
    """Give every variable its value: flag, environment, overrides file, default, in this order.

    Raises:
        Failed: a variable has none.
    """
    overrides = _overrides(bundle)
    for name, variable in (bundle.config.get("variables") or {}).items():
        definition = variable if variable is not None else Map()
        if "value" not in definition:
            definition = located(
                {**definition, "value": _value(name, definition, overrides)}, place(variable)
            )
        bundle.config["variables"][name] = definition


def _value(name: str, definition: Map, overrides: dict[str, Json]) -> Json:
    from_environment = os.environ.get(f"BUNDLE_VAR_{name}")
    complex_type = definition.get("type") == "complex"
    if from_environment is not None:
        if complex_type:
            raise Failed(
                f"setting via environment variables (BUNDLE_VAR_{name}) is not supported for complex variable {name}"
            )
        return from_environment
    if overrides.get(name) is not None:
        complex_value = isinstance(overrides[name], (dict, list))
        if complex_value != complex_type:
            word = "not of type complex, but the value in the variable file is a complex type"
            if complex_type:
                word = "of type complex, but the value in the variable file is not a complex type"
            raise Failed(f"variable {name} is {word}")
        return overrides[name]
    if definition.get("default") is not None:
        return definition["default"]
    raise Failed(
        f"no value assigned to required variable {name}. Variables are usually assigned in databricks.yml, and they"
        f' can be overridden using "--var", the BUNDLE_VAR_{name} environment variable, or'
        " .databricks/bundle/<target>/variable-overrides.json"
    )


def _overrides(bundle: Bundle) -> dict[str, Json]:
    file = bundle.root / ".databricks" / "bundle" / bundle.target / "variable-overrides.json"
    if not file.is_file():
        return {}
    try:
        values = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise Failed(f"failed to parse variables file {file}: {error}") from error
    if not isinstance(values, dict):
        raise Failed(
            f"failed to parse variables file {file}: invalid format",
            "Variables file must be a JSON object with the following format:\n"
            '{"var1": "value1", "var2": "value2"}',
        )
    return values


def resolve_settings(bundle: Bundle) -> None:
    """Fill in references everywhere but in `resources`.

    Raises:
        Failed: a reference leads nowhere or in a circle.
    """
    resources = bundle.config.pop("resources", None)
    try:
        bundle.config = _resolved(bundle.config, bundle.config, _PREFIXES, bundle.log)
    finally:
        if resources is not None:
            bundle.config["resources"] = resources


def resolve_resources(bundle: Bundle, prefixes: tuple[str, ...] = _PREFIXES) -> None:
    """Fill in references in `resources`.

    Raises:
        Failed: a reference leads nowhere or in a circle.
    """
    if bundle.config.get("resources"):
        part = Map({"resources": bundle.config["resources"]})
        bundle.config["resources"] = _resolved(part, bundle.config, prefixes, bundle.log)["resources"]


def _resolved(part: Map, root: Map, prefixes: tuple[str, ...], log: Log) -> Map:
    for _ in range(_ROUNDS):
        resolver = _Resolver(root if part is not root else part, prefixes)
        filled = replace_texts(part, resolver.fill)
        if not resolver.updates:
            return part
        fitted = schema.normalize(filled, "Root", log)
        root = fitted if part is root else root
        part = fitted
    log.caution(
        f"Variables references are too deep, stopping resolution after {_ROUNDS} rounds."
        " Unresolved variables may remain."
    )
    return part


class _Resolver:
    """One pass over a configuration."""

    def __init__(self, root: Map, prefixes: tuple[str, ...]) -> None:
        self.root = root
        self.prefixes = prefixes
        self.updates = 0

    def fill(self, text: str, path: Path) -> Json:
        seen = [".".join(map(str, path))]
        return self.interpolate(text, seen)

    def interpolate(self, text: str, seen: list[str]) -> Json:
        references = references_in(text)
        if not references:
            return text
        if text == f"${{{references[0]}}}":
            found = self.look_up(references[0], seen)
            return text if found is _LATER else located(found, place(text))
        result = str(text)
        for reference in references:
            found = self.look_up(reference, seen)
            if found is _LATER:
                continue
            if isinstance(found, (dict, list)):
                raise Failed(f"cannot interpolate non-primitive value of type {kind(found)} into string")
            result = result.replace(f"${{{reference}}}", _word(found), 1)
        return located(result, place(text))

    def look_up(self, reference: str, seen: list[str]) -> Json:
        if reference in seen:
            raise Failed(f"cycle detected in field resolution: {' -> '.join([*seen, reference])}")
        steps = _steps(reference)
        if steps[0] == "var":
            steps = ["variables", *steps[1:2], "value", *steps[2:]]
        if steps[0] not in self.prefixes:
            return _LATER
        found: Json = self.root
        for step in steps:
            found = _child(found, step, reference)
        if found is None and steps[0] == "variables":
            raise Failed(f"reference does not exist: ${{{reference}}}")
        self.updates += 1
        found = "" if found is None else found
        return self.interpolate(found, [*seen, reference]) if isinstance(found, str) else found


_LATER = object()

# A reference to one of these is an empty text when nothing is set, not a mistake.
_OPTIONAL = {
    "bundle": {"git", "name", "target", "mode", "environment", "uuid", "cluster_id", "deployment"},
    "git": {"branch", "actual_branch", "commit", "origin_url", "bundle_root_path"},
    "workspace": {
        "host",
        "profile",
        "root_path",
        "file_path",
        "artifact_path",
        "state_path",
        "resource_path",
    },
    "current_user": {"userName", "short_name", "domain_friendly_name", "id", "displayName"},
}


def _steps(reference: str) -> list[str | int]:
    parts: list[str | int] = []
    for segment in reference.split("."):
        name, *indices = segment.split("[")
        parts += [name, *(int(i[:-1]) for i in indices)]
    return parts


def _child(value: Json, step: str | int, reference: str) -> Json:
    if isinstance(value, dict) and step in value:
        return value[step]
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    optional = {word for words in _OPTIONAL.values() for word in words}
    if step in optional and reference.split(".", maxsplit=1)[0] in {"bundle", "workspace"}:
        return Map() if step in {"git", "deployment"} else None
    raise Failed(f"reference does not exist: ${{{reference}}}")


def _word(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "<nil>" if value is None else str(value)
