"""Text of others is shown as it is and cut cleanly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import patient

from tasks.rules.markdown import code, escaped, escaped_line, limited, link


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a\n  b", "a b"),
        ("<b>*_x_*", r"\<b\>\*\_x\_\*"),
        ("a & b", r"a \& b"),
        ("@rita", "@<!-- -->rita"),
        ("\u202egpj", "\\\\u202egpj"),
        ("costs $5", r"costs \$5"),
    ],
)
def test_escaped(text: str, expected: str) -> None:
    assert escaped(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("# x", r"\# x"), ("- x", r"\- x"), ("12. x", r"12\. x"), ("2) x", r"2\) x"), ("1.4.0 x", r"1\.4.0 x")],
)
def test_a_line_begins_nothing(text: str, expected: str) -> None:
    assert escaped_line(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", "`x`"),
        ("", "` `"),
        ("a`b", "``a`b``"),
        ("`a``", "``` `a`` ```"),
        ("a\nb", "`a\\nb`"),
        ("a\u202eb\u200b", "`a\\u202eb\\u200b`"),
        ("über", "`über`"),
    ],
)
def test_code(text: str, expected: str) -> None:
    assert code(text) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x/a(b) c", "[#1](https://x/a%28b%29%20c)"),
        ("http://127.0.0.1:1/x", "[#1](http://127.0.0.1:1/x)"),
        ("javascript:alert(1)", "#1"),
        ("", "#1"),
        (None, "#1"),
    ],
)
def test_link(url: str | None, expected: str) -> None:
    assert link("#1", url) == expected


def test_a_short_text_is_left_alone() -> None:
    assert limited("x" * 65_536) == "x" * 65_536


def test_a_long_text_is_cut_at_a_line_and_says_so() -> None:
    text = "".join(f"- line {number}\n" for number in range(10_000))

    cut = limited(text, 1000, rest="the whole plan is an artifact of the run")

    kept, _, note = cut.rstrip().rpartition("\n\n")
    assert text.startswith(f"{kept}\n")
    left_out = len(text.splitlines()) - len(kept.splitlines())
    assert f"*{left_out:,} more lines".replace(",", "") in note
    assert note.endswith("are left out: the whole plan is an artifact of the run.*")


def test_an_open_code_block_is_closed() -> None:
    text = "```sh\n" + "echo\n" * 1000 + "```\n"

    assert limited(text, 1000).split("\n\n")[0].splitlines()[-1] == "```"


@patient
@given(st.text(), st.integers(min_value=1, max_value=500))
def test_it_always_fits(text: str, characters: int) -> None:
    assert len(limited(text * 3, characters)) <= characters


@patient
@given(st.text())
def test_a_code_span_is_one_line_between_equal_fences(text: str) -> None:
    span = code(text)

    fence = span[: len(span) - len(span.lstrip("`"))]
    assert span.endswith(fence)
    assert "\n" not in span
    assert fence not in span[len(fence) : -len(fence)]
