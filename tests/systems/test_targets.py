"""Targets come from the environment, without their secrets."""

from pathlib import Path

import pytest

from tasks.rules.errors import NeedsHuman
from tasks.systems.target_tokens import credentials_of, secrets_in
from tasks.systems.targets import Target, same_host, target_of

HOST = "https://adb-1.azuredatabricks.net"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("PROD", "EU_PROD"):
        monkeypatch.setenv(f"DABFLOW_TARGET_{name}_HOST", f"{HOST}/")
        monkeypatch.setenv(f"DABFLOW_TARGET_{name}_CLIENT_ID", f"client of {name}")
        monkeypatch.setenv(f"DABFLOW_TARGET_{name}_CLIENT_SECRET", f"secret of {name}")
    return monkeypatch


def test_a_target_is_found_by_its_name(environment: pytest.MonkeyPatch) -> None:
    assert target_of("prod") == Target("prod", HOST, "client of PROD")
    assert target_of("eu-prod").client_id == "client of EU_PROD"


def test_a_target_holds_no_secret(environment: pytest.MonkeyPatch) -> None:
    assert "secret" not in repr(target_of("prod"))


def test_credentials_are_those_of_this_target_and_name_the_way(environment: pytest.MonkeyPatch) -> None:
    with credentials_of(target_of("prod")) as credentials:
        assert credentials == {
            "DATABRICKS_HOST": HOST,
            "DATABRICKS_CLIENT_ID": "client of PROD",
            "DATABRICKS_CLIENT_SECRET": "secret of PROD",
            "DATABRICKS_AUTH_TYPE": "oauth-m2m",
        }
        assert secrets_in(credentials) == ["secret of PROD"]


def test_credentials_are_read_at_the_moment_of_use(environment: pytest.MonkeyPatch) -> None:
    target = target_of("prod")
    environment.setenv("DABFLOW_TARGET_PROD_CLIENT_SECRET", "rotated")

    with credentials_of(target) as credentials:
        assert credentials["DATABRICKS_CLIENT_SECRET"] == "rotated"


def test_a_token_file_goes_before_a_secret(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("minted-token\n")
    environment.setenv("DABFLOW_TARGET_PROD_OIDC_TOKEN_FILEPATH", str(token_file))

    with credentials_of(target_of("prod")) as credentials:
        assert credentials["DATABRICKS_AUTH_TYPE"] == "file-oidc"
        assert credentials["DATABRICKS_OIDC_TOKEN_FILEPATH"] == str(token_file)
        assert "DATABRICKS_CLIENT_SECRET" not in credentials
        assert secrets_in(credentials) == ["minted-token"]


def test_a_token_file_that_is_not_there_is_a_stop(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("DABFLOW_TARGET_PROD_OIDC_TOKEN_FILEPATH", str(tmp_path / "token"))

    with pytest.raises(NeedsHuman, match="token file of prod cannot be read") as stop:
        target_of("prod")

    assert "DABFLOW_TARGET_PROD_OIDC_TOKEN_FILEPATH" in stop.value.remedy


def test_every_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And that there is no block either: this process knows no Prefect server."""
    for what in ("HOST", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(f"DABFLOW_TARGET_PROD_{what}", raising=False)

    with pytest.raises(NeedsHuman) as stop:
        target_of("prod")

    lacks = (
        "the environment lacks DABFLOW_TARGET_PROD_HOST and DABFLOW_TARGET_PROD_CLIENT_ID and one of"
        " DABFLOW_TARGET_PROD_CLIENT_SECRET or DABFLOW_TARGET_PROD_OIDC_TOKEN_FILEPATH or"
        " DABFLOW_TARGET_PROD_OIDC_TOKEN_COMMAND"
    )
    assert lacks in stop.value.problem
    assert "no block databricks-target/prod" in stop.value.problem
    assert "dabflow connect target prod" in stop.value.remedy


def test_credentials_never_go_to_another_workspace_than_was_meant(environment: pytest.MonkeyPatch) -> None:
    target = target_of("prod")
    environment.setenv("DABFLOW_TARGET_PROD_HOST", "https://elsewhere.example")

    with (
        pytest.raises(NeedsHuman, match=f"prod was {HOST} .* now says https://elsewhere"),
        credentials_of(target),
    ):
        pytest.fail("given out")


@pytest.mark.parametrize(
    ("host", "stops"),
    [
        ("http://127.0.0.1:8443", False),
        ("http://localhost:8443", False),
        ("adb-1.azuredatabricks.net", False),
        ("http://adb-1.azuredatabricks.net", True),
        ("https://", True),
        ("https://x:port", True),
    ],
)
def test_credentials_travel_encrypted(environment: pytest.MonkeyPatch, host: str, stops: bool) -> None:
    environment.setenv("DABFLOW_TARGET_PROD_HOST", host)

    if stops:
        with pytest.raises(NeedsHuman, match=r"unencrypted|not an address"):
            target_of("prod")
    else:
        assert target_of("prod").host.endswith(host.removeprefix("https://"))


@pytest.mark.parametrize("name", ["", "../prod", "pr od", "PROD=x"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(NeedsHuman, match="cannot be the name of a target"):
        target_of(name)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (HOST, f"{HOST}/", True),
        (HOST, "HTTPS://ADB-1.AzureDatabricks.NET:443/", True),
        (HOST, "adb-1.azuredatabricks.net", True),
        (HOST, f"{HOST}/?o=123", True),
        (HOST, "https://adb-2.azuredatabricks.net", False),
        (HOST, "http://adb-1.azuredatabricks.net", False),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081", False),
        ("http://[::1]:8080/", "http://[::1]:8080", True),
    ],
)
def test_same_host(one: str, other: str, same: bool) -> None:
    assert same_host(one, other) is same
