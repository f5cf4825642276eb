"""`make reference`: write docs/reference/ from the code; a test holds it to the code.

release.yaml.md   every key of release.yaml, from the settings' own model
commands.md       every command of `dabflow`, from their own help
flows.md          what each flow is started with, from prefect.yaml and the flows' own parameters
doctor.md         everything that the doctor can find, from its catalogue
stops.md          every text with which something stops, and its remedy, from the source
"""

import ast
import importlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from prefect.flows import Flow

from deployments.command import app
from tasks.rules.findings_catalogue import CATALOGUE
from tasks.rules.settings import schema
from tasks.rules.settings_words import MEANINGS

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
_GENERATED = "<!-- Written by `make reference`: change the code instead. -->"
_STOPS = {"NeedsHuman", "TryAgain", "Refused"}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """The text of each page, by its name."""
    made = {
        "release.yaml.md": release_yaml(),
        "commands.md": commands(),
        "flows.md": flows(),
        "doctor.md": doctor(),
        "stops.md": stops(),
    }
    return {name: f"{_GENERATED}\n\n{text.strip()}\n" for name, text in made.items()}


# -- release.yaml


def release_yaml() -> str:
    """Every key, with what it may be, its default and what it is for."""
    whole = schema()
    lines = [
        "# release.yaml",
        "",
        "How one repository is released. The file lies in the repository's folder; every key may be left out. Unknown",
        "keys are refused, with the key that was probably meant. Editors check it while you type, with",
        "`docs/release.schema.json`. What guards production is read from production's branch: a release cannot loosen",
        "its own gate, and a change of it is shown to the approver.",
        "",
        "| key | what it may be | default | what it is for |",
        "|---|---|---|---|",
        *_rows(whole, whole, ""),
    ]
    return "\n".join(lines)


def _rows(whole: Mapping[str, Any], table: Mapping[str, Any], before: str) -> Iterator[str]:
    for key, raw in table.get("properties", {}).items():
        said = _resolved(whole, raw)
        name = f"{before}{key}"
        inner = _section(whole, said)
        default = "" if inner is not None else _default(raw, required=key in table.get("required", ()))
        about = _cell(raw.get("description") or said.get("description", ""))
        yield f"| `{name}` | {_kind(whole, said)} | {default} | {about} |"
        if inner is not None:
            yield from _rows(whole, inner, f"{name}[]." if said.get("type") == "array" else f"{name}.")


def _resolved(whole: Mapping[str, Any], said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references; of a choice with null, what it is when it is there."""
    if "$ref" in said:
        return _resolved(whole, whole["$defs"][said["$ref"].rpartition("/")[2]])
    kinds = [kind for kind in said.get("anyOf", []) if kind.get("type") != "null"]
    if len(kinds) == 1:
        return _resolved(whole, kinds[0])
    return said


def _section(whole: Mapping[str, Any], said: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The table below a key; also where there is a list of such tables."""
    if said.get("type") == "array":
        said = _resolved(whole, said.get("items", {}))
    return said if "properties" in said else None


def _kind(whole: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    if "anyOf" in said:
        return " or ".join(_kind(whole, _resolved(whole, kind)) for kind in said["anyOf"])
    if said.get("type") == "array":
        items = _resolved(whole, said.get("items", {}))
        return "list" if "properties" in items else f"list of: {_kind(whole, items)}"
    if "properties" in said:
        return "keys below"
    if "enum" in said:
        return ", ".join(f"`{value}`" for value in said["enum"])
    if "const" in said:
        return f"`{said['const']}`"
    if meaning := MEANINGS.get(said.get("pattern", "")):
        return _cell(meaning)
    return _limits(said)


def _limits(said: Mapping[str, Any]) -> str:
    words = {"integer": "whole number", "string": "text", "boolean": "`true` or `false`"}
    kind = words.get(str(said.get("type")), str(said.get("type", "")))
    least, most = said.get("minimum"), said.get("maximum")
    if least is not None and most is not None:
        return f"{kind}, {least} to {most}"
    return f"{kind}, at least {least}" if least is not None else kind


def _default(said: Mapping[str, Any], *, required: bool) -> str:
    if required:
        return "must be there"
    value = said.get("default")
    if value is None or value == []:
        return ""
    return "empty" if value == "" else f"`{json.dumps(value)}`"


# -- commands


def commands() -> str:
    """Every command, as its own help has it."""
    text = app.generate_docs(output_format="markdown")
    # Cyclopts writes how this very program was started, such as `-m pytest`, into some of them (seen in 5.4).
    text = re.sub(r"^(dabflow[a-z ]*) -m \w+", r"\1", text, flags=re.MULTILINE)
    return re.sub(r"^# dabflow$", "# The dabflow command", text, count=1, flags=re.MULTILINE)


# -- flows


def flows() -> str:
    """What each deployment in prefect.yaml is, and what it is started with."""
    described = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    lines = [
        "# The flows, and what they are started with",
        "",
        "As Prefect's form shows them, and as `POST /deployments/{id}/create_flow_run` takes them.",
    ]
    for deployment in described["deployments"]:
        lines += _deployment(deployment)
    return "\n".join(lines)


def _deployment(deployment: Mapping[str, Any]) -> Iterator[str]:
    path, _, function = deployment["entrypoint"].partition(":")
    flow = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), function)
    assert isinstance(flow, Flow)
    yield from ["", f"## {flow.name}/{deployment['name']}", "", deployment.get("description", "").strip(), ""]
    parameters = flow.parameters.model_dump()
    if not parameters["properties"]:
        yield "It takes nothing."
        return
    yield from ["| parameter | what it may be | default | what it is for |", "|---|---|---|---|"]
    given = deployment.get("parameters", {})
    for name, said in parameters["properties"].items():
        known = {"default": given[name]} if name in given else said
        default = _default(known, required=name in parameters.get("required", ()) and name not in given)
        kind = _parameter_kind(said, parameters.get("definitions", {}))
        yield f"| `{name}` | {kind} | {default} | {_cell(said.get('description', ''))} |"


