"""What databricks.yml says about a target, read without the `databricks` command.

`workspace.host` in these files silently beats the address we give to the command, and the credentials go
there, by `validate` already. So the host is read here first.

Source: `bundle/config` of the Databricks CLI 1.14 (file names, includes, target overrides), and
"variable interpolation is not supported for fields that configure authentication" in the same place.
"""

import glob
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.rules.errors import NeedsHuman
from tasks.systems.targets import normal_host

ROOT_FILES = ("databricks.yml", "databricks.yaml", "bundle.yml", "bundle.yaml")

Document = Mapping[str, Any]
# In C where PyYAML was built with it: ten times as fast, and each step reads these files several times.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Declared:
    """A bundle as its files name it; `host` is None when they leave the workspace to the environment."""

    bundle: str
    host: str | None


@dataclass(frozen=True)
class Outline:
    """What a bundle's files hold, by name: its targets with their mode ("" where they name none), and its jobs."""

    targets: Mapping[str, str]
    jobs: tuple[str, ...]


def outline(root: Path) -> Outline:
    """Read which targets and jobs the bundle in `root` has.

    Raises:
        NeedsHuman: there is no bundle, or a file of it cannot be read.
    """
    documents = [text for _, text in _documents(root)]
    targets = {
        str(name): str(_at(text, table, name, "mode") or "")
        for text in documents
        for table in _TABLES
        for name in _at(text, table) or {}
    }
    jobs = {str(key) for text in documents for key in _at(text, "resources", "jobs") or {}}
    return Outline(targets, tuple(sorted(jobs)))


def declared(root: Path, target: str) -> Declared:
    """Read what the bundle in `root` says about `target`.

    Raises:
        NeedsHuman: there is no such bundle or target, a file cannot be read, or the host is not one plain
            address.
    """
    documents = dict(_documents(root))
    _insist_on_target(documents, target)
    names = [str(name) for text in documents.values() if (name := _at(text, "bundle", "name"))]
    return Declared(bundle=names[-1] if names else root.resolve().name, host=_host(documents, target))


def document_paths(root: Path) -> list[Path]:
    """The files that say what the bundle in `root` is: databricks.yml and what it includes.

    Raises:
        NeedsHuman: there is no such bundle, or a file cannot be read.
    """
    return [path for path, _ in _documents(root)]


def _host(documents: Mapping[Path, Document], target: str) -> str | None:
    """The host that decides: the target's own, else the bundle's; several different ones are a stop."""
    own = [_at(text, table, target, "workspace", "host") for text in documents.values() for table in _TABLES]
    common = [_at(text, "workspace", "host") for text in documents.values()]
    named = [host for host in own if host] or [host for host in common if host]
    for host in named:
        if not isinstance(host, str) or "${" in host:
            raise NeedsHuman(
                f"the host of target {target} cannot be read from databricks.yml: {host}",
                "write the address of the workspace itself there; variables are not supported in hosts",
            )
    if len({_normal(host, target) for host in named}) > 1:
        raise NeedsHuman(
            f"the bundle's files name several hosts for target {target}: {', '.join(sorted(set(named)))}",
            "leave one of them",
        )
    return named[0] if named else None


_TABLES = ("targets", "environments")  # the second is the first one's old name, still read by the CLI


def _normal(host: str, target: str) -> str:
    try:
        return normal_host(host)
    except ValueError as error:
        raise NeedsHuman(
            f"the host of target {target} in databricks.yml is not an address: {host}",
            "write the address of the workspace there",
        ) from error


def _insist_on_target(documents: Mapping[Path, Document], target: str) -> None:
    known = {str(name) for text in documents.values() for table in _TABLES for name in _at(text, table) or {}}
    if target not in known:
        raise NeedsHuman(
            f"the bundle has no target {target}; it has {', '.join(sorted(known)) or 'none'}",
            "correct `targets` in release.yaml, or add the target to databricks.yml",
        )


def _documents(root: Path) -> Iterator[tuple[Path, Document]]:
    """The root file and everything it includes, in the order in which the CLI merges them."""
    path = _root_file(root)
    text = _read(path)
    yield path, text
    seen = {path}
    for pattern in text.get("include") or []:
        for name in sorted(glob.glob(str(pattern), root_dir=root, include_hidden=True)):  # noqa: PTH207 - `**` is `*` here, as in the CLI
            included = root / name
            if included not in seen and included.suffix in {".yml", ".yaml", ".json"}:
                seen.add(included)
                yield included, _read(included)


def _root_file(root: Path) -> Path:
    for name in ROOT_FILES:
        if (root / name).is_file():
            return root / name
    raise NeedsHuman(f"no bundle in {root}: databricks.yml not found", "correct `bundles` in release.yaml")


def _read(path: Path) -> Document:
    try:
        text = _parsed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise NeedsHuman(
            f"{path.name} cannot be read: {' '.join(str(error).split())}", "correct that file"
        ) from error
    if text is not None and not isinstance(text, dict):
        raise NeedsHuman(f"{path.name} holds no mapping", "correct that file")
    return text or {}


def _parsed(text: str) -> Any:  # noqa: ANN401 - YAML is what it is
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - it is the safe one
    except yaml.YAMLError:
        return yaml.safe_load(text)  # which says more of what is wrong


def _at(value: Any, *keys: str) -> Any:  # noqa: ANN401 - YAML is what it is
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value
