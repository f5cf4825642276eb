"""Reads a bundle's configuration: databricks.yml, its includes, and the chosen target laid over them."""

import os
from pathlib import Path as LocalPath

from sandbox.databricks_cli import schema, yaml_files
from sandbox.databricks_cli.bundle import Bundle, Options
from sandbox.databricks_cli.diagnostics import Failed, Log, Refused
from sandbox.databricks_cli.globs import is_pattern, matching
from sandbox.databricks_cli.values import (
    NOWHERE,
    Json,
    Map,
    Path,
    find,
    get,
    located,
    merge,
    path_text,
    place,
)

FILE_NAMES = ("databricks.yml", "databricks.yaml", "bundle.yml", "bundle.yaml")

_MERGED_FROM_TARGET = ("bundle", "workspace", "artifacts", "resources", "sync", "permissions", "presets")


def find_root() -> LocalPath:
    """Return the folder that holds the bundle: DATABRICKS_BUNDLE_ROOT, or the nearest one upwards.

    Raises:
        Failed: there is none.
    """
    named = os.environ.get("DATABRICKS_BUNDLE_ROOT")
    if named:
        if not any(LocalPath(named, name).is_file() for name in FILE_NAMES):
            reason = "not a directory" if LocalPath(named).is_file() else f"{FILE_NAMES[0]} not found"
            raise Failed(
                f'Invalid bundle root DATABRICKS_BUNDLE_ROOT="{named}": {reason}',
                "The DATABRICKS_BUNDLE_ROOT environment variable must point to an existing directory that"
                " contains a bundle configuration file.",
            )
        return LocalPath(named)
    here = LocalPath.cwd()
    for name in FILE_NAMES:
        for folder in (here, *here.parents):
            if (folder / name).is_file():
                return folder
    raise Failed(
        f"Unable to locate the bundle root: {FILE_NAMES[0]} not found.",
        "Run this command from a directory that contains a bundle, or set the DATABRICKS_BUNDLE_ROOT"
        " environment variable to the bundle root directory.\n"
        "Alternatively, create a new bundle with 'databricks bundle init'.",
    )


def load(bundle: Bundle) -> None:
    """Fill `bundle.config` from its files and lay the target over it.

    Raises:
        Failed: a file, an include or the target is wrong.
        Refused: the bundle uses something that the stand-in does not support.
    """
    main = next(bundle.root / name for name in FILE_NAMES if (bundle.root / name).is_file())
    bundle.config = _read(main, bundle.log)
    _refuse_code(bundle.config)
    _include(bundle)
    if "resources" in bundle.config and bundle.config["resources"] is None:
        raise Failed('expected a map at "resources", found nil')
    _refuse_in_targets(bundle.config)
    _check_keys(bundle)
    _select_target(bundle)
    _assign_from_flags(bundle)
    _refuse(bundle.config)


def _read(file: LocalPath, log: Log) -> Map:
    raw = yaml_files.load(file)
    for container, key, _ in find(raw, ("targets", "*", "variables", "*")):
        container[key] = _full_variable(container[key])
    config = schema.normalize(raw, "Root", log)
    if raw is not None and not isinstance(config, Map):
        raise Failed(f"failed to load {file}: :0:0: expected a map, found a invalid")
    result: Map = Map() if raw is None else config
    for container, key, _ in list(find(result, ("resources", "*"))):
        if container[key] is None:
            del container[key]
    for group in ("jobs", "pipelines"):
        for container, key, _ in find(result, ("resources", group, "*")):
            if isinstance(container[key], Map) and place(container[key]) is None:
                container[key].at = place(result)
    return result


def _full_variable(value: Json) -> Json:
    """A target may write `name: value`; the long form is `name: {default: value}`."""
    keys = set(value) if isinstance(value, dict) else set()
    long_form = bool(keys) and keys <= {"default", "type", "description", "lookup"}
    if value is None or (long_form and keys & {"default", "lookup"}):
        return value
    return located({"default": value}, place(value))


