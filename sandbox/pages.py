"""Pages of the sandbox's servers: server-rendered, one frame, nothing to build."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.responses import HTMLResponse

TEMPLATES = Path(__file__).parent / "templates"

# Scripts, styles and foreign frames have no business on these pages, whatever a comment contains.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable(
        ["table", "strikethrough"]
    )


def markdown(text: str | None) -> Markup:
    """Return Markdown as HTML that is safe to show: raw HTML in it is shown as text, comments are dropped."""
    return Markup(_markdown().render(_without_comments(text or "")))  # noqa: S704 - the renderer escapes


def _without_comments(text: str) -> str:
    while "<!--" in text:
        before, _, rest = text.partition("<!--")
        _, _, after = rest.partition("-->")
        text = before + after
    return text


def when(moment: datetime | str | None) -> str:
    """Return a date and time people read, in UTC; an empty text for none."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return f"{moment:%d %b %Y, %H:%M} UTC" if moment else ""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(markdown=markdown, when=when)
    return environment


def render(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> HTMLResponse:
    """Return the page that `template` (a path below `templates/`) makes of `values`.

    Every template extends `base.html` and fills its blocks `title`, `crumbs`, `content`, perhaps `tabs`.

    Raises:
        jinja2.UndefinedError: the template uses a value that was not given.
    """
    text = _environment().get_template(template).render(**values)
    return HTMLResponse(text, status, {**_HEADERS, **(headers or {})})
