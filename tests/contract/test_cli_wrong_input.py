"""Wrong bundles, wrong words, wrong credentials, and a workspace that refuses: recordings 20."""

import re

import pytest
from cli_lab import SECRET, SP, Lab
from cli_recordings import Recording, assert_matches, assert_same

SMOKE = "resources/smoke_test.yml"
UNAUTHENTICATED = {"error_code": "UNAUTHENTICATED", "message": "Token is invalid"}
DENIED = {"error_code": "PERMISSION_DENIED", "message": "User does not have permission"}


def test_a_bundle_that_is_wrong(lab: Lab) -> None:
    assert_same(lab, "20-errors/default-target")
    whole = (lab.bundle / SMOKE).read_text()
    (lab.bundle / SMOKE).write_text(f"{whole}      no_such_field: 1\n")
    for name in ("unknown-field-validate", "unknown-field-validate-strict", "unknown-field-plan"):
        assert_same(lab, f"20-errors/{name}")
    (lab.bundle / SMOKE).write_text(whole.replace("name: smoke_test", "name: ${var.nope}"))
    for name in ("unknown-variable-validate", "unknown-variable-validate-json"):
        assert_same(lab, f"20-errors/{name}")
    (lab.bundle / SMOKE).write_text(whole.replace("src/smoke.py", "src/gone.py"))
    assert_same(lab, "20-errors/missing-file-validate")
    (lab.bundle / SMOKE).write_text(f"{whole}      tags: [a, b\n")
    for name in ("invalid-yaml-validate", "invalid-yaml-plan"):
        assert_same(lab, f"20-errors/{name}")


def test_a_target_that_is_not_there(lab: Lab) -> None:
    """The real command names the targets in any order."""
    name = "20-errors/unknown-target"
    recorded = Recording(name)
    result = lab.run(recorded.words)
    assert sorted(re.findall(r"\w+", result.stderr)) == sorted(re.findall(r"\w+", recorded.stderr))
    result.stderr = recorded.stderr
    assert_matches(lab, recorded, result, name)


def test_a_folder_without_a_bundle(lab: Lab) -> None:
    empty = lab.folder / "empty"
    empty.mkdir()
    assert_same(lab, "20-errors/not-a-bundle", folder=empty)


def test_words_that_are_no_command(lab: Lab) -> None:
    """An unknown flag is an error. An unknown command prints help and exits 0, so an old CLI looks fine."""
    for name in ("unknown-flag", "unknown-subcommand"):
        assert_same(lab, f"20-errors/{name}")


def test_credentials_that_are_missing_or_too_many(lab: Lab) -> None:
    nothing: dict[str, str | None] = {"DATABRICKS_TOKEN": None}
    assert_same(lab, "20-errors/no-auth", environment={**nothing, "DATABRICKS_HOST": None})
    assert_same(lab, "20-errors/host-without-credentials", environment=nothing, log_in=True)
    both: dict[str, str | None] = {"DATABRICKS_CLIENT_ID": SP, "DATABRICKS_CLIENT_SECRET": SECRET}
    assert SECRET not in assert_same(lab, "20-errors/pat-and-oauth-both", environment=both).stderr


def test_a_host_that_nobody_knows(lab: Lab) -> None:
    """Who was asked for the address, and in which words that failed, is the machine's."""
    elsewhere = lab.folder / "elsewhere"
    elsewhere.mkdir()
    recorded = Recording("20-errors/unknown-host-me")
    host = "https://no-such-host.invalid"
    result = lab.run(recorded.words, folder=elsewhere, DATABRICKS_HOST=host)
    assert (result.exit_code, result.stdout) == (recorded.exit_code, recorded.stdout)
    start, _, _ = recorded.stderr.partition(" on [DNS]")
    assert result.stderr.startswith(start)


@pytest.mark.parametrize(("status", "body"), [(401, UNAUTHENTICATED), (403, DENIED)])
def test_a_workspace_that_refuses(lab: Lab, status: int, body: dict[str, str]) -> None:
    """At the log-in, at the state, at the lock and at creating jobs."""
    refuse = {"kind": "refuse", "status": status, "body": body, "times": 9}
    lab.fault(path=".*/Me", **refuse)
    assert_same(lab, f"20-errors/me-{status}", environment={"DATABRICKS_CACHE_ENABLED": "false"})
    lab.calm()
    lab.fault(path=".*/get-status", query="resources.json", **refuse)
    assert_same(lab, f"20-errors/state-read-{status}")
    lab.calm()
    lab.fault(path=".*deploy.lock", **refuse)
    assert_same(lab, f"20-errors/lock-write-{status}")
    lab.calm()


def test_a_workspace_that_refuses_to_create_jobs(lab: Lab) -> None:
    """What could be created stays; the next deploy creates the rest, from whatever the checkout remembers."""
    for status, body in ((401, UNAUTHENTICATED), (403, DENIED)):
        lab.fault(kind="refuse", path=".*/jobs/create", status=status, body=body, times=9)
        assert_same(lab, f"20-errors/jobs-create-{status}")
        lab.calm()
        assert_same(lab, f"20-errors/jobs-create-{status}-then-deploy-again")
        lab.empty_workspace()
