"""What the environment decides: HOME and its caches, ways to log in, the host, folders: recordings 30."""

import shutil
from pathlib import Path

from cli_lab import SECRET, SP, Lab
from cli_recordings import assert_same

from sandbox.workspace.issuer import Issuer

Environment = dict[str, str | None]
VALIDATE, PLAN, DEPLOY = (f"bundle {word} -t staging" for word in ("validate", "plan", "deploy"))


def _home(lab: Lab, name: str) -> Environment:
    folder = lab.folder / name
    folder.mkdir()
    return {"HOME": str(folder)}


def test_homes_and_their_caches(lab: Lab) -> None:
    """Host and user are asked for once per HOME, so a revoked token still knows its user."""
    assert_same(lab, "30-environment/empty-home-validate", environment=_home(lab, "h0"), log_in=True)
    home = _home(lab, "h1")
    assert_same(lab, "30-environment/empty-home-plan", environment=home, log_in=True)
    assert_same(lab, "30-environment/second-plan-uses-the-cache-in-home", environment=home, log_in=True)
    nowhere: Environment = {"HOME": str(lab.folder / "nonexistent/home")}
    changed: dict[str, Environment] = {
        "cache-off": {**home, "DATABRICKS_CACHE_ENABLED": "false"},
        "cache-dir": {**home, "DATABRICKS_CACHE_DIR": str(lab.folder / "cachedir")},
        "HOME-does-not-exist": nowhere,
        "no-HOME-at-all": {"HOME": None},
        "no-HOME-config-dev-null": {"HOME": None, "DATABRICKS_CONFIG_FILE": "/dev/null"},
    }
    for name, environment in changed.items():
        assert_same(lab, f"30-environment/{name}", environment=environment, log_in=True)


def test_machine_to_machine(lab: Lab) -> None:
    """A token is fetched for every command; a wrong secret is tried three times and then not even named."""
    assert lab.run(VALIDATE).exit_code == 0
    m2m: Environment = {**_home(lab, "h2"), "DATABRICKS_TOKEN": None, "DATABRICKS_CLIENT_ID": SP}
    good: Environment = {**m2m, "DATABRICKS_CLIENT_SECRET": SECRET}
    for name in ("m2m-plan", "m2m-me"):
        assert_same(lab, f"30-environment/{name}", environment=good, log_in=True)
    # The recorded fake gave the same token twice; here it is another one, whose user nobody knows yet.
    assert_same(lab, "30-environment/m2m-plan-again", environment=good)
    wrong: Environment = {**m2m, "DATABRICKS_CLIENT_SECRET": "wrong"}
    assert_same(lab, "30-environment/m2m-wrong-secret", environment=wrong, log_in=True)


def test_a_token_of_somebody_the_workspace_trusts(lab: Lab) -> None:
    """It is read from a file and exchanged; no secret is sent."""
    home = _home(lab, "h2")
    assert lab.run(VALIDATE, HOME=home["HOME"]).exit_code == 0
    issuer = Issuer(lab.folder)
    lab.workspace.people.trust(SP, issuer.public_key(), "staging's deployer")
    (lab.folder / "token").write_text(issuer.token("staging's deployer"))
    environment: Environment = {
        **home,
        "DATABRICKS_TOKEN": None,
        "DATABRICKS_CLIENT_ID": SP,
        "DATABRICKS_AUTH_TYPE": "file-oidc",
        "DATABRICKS_OIDC_TOKEN_FILEPATH": str(lab.folder / "token"),
    }
    assert_same(lab, "30-environment/file-oidc", environment=environment, log_in=True)


def test_a_host_that_says_nothing_of_itself(lab: Lab) -> None:
    assert lab.run(VALIDATE).exit_code == 0
    lab.fault(kind="refuse", path="/.well-known/databricks-config", status=404, times=9)
    m2m = {"DATABRICKS_TOKEN": None, "DATABRICKS_CLIENT_ID": SP, "DATABRICKS_CLIENT_SECRET": SECRET}
    without = {**_home(lab, "h2"), **m2m}
    assert_same(lab, "30-environment/m2m-without-databricks-config", environment=without, log_in=True)
    assert lab.run(DEPLOY).exit_code == 0
    home = _home(lab, "h3")
    assert_same(lab, "30-environment/pat-without-databricks-config", environment=home, log_in=True)


def test_the_host_in_the_file_beats_the_environment(lab: Lab) -> None:
    """Without a word: the credentials go to the host in the file."""
    assert lab.run(DEPLOY).exit_code == 0
    profile = "[DEFAULT]\nhost = http://127.0.0.1:9\ntoken = nobody\n"
    (lab.home / ".databrickscfg").write_text(profile)
    assert_same(lab, "30-environment/profile-file-says-other-host")
    lab.edit("databricks.yml", "    workspace:\n", f"    workspace:\n      host: {lab.host}\n")
    for name, host in (("same", lab.host), ("other-than-env", "http://127.0.0.1:9"), ("no-env-host", None)):
        environment: Environment = {"DATABRICKS_HOST": host}
        assert_same(lab, f"30-environment/host-in-yml-{name}", environment=environment)


def test_a_folder_for_the_journal(lab: Lab) -> None:
    """DATABRICKS_BUNDLE_TMP keeps state, journal and the list of copied files."""
    assert lab.run(VALIDATE).exit_code == 0
    durable: Environment = {"DATABRICKS_BUNDLE_TMP": str(lab.folder / "btmp")}
    for name in ("bundle-tmp", "bundle-tmp-deploy"):
        assert_same(lab, f"30-environment/{name}", environment=durable)
    assert not list((lab.bundle / ".databricks").rglob("*.json"))
    assert Path(lab.folder / "btmp/staging/resources.json").exists()
    shutil.rmtree(lab.bundle / ".databricks")
    assert_same(lab, "30-environment/bundle-tmp-deploy-again-fresh-tree", environment=durable)


def test_restricted_execution_still_builds(lab: Lab) -> None:
    """It refuses scripts and Python, but runs the build command of an artifact."""
    restricted: Environment = {"DATABRICKS_BUNDLE_RESTRICTED_CODE_EXECUTION": "1"}
    assert_same(lab, "30-environment/restricted-execution-with-artifact-build", environment=restricted)
