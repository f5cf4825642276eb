"""The `dabflow` command. Each command's module is imported only when it is called: Prefect alone takes a second."""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, CycloptsPanel, UnknownCommandError
from rich.markup import escape

from deployments import surroundings
from deployments.screen import make_console
from tasks.rules.errors import ReleaseError
from tasks.rules.nearest import nearest
from tasks.systems.one_step import one_step

app = App(
    name="dabflow",
    help="GitFlow releases of Databricks bundles: one person starts one, one person approves it.",
    help_format="plaintext",
    version_flags=["--version"],
)

_COMMANDS = {
    "release": ("deployments.commands.release:release", "Start a release, or go on with the unfinished one."),
    "hotfix": (
        "deployments.commands.hotfix:hotfix",
        "Bring one pull request to production now, by itself.",
    ),
    "rollback": (
        "deployments.commands.rollback:rollback",
        "Bring production back to a version that was released before.",
    ),
    "status": ("deployments.commands.status:status", "Where the releases stand, and what is asked of whom."),
    "drift": ("deployments.commands.drift:drift", "What somebody changed by hand on the targets."),
    "approve": ("deployments.commands.answer:approve", "Approve what production would get."),
    "reject": (
        "deployments.commands.answer:reject",
        "Reject it: the pull request is closed with your reason.",
    ),
    "decide": (
        "deployments.commands.answer:decide",
        "Retry, roll back or abandon a release that stopped half way in production.",
    ),
    "unhold": (
        "deployments.commands.rollback:unhold",
        "Let a withdrawn version go to production again, for a reason.",
    ),
    "adopt": (
        "deployments.commands.adopt:adopt",
        "Take over what somebody deployed to production by hand.",
    ),
    "block": ("deployments.commands.block:block", "Let no approval of a release pass, for a reason."),
    "unblock": ("deployments.commands.block:unblock", "Lift that block, for a reason."),
    "evidence": (
        "deployments.commands.evidence:app",
        "What happened to a release, and whether it still fits.",
    ),
    "recheck": ("deployments.commands.answer:recheck", "Let a waiting release look at GitHub again."),
    "wake": ("deployments.commands.wake:wake", "Let every waiting release look at GitHub again."),
    "doctor": (
        "deployments.commands.doctor:doctor",
        "Look at everything that a release needs, before it needs it; nothing is changed.",
    ),
    "init": (
        "deployments.commands.init:init",
        "Write what a bundle repository needs to be released by dabflow.",
    ),
    "connect": (
        "deployments.commands.connect:app",
        "Store how GitHub and the targets are reached, once that was tried.",
    ),
    "worker": ("deployments.commands.worker:worker", "Start a worker, which runs the releases."),
    "install": ("deployments.commands.install:install", "Make the Prefect server match this dabflow."),
    "uninstall": (
        "deployments.commands.uninstall:uninstall",
        "Remove from the Prefect server what install made.",
    ),
    "demo": ("deployments.commands.demo:demo", "Watch a whole release in a sandbox of its own."),
    "sandbox": (
        "deployments.commands.sandbox:app",
        "A whole world on a laptop: GitHub, three workspaces, Prefect.",
    ),
}
for _name, (_where, _help) in _COMMANDS.items():
    app.command(_where, name=_name, help=_help)

# These make a world of their own; the one in this folder is not theirs.
_OWN_WORLD = {"sandbox", "demo"}
_MISUSED, _INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 when it could not, 2 when it was not understood."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in _OWN_WORLD:
        surroundings.adopt_sandbox()
    try:
        with one_step():  # a command reads each connection once
            result = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        return _not_understood(error)
    except ReleaseError as error:
        make_console(stderr=True).print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return result if isinstance(result, int) else 0


def _not_understood(error: CycloptsError) -> int:
    console = make_console(stderr=True)
    if isinstance(error, UnknownCommandError) and not error.command_chain:
        # Cyclopts would import every command to see which one is meant.
        word = (error.unused_tokens or ["?"])[0]
        meant = nearest(word, _COMMANDS)
        console.print(f"[red]{escape(word)} is no command of dabflow[/]", soft_wrap=True)
        console.print(f"  what to do: dabflow {meant}" if meant else "  what to do: dabflow --help")
    else:
        console.print(CycloptsPanel(error))
    return _MISUSED


if __name__ == "__main__":
    sys.exit(main())
