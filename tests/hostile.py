"""What somebody may write where people or programs read it: values that try to be more than text.

Wherever they can come from: titles, reasons, branch names that git takes, fields of forms, file names.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

KIND = '{"__prefect_kind": "jinja", "template": "{{ 7 * 7 }}"}'
PARTS = (
    # GitHub Actions: commands of both forms, the files of outputs, expressions.
    "::error::owned",
    "::set-output name=url::https://evil.example",
    "##[set-output name=url;]https://evil.example",
    "##[add-mask]e",
    "::stop-commands::x",
    "\nurl=https://evil.example",
    "\nurl<<EOF\nhttps://evil.example\nEOF",
    "%0A::error::owned",
    "${{ secrets.PREFECT_API_KEY }}",
    # Shells.
    "$(touch owned)",
    "`touch owned`",
    '"; touch owned; "',
    "' || touch owned '",
    "${IFS}",
    "--help",
    # Templates: Jinja, Prefect's own, Python's and rich's.
    "{{ 7 * 7 }}",
    "{{ prefect.variables.secret }}",
    "{% for x in ().__class__.__mro__ %}x{% endfor %}",
    KIND,
    '{"__prefect_kind": "workspace_variable", "variable_name": "secret"}',
    "{release.settings}",
    "%(message)s %s",
    "[red]red[/red]",
    "[link=https://evil.example]x[/link]",
    # HTML and Markdown.
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</details></pre></code>",
    "<!-- dabflow:acme/lakehouse@1.4.0 -->",
    "-->",
    "&lt;b&gt;&#64;rita",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "[x]: https://evil.example",
    "<https://evil.example>",
    "https://evil.example/x",
    "www.evil.example",
    "a@evil.example",
    "@rita",
    "@acme/admins",
    "fixes #1",
    "acme/lakehouse#1",
    "GH-1",
    "# heading",
    "\n# heading\n",
    "- [x] item",
    "1. item",
    "> [!NOTE]\n> quoted",
    "| a | b |\n| - | - |",
    "```",
    "~~~",
    "`",
    "``` `` `",
    "\n---\n",
    "\n\n    indented",
    "**b** _i_ ~~s~~",
    "$$x$$ $x$",
    "[^1]: note",
    "\\",
    # What cannot be seen, or turns what follows.
    "\u202egpj.exe",
    "\u2066\u200b\ufeff",
    "\x1b[2J\x1b]0;owned\x07\x1b]8;;https://evil.example\x07",
    "\r\n",
    "\x85\u2028\u2029",
    "\x7f\x08\x08",
    # Paths and names.
    "../../etc/passwd",
    "x/../rita",
    "release/1.4.0",
    "\u0661.\u0664.\u0660",
    "1.4.0\n",
    "-1.4.0",
    "rita[bot]",
    "\U0001d4fb\U0001d4f2 \uff32ita \u2177",
    "A" * 300,
)

_texts = st.one_of(
    st.sampled_from(PARTS),
    st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=60),
)
values = st.lists(_texts, min_size=1, max_size=4).map("".join)

thousand = settings(
    max_examples=1_000,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
