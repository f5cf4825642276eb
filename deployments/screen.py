"""What a person sees while a run goes on: one line per step, the question, how it ended."""

import re
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markdown import Markdown
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.segment import Segment
from rich.status import Status
from rich.text import Text

from deployments.following import Asked, Began, Changed, Ended, News, Repeats
from deployments.runs import Run, Step

_PREFECTS_WORDS = re.compile(r"^(?:Flow|Task) run encountered an exception:? ?(?:\w+: )?")
_NAME_WIDTH = 34
_PLAIN_WIDTH = 100
_LONGEST_REASON = 200


class PlainConsole(Console):
    """A console that nothing in what it shows can move, colour or rename: control characters are written out."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=_visible(segment.text))


def make_console(*, stderr: bool = False) -> Console:
    """A console that prints plain lines, not too narrow, where nobody looks at a terminal."""
    console = PlainConsole(highlight=False, stderr=stderr)
    if not console.is_terminal:
        console.width = max(console.width, _PLAIN_WIDTH)
    return console


def reason_of(message: str) -> str:
    """A state's message without the words that Prefect puts before an error's own text."""
    return _PREFECTS_WORDS.sub("", message).strip()


class Screen:
    """Tells the news of a run. On a terminal a moving line shows what is at work; elsewhere only what is over."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._at_work: dict[str, str] = {}
        self._status: Status | None = None
        self._utf8 = (console.encoding or "").lower().startswith("utf")

    def __enter__(self) -> Self:
        self._status = self.console.status("", spinner="dots" if self._utf8 else "line")
        if self.console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()
        self._status = None

    def working_on(self, what: str) -> None:
        """The moving line says `what`."""
        if self._status is not None:
            self._status.update(f"[dim]{escape(what)}[/]")

    def print(self, what: RenderableType = "") -> None:
        self.console.print(what, soft_wrap=isinstance(what, str))

    def tell(self, news: News) -> None:
        match news:
            case Began(step, _):
                self._begins(step)
            case Repeats(step):
                self._line("↻", "yellow", step.name, f"tries again: {_short(step.message)}")
            case Ended(step, again):
                self._ends(step, again=again)
            case Asked(run, question):
                self._quiet("waiting for people")
                self.question(run, question.text if question else "")
            case Changed(run):
                self._changes(run)

    def question(self, run: Run, text: str) -> None:
        title = f"[bold]{escape(run.name)} waits for approval[/]"
        shown = Padding(Markdown(text), (1, 2)) if text else Text("the question is in Prefect's form")
        self.print(Panel(shown, title=title, border_style="yellow", expand=True))

    def done(self, what: str, seconds: float | None = None) -> None:
        """A line for something that is over and was not a step of a run."""
        self._line("✓", "green", what, f"{seconds:.1f} s" if seconds is not None else "")

    def verdict(self, text: str, *, good: bool) -> None:
        """A line for something that was checked."""
        color = "green" if good else "bold red"
        self.console.print(f"  [{color}]{self._mark('✓' if good else '✗')}[/] {escape(text)}", soft_wrap=True)

    def _begins(self, step: Step) -> None:
        self._at_work[step.id] = step.name
        self._show_work()

    def _ends(self, step: Step, *, again: bool) -> None:
        self._at_work.pop(step.id, None)
        took = f"{step.seconds:.1f} s"
        if step.kind != "COMPLETED":
            self._line("✗", "red", step.name, took)
        elif again or step.state == "Cached":
            self._line("✓", "dim", step.name, f"{took}  as before", style="dim")
        else:
            self._line("✓", "green", step.name, took)
        self._show_work()

    def _changes(self, run: Run) -> None:
        words = {"SCHEDULED": "waiting for a worker", "PENDING": "a worker starts it", "RUNNING": "running"}
        if run.kind in words:
            self.working_on(words[run.kind])
        elif run.ended:
            self._quiet("")
            self._run_ends(run)

    def _run_ends(self, run: Run) -> None:
        text = reason_of(run.message)
        if run.went_wrong:
            self.print(f"[bold red]{self._mark('✗')} {escape(run.name)} stopped[/]")
            self.print(Padding(Text(text), (0, 0, 0, 2)))
        elif run.kind == "CANCELLED":
            self.print(f"[bold yellow]{self._mark('■')} {escape(run.state)}[/] {escape(text)}")
        else:
            state = "" if run.state == "Completed" else f"{run.state}: "
            self.print(f"[bold green]{self._mark('✓')}[/] {escape(state + text)}")

    def _show_work(self) -> None:
        self.working_on(", ".join(self._at_work.values()) or "between two steps")

    def _quiet(self, what: str) -> None:
        self._at_work.clear()
        self.working_on(what)

    def _line(self, mark: str, color: str, name: str, rest: str, *, style: str = "") -> None:
        line = Text.assemble(
            ("  ", ""),
            (self._mark(mark), color),
            (f" {name:<{_NAME_WIDTH}}", style),
            (f" {rest}", "dim" if color != "yellow" else color),
        )
        line.rstrip()
        self.console.print(line, soft_wrap=True)

    def _mark(self, mark: str) -> str:
        return mark if self._utf8 else {"✓": "+", "✗": "x", "↻": "~", "■": "#"}[mark]


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else _written(char) for char in text)


def _written(char: str) -> str:
    return " " if char.isspace() else ascii(char)[1:-1]


def _short(message: str) -> str:
    text = " ".join(reason_of(message).split())
    return text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + " ..."
