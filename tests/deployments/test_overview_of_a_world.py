"""`dabflow status` and the demo's witness, looking at the sandbox's servers."""

import os
from collections.abc import Iterator

import pytest
from playing import SLUG, People, start

from deployments.command import main
from deployments.standings import overview_of
from deployments.verdicts import claims, shipped
from deployments.witness import Witness
from sandbox.world import World

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def witness(world: World) -> Iterator[Witness]:
    with Witness(world.folder, world.environment(), SLUG, login="rita") as looking:
        yield looking


def test_a_repository_with_news(world: World) -> None:
    seen = overview_of(SLUG)

    assert (seen.released, seen.news, seen.standings) == ("1.3.0", True, ())
    assert [(e.name, e.version, e.by_hand, e.problem) for e in seen.environments] == [
        ("staging", "1.3.0", False, ""),
        ("production", "1.3.0", False, ""),
    ]


def test_a_start_is_seen_before_it_has_chosen_its_version(world: World) -> None:
    run = start()

    begun = overview_of(SLUG).beginning
    assert begun is not None
    assert begun.id == str(run.id)


def test_a_workspace_that_cannot_be_asked_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DABFLOW_TARGET_PROD_HOST")

    production = overview_of(SLUG).environments[1]

    assert "cannot reach the target prod" in production.problem
    assert production.recorded


def test_one_version_is_shown_although_it_is_finished(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.folder)

    assert main(["status", "1.3.0", "--repository", SLUG]) == 0

    assert "1.3.0: nothing, it is finished" in capsys.readouterr().out


def test_a_wrong_repository(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--repository", "acme/nothing"]) == 1

    assert "what to do" in capsys.readouterr().err


def test_the_witness_sees_what_is_so(world: World, witness: Witness) -> None:
    release = shipped(witness, "1.3.0", "release/1.3.0")
    found = {claim.text: claim.true for claim in claims(witness, release, requester="rita")}

    assert found[f"production runs the tagged commit, {release.commit[:12]}"]
    assert found["develop contains 1.3.0"]
    assert found["the GitHub release 1.3.0 is published, and the latest"]
    assert not all(found.values()), "nobody kept evidence of 1.3.0, so that claim cannot be true"


def test_the_witness_sees_what_is_not_so(world: World, witness: Witness) -> None:
    """A tag on the candidate, and main that has moved on."""
    release = shipped(witness, "1.3.0", "release/1.3.0")
    People(world).api("rita", "POST", "/git/refs", ref="refs/tags/9.9.9", sha=release.candidate)

    wrong = shipped(witness, "1.3.0", "release/1.3.0")
    wrong = type(wrong)("9.9.9", wrong.pull, wrong.candidate, witness.tagged_commit("9.9.9"))
    false = [claim.text for claim in claims(witness, wrong, requester="rita") if not claim.true]

    assert any("the tag 9.9.9 is on the merge commit" in text for text in false)
    assert any("production runs the tagged commit" in text for text in false)


def test_a_secret_in_a_log_is_seen(world: World, witness: Witness) -> None:
    log = world.folder / "logs" / "worker.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text(f"token {os.environ['DABFLOW_GITHUB_TOKEN']}", encoding="utf-8")

    release = shipped(witness, "1.3.0", "release/1.3.0")
    false = [claim.text for claim in claims(witness, release, requester="rita") if not claim.true]

    assert any(str(log) in text for text in false)
