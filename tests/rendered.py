"""Markdown as GitHub makes a page of it, as far as it matters here: which markup there is, and which text."""

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

_GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# What GitHub makes of text by itself. Source: docs.github.com, "Autolinked references and URLs", "Mentioning people".
_BY_ITSELF = re.compile(
    r"(?i)(?<![a-z])(?:https?|ftp)://\w|(?:^|[\s(*_~])www\.\w|[\w.+-]@\w|(?:^|\W)@\w|\bGH-\d|(?:clos|fix|resolv)[a-z]*:?\s+#\d|[^\s(]#\d"
)


@dataclass(frozen=True)
class Page:
    """The markup of a page, in its order, without what it holds; and its texts, as they were between the markup."""

    markup: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def made_by_github(self) -> list[str]:
        """What in the texts GitHub would make links and calls of."""
        return [found[0] for text in self.texts for found in _BY_ITSELF.finditer(text)]


def rendered(markdown: str) -> Page:
    markup: list[str] = []
    texts: list[str] = []
    _read(_GITHUB.parse(markdown), markup, texts)
    return Page(tuple(markup), tuple(texts))


def _read(tokens: list[Token], markup: list[str], texts: list[str]) -> None:
    fresh, linked = True, False
    for token in tokens:
        linked = token.type == "link_open" or (linked and token.type != "link_close")
        if token.type == "inline":
            _read(token.children or [], markup, texts)
        elif token.type in {"text", "text_special"}:
            if linked:
                continue  # inside of a link nothing is linked, and nobody is called
            if fresh or not texts:
                texts.append("")
            texts[-1] += token.content
            fresh = False
            continue
        elif token.type in {"html_inline", "html_block"} and not _COMMENT.sub("", token.content).strip():
            pass  # a comment of ours is no markup, but it ends what GitHub reads as one word
        else:
            markup.append(" ".join([token.type, token.tag, *(str(v) for v in (token.attrs or {}).values())]))
        fresh = True
