"""The commands. Each gets what the command line asked for and returns its exit code: 0 or 1, nothing else.

What not all of them need is imported where it is needed: everything together takes a third of a short command.
"""

import sys
from collections.abc import Callable

from sandbox.databricks_cli import auth, config, initialize, output, own_version
from sandbox.databricks_cli.bundle import Bundle, Options
from sandbox.databricks_cli.client import ApiError
from sandbox.databricks_cli.diagnostics import Failed, Log, PlainFailure, Refused, Stopped
from sandbox.databricks_cli.go_json import dumps


def version(options: Options) -> int:
    """Print the version."""
    output.write(own_version.as_json() if options.output == "json" else own_version.as_text())
    return 0


def current_user_me(options: Options) -> int:
    """Print who the credentials belong to; always asks the workspace. Inside a bundle its host counts."""
    log = Log()
    try:
        workspace = _workspace_of_bundle(options)
        client = auth.connect(workspace, "current-user_me", log, problem="")
        me = auth.who_am_i(client, cached=False)
    except Failed as error:
        return plain_failure(error)
    output.write(dumps(me, indent=2) + "\n")
    return 0


def _workspace_of_bundle(options: Options) -> dict[str, object]:
    try:
        bundle = config.new_bundle(options)
    except Failed:
        return {}
    config.load(bundle)
    return dict(bundle.config.get("workspace") or {})


def plain_failure(error: Failed) -> int:
    """Print an error as one line and return the exit code for it."""
    text = error.message if isinstance(error, ApiError) else error.summary
    sys.stderr.write(f"Error: {text}\n")
    return 1


def validate(options: Options) -> int:
    """Print the resolved configuration and what is wrong with it; also what there is of it after an error."""
    from sandbox.databricks_cli import checks  # noqa: PLC0415

    bundle: Bundle | None = None
    log = Log()
    try:
        bundle = config.new_bundle(options)
        log = bundle.log
        initialize.load(bundle, "bundle_validate")
        initialize.initialize(bundle)
        checks.thorough(bundle)
    except (Failed, Stopped) as error:
        log.failure(error)
    if options.output == "json":
        if bundle is not None:
            output.configuration(bundle)
    else:
        output.validation(bundle, log.trailer())
    warnings = log.counts["Warning"]
    if log.errors == 0 and options.strict and warnings:
        found = "1 warning was found" if warnings == 1 else f"{warnings} warnings were found"
        return plain_failure(Failed(f"{found}. Warnings are not allowed in strict mode"))
    return 1 if log.errors else 0


def with_bundle(
    name: str,
    work: Callable[[Bundle], None],
    at_end: Callable[[Bundle, int], None] | None = None,
) -> Callable[[Options], int]:
    """A command that begins with a resolved configuration and says what went wrong.

    `at_end` gets the exit code, also of a command that did not come to its work.
    """

    def command(options: Options) -> int:
        log = Log()
        bundle: Bundle | None = None
        exit_code = 1
        try:
            bundle = config.new_bundle(options)
            log = bundle.log
            initialize.load(bundle, f"bundle_{name}")
            initialize.initialize(bundle)
            initialize.select(bundle)
            work(bundle)
            exit_code = 0
        except Refused:
            bundle = None
            raise
        except PlainFailure as error:
            return plain_failure(error)
        except (Failed, Stopped) as error:
            log.failure(error)
        finally:
            if at_end is not None and bundle is not None and bundle.client is not None:
                at_end(bundle, exit_code)
        return exit_code

    return command


def _plan(bundle: Bundle) -> None:
    from sandbox.databricks_cli import artifacts, checks, deploying, planning, state_files  # noqa: PLC0415

    bundle.log.quiet = False  # -qq is about the plan; builds are told all the same
    state = state_files.pull(bundle, always=True)
    checks.quick(bundle)
    artifacts.build(bundle)
    deploying.check_before(bundle, state)
    plan = planning.calculate(bundle, state)
    if bundle.options.output == "json":
        output.plan_json(plan)
    else:
        output.plan_text(plan, quiet=bundle.options.quiet, selected=bool(bundle.options.select))


def _deploy(bundle: Bundle) -> None:
    from sandbox.databricks_cli import artifacts, checks, deploying, state_files  # noqa: PLC0415

    state = state_files.pull(bundle, always=True)
    checks.quick(bundle)
    libraries = artifacts.build(bundle)
    deploying.check_before(bundle, state)
    deploying.deploy(bundle, state, libraries)


def _after_deploy(bundle: Bundle, exit_code: int) -> None:
    from sandbox.databricks_cli.deploying import send_telemetry  # noqa: PLC0415

    send_telemetry(bundle, exit_code)


def _summary(bundle: Bundle) -> None:
    from sandbox.databricks_cli import state_files  # noqa: PLC0415

    state = state_files.pull(bundle, always=bundle.options.force_pull)
    output.add_ids(bundle, state.ids)
    output.add_urls(bundle)
    if bundle.options.output == "json":
        output.configuration(bundle)
    else:
        output.summary_text(bundle)


def _run(key: str) -> Callable[[Bundle], None]:
    def work(bundle: Bundle) -> None:
        from sandbox.databricks_cli import running, state_files  # noqa: PLC0415

        state = state_files.pull(bundle, always=True)
        if not state.ids:
            raise Failed(
                "resource not found or not yet deployed. Did you forget to run 'databricks bundle deploy'?"
            )
        output.add_ids(bundle, state.ids)
        try:
            running.run(bundle, key)
        except Failed as error:
            text = error.message if isinstance(error, ApiError) else error.summary
            raise PlainFailure(text) from error

    return work


def _destroy(bundle: Bundle) -> None:
    from sandbox.databricks_cli import deploying, state_files  # noqa: PLC0415

    state = state_files.pull(bundle, always=True)
    deploying.destroy(bundle, state)


def destroy(options: Options) -> int:
    """Delete everything that was deployed. Without --auto-approve nothing happens, not even a request."""
    if not options.auto_approve:
        return plain_failure(
            Failed(
                "this command will destroy all resources deployed by this bundle, including workspace files in the"
                " deployment directory.\n"
                "Deleting data assets such as schemas, pipelines, or volumes may cause permanent data loss and should"
                " be carefully reviewed.\n"
                "To proceed, use --auto-approve."
            )
        )
    return with_bundle("destroy", _destroy)(options)


plan = with_bundle("plan", _plan)
deploy = with_bundle("deploy", _deploy, at_end=_after_deploy)
summary = with_bundle("summary", _summary)


def run(options: Options, key: str) -> int:
    """Run a job or pipeline and wait for it."""
    return with_bundle("run", _run(key))(options)


def bind(options: Options, key: str, id_: str) -> int:
    """Take an existing job or pipeline into the state."""
    from sandbox.databricks_cli import binding  # noqa: PLC0415

    return with_bundle("deployment_bind", lambda bundle: binding.bind(bundle, key, id_))(options)
