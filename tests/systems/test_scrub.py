"""No secret leaves a system module, in whatever form it travels."""

import base64
import json
from urllib.parse import quote

import pytest

from tasks.rules.errors import NeedsHuman
from tasks.systems.scrub import Scrubber

SECRET = "p/q+r s=7&%é-secret"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(SECRET, id="as it is"),
        pytest.param(quote(SECRET, safe=""), id="in a URL"),
        pytest.param(json.dumps({"value": SECRET}), id="in JSON"),
        pytest.param(base64.b64encode(SECRET.encode()).decode(), id="in base64"),
        pytest.param(
            base64.b64encode(f"client-1:{SECRET}".encode()).decode(), id="client and secret in base64"
        ),
        pytest.param(base64.b64encode(f"xy:{SECRET}\n".encode()).decode(), id="another alignment"),
        pytest.param(base64.urlsafe_b64encode(f"z:{SECRET}".encode()).decode(), id="URL-safe base64"),
    ],
)
def test_a_known_secret_is_masked_in_every_form(written: str) -> None:
    scrubbed = Scrubber([SECRET]).text(f"before {written} after")

    assert "***" in scrubbed
    assert "before" in scrubbed
    assert "after" in scrubbed
    for part in (SECRET[:8], base64.b64encode(SECRET.encode())[4:12].decode()):
        assert part not in scrubbed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ghp_0123456789abcdefABCDEF is a token", "*** is a token"),
        ("github_pat_11ABCDEF0_abcdefgh", "***"),
        ("DATABRICKS_TOKEN dapi0123456789abcdef0123456789abcdef-2", "DATABRICKS_TOKEN ***"),
        ("secret dose0123456789abcdef0123456789abcdef", "secret ***"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ('{"Authorization": "Basic Y2xpZW50OnNlY3JldA=="}', '{"Authorization": "Basic ***"}'),
        ("got Bearer abcdef0123 back", "got Bearer *** back"),
        (
            "https://x-access-token:abc@github.com/acme/lakehouse.git",
            "https://***@github.com/acme/lakehouse.git",
        ),
        ("POST /token?client_secret=abcdef&scope=all", "POST /token?client_secret=***&scope=all"),
        ("jwt eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln rest", "jwt *** rest"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\nnext", "***\nnext"),
    ],
)
def test_what_looks_like_a_token_is_masked(text: str, expected: str) -> None:
    assert Scrubber().text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Basic authentication failed for the service principal",
        "set DABFLOW_TARGET_PROD_CLIENT_SECRET where the worker is started",
        "http://127.0.0.1:8080/api/2.0/preview/scim/v2/Me answered 401",
        "commit 9f2c1e0d9f2c1e0d9f2c1e0d9f2c1e0d9f2c1e0d",
        '{"plan_version": 2, "plan": {"resources.jobs.daily_report": {"action": "create"}}}',
        "Error: default auth: client_secret=***. Env: DATABRICKS_CLIENT_SECRET",
        "dose of 16 mg",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert Scrubber(["", " ", "ab"]).text(text) == text


def test_json_stays_json() -> None:
    plan = json.dumps({"header": f"Bearer {SECRET}", "list": [SECRET], "url": f"https://u:{SECRET}@h/"})

    assert json.loads(Scrubber([SECRET]).text(plan))["list"] == ["***"]


def test_an_error_is_scrubbed_with_everything_it_came_from() -> None:
    problem = NeedsHuman(f"{SECRET} was refused", "rotate it")
    problem.add_note(f"note about {SECRET}")
    problem.__cause__ = OSError(13, f"denied for {SECRET}", [SECRET.encode()])

    scrubbed = Scrubber([SECRET]).scrubbed(problem)

    assert scrubbed is problem
    assert str(scrubbed) == "*** was refused\n  what to do: rotate it"
    assert scrubbed.problem == "*** was refused"
    assert scrubbed.__notes__ == ["note about ***"]
    assert scrubbed.__cause__ is not None
    assert SECRET not in str(scrubbed.__cause__.args)


def test_a_key_of_many_lines_is_masked_line_by_line() -> None:
    key = "first-line-of-the-key\nsecond-line-of-the-key"

    assert Scrubber([key]).text("> second-line-of-the-key") == "> ***"
