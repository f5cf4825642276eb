"""Looking for what was changed by hand: the sandbox's workspaces and GitHub, a real `databricks`, real git."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from databricks.sdk.service.jobs import JobSettings
from databricks.sdk.service.workspace import ImportFormat
from hook_place import Hook, hook
from playing import SLUG, arm, settle, writes
from production_place import Place

from deployments.command import main
from deployments.standings import overview_of
from sandbox.world import World
from tasks.drift import FILE, KEPT, ensure_looked_at, last_look, looked_at_now
from tasks.rules.drift import Look
from tasks.rules.release import PRODUCTION, STAGING
from tasks.systems.git_ledger import Ledger
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

pytestmark = pytest.mark.usefixtures("prefect_server")

STRANGER = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def place(world: World) -> Place:
    return Place.of(world)


@pytest.fixture
def webhook() -> Iterator[Hook]:
    with hook() as listening:
        yield listening


def look(environment: str = PRODUCTION) -> Look:
    return ensure_looked_at.fn(SLUG, environment)


def edit(place: Place, *, runs: int) -> None:
    """What somebody does in the workspace's own pages."""
    place.workspace.client.jobs.update(
        place.job("daily_report"), new_settings=JobSettings(max_concurrent_runs=runs)
    )


def kept_commits() -> list[str]:
    ledger = Ledger(Mirror(SLUG).fetch(), f"{KEPT}{PRODUCTION}")
    return ledger.history(ledger.head) if ledger.head else []


def test_what_was_changed_by_hand_is_seen_kept_and_told_once(
    world: World, webhook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    settle(world, json.dumps({"notifications": [{"block": webhook.slack("drift"), "about": ["drift"]}]}))
    place = Place.of(world)
    before = [request for request in writes(world, server="prod") if not request.endswith("/mkdirs")]
    for clean in (look(), look(STAGING)):
        assert (clean.drifted, clean.unknown, clean.version, webhook.got) == (False, "", "1.3.0", [])

    edit(place, runs=7)
    place.workspace.client.jobs.delete(place.job("smoke_test"))
    after = writes(world, server="prod")
    first, again = look(), look()

    changed, deleted = first.bundles[0].resources
    assert (changed.key, changed.what) == ("resources.jobs.daily_report", "changed")
    assert [(f.path, f.deployed, f.now) for f in changed.fields] == [("max_concurrent_runs", 1, 7)]
    assert (deleted.key, deleted.what) == ("resources.jobs.smoke_test", "deleted")
    assert (again.since, again.bundles) == (first.since, first.bundles)
    assert len(webhook.got) == 1
    assert json.loads(webhook.got[0][1])["title"] == "production of acme/lakehouse was changed by hand"
    assert last_look(Mirror(SLUG).fetch(), PRODUCTION) == again
    assert len(kept_commits()) == 3
    assert [r for r in writes(world, server="prod") if not r.endswith("/mkdirs")] == [
        r for r in after if not r.endswith("/mkdirs")
    ]
    assert len(after) > len(before)

    production = overview_of(SLUG).environments[1]
    assert production.drift == again
    assert "1 resource changed by hand, 1 resource deleted by hand" in production.drift_words
    assert main(["drift", "prod", "--repository", SLUG, "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["targets"]
    assert (told["drift"], told["target"], told["version"]) == (True, "prod", "1.3.0")


def test_what_cannot_be_looked_at_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A deploy that goes on, a workspace that nobody reaches, a repository that is not there, a name that is no target."""
    hub, commit = GitHubRepo(SLUG), Mirror(SLUG).fetch().tags()["1.3.0"]
    look()
    hub.create_deployment(PRODUCTION, commit, {"release": f"{SLUG}@1.4.0"}, text="")
    newest = hub.deployments(PRODUCTION, commit)[0]
    hub.set_deployment_status(newest.id, "in_progress", text="", url="")
    before = writes(place.world, server="prod")
    assert look().problem == "1.4.0 is being deployed there"
    assert writes(place.world, server="prod") == before
    assert last_look(Mirror(SLUG).fetch(), PRODUCTION) is not None, "what was seen before stays"

    monkeypatch.delenv("DABFLOW_TARGET_STAGING_HOST")
    looks, note = looked_at_now(SLUG, ())
    assert [(one.environment, bool(one.unknown)) for one in looks] == [(STAGING, True), (PRODUCTION, True)]
    assert note == ""
    assert main(["drift", "--repository", SLUG]) == 2
    assert "not looked at: 1.4.0 is being deployed there" in capsys.readouterr().out
    assert main(["drift", "--repository", "acme/nothing"]) == 2
    assert main(["drift", "dev", "--repository", SLUG]) == 2
    assert "dev is no target that releases go to" in capsys.readouterr().err


def test_a_deploy_by_hand_is_drift(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a commit that nobody has: what was changed since cannot be told. Then of one that the repository has."""
    released = Mirror(SLUG).fetch().tags()["1.3.0"]
    names_commit(place, STRANGER)
    (bundle,) = look().bundles
    assert (bundle.commit, bundle.instead) == (STRANGER, released)
    assert bundle.problem == "the repository does not have the commit 0123456789ab"

    develop = Mirror(SLUG).fetch().branches()["develop"]
    names_commit(place, develop)
    (bundle,) = look().bundles
    assert (bundle.commit, bundle.instead, bundle.problem) == (develop, released, "")
    assert main(["drift", "production", "--repository", SLUG]) == 1
    assert re.search(r"deployed by hand instead of", capsys.readouterr().out)


def names_commit(place: Place, commit: str) -> None:
    """Production's metadata names this commit, as a deploy by hand leaves it."""
    path = f"{place.root}/state/metadata.json"
    with place.workspace.client.workspace.download(path) as stored:
        metadata = json.loads(stored.read())
    metadata["config"]["bundle"]["git"]["commit"] = commit
    content = io.BytesIO(json.dumps(metadata).encode())
    place.workspace.client.workspace.upload(path, content, format=ImportFormat.RAW, overwrite=True)


def test_a_lost_answer_keeps_it_once(place: Place) -> None:
    arm(place.world, kind="after", method="POST", path=f"/{SLUG}.git/git-receive-pack", status=502, times=1)

    found = look()

    assert last_look(Mirror(SLUG).fetch(), PRODUCTION) == found
    assert len(kept_commits()) == 1


def test_what_cannot_be_kept_is_told_all_the_same(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    edit(place, runs=7)
    arm(place.world, kind="refuse", method="POST", path=f"/{SLUG}.git/git-receive-pack", status=403, times=9)

    assert main(["drift", "prod", "--repository", SLUG]) == 1

    told = capsys.readouterr()
    assert "max_concurrent_runs: 7, deployed as 1" in told.out
    assert "it is not kept where `dabflow status` reads it" in told.err


def test_somebody_else_s_ref_is_not_written_over(place: Place) -> None:
    ledger = Ledger(Mirror(SLUG).fetch(), f"{KEPT}{PRODUCTION}")
    at = datetime(2026, 11, 24, tzinfo=UTC)
    mine = ledger.append({FILE: b"[]"}, after=None, at=at, message="mine")

    assert last_look(Mirror(SLUG).fetch(), PRODUCTION) is None
    found = look()

    assert last_look(Mirror(SLUG).fetch(), PRODUCTION) == found
    assert kept_commits()[0] == mine, "it is added to, as to whatever was seen before"
