"""What the scripts in GitHub Actions write: lines of the job's log, its outputs, its summary.

Text of others stands in all three, and none of it may become a command, an output or markup.

Source: docs.github.com, "Workflow commands"; actions/runner, `ActionCommand.cs`: `::name` counts at the start of a
line, spaces before it or not, the older `##[name]` counts anywhere in one.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

_MARKUP = re.compile(r"[\\`*_\[\]<>&|~$!]")
# What GitHub makes a link of by itself: addresses and issues.
_LINKED = re.compile(r"(?i)(?:https?|ftp|www)(?=[:.])|GH(?=-\d)|#(?=\d)")


def one_line(text: str) -> str:
    """Return the text on one line, so that nothing in it is read as a workflow command or obeyed by a terminal."""
    line = " ".join(text.split())
    seen = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
    return seen.replace("##[", "# #[")


def escaped(text: str) -> str:
    """Return one line of Markdown that shows the text as it is: no link, no name that is called."""
    line = _MARKUP.sub(r"\\\g<0>", one_line(text)).replace("@", "@<!-- -->")
    return _LINKED.sub(r"\g<0><!-- -->", line)


def say(text: str) -> None:
    line = one_line(text)
    sys.stdout.write(f"> {line}\n" if line.startswith("::") else f"{line}\n")
    sys.stdout.flush()


def command(kind: str, text: str) -> None:
    """Show an error or a warning where GitHub shows them."""
    line = one_line(text)
    inside = os.environ.get("GITHUB_ACTIONS") == "true"
    sys.stdout.write(f"::{kind}::{line.replace('%', '%25')}\n" if inside else f"{kind}: {line}\n")
    sys.stdout.flush()


def hand_on(env: Mapping[str, str], **outputs: str) -> None:
    """The job's later steps, and jobs that need it, get these outputs."""
    _append(env, "GITHUB_OUTPUT", "".join(f"{name}={one_line(value)}\n" for name, value in outputs.items()))


def summarize(env: Mapping[str, str], markdown: str) -> None:
    """The job's summary says this, below what it says already."""
    _append(env, "GITHUB_STEP_SUMMARY", f"{markdown}\n")


def _append(env: Mapping[str, str], variable: str, text: str) -> None:
    path = env.get(variable)
    if path:
        with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 - one line does it
            file.write(text)
