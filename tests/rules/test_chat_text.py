"""What others write is shown in a chat or a mail, and obeyed in none."""
# ruff: noqa: RUF001 - signs that look alike, on purpose

import pytest
from hostile import thousand, values
from hypothesis import given

from tasks.rules.chat_text import address, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the order report is wanted", "the order report is wanted"),
        ("resources.jobs.legacy_export, __init__", "resources.jobs.legacy_export, ˍˍinitˍˍ"),
        ("<!channel> <@U123> @everyone <at>rosa</at>", "‹!channel› ‹＠U123› ＠everyone ‹at›rosa‹/at›"),
        ("[pay here](https://evil.example)", "(pay here)(https://evil.example)"),
        ("<https://evil.example|GitHub>", "‹https://evil.example¦GitHub›"),
        ("**bold** ~gone~ `code` _slanted_", "∗∗bold∗∗ ∼gone∼ 'code' ˍslantedˍ"),
        ("<script>alert(1)</script> &amp;", "‹script›alert(1)‹/script› ＆amp;"),
        ("{{token}} {% raw %} {{{{x}}}}", "{ {token} } { % raw % } { { { {x} } } }"),
        ("one\ntwo\r\n# three\x00\x1b[31m", "one two # three (31m"),
        ("right\u202eto left\u200b", "right to left"),
        ("x" * 400, "x" * 298 + " …"),
    ],
)
def test_nothing_in_it_means_anything(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://github.com/acme/lakehouse/pull/7", "https://github.com/acme/lakehouse/pull/7"),
        ("http://127.0.0.1:4200/runs/flow-run/7", "http://127.0.0.1:4200/runs/flow-run/7"),
        ("https://x.example/a b|c>(d)@e", "https://x.example/a%20b%7Cc%3E%28d%29%40e"),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_an_address_stands_by_itself(url: str, shown: str) -> None:
    assert address(url) == shown


@given(text=values)
@thousand
def test_whatever_somebody_writes_is_one_line_without_signs(text: str) -> None:
    shown = plain(text)

    assert shown.isprintable()
    assert len(shown) <= 300
    assert not set(shown) & set("<>@&*~|`\\[]")
    assert not [sign for sign in ("{{", "}}", "{%", "{#") if sign in shown]
    assert plain(shown) == shown
