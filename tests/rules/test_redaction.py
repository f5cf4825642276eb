"""A secret that somebody left in a bundle is not handed on to everyone who reads the plan."""

import pytest

from tasks.rules.redaction import REDACTED, redacted, without

DAPI = "dapi" + "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spark_env_vars.DB_PASSWORD", "hunter2"),
        ("spark_env_vars.ApiToken", "hunter2"),
        ("spark_conf['fs.azure.account.key.acme.dfs.core.windows.net']", "hunter2"),
        ("tasks[task_key='x'].client_secret", "hunter2"),
        ("secret.value", "hunter2"),
        ("aws_access_key_id", "hunter2"),
    ],
)
def test_a_value_is_hidden_by_the_name_of_its_key(path: str, value: str) -> None:
    assert redacted(path, value) == REDACTED


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"curl -H {DAPI}", f"curl -H {REDACTED}"),
        ("jdbc:x://sa:hunter2@db:5432/y", f"jdbc:x://{REDACTED}@db:5432/y"),
        ("ghp_" + "a" * 36, REDACTED),
        ("run --password=hunter2 --day 1", f"run --password={REDACTED} --day 1"),
        ("run --api-key hunter2", f"run --api-key {REDACTED}"),
        (["--token", "hunter2", "--day", "1"], ["--token", REDACTED, "--day", "1"]),
        ({"env": {"TOKEN": "hunter2", "N": 1}}, {"env": {"TOKEN": REDACTED, "N": 1}}),
        ({"tokens": {"a": ["x", 2]}}, {"tokens": {"a": [REDACTED, 2]}}),
    ],
)
def test_a_value_is_hidden_by_its_own_look(value: object, expected: object) -> None:
    assert redacted("parameters", value) == expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spark_env_vars.DB_PASSWORD", "{{secrets/prod/db}}"),
        ("spark_env_vars.DB_PASSWORD", "${var.password}"),
        ("secret_scope", "prod"),
        ("secret_scope_name", "prod"),
        ("max_tokens", 100),
        ("token_auth_enabled", True),
        ("tasks[task_key='refresh_token'].timeout_seconds", "60"),
        ("schedule.quartz_cron_expression", "0 0 6 * * ?"),
        ("python_file", "/Workspace/Users/x@acme.example/.bundle/files/src/extract.py"),
        ("parameters", ["--catalog", "prod", "https://host:8443/path"]),
        ("max_concurrent_runs", None),
    ],
)
def test_what_is_no_secret_is_shown(path: str, value: object) -> None:
    assert redacted(path, value) == value


def test_a_known_secret_is_hidden_wherever_it_stands() -> None:
    plan = {"jdbc": "x://sa:hunter2@db", "list": ["hunter2", 7, {"hunter2": None}]}

    assert without(plan, ["hunter2"]) == {
        "jdbc": f"x://sa:{REDACTED}@db",
        "list": [REDACTED, 7, {"hunter2": None}],
    }