def _include(bundle: Bundle) -> None:
    included = list(
        dict.fromkeys(n for pattern in bundle.config.get("include") or [] for n in _named(bundle, pattern))
    )
    bundle.config["include"] = included
    for name in included:
        other = _read(bundle.root / name, bundle.log)
        if other.get("include"):
            bundle.log.caution(
                "Include section is defined outside root file",
                detail="An include section is defined in a file that is not databricks.yml.\n"
                "Only includes defined in databricks.yml are applied.",
                path=("include",),
                at=place(other["include"]),
            )
            del other["include"]
        _merge_whole(bundle, other)
    if not included:
        bundle.config.pop("include", None)


def _named(bundle: Bundle, pattern: str) -> list[str]:
    """The files that one entry of `include` names, relative to the bundle."""
    if LocalPath(pattern).is_absolute():
        raise Failed(f"{pattern}: includes must be relative paths")
    found = matching(bundle.root / pattern)
    if not found and not is_pattern(pattern):
        raise Failed(f"{pattern} defined in 'include' section does not match any files")
    names = [name for name in (os.path.relpath(f, bundle.root) for f in found) if name not in FILE_NAMES]
    for name in names:
        _check_include(name, place(pattern))
    return names


def _check_include(name: str, at: Json) -> None:
    if not name.endswith((".yml", ".yaml", ".json")):
        raise Failed(
            "Files in the 'include' configuration section must be YAML or JSON files.",
            f"The file {name} in the 'include' configuration section is not a YAML or JSON file, and only such"
            " files are supported. To include files to sync, specify them in the 'sync.include' configuration"
            " section instead.",
            at,
        )


def _merge_whole(bundle: Bundle, other: Map) -> None:
    mine = get(bundle.config, "resources") or {}
    for group, items in (other.get("resources") or {}).items():
        for key, item in (items or {}).items():
            before = get(mine, group, key)
            if before is not None:
                raise _same_key(key, (("resources", group, key), before), (("resources", group, key), item))
    try:
        bundle.config = merge(bundle.config, other)
    except TypeError as error:
        raise Failed(str(error)) from error


def _check_keys(bundle: Bundle) -> None:
    """Names of resources are unique across kinds, because `bundle run KEY` knows no kind."""
    seen: dict[str, tuple[Path, Json]] = {}
    for container, key, path in find(bundle.config, ("resources", "*", "*")):
        if key in seen:
            raise _same_key(str(key), seen[str(key)], (path, container[key]))
        seen[str(key)] = (path, container[key])


def _same_key(key: str, *both: tuple[Path, Json]) -> Failed:
    (path, at), *others = sorted((path, place(item) or NOWHERE) for path, item in both)
    error = Failed(
        f"multiple resources or scripts have been defined with the same key: {key}", at=at, path=path
    )
    error.also = tuple(others)
    return error


def _assign_from_flags(bundle: Bundle) -> None:
    known = bundle.config.get("variables") or {}
    for assignment in bundle.options.variables:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise Failed(f"unexpected flag value for variable assignment: {assignment}")
        if name not in known:
            raise Failed(f"variable {name} has not been defined")
        variable = known[name] if known[name] is not None else Map()
        if variable.get("type") == "complex":
            raise Failed(f"setting variables of complex type via --var flag is not supported: {name}")
        known[name] = located({**variable, "value": value}, place(variable))


def _select_target(bundle: Bundle) -> None:
    targets = bundle.config.get("targets") or {"default": Map()}
    name = bundle.options.target or os.environ.get("DATABRICKS_BUNDLE_TARGET") or _default_target(targets)
    if name not in targets:
        raise Failed(f"{name}: no such target. Available targets: {', '.join(targets)}")
    target = targets[name] or Map()
    _overlay(bundle, target, name)
    config = bundle.config
    config["bundle"] = merge(config.get("bundle") or Map(), {"target": name, "environment": name})
    for key in ("mode", "cluster_id", "compute_id"):
        if target.get(key) is not None:
            config["bundle"][key] = target[key]
    if target.get("git"):
        config["bundle"]["git"] = merge(config["bundle"].get("git"), target["git"])
    bundle.root_path_is_explicit = bool(get(target, "workspace", "root_path"))
    config.pop("targets", None)


