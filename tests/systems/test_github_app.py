"""dabflow as an App: where it signs in, who it is, and what goes wrong only for Apps."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hub_place import SLUG, Place

from sandbox.github.hub import real_time
from sandbox.github.render.people import APP_ID, INSTALLATION_ID
from tasks.by_people import insist_on_write_access
from tasks.rules.errors import NeedsHuman
from tasks.systems import connections
from tasks.systems.git_push import push
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.one_step import one_step

pytest_plugins = ["hub_fixtures"]

TOKENS = f"POST /app/installations/{INSTALLATION_ID}/access_tokens"


@pytest.fixture
def app(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The same place; dabflow acts as the App, and holds no token."""
    monkeypatch.delenv("DABFLOW_GITHUB_TOKEN")
    monkeypatch.setenv("DABFLOW_GITHUB_APP_ID", str(APP_ID))
    monkeypatch.setenv("DABFLOW_GITHUB_PRIVATE_KEY", place.hub.app_key())
    return place


def all_but(place: Place, name: str, level: str = "") -> dict[str, str]:
    """The App's permissions, one of them taken away or made less."""
    others = {n: lv for n, lv in place.hub.hub.state.app.permissions.items() if n != name}
    return others | ({name: level} if level else {})


def other_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    formats = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, *formats).decode()


def test_it_acts_as_its_bot_everywhere(app: Place) -> None:
    app.branch("release/1.4.0")
    head = app.commit("a.txt", "a", "feat: a")
    hub = GitHubRepo(SLUG)

    hub.open_pull_request("release/1.4.0", "main", title="Release 1.4.0", body="")
    pull = hub.pull_requests("release/1.4.0", "main")[0]
    hub.add_comment(pull.number, "<!-- dabflow: x -->\nhello")
    push(Mirror(SLUG).fetch(), "refs/heads/hotfix/1.3.1", head, seen=None)

    assert hub.me == pull.author == "dabflow[bot]"
    assert hub.comment(pull.number, "<!-- dabflow: x -->") is not None, "our own comment is known as ours"
    assert Mirror(SLUG).fetch().branches()["hotfix/1.3.1"] == head
    assert hub.own_permission() == "write"
    insist_on_write_access(hub)


