"""What the stand-in lacks it refuses by name, and nothing is done: never a shrug. Among it whole recordings.

25 a plan file, 36 the terraform engine, 39 immutable folders and job_runs; of 30 scripts and OIDC tokens, of 37
unbind. What is like the direct engine there is held to, for both commands.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_lab import SP, Lab, standin
from cli_recordings import Recording, assert_same

PLAN = "bundle plan -t staging"
OIDC: dict[str, str | None] = {"DATABRICKS_TOKEN": None, "DATABRICKS_CLIENT_ID": SP}


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Lab]:
    """A lab for the stand-in only."""
    opened = Lab(standin(tmp_path / "bin"), tmp_path)
    yield opened
    opened.stop()


def _assert_refused(lab: Lab, words: str, what: str, **changes: str | None) -> None:
    result = lab.run(words, folder=None, **changes)
    assert result.exit_code == 1, f"{words}: {result.stderr}"
    refusal = f"Error: the sandbox's databricks does not support {what}: use the real CLI\n"
    assert result.stderr.removeprefix("Building lakehouse_wheel...\n") == refusal
    assert not [r for r in result.requests if r["method"] in {"PUT", "DELETE"} or "create" in r["path"]]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (Recording("25-plan-file/2-deploy-first-plan").words, "--plan"),
        (Recording("25-plan-file/3-deploy-first-plan-again").words, "--plan"),
        (Recording("25-plan-file/5-deploy-plan-while-config-moved-on").words, "--plan"),
        (Recording("25-plan-file/6-deploy-stale-plan").words, "--plan"),
        (Recording("25-plan-file/7-plan-file-missing").words, "--plan"),
        (Recording("25-plan-file/8-plan-of-another-cli-version").words, "--plan"),
        (Recording("25-plan-file/9-plan-of-another-format").words, "--plan"),
        (Recording("37-bind-orphans/6-unbind").words, "`databricks bundle deployment unbind`"),
        ("bundle deployment migrate -t staging", "`databricks bundle deployment migrate`"),
        ("bundle run -t staging smoke_test --restart", "--restart"),
        ("bundle run -t staging smoke_test --params a=b", "--params"),
        ("bundle deploy -t staging -c 1234", "--cluster-id"),
        ("bundle plan -t staging --debug", "--debug"),
        ("bundle validate -p staging", "--profile"),
        ("bundle init default-python", "`databricks bundle init`"),
        ("clusters list", "`databricks clusters`"),
    ],
)
def test_commands_and_flags(ours: Lab, words: str, what: str) -> None:
    _assert_refused(ours, words, what)


SCRIPTS = ("experimental: {scripts: {preinit: echo}}", "`experimental.scripts`")
IMMUTABLE = ("experimental: {immutable_folder: true}", "`experimental.immutable_folder`")
JOB_RUNS = ("resources: {job_runs: {now: {}}}", "`resources.job_runs`")


@pytest.mark.parametrize(
    ("recording", "setting"),
    [
        ("39-job-runs-on-deploy/1-validate", JOB_RUNS),
        ("39-job-runs-on-deploy/2-plan", JOB_RUNS),
        ("39-job-runs-on-deploy/3-deploy", JOB_RUNS),
        ("39-immutable-folder/1-validate", IMMUTABLE),
        ("39-immutable-folder/2-plan-json", IMMUTABLE),
        ("39-immutable-folder/3-deploy", IMMUTABLE),
        ("30-environment/plan-runs-scripts", SCRIPTS),
        ("30-environment/validate-runs-preinit-script", SCRIPTS),
        ("30-environment/restricted-execution-with-scripts", SCRIPTS),
        ("", ("resources: {schemas: {s: {name: s, catalog_name: c}}}", "`resources.schemas`")),
        ("", ("resources: {volumes: {v: {name: v}}}", "`resources.volumes`")),
        (
            "",
            ("experimental: {skip_artifact_cleanup: true}", "`experimental.skip_artifact_cleanup`"),
        ),
        ("", ("python: {resources: [a:b]}", "`python`")),
        ("", ("scripts: {a: {content: echo}}", "`scripts`")),
        ("", ("workspace: {azure_tenant_id: x}", "`workspace.azure_tenant_id`")),
    ],
)
def test_settings_of_a_bundle(ours: Lab, recording: str, setting: tuple[str, str]) -> None:
    text, what = setting
    path = ours.bundle / "databricks.yml"
    path.write_text(f"{path.read_text()}\n{text}\n")
    _assert_refused(ours, Recording(recording).words if recording else PLAN, what)


@pytest.mark.parametrize(
    ("recording", "changes", "what"),
    [
        (
            "30-environment/env-oidc",
            {**OIDC, "DATABRICKS_AUTH_TYPE": "env-oidc", "DATABRICKS_OIDC_TOKEN": "x"},
            "authentication by `env-oidc`",
        ),
        (
            "36-terraform-engine/plan-engine-terraform-env",
            {"DATABRICKS_BUNDLE_ENGINE": "terraform"},
            "DATABRICKS_BUNDLE_ENGINE=terraform",
        ),
        (
            "36-terraform-engine/deploy-engine-terraform-env",
            {"DATABRICKS_BUNDLE_ENGINE": "terraform"},
            "DATABRICKS_BUNDLE_ENGINE=terraform",
        ),
        *(
            ("", {name: "x"}, f"the variable {name}")
            for name in ("DATABRICKS_CONFIG_PROFILE", "DATABRICKS_CLUSTER_ID", "DATABRICKS_LOG_LEVEL")
        ),
    ],
)
def test_variables(ours: Lab, recording: str, changes: dict[str, str | None], what: str) -> None:
    _assert_refused(ours, Recording(recording).words if recording else PLAN, what, **changes)


def test_credentials_from_a_file(ours: Lab) -> None:
    """The real command would look there when the environment has none."""
    file = ours.home / ".databrickscfg"
    file.write_text("[DEFAULT]\ntoken = secret-of-a-file\n")
    _assert_refused(ours, "bundle validate -t staging", f"credentials from {file}", DATABRICKS_TOKEN=None)


def test_a_version_is_told_whatever_the_environment_says(ours: Lab) -> None:
    assert ours.run("version", DATABRICKS_CONFIG_PROFILE="x").exit_code == 0


def test_plans_as_json(lab: Lab) -> None:
    """What recording 25 does with plans is refused; making them is not."""
    assert_same(lab, "25-plan-file/1-plan-first")
    assert lab.run("bundle deploy -t staging").exit_code == 0
    # The second deploy: recorded, it made everything twice. Here it makes one job again.
    lab.api("POST", "/api/2.2/jobs/delete", {"job_id": lab.ids()["smoke_test"]})
    assert lab.run("bundle deploy -t staging").exit_code == 0
    lab.edit("resources/daily_report.yml", "0 0 6", "0 5 6")
    assert_same(lab, "25-plan-file/4-plan-change")


def test_an_engine_that_is_named(lab: Lab) -> None:
    """Where there is a state its engine counts, whatever the variable says; a wrong word is an error."""
    nope: dict[str, str | None] = {"DATABRICKS_BUNDLE_ENGINE": "nope"}
    assert_same(lab, "36-terraform-engine/validate-engine-garbage", environment=nope)
    direct: dict[str, str | None] = {"DATABRICKS_BUNDLE_ENGINE": "direct"}
    # Recorded after a deploy by terraform that had the files up.
    lab.fault(kind="before", path=".*/jobs/create|/api/2.0/pipelines", status=500, times=9)
    assert lab.run("bundle deploy -t staging").exit_code == 1
    lab.calm()
    assert_same(lab, "36-terraform-engine/deploy-direct", environment=direct)
    terraform: dict[str, str | None] = {"DATABRICKS_BUNDLE_ENGINE": "terraform"}
    assert_same(lab, "36-terraform-engine/plan-terraform-env-on-direct-state", environment=terraform)


def test_a_field_that_does_nothing(lab: Lab) -> None:
    file = lab.bundle / "databricks.yml"
    file.write_text(f"{file.read_text()}\nexperimental:\n  record_deployment_history: true\n")
    assert_same(lab, "39-deployment-history/1-deploy")