def _default_target(targets: dict[str, Json]) -> str:
    if len(targets) == 1:
        return next(iter(targets))
    chosen = [name for name, target in targets.items() if target and target.get("default")]
    if len(chosen) > 1:
        raise Failed(f"multiple targets are marked as default ({', '.join(chosen)})")
    if not chosen:
        raise Failed("please specify target")
    return chosen[0]


def _overlay(bundle: Bundle, target: Map, name: str) -> None:
    config = bundle.config
    variables = config.get("variables") or {}
    for variable in target.get("variables") or {}:
        if variable not in variables:
            raise Failed(
                f"failed to perform target override for target={name}: variable {variable} is not"
                " defined but is assigned a value"
            )
    merged = {}
    for key in _MERGED_FROM_TARGET:
        if target.get(key) is not None:
            try:
                merged[key] = merge(config.get(key), target[key])
            except TypeError as error:
                raise Failed(
                    f"failed to perform target override for target={name}: failed to merge target={name} field={key}:"
                    f" {error}"
                ) from error
    config.update(merged)
    for variable, override in (target.get("variables") or {}).items():
        old = variables[variable]
        variables[variable] = located({**(old or {}), **(override or {})}, place(old))
    if target.get("run_as") is not None:
        config["run_as"] = target["run_as"]


_SUPPORTED_RESOURCES = {"jobs", "pipelines"}
_REFUSED_EXPERIMENTS = (
    "scripts",
    "python",
    "pydabs",
    "python_wheel_wrapper",
    "use_legacy_run_as",
    "immutable_folder",
    "skip_artifact_cleanup",
)


def _refuse_code(config: Map) -> None:
    for name in ("python", "scripts", "environments"):
        if config.get(name):
            raise Refused(f"`{name}`")
    for name in _REFUSED_EXPERIMENTS:
        if get(config, "experimental", name):
            raise Refused(f"`experimental.{name}`")


def _refuse_in_targets(config: Map) -> None:
    _refuse_code(config)
    for container, key, path in find(config, ("targets", "*", "resources", "*")):
        if key not in _SUPPORTED_RESOURCES and container[key]:
            raise Refused(f"`{'.'.join(map(str, path))}`")


_REFUSED_SETTINGS = (
    ("bundle", "databricks_cli_version"),
    ("bundle", "cluster_id"),
    ("bundle", "compute_id"),
    *(
        ("workspace", name)
        for name in (
            "account_id",
            "azure_client_id",
            "azure_environment",
            "azure_login_app_id",
            "azure_tenant_id",
            "azure_use_msi",
            "azure_workspace_resource_id",
            "experimental_is_unified_host",
            "google_service_account",
            "profile",
            "workspace_id",
        )
    ),
    ("presets", "source_linked_deployment"),
    ("presets", "artifacts_dynamic_version"),
)


def _refuse(config: Map) -> None:  # noqa: C901 - one table of what is refused
    for group, items in (config.get("resources") or {}).items():
        if group not in _SUPPORTED_RESOURCES and items:
            raise Refused(f"`resources.{group}`")
    if get(config, "bundle", "engine") not in {None, "", "direct"}:
        raise Refused(f"`bundle.engine: {get(config, 'bundle', 'engine')}`")
    for setting in _REFUSED_SETTINGS:
        if get(config, *setting):
            raise Refused(f"`{'.'.join(setting)}`")
    for container, key, path in find(config, ("variables", "*", "lookup")):
        if container[key]:
            raise Refused(f"`{path_text(path)}`")
    for container, key, path in find(config, ("artifacts", "*")):
        _refuse_artifact(container[key] or {}, path_text(path))


def _refuse_artifact(artifact: dict[str, Json], name: str) -> None:
    if artifact.get("dynamic_version"):
        raise Refused(f"`{name}.dynamic_version`")
    if artifact.get("type", "whl") != "whl":
        raise Refused(f"`{name}.type: {artifact['type']}`")


def new_bundle(options: Options) -> Bundle:
    """Return the bundle of the current folder, not read yet.

    Raises:
        Failed: there is none.
    """
    root = find_root()
    return Bundle(root=root, options=options, log=Log(str(root), quiet=options.quiet > 1))
