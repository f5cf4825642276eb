"""Which commands and flags there are, and which of them the stand-in refuses by name."""

from typing import NamedTuple


class Flag(NamedTuple):
    """One flag. `option` is the field of Options that it sets; without one the stand-in refuses it by name.

    `takes` is the word for its value in the usage text: empty for a switch, "count" for a repeated letter.
    """

    name: str
    letter: str = ""
    takes: str = ""
    help: str = ""
    option: str = ""


class Command(NamedTuple):
    """One command: how to call it, what it is for, its own flags and how many words it takes."""

    path: tuple[str, ...]
    summary: str
    flags: tuple[Flag, ...] = ()
    words: tuple[str, ...] = ()
    refused: bool = False


GLOBAL = (
    Flag("debug", help="enable debug logging"),
    Flag("output", "o", "type", "output type: text or json (default text)", "output"),
    Flag("profile", "p", "string", "~/.databrickscfg profile"),
    Flag("target", "t", "string", "bundle target to use (if applicable)", "target"),
)
VAR = Flag(
    "var",
    takes="strings",
    help='set values for variables defined in bundle config. Example: --var="foo=bar"',
    option="variables",
)
HELP = Flag("help", "h")
_FORCE = Flag("force", help="Force-override Git branch validation.", option="force")
_LOCK = Flag("force-lock", help="Force acquisition of deployment lock.", option="force_lock")
_APPROVE = "auto-approve"
_CLUSTER = (
    Flag("cluster-id", "c", "string", "Override cluster in the deployment with the given cluster ID."),
    Flag("compute-id", "", "string"),  # an old name, not shown any more
)


def _quiet(text: str) -> Flag:
    return Flag("quiet", "q", "count", text, "quiet")


def _select(verb: str) -> Flag:
    text = f"{verb} only the specified resource (e.g. 'my_job' or 'jobs.my_job'). Can be repeated or comma-separated."
    return Flag("select", "", "strings", text, "select")


COMMANDS = (
    Command(
        ("version",),
        "Retrieve information about the current version of this CLI",
        (Flag("check", help="Check whether a newer version of the CLI is available"),),
    ),
    Command(("current-user", "me"), "Get current user info"),
    Command(
        ("bundle", "deploy"),
        "Deploy bundle",
        (
            Flag(
                _APPROVE,
                help="Skip interactive approvals that might be required for deployment.",
                option="auto_approve",
            ),
            *_CLUSTER,
            Flag(
                "fail-on-active-runs",
                help="Fail if there are running jobs or pipelines in the deployment.",
                option="fail_on_active_runs",
            ),
            _FORCE,
            _LOCK,
            Flag(
                "plan",
                "",
                "string",
                "Path to a JSON plan file to apply instead of planning (direct engine only).",
            ),
            _quiet("Reduce output: -q prints only the summary, -qq prints only warnings and errors."),
            _select("Deploy"),
            Flag("verbose"),
        ),
    ),
    Command(
        ("bundle", "deployment", "bind"),
        "Bind bundle-defined resources to existing resources",
        (Flag(_APPROVE, help="Automatically approve the binding", option="auto_approve"), _LOCK),
        ("KEY", "RESOURCE_ID"),
    ),
    Command(
        ("bundle", "deployment", "migrate"),
        "Migrate from Terraform to Direct deployment engine",
        refused=True,
    ),
    Command(
        ("bundle", "deployment", "unbind"),
        "Unbind bundle-defined resources from its managed remote resource",
        refused=True,
    ),
    Command(
        ("bundle", "destroy"),
        "Destroy deployed bundle resources",
        (
            Flag(
                _APPROVE,
                help="Skip interactive approvals for deleting resources and files",
                option="auto_approve",
            ),
            _LOCK,
            _quiet("Reduce output: -qq prints only warnings and errors."),
        ),
    ),
    *(
        Command(("bundle", name), text, refused=True)
        for name, text in (
            ("generate", "Generate bundle configuration"),
            ("init", "Initialize using a bundle template"),
            ("open", "Open a resource in the browser"),
        )
    ),
    Command(
        ("bundle", "plan"),
        "Show deployment plan",
        (
            *_CLUSTER,
            _FORCE,
            _quiet("Reduce output: -q prints only the summary, -qq prints nothing on success."),
            _select("Plan"),
        ),
    ),
    Command(
        ("bundle", "run"),
        "Run a job, pipeline update or app",
        (
            Flag("no-wait", help="Don't wait for the run to complete.", option="no_wait"),
            Flag("restart", help="Restart the run if it is already running."),
            Flag("params", takes="stringToString"),
            Flag("only", takes="strings"),
            *(Flag(name) for name in ("validate-only", "full-refresh-all", "refresh-all")),
            *(
                Flag(name, takes="strings")
                for name in ("refresh", "full-refresh", "python-params", "jar-params")
            ),
            *(
                Flag(name, takes="stringToString")
                for name in ("notebook-params", "python-named-params", "sql-params")
            ),
        ),
        ("KEY",),
    ),
    Command(("bundle", "schema"), "Generate JSON Schema for bundle configuration", refused=True),
    Command(
        ("bundle", "summary"),
        "Summarize resources deployed by this bundle",
        (
            Flag(
                "force-pull",
                help="Skip local cache and load the state from the remote workspace",
                option="force_pull",
            ),
            Flag("include-locations"),
        ),
    ),
    Command(("bundle", "sync"), "Synchronize bundle tree to the workspace", refused=True),
    Command(
        ("bundle", "validate"),
        "Validate configuration",
        (Flag("strict", help="Treat warnings as errors", option="strict"), Flag("include-locations")),
    ),
)

BUNDLE_EXAMPLES = """

Common workflows:
  databricks bundle init default-python      # Initialize new project
  databricks bundle deploy --target dev      # Deploy to development
  databricks bundle run my_job               # Run jobs/pipelines
  databricks bundle deploy --target prod     # Deploy to production

Import existing resources:
  databricks bundle generate job --existing-job-id 123 --key my_job # Generate job configuration
  databricks bundle deployment bind my_job 123                      # Link to an existing job

Online documentation: https://docs.databricks.com/en/dev-tools/bundles/index.html"""

GROUPS = {
    (): "The `databricks` command of dabflow's sandbox: a stand-in for the real one.",
    ("bundle",): "Declarative Automation Bundles let you express data/AI/analytics projects as code.",
    ("bundle", "deployment"): "Deployment related commands",
    ("current-user",): "Get information about the current user or service principal",
}
