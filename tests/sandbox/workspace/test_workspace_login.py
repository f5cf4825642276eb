"""Who gets in, and who does not."""

import base64

import httpx
import pytest
from workspace_site import DEPLOYER, Site

TOKEN = "/oidc/v1/token"
ME = "/api/2.0/preview/scim/v2/Me"


def log_in(site: Site, secret: str = DEPLOYER.client_secret, **form: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "scope": "all-apis", **form}
    return site.client().post(TOKEN, data=form, auth=(DEPLOYER.application_id, secret))


def test_discovery_leads_to_the_token_endpoint(site: Site) -> None:
    anyone = site.client()
    config = anyone.get("/.well-known/databricks-config").json()
    found = anyone.get(f"{config['oidc_endpoint']}/.well-known/oauth-authorization-server").json()

    assert found["token_endpoint"] == f"{site.url}{TOKEN}"
    assert config["workspace_id"].isdigit()


def test_a_service_principal_logs_in_with_its_secret(site: Site) -> None:
    granted = log_in(site).json()
    me = site.client(granted["access_token"]).get(ME)

    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
    assert me.json()["userName"] == DEPLOYER.application_id
    assert me.headers["X-Databricks-Org-Id"] == site.workspace.parts.workspace_id


@pytest.mark.parametrize("secret", ["", "wrong", DEPLOYER.client_secret + "x"])
def test_a_wrong_secret_is_refused(site: Site, secret: str) -> None:
    answer = log_in(site, secret)

    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_another_kind_of_grant_is_refused(site: Site) -> None:
    answer = log_in(site, grant_type="password")

    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    "header", ["Basic !!!", "Basic " + base64.b64encode(b"\xff:x").decode(), "Bearer x", ""]
)
def test_a_broken_authorization_header_is_refused(site: Site, header: str) -> None:
    form = {"grant_type": "client_credentials"}
    answer = site.client().post(TOKEN, data=form, headers={"Authorization": header})

    assert answer.status_code == 401


def test_tokens_expire(site: Site) -> None:
    site.workspace.people.token_seconds = -1
    token = log_in(site).json()["access_token"]

    answer = site.client(token).get(ME)

    assert answer.status_code == 401
    assert answer.json() == {"error_code": "UNAUTHENTICATED", "message": "Token is invalid"}


@pytest.mark.parametrize("token", ["", "dapi-nobody"])
def test_nothing_is_answered_without_a_good_token(site: Site, token: str) -> None:
    assert site.client(token).get(ME).status_code == 401
    assert site.client(token).get("/api/2.2/jobs/list").status_code == 401


def test_a_person_has_a_token_that_names_them(site: Site) -> None:
    token = site.workspace.person("rita@acme.example")
    me = site.client(token).get(ME).json()

    assert (me["userName"], me["displayName"]) == ("rita@acme.example", "Rita")


def test_secrets_and_tokens_are_not_on_disk(site: Site) -> None:
    token = log_in(site).json()["access_token"]
    written = b"".join(path.read_bytes() for path in site.home.rglob("*") if path.is_file())

    assert token.encode() not in written
    assert DEPLOYER.client_secret.encode() not in written


def test_the_record_names_the_caller_never_the_token(site: Site) -> None:
    site.get(ME)
    recorded = site.client().get("/_sandbox/requests").json()

    assert recorded[-1]["caller"] == DEPLOYER.application_id
    assert "Bearer" not in str(recorded)
