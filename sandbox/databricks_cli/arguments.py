"""The command line: which commands and flags there are, and how they are read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.databricks_cli.bundle import Options
from sandbox.databricks_cli.diagnostics import Refused


class Flag(NamedTuple):
    """One flag. `option` is the field of Options that it sets; without one the stand-in refuses it by name.

    `takes` is the word for its value in the usage text: empty for a switch, "count" for a repeated letter.
    """

    name: str
    letter: str = ""
    takes: str = ""
    help: str = ""
    option: str = ""


@dataclass(frozen=True)
class Command:
    """One command: how to call it, what it is for, its own flags and how many words it takes."""

    path: tuple[str, ...]
    summary: str
    flags: tuple[Flag, ...] = ()
    words: tuple[str, ...] = ()
    refused: bool = False


class Usage(Exception):
    """The command line is wrong; the text tells how it is written."""


class Help(Exception):
    """Somebody asked for help, or named no command; the text is the help."""


@dataclass
class Invocation:
    command: Command
    options: Options
    words: list[str] = field(default_factory=list)


GLOBAL = (
    Flag("debug", help="enable debug logging"),
    Flag("output", "o", "type", "output type: text or json (default text)", "output"),
    Flag("profile", "p", "string", "~/.databrickscfg profile"),
    Flag("target", "t", "string", "bundle target to use (if applicable)", "target"),
)
_VAR = Flag(
    "var",
    takes="strings",
    help='set values for variables defined in bundle config. Example: --var="foo=bar"',
    option="variables",
)
_HELP = Flag("help", "h")
_FORCE = Flag("force", help="Force-override Git branch validation.", option="force")
_LOCK = Flag("force-lock", help="Force acquisition of deployment lock.", option="force_lock")
_APPROVE = "auto-approve"
_CLUSTER = (
    Flag("cluster-id", "c", "string", "Override cluster in the deployment with the given cluster ID."),
    Flag("compute-id", "", "string", "Override cluster in the deployment with the given compute ID."),
)


def _quiet(text: str) -> Flag:
    return Flag("quiet", "q", "count", text, "quiet")


def _select(verb: str) -> Flag:
    text = f"{verb} only the specified resource (e.g. 'my_job' or 'jobs.my_job'). Can be repeated or comma-separated."
    return Flag("select", "", "strings", text, "select")


COMMANDS = (
    Command(("version",), "Retrieve information about the current version of this CLI"),
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
    Command(("bundle", "deployment", "unbind"), "Unbind bundle-defined resources", refused=True),
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

_GROUPS = {
    (): "The `databricks` command of dabflow's sandbox: a stand-in for the real one.",
    ("bundle",): "Declarative Automation Bundles let you express data/AI/analytics projects as code.",
    ("bundle", "deployment"): "Deployment related commands",
    ("current-user",): "Get information about the current user or service principal",
}


def parse(words: list[str]) -> Invocation:
    """Read the command line.

    Raises:
        Help: help was asked for, or no command was named.
        Usage: an unknown flag, a missing value, too many or too few words.
        Refused: the real command has this, the stand-in does not.
    """
    path, rest = _command_path(words)
    command = next((c for c in COMMANDS if c.path == path), None)
    if command is None:
        if path not in _GROUPS or (not path and rest and not rest[0].startswith("-")):
            raise Refused(f"`databricks {rest[0] if rest else ' '.join(path)}`")
        raise Help(help_of(path))
    if command.refused:
        raise Refused(f"`databricks {' '.join(path)}`")
    return _read(command, rest)


def _command_path(words: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """The longest known command at the beginning; flags may stand between its words."""
    path: tuple[str, ...] = ()
    rest = list(words)
    position = 0
    while position < len(rest):
        word = rest[position]
        if word.startswith("-"):
            takes_value = next((f.takes for f in GLOBAL if word in {f"--{f.name}", f"-{f.letter}"}), "")
            position += 2 if takes_value else 1
            continue
        longer = (*path, word)
        if not any(c.path[: len(longer)] == longer for c in COMMANDS):
            break
        path = longer
        del rest[position]
    return path, rest


def _read(command: Command, rest: list[str]) -> Invocation:
    found = Invocation(command, Options())
    flags = [*command.flags, *GLOBAL, _VAR, _HELP]
    waiting = list(rest)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            raise Refused("words after `--`")
        if not word.startswith("-") or word == "-":
            found.words.append(word)
        elif word.startswith("--"):
            _long(found, word[2:], waiting, flags)
        else:
            _short(found, word[1:], waiting, flags)
    _check_words(command, found.words)
    if found.options.output not in {"text", "json"}:
        raise Usage(
            f'invalid argument "{found.options.output}" for "-o, --output" flag: accepted arguments are json and text'
            f"\n\n{usage_of(command)}"
        )
    return found


def _long(found: Invocation, text: str, waiting: list[str], flags: list[Flag]) -> None:
    name, equals, value = text.partition("=")
    flag = next((f for f in flags if f.name == name), None)
    if flag is None:
        raise Usage(f"unknown flag: --{name}\n\n{usage_of(found.command)}")
    if flag.takes in {"", "count"}:
        _set(found, flag, value if equals else "true")
    elif equals:
        _set(found, flag, value)
    elif waiting:
        _set(found, flag, waiting.pop(0))
    else:
        raise Usage(f"flag needs an argument: --{name}\n\n{usage_of(found.command)}")


def _short(found: Invocation, letters: str, waiting: list[str], flags: list[Flag]) -> None:
    rest = letters
    while rest:
        letter, rest = rest[0], rest[1:]
        flag = next((f for f in flags if f.letter == letter), None)
        if flag is None:
            raise Usage(f"unknown shorthand flag: '{letter}' in -{letters}\n\n{usage_of(found.command)}")
        if flag.takes in {"", "count"}:
            _set(found, flag, "true")
            continue
        if not rest and not waiting:
            raise Usage(f"flag needs an argument: '{letter}' in -{letters}\n\n{usage_of(found.command)}")
        _set(found, flag, rest.removeprefix("=") or waiting.pop(0))
        return


def _set(found: Invocation, flag: Flag, value: str) -> None:
    if flag is _HELP:
        raise Help(f"{found.command.summary}\n\n{usage_of(found.command)}")
    if not flag.option:
        raise Refused(f"--{flag.name}")
    options = found.options
    if flag.takes == "count":
        setattr(options, flag.option, getattr(options, flag.option) + 1)
    elif flag.takes == "strings":
        getattr(options, flag.option).extend(value.split(","))
    elif flag.takes:
        setattr(options, flag.option, value)
    else:
        setattr(options, flag.option, value.lower() in {"true", "1", "t"})


def _check_words(command: Command, words: list[str]) -> None:
    wanted = len(command.words)
    if len(words) == wanted:
        return
    if command.path[-1] == "run":
        if words:
            raise Refused("arguments of `bundle run`")
        raise Usage("expected a KEY of the resource to run")
    name = " ".join(("databricks", *command.path))
    if wanted:
        raise Usage(f"accepts {wanted} arg(s), received {len(words)}\n\n{usage_of(command)}")
    raise Usage(f'unknown command "{words[0]}" for "{name}"')


def usage_of(command: Command) -> str:
    """How a command is written, with its flags."""
    call = " ".join(("databricks", *command.path, *command.words, "[flags]"))
    shown = [f for f in command.flags if f.help]
    help_flag = Flag("help", "h", "", f"help for {command.path[-1]}")
    own = sorted([*shown, help_flag], key=lambda f: f.name)
    globals_ = sorted([*GLOBAL, *([_VAR] if command.path[0] == "bundle" else [])], key=lambda f: f.name)
    return f"Usage:\n  {call}\n\nFlags:\n{_table(own)}\n\nGlobal Flags:\n{_table(globals_)}\n"


def _table(flags: list[Flag]) -> str:
    left = []
    for flag in flags:
        letter = f"-{flag.letter}, " if flag.letter else "    "
        left.append(f"  {letter}--{flag.name}{f' {flag.takes}' if flag.takes else ''}")
    width = max(len(text) for text in left) + 3
    return "\n".join(f"{text:<{width}}{flag.help}".rstrip() for text, flag in zip(left, flags, strict=True))


def help_of(path: tuple[str, ...]) -> str:
    """The commands below `path`."""
    names: dict[str, str] = {}
    for command in COMMANDS:
        if command.path[: len(path)] == path and len(command.path) > len(path):
            name = command.path[len(path)]
            names.setdefault(name, _GROUPS.get((*path, name), command.summary))
    call = " ".join(("databricks", *path, "[command]"))
    width = max(map(len, names)) + 1
    listed = "\n".join(f"  {name:<{width}} {text}" for name, text in sorted(names.items()))
    return f"{_GROUPS[path]}\n\nUsage:\n  {call}\n\nAvailable Commands:\n{listed}\n"


Handler = Callable[..., int]
