"""Pages of the sandbox's servers: server-rendered, one frame, nothing to build."""

import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup
from starlette.responses import HTMLResponse

TEMPLATES = Path(__file__).parent / "templates"

# Scripts, styles and foreign frames have no business on these pages, whatever a comment contains.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}
_HARMLESS = re.compile(r"</?(?:details|summary|br|sub|sup|kbd|b|i|strong|em|del|hr)\s*(?:open)?\s*/?>")
_TAG_OR_COMMENT = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]]+[^\s<>()\[\].,;:!?'\"]")


def markdown(text: str | None) -> Markup:
    """Return Markdown as HTML that is safe to show.

    Of HTML in it a few harmless tags are kept, comments are dropped, and all the rest is shown as text.
    """
    return Markup(_markdown().render(text or ""))  # noqa: S704 - the renderer escapes


@cache
def _markdown() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(["table", "strikethrough"])
    renderer.add_render_rule("html_block", _harmless_html)
    renderer.add_render_rule("html_inline", _harmless_html)
    renderer.add_render_rule("text", _text_with_links)
    return renderer


def _harmless_html(_: RendererHTML, tokens: Sequence[Token], index: int, *__: object) -> str:
    content, pieces, end = tokens[index].content, [], 0
    for found in _TAG_OR_COMMENT.finditer(content):
        pieces.append(escape(content[end : found.start()]))
        if not found[0].startswith("<!--"):
            pieces.append(found[0] if _HARMLESS.fullmatch(found[0]) else escape(found[0]))
        end = found.end()
    return "".join([*pieces, escape(content[end:])])


def _text_with_links(_: RendererHTML, tokens: Sequence[Token], index: int, *__: object) -> str:
    text = escape(tokens[index].content)
    opened = sum(t.type == "link_open" for t in tokens[:index])
    if opened > sum(t.type == "link_close" for t in tokens[:index]):
        return text
    return _ADDRESS.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', text)


def when(moment: datetime | str | None) -> str:
    """Return a date and time as people read it, in UTC; an empty text for none."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return f"{moment.astimezone(UTC):%d %b %Y, %H:%M} UTC" if moment else ""


def hue(name: str) -> int:
    """Return a colour (degrees on the colour wheel) that always belongs to this name."""
    # The factor spreads short names, whose checksums lie close together.
    return zlib.crc32(name.encode()) * 151 // 7 % 360


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {"markdown": markdown, "when": when, "hue": hue}
    environment.filters.update(filters)
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
