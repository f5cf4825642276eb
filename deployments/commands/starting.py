"""What the commands that start a run have in common."""

from rich.markup import escape

from deployments.prefect_api import connected
from deployments.runs import Run
from deployments.screen import Screen, make_console
from deployments.starting import Order, start_run, warning_without_worker
from deployments.watching import Watch, until_it_ends


def begin(order: Order, *, watch: bool) -> int:
    """A run is started, and watched to its end if that is wanted; the exit code of the command."""
    console = make_console()
    with connected() as api:
        run = start_run(api, order)
        console.print(f"started: {escape(order.repository)}\n  {run.url}", soft_wrap=True)
        if warning := warning_without_worker(api):
            console.print(f"[yellow]{escape(warning)}[/]", soft_wrap=True)
        if not watch:
            return 0
        with Screen(console) as screen:
            return _watched(Watch(api, run.id, screen), run, screen)


def _watched(watch: Watch, run: Run, screen: Screen) -> int:
    try:
        ended = watch.until(until_it_ends)
    except KeyboardInterrupt:
        screen.print(f"You stopped watching; the release goes on by itself: {run.url}")
        return 0
    return 1 if ended.went_wrong else 0
