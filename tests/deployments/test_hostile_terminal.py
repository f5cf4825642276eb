"""A thousand values that try to be more than text, on a terminal: none of them moves it, colours it or links."""

import io
import re

from hostile import thousand, values
from hypothesis import given
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from deployments.runs import Run
from deployments.screen import Screen, make_console

_COLOURS = re.compile(r"\x1b\[[\d;]*m")


@thousand
@given(values)
def test_what_others_wrote_is_shown_and_not_obeyed(value: str) -> None:
    console = make_console()
    console.file, console.width = io.StringIO(), 100
    console._force_terminal = True
    screen = Screen(console)

    screen.print(f"[bold]{escape(value)}[/]")
    screen.verdict(value, good=True)
    screen.print(Panel(Text(value), title=escape(value)))
    screen.done(value)

    written = _COLOURS.sub("", console.file.getvalue())
    assert [line for line in written.split("\n") if not line.isprintable()] == []


def test_markup_of_others_is_text() -> None:
    console = make_console()
    console.file = io.StringIO()

    Screen(console).print(escape("[link=https://evil.example]x[/link] [red]y[/red]"))

    assert console.file.getvalue() == "[link=https://evil.example]x[/link] [red]y[/red]\n"


def test_a_run_that_is_called_so_is_told_as_text() -> None:
    console = make_console()
    console.file = io.StringIO()
    run = Run(id="1", name="\x1b]0;owned", url="", kind="FAILED", state="Failed", message="a\x1b[2Jb\nc")

    Screen(console)._run_ends(run)

    assert console.file.getvalue().splitlines()[0].endswith("\\x1b]0;owned stopped")
    assert "a\\x1b[2Jb" in console.file.getvalue()