def test_the_app_goes_before_a_token(app: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", app.token("ravi"))

    assert GitHubRepo(SLUG).me == "dabflow[bot]"


def test_the_key_may_lie_in_a_file_or_on_one_line(
    app: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_PRIVATE_KEY", app.hub.app_key().replace("\n", "\\n"))
    assert GitHubRepo(SLUG).me == "dabflow[bot]"
    monkeypatch.delenv("DABFLOW_GITHUB_PRIVATE_KEY")
    (tmp_path / "key.pem").write_text(app.hub.app_key())
    monkeypatch.setenv("DABFLOW_GITHUB_PRIVATE_KEY_FILE", str(tmp_path / "key.pem"))
    assert GitHubRepo(SLUG).me == "dabflow[bot]"


def test_a_step_has_one_token_for_the_api_and_for_git(app: Place) -> None:
    for _ in range(2):
        with one_step():
            assert GitHubRepo(SLUG).ref("heads/main") == Mirror(SLUG).fetch().branches()["main"]
            assert GitHubRepo(SLUG).ref("heads/main")

    assert app.asked().count(TOKENS) == 2, "one for each step"


def test_a_token_that_ends_in_the_middle_of_a_step_is_renewed(app: Place) -> None:
    """The same client goes on, and git too."""
    app.hub.change_app(token_seconds=10)
    with one_step():
        hub, mirror = GitHubRepo(SLUG), Mirror(SLUG)
        assert hub.ref("heads/main") == hub.ref("heads/main")
        app.hub.change_app(token_seconds=3600)
        app.hub.set_clock(lambda: real_time() + timedelta(seconds=30))

        assert hub.ref("heads/main")
        assert mirror.fetch().branches()

    assert app.asked().count(TOKENS) == 3, "one for each request while they are short, then one for all"


def test_known_secrets_hold_what_a_step_has_read(app: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    key = app.hub.app_key()
    monkeypatch.delenv("DABFLOW_GITHUB_PRIVATE_KEY")
    file = app.work / "key.pem"
    file.write_text(key)
    monkeypatch.setenv("DABFLOW_GITHUB_PRIVATE_KEY_FILE", str(file))

    with one_step():
        assert GitHubRepo(SLUG).ref("heads/main")
        known = connections.known_secrets()
    assert key in known
    assert any(value.startswith("ghs_") for value in known)
    assert key not in connections.known_secrets(), "outside of the step nothing is left"


def test_a_key_of_another_app(app: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_PRIVATE_KEY", other_key())

    with pytest.raises(
        NeedsHuman, match="the private key from the environment is not one of its keys"
    ) as stop:
        GitHubRepo(SLUG).ref("heads/main")

    assert "PRIVATE KEY" not in str(stop.value)


@pytest.mark.parametrize("key", ["not a key", "-----BEGIN RSA PRIVATE KEY-----\nbm9uZQ==\n-----END"])
def test_a_key_that_is_none(app: Place, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_PRIVATE_KEY", key)
    before = app.asked()

    with pytest.raises(NeedsHuman, match="is no RSA key as PEM text") as stop:
        GitHubRepo(SLUG).ref("heads/main")

    assert key not in str(stop.value)
    assert app.asked() == before


@pytest.mark.parametrize(("hours", "way"), [(1, "behind"), (-1, "ahead of")])
def test_a_clock_that_is_off(app: Place, hours: int, way: str) -> None:
    app.hub.set_clock(lambda: real_time() + timedelta(hours=hours))

    with pytest.raises(NeedsHuman, match=rf"this worker's clock is 3\d\d\d s {way} GitHub's"):
        GitHubRepo(SLUG).ref("heads/main")


def test_an_app_that_is_not_there(app: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_APP_ID", "4712")

    with pytest.raises(NeedsHuman, match="knows no App 4712"):
        GitHubRepo(SLUG).ref("heads/main")


def test_an_app_that_is_not_installed(app: Place) -> None:
    app.hub.change_app(installed_on=["acme/other"])

    with pytest.raises(NeedsHuman, match="the App dabflow is not installed for acme/lakehouse") as stop:
        GitHubRepo(SLUG).ref("heads/main")

    assert f"{app.url}/apps/dabflow/installations/new" in stop.value.remedy


def test_an_installation_that_is_not_there(app: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_INSTALLATION_ID", "12")

    with pytest.raises(NeedsHuman, match="the App dabflow has no installation 12"):
        GitHubRepo(SLUG).ref("heads/main")

    monkeypatch.setenv("DABFLOW_GITHUB_INSTALLATION_ID", "twelve")
    with pytest.raises(NeedsHuman, match="'twelve', not a number"):
        GitHubRepo(SLUG).ref("heads/main")


def test_an_installation_that_is_suspended(app: Place) -> None:
    app.hub.change_app(suspended=True)

    with pytest.raises(NeedsHuman, match="403 This installation has been suspended"):
        GitHubRepo(SLUG).ref("heads/main")


def test_a_permission_that_is_missing_is_named(app: Place) -> None:
    app.hub.change_app(permissions=all_but(app, "pull_requests", "read"))

    with pytest.raises(NeedsHuman, match="not accessible by integration") as stop:
        GitHubRepo(SLUG).open_pull_request("develop", "main", title="x", body="x")

    assert stop.value.remedy == "give the App of DABFLOW_GITHUB_APP_ID pull_requests: write"


def test_git_may_not_push_without_contents(app: Place) -> None:
    app.hub.change_app(permissions=all_but(app, "contents", "read"))
    mirror = Mirror(SLUG).fetch()

    with pytest.raises(NeedsHuman, match="our token may not write"):
        push(mirror, "refs/heads/hotfix/1.3.1", mirror.branches()["main"], seen=None)
    with pytest.raises(NeedsHuman, match=r"dabflow\[bot\] may not write to acme/lakehouse"):
        insist_on_write_access(GitHubRepo(SLUG))


@pytest.mark.parametrize(
    ("unset", "lacks"),
    [
        ("DABFLOW_GITHUB_PRIVATE_KEY", "PRIVATE_KEY or DABFLOW_GITHUB_PRIVATE_KEY_FILE"),
        ("DABFLOW_GITHUB_APP_ID", "APP_ID"),
    ],
)
def test_half_an_app_is_no_connection(
    app: Place, monkeypatch: pytest.MonkeyPatch, unset: str, lacks: str
) -> None:
    """Not even beside a token: who sets a part of an App means the App."""
    monkeypatch.delenv(unset)
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", app.token("ravi"))

    with pytest.raises(NeedsHuman, match=f"the environment lacks DABFLOW_GITHUB_{lacks}"):
        GitHubRepo(SLUG).ref("heads/main")


def test_a_key_file_that_cannot_be_read(app: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DABFLOW_GITHUB_PRIVATE_KEY")
    monkeypatch.setenv("DABFLOW_GITHUB_PRIVATE_KEY_FILE", str(tmp_path / "gone.pem"))

    with pytest.raises(NeedsHuman, match=r"says is in .*gone\.pem, cannot be read: FileNotFoundError"):
        GitHubRepo(SLUG).ref("heads/main")
