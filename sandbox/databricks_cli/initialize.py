"""Everything between reading a bundle and doing something with it. Every command runs it, in this order.

read -> log in -> git -> workspace paths -> variables -> presets of the mode -> resources -> local paths -> checks
"""

from sandbox.databricks_cli import (
    artifacts,
    auth,
    config,
    paths,
    repository,
    schema,
    settings,
    surroundings,
    variables,
)
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.diagnostics import Failed
from sandbox.databricks_cli.values import Map, Seq, find, get, located, place


def load(bundle: Bundle, command: str) -> None:
    """Read the configuration and prepare the log-in; no request yet."""
    config.load(bundle)
    bundle.config["workspace"] = bundle.config.get("workspace") or Map()
    bundle.config["bundle"] = bundle.config.get("bundle") or Map()
    bundle.client = auth.connect(
        bundle.config["workspace"], command, bundle.log, problem="cannot resolve bundle auth configuration: "
    )


def initialize(bundle: Bundle) -> None:
    """Make the configuration definite: what a deploy would send, but for built files and ids.

    Raises:
        Failed, Refused: the first thing that is wrong; `bundle.config` is as far as it got.
    """
    _check_resources(bundle)
    _sync_paths(bundle)
    me = auth.who_am_i(bundle.api, cached=True)
    bundle.config["workspace"]["current_user"] = auth.current_user(me)
    repository.note(bundle)
    settings.workspace_paths(bundle)
    variables.assign(bundle)
    variables.resolve_settings(bundle)
    settings.apply_mode(bundle)
    variables.resolve_resources(bundle)
    paths.normalize(bundle)
    paths.expand_pipeline_globs(bundle)
    settings.merge_lists(bundle)
    settings.apply_run_as(bundle)
    settings.apply_presets(bundle)
    settings.apply_defaults(bundle)
    settings.apply_permissions(bundle)
    schema.without_empty_texts(bundle.config)
    schema.check_values(bundle.config, bundle.log)
    settings.check_deployer(bundle)
    paths.translate(bundle)
    artifacts.prepare(bundle)
    settings.check_mode(bundle)
    settings.check_shared_folder(bundle)
    settings.annotate(bundle)
    if not get(bundle.config, "bundle", "engine"):
        surroundings.check_engine()


def _check_resources(bundle: Bundle) -> None:
    for container, key, path in find(bundle.config, ("resources", "*", "*")):
        if container[key] is None:
            at = container.values_at.get(str(key)) if isinstance(container, Map) else None
            raise Failed(f"{str(path[1])[:-1]} {key} is not defined", at=at, path=path)
    name = bundle.name
    if "${" in name:
        raise Failed(
            "bundle.name must not contain variable references", at=place(get(bundle.config, "bundle", "name"))
        )


def _sync_paths(bundle: Bundle) -> None:
    """Make patterns of sync relative to the bundle; by default everything is synced."""
    sync = bundle.config["sync"] = located(
        dict(bundle.config.get("sync") or {}), place(bundle.config.get("sync"))
    )
    for key in ("paths", "include", "exclude"):
        if sync.get(key) is not None:
            sync[key] = Seq(paths.relative_to_root(bundle, text) for text in sync[key])
    if sync.get("paths") is None:
        sync["paths"] = Seq(["."])


def select(bundle: Bundle) -> None:
    """Write every --select as `jobs.name`. Raises `Failed` for a name that is not there."""
    chosen = []
    for wanted in bundle.options.select:
        names = [f"jobs.{n}" for n in bundle.jobs()] + [f"pipelines.{n}" for n in bundle.pipelines()]
        matches = [name for name in names if wanted in {name, name.partition(".")[2]}]
        if not matches:
            raise Failed(f"no such resource: {wanted}")
        chosen += matches
    bundle.options.select = chosen
