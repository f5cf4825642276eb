"""The doctor tells a world that is fine from worlds that are not: each is really broken, and what is read is golden."""

import io
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from databricks.sdk.service.workspace import ImportFormat
from golden_files import Golden
from playing import SLUG, People
from rich.console import Console
from stages import forget_faults, opened

from deployments.commands.doctor import show
from sandbox.github.records import Protection, Ruleset
from sandbox.world import World, copy_world
from tasks.doctor import (
    databricks_findings,
    examined,
    git_findings,
    look_at_git,
    look_at_github,
    look_at_settings,
    look_at_target,
)
from tasks.rules.findings import Finding, as_json, exit_code
from tasks.rules.settings import ReleaseSettings, settings_of
from tasks.standing import production_settings
from tasks.systems.git_repo import Mirror
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace

TAGS = {"id": 7, "name": "releases", "target": "tag", "enforcement": "active", "include": ["refs/tags/*"]}
KEPT = [{"type": "update"}, {"type": "deletion"}]


@pytest.fixture(scope="module")
def patient(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all of these: each test leaves it as it was."""
    with opened(copy_world(seeded, tmp_path_factory.mktemp("patient") / "world")) as world:
        yield world


@pytest.fixture
def mended(patient: World) -> Iterator[World]:
    """What a test breaks in GitHub's records, in the environment or by faults is as before afterwards."""
    before = repository(patient).model_copy(deep=True)
    teams = [team.model_copy(deep=True) for team in patient.github.hub.state.teams]
    yield patient
    patient.github.hub.state.repositories[SLUG] = before
    patient.github.hub.state.teams[:] = teams
    forget_faults(patient)


def repository(world: World) -> Any:
    return world.github.hub.state.repositories[SLUG]


def told(findings: list[Finding], world: World, *, fine: bool = False) -> str:
    """What people read of it, with what differs each time left out."""
    text = io.StringIO()
    show([f for f in findings if fine or f.severity != "ok"], Console(file=text, width=200))
    return plain(text.getvalue(), world)


def plain(text: str, world: World) -> str:
    for name, url in (("github", world.github_url), *world.workspace_urls.items()):
        text = text.replace(url, f"https://{name}.example")
    text = text.replace(str(world.folder), "/sandbox").replace(str(Path.home()), "~")
    text = re.sub(r"/\S*/databricks\b", "/bin/databricks", text)
    text = re.sub(r"git version \S+", "git version 2.x", text)
    text = re.sub(r"clock is \d+ s", "clock is N s", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "SHA", text)
    text = re.sub(r"at [0-9a-f]{12}\b", "at COMMIT", text)
    return re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*", "TIME", text)


def hub(**settings: Any) -> list[Finding]:
    mirror = Mirror(SLUG).fetch()
    meant = production_settings(mirror)
    return look_at_github(
        SLUG, meant.model_copy(update=settings_of(settings, source="it").__dict__ if settings else {})
    )


def target(name: str = "prod") -> list[Finding]:
    mirror = Mirror(SLUG).fetch()
    return look_at_target(mirror, production_settings(mirror), name, able=True)[0]


def file(text: str) -> Callable[[World], list[Finding]]:
    """What is said of a release.yaml with this text, on both branches, and of its smoke jobs."""

    def look(world: World) -> list[Finding]:
        people = People(world)
        kept = Mirror(SLUG).fetch().read("refs/heads/develop", "release.yaml") or ""
        rules = repository(world).protections
        repository(world).protections = {}
        try:
            for branch in ("develop", "main"):
                people.commit_to(branch, "release.yaml", text)
            return look_at_settings(Mirror(SLUG).fetch())[1]
        finally:
            for branch in ("develop", "main"):
                people.commit_to(branch, "release.yaml", kept)
            repository(world).protections = rules

    return look


def fault(world: World, url: str, **rule: Any) -> None:
    httpx.post(f"{url}/_sandbox/faults", json=rule).raise_for_status()


# -- worlds: each is broken, looked at where it is broken, and mended by the fixture


def no_merge_commits(world: World) -> list[Finding]:
    repository(world).allow_merge_commit = False
    return hub()


def linear_history(world: World) -> list[Finding]:
    repository(world).protections["main"] = Protection(linear_history=True)
    rule = {**TAGS, "id": 8, "name": "straight", "target": "branch", "include": ["refs/heads/develop"]}
    repository(world).rulesets.append(ruleset(world, rule, [{"type": "required_linear_history"}]))
    return hub()


def ruleset(world: World, about: dict[str, Any], rules: list[dict[str, Any]], **more: Any) -> Ruleset:
    return Ruleset(**{**about, "rules": rules, "created_at": repository(world).created_at, **more})


def nothing_protected(world: World) -> list[Finding]:
    repository(world).protections = {}
    return hub()


def tags_guarded(world: World) -> list[Finding]:
    repository(world).rulesets.append(ruleset(world, TAGS, KEPT))
    return [f for f in hub() if "tags" in f.what]


def tags_blocked(world: World) -> list[Finding]:
    repository(world).rulesets.append(ruleset(world, TAGS, [*KEPT, {"type": "creation"}]))
    return hub()


def somebody_bypasses(world: World) -> list[Finding]:
    world.github.hub.state.accounts["dabflow-bot"].role = repository(world).collaborators["dabflow-bot"] = (
        "admin"
    )
    repository(world).rulesets.append(ruleset(world, TAGS, KEPT, bypass_actors=[{"actor_id": 1}]))
    try:
        return hub()
    finally:
        world.github.hub.state.accounts["dabflow-bot"].role = "write"


def only_reads(world: World) -> list[Finding]:
    repository(world).collaborators["dabflow-bot"] = "read"
    return hub()


def no_develop(world: World) -> list[Finding]:
    return hub(branches={"develop": "next"})


def no_such_team(world: World) -> list[Finding]:
    return hub(approval={"approvals": [{"from": "nobody"}]})


def team_too_small(world: World) -> list[Finding]:
    world.github.hub.state.teams[0].members[:] = ["ravi"]
    slug = world.github.hub.state.teams[0].slug
    return hub(approval={"approvals": [{"from": slug, "count": 2}]})


def reviewer_reads(world: World) -> list[Finding]:
    return hub(reviewers=["oskar"])


def token_refused(world: World) -> list[Finding]:
    os.environ["DABFLOW_GITHUB_TOKEN"] = "github_pat_of_nobody"
    return [*look_at_git(SLUG)[0], *look_at_github(SLUG, ReleaseSettings())]


def no_connection(world: World) -> list[Finding]:
    del os.environ["DABFLOW_GITHUB_TOKEN"]
    return look_at_github(SLUG, ReleaseSettings())


def github_is_down(world: World) -> list[Finding]:
    fault(world, world.github_url, kind="before", path=".*", status=503, times=50)
    return look_at_github(SLUG, ReleaseSettings())


def target_without_connection(world: World) -> list[Finding]:
    del os.environ["DABFLOW_TARGET_PROD_CLIENT_SECRET"]
    return target()


def target_refuses(world: World) -> list[Finding]:
    os.environ["DABFLOW_TARGET_PROD_CLIENT_SECRET"] = "wrong"
    return target()


def another_host(world: World) -> list[Finding]:
    os.environ["DABFLOW_TARGET_PROD_HOST"] = world.workspace_urls["staging"]
    os.environ["DABFLOW_TARGET_PROD_CLIENT_ID"] = os.environ["DABFLOW_TARGET_STAGING_CLIENT_ID"]
    os.environ["DABFLOW_TARGET_PROD_CLIENT_SECRET"] = os.environ["DABFLOW_TARGET_STAGING_CLIENT_SECRET"]
    return target()


def locked(world: World) -> list[Finding]:
    root = f"/Users/{world.workspaces['prod'].principal.application_id}/.bundle/lakehouse/prod"
    lock = {"User": "rita@acme.example", "AcquisitionTime": "2026-11-24T03:00:00Z", "IsForced": False}
    client = Workspace(target_of("prod")).client
    path = f"/Workspace{root}/state/deploy.lock"
    client.workspace.upload(
        path, io.BytesIO(json.dumps(lock).encode()), format=ImportFormat.RAW, overwrite=True
    )
    try:
        return target()
    finally:
        client.workspace.delete(path)


def no_databricks(world: World) -> list[Finding]:
    os.environ["DABFLOW_DATABRICKS_CLI"] = "/nowhere/databricks"
    return databricks_findings()


def old_databricks(world: World) -> list[Finding]:
    return databricks_findings_of(world, '#!/bin/sh\necho \'{"Version": "0.205.0"}\'\n')


def databricks_findings_of(world: World, text: str) -> list[Finding]:
    program = world.folder / "other" / "databricks"
    program.parent.mkdir(exist_ok=True)
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    os.environ["DABFLOW_DATABRICKS_CLI"] = str(program)
    return databricks_findings()


def another_checksum(world: World) -> list[Finding]:
    os.environ["DABFLOW_DATABRICKS_CLI_SHA256"] = "0" * 64
    return databricks_findings()


def no_git(world: World) -> list[Finding]:
    os.environ["PATH"] = "/nowhere"
    return git_findings()


def old_git(world: World) -> list[Finding]:
    program = world.folder / "old" / "git"
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\necho git version 2.25.1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    os.environ["PATH"] = f"{program.parent}:/usr/bin:/bin"
    return git_findings()


WORLDS: dict[str, Callable[[World], list[Finding]]] = {
    "no-merge-commits": no_merge_commits,
    "linear-history": linear_history,
    "nothing-protected": nothing_protected,
    "tags-guarded": tags_guarded,
    "tags-blocked": tags_blocked,
    "somebody-bypasses": somebody_bypasses,
    "only-reads": only_reads,
    "no-develop": no_develop,
    "no-such-team": no_such_team,
    "team-too-small": team_too_small,
    "reviewer-reads": reviewer_reads,
    "token-refused": token_refused,
    "no-connection": no_connection,
    "github-is-down": github_is_down,
    "target-without-connection": target_without_connection,
    "target-refuses": target_refuses,
    "another-host": another_host,
    "locked": locked,
    "no-databricks": no_databricks,
    "old-databricks": old_databricks,
    "another-checksum": another_checksum,
    "no-git": no_git,
    "old-git": old_git,
    "file-unknown-key": file("aproval: {}\n"),
    "file-does-little": file(
        "overrides: {from: data-platform}\n"
        "checks: []\nfreezes:\n  - {name: long ago, from: 2020-01-01, until: 2020-02-01}\n"
    ),
    "file-frozen-for-ever": file(
        "smoke: {staging: [smoke_test], production: [smoke_test]}\nchecks: [{name: t, command: 'true'}]\n"
        "freezes:\n  - {name: always, rule: FREQ=DAILY, from: 2026-01-01, hours: 24}\n"
    ),
}


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_a_broken_world_is_told(name: str, mended: World, golden: Golden) -> None:
    before = dict(os.environ)
    try:
        findings = WORLDS[name](mended)
    finally:
        os.environ.clear()
        os.environ.update(before)

    golden.check(f"doctor/{name}.txt", told(findings, mended))


def test_a_healthy_world_is_told(mended: World, golden: Golden) -> None:
    repository(mended).rulesets.append(ruleset(mended, TAGS, KEPT))
    asked = len(writes(mended))

    findings = examined(SLUG)

    assert exit_code(findings) == 0
    golden.check("doctor/healthy.txt", told(findings, mended, fine=True))
    golden.check("doctor/healthy.json", plain(json.dumps(as_json(SLUG, findings), indent=1), mended) + "\n")
    assert len(writes(mended)) == asked, "it only reads"


def writes(world: World) -> list[str]:
    """Every request so far that may change something. Signing in, and what git asks a server for, changes nothing."""
    found = []
    for url in (world.github_url, *world.workspace_urls.values()):
        for request in httpx.get(f"{url}/_sandbox/requests").json():
            reads = request["method"] in {"GET", "HEAD"} or request["path"].endswith(
                ("/token", "/git-upload-pack")
            )
            if not reads:
                found.append(f"{request['method']} {request['path']}")
    return found
