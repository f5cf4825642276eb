"""The command line: how it is read, and the help."""

from sandbox.databricks_cli.bundle import Options
from sandbox.databricks_cli.command_table import (
    BUNDLE_EXAMPLES,
    COMMANDS,
    GLOBAL,
    GROUPS,
    HELP,
    VAR,
    Command,
    Flag,
)
from sandbox.databricks_cli.diagnostics import Refused
from sandbox.databricks_cli.record import field, record

# The words of Go's strconv.ParseBool.
_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}


class Usage(Exception):
    """The command line is wrong; the text tells how it is written."""


class Help(Exception):
    """Somebody asked for help, or named no command; the text is the help."""


@record
class Invocation:
    command: Command
    options: Options
    words: list[str] = field(default_factory=list)


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
        if path not in GROUPS or (not path and rest and not rest[0].startswith("-")):
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
    flags = [*command.flags, *GLOBAL, VAR, HELP]
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
    if flag is HELP:
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
        if value not in _TRUE | _FALSE:
            raise Usage(
                f'invalid argument "{value}" for "--{flag.name}" flag: strconv.ParseBool: parsing "{value}": invalid syntax'
                f"\n\n{usage_of(found.command)}"
            )
        setattr(options, flag.option, value in _TRUE)


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
    raise Usage(f'unknown command "{words[0]}" for "{name}"\n\n{usage_of(command)}')


def usage_of(command: Command) -> str:
    """How a command is written, with its flags."""
    call = " ".join(("databricks", *command.path, *command.words, "[flags]"))
    shown = [f for f in command.flags if f.help]
    help_flag = Flag("help", "h", "", f"help for {command.path[-1]}")
    own = sorted([*shown, help_flag], key=lambda f: f.name)
    globals_ = sorted([*GLOBAL, *([VAR] if command.path[0] == "bundle" else [])], key=lambda f: f.name)
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
            names.setdefault(name, GROUPS.get((*path, name), command.summary))
    call = " ".join(("databricks", *path, "[command]"))
    width = 18 if path == ("bundle",) else 11
    listed = "\n".join(f"  {name:<{width}} {text}" for name, text in sorted(names.items()))
    about = GROUPS[path] + (BUNDLE_EXAMPLES if path == ("bundle",) else "")
    inherited = [*GLOBAL]
    own = [Flag("help", "h", "", f"help for {path[-1] if path else 'databricks'}")]
    if path[:1] == ("bundle",):
        (own if len(path) == 1 else inherited).append(VAR)
    return (
        f"{about}\n\nUsage:\n  {call}\n\nAvailable Commands:\n{listed}\n\nFlags:\n{_table(own)}\n\nGlobal Flags:\n"
        f'{_table(inherited)}\n\nUse "{call} --help" for more information about a command.\n'
    )