def _parameter_kind(said: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "$ref" in said:
        return _parameter_kind(definitions[said["$ref"].rpartition("/")[2]], definitions)
    kinds = [one for one in said.get("anyOf", [said]) if one.get("type") != "null"]
    one = kinds[0]
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    if pattern := one.get("pattern"):
        return f"text like `{pattern}`"
    return _limits(one)


# -- doctor


def doctor() -> str:
    """Every finding, by what it is about."""
    lines = [
        "# What the doctor can find",
        "",
        "`dabflow doctor` looks at everything that a release needs and changes nothing. It exits with 2 where an error",
        "was found (a release would stop), with 1 where the worst is a warning, else with 0. What is fine is listed, too.",
        "",
        "`dabflow doctor --json` prints one object: `schema_version` (1), `repository`, `exit_code` and `findings`, each of",
        "`area`, `name`, `severity` (`error`, `warning`, `note`, `ok`), `what` is so, `why` it matters, the `fix`.",
        "Names stay as they are below; texts may become better. `fine` is what is as it should be, `not-looked` what",
        "could not be looked at because of another finding.",
        "",
        "The first step of every flow looks at git, the `databricks` command and whether GitHub takes merge commits, as",
        "far as that still matters in the phase that the release has reached.",
    ]
    for area in dict.fromkeys(kind.area for kind in CATALOGUE.values()):
        lines += [
            "",
            f"## {area}",
            "",
            "| name | severity | why it matters | what to do |",
            "|---|---|---|---|",
        ]
        kinds = [kind for kind in CATALOGUE.values() if kind.area == area]
        lines += [f"| `{k.name}` | {k.severity} | {_cell(k.why)} | {_cell(k.fix)} |" for k in kinds]
    return "\n".join(lines)


# -- stops


def stops() -> str:
    """Every text with which a step stops, by the file that says it."""
    lines = [
        "# Every stop, and what to do",
        "",
        "When something stops, it prints what is so, and after `what to do:` how to go on. This is the list of these",
        "texts, to search in; `...` stands for what differs each time. Nothing that stopped is lost: do what it says, then",
        "retry the run, or start the same release again. Stops that pass by themselves are tried again before you see them.",
    ]
    for path in _sources():
        found = sorted(set(_stops_in(path)))
        if found:
            about = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()[0]
            lines += ["", f"## {path.relative_to(ROOT).as_posix()}", "", _cell(about), ""]
            lines += ["| what is so | what to do |", "|---|---|"]
            lines += [f"| {problem} | {remedy} |" for problem, remedy in found]
    return "\n".join(lines)


def _sources() -> list[Path]:
    return sorted(
        path for folder in ("flows", "tasks", "deployments") for path in (ROOT / folder).rglob("*.py")
    )


def _stops_in(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _name_of(node.func) in _STOPS:
            given = [*node.args, *(k.value for k in node.keywords if k.arg in {"problem", "remedy"})]
            told = [_words(argument) for argument in given[:2]]
            if len(told) == 2 and told[0] != "...":  # noqa: PLR2004 - problem and remedy
                yield told[0], "" if told[1] == "..." else told[1]


def _name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _words(node: ast.expr) -> str:
    """The text of a literal, with `...` for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _cell(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = (v.value if isinstance(v, ast.Constant) else "..." for v in node.values)
        return _cell("".join(str(part) for part in parts))
    return "..."


def _cell(text: str) -> str:
    """The text as one cell of a Markdown table, read as text."""
    plain = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"([|<>*\[\]])", r"\\\1", plain)


if __name__ == "__main__":
    main()
