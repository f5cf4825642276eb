"""Production stops half way: nothing else goes there until somebody decides, and what was decided is what happens."""

import pytest
from playing import SLUG, People, arm, begin, start, writes
from released import assert_released_once, jobs, what_runs

from flows.hotfix import hotfix
from sandbox.world import World
from tasks.evidence import chain_of
from tasks.rules.names import Named
from tasks.rules.release import PRODUCTION
from tasks.rules.versions import Version
from tasks.standing import half_way_in_production
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

pytestmark = [
    pytest.mark.usefixtures("nothing_lost"),
    pytest.mark.timeout(240),
]


def number_of(people: People) -> int:
    """The pull request of 1.4.0."""
    return next(int(p["number"]) for p in people.pulls() if p["head"]["ref"] == "release/1.4.0")


def refuse_smoke(world: World) -> None:
    arm(world, server="prod", kind="refuse", method="POST", path="/api/2.2/jobs/run-now", status=403, times=1)


def comment_of(people: People) -> str:
    number = people.release_pull()["number"]
    found: str = people.api("rita", "GET", f"/issues/{number}/comments")[0]["body"]
    return found


def kinds(name: str) -> list[str]:
    return [entry.kind for entry in chain_of(SLUG, name).entries]


def half_way(version: Version) -> str:
    """Which other release keeps this one from production, because it stopped half way there."""
    found = half_way_in_production(Named(version), GitHubRepo(SLUG), Mirror(SLUG).fetch())
    return found.version if found else ""


def test_retry_goes_on_as_often_as_somebody_wants_it(world: World, people: People) -> None:
    run = start()
    run.go()
    people.review("ravi", people.release_pull()["number"])
    refuse_smoke(world)

    run.answer("approve", "looks right")

    assert run.state.name == "Suspended", run.said
    assert "stopped half way in production" in comment_of(people)
    assert GitHubRepo(SLUG).release("1.4.0") is None
    second = start()
    second.go()
    assert second.state.name == "Under way", second.said
    before = writes(world, server="prod")
    run.decide("recheck")
    assert run.state.name == "Suspended", run.said
    run.decide("abandon", reason=" ")
    assert run.state.name == "Suspended", "to abandon it needs a reason"
    assert writes(world, server="prod") == before
    refuse_smoke(world)
    run.decide("retry", reason="again")
    assert run.state.name == "Suspended", "it stopped again, which is another question"
    run.decide("retry", reason="the rights are back")
    assert run.state.name == "Completed", run.said
    assert_released_once(world, people)
    assert kinds("1.4.0").count("stopped in production") == kinds("1.4.0").count("retried") == 2


def test_abandoned_stays_merged_and_tagged_and_the_next_release_starts_from_the_truth(
    world: World, people: People
) -> None:
    run = start()
    run.go()
    people.review("ravi", people.release_pull()["number"])
    refuse_smoke(world)
    run.answer("approve", "looks right")

    assert half_way(Version(1, 4, 1)) == "1.4.0", "no other release may pass"
    assert half_way(Version(1, 4, 0)) == "", "it may go on itself"

    run.decide("abandon", reason="the supplier is down for days")

    assert (run.state.name, run.state.type.value) == ("Abandoned", "COMPLETED"), run.said
    assert half_way(Version(1, 4, 1)) == ""
    mirror, hub = Mirror(SLUG).fetch(), GitHubRepo(SLUG)
    tag = mirror.tags()["1.4.0"]
    assert mirror.branches()["main"] == tag
    assert mirror.is_ancestor(tag, mirror.branches()["develop"])
    assert hub.release("1.4.0") is None
    assert people.api("rita", "GET", "/releases/latest")["tag_name"] == "1.3.0"
    recorded = hub.newest_successful_deployment(PRODUCTION)
    assert recorded is not None
    assert recorded.sha == tag == what_runs("prod"), "GitHub says what is really there"
    assert "abandoned" in comment_of(people)
    assert "the supplier is down for days" in comment_of(people)
    again = start(version="1.4.0")
    again.go()
    assert again.said == "Completed: 1.4.0 was abandoned"
    people.develop("src/README.md", "what the supplier needs\n")
    following = start()
    following.go()
    assert following.state.name == "Suspended", following.said
    assert following.flow_run.name == f"{SLUG} {Version(1, 5, 0)}"


def test_rolled_back_in_the_same_run(world: World, people: People) -> None:
    run = start()
    run.go()
    number = people.release_pull()["number"]
    people.review("ravi", number)
    arm(world, server="prod", kind="refuse", method="POST", path="/api/2.2/jobs/create", status=403, times=1)
    run.answer("approve", "looks right")
    assert run.state.name == "Suspended", run.said
    assert "order_quality" in comment_of(people), "what could not be made"

    for _ in range(2):
        run.decide("roll back", reason="the new check is wrong", to="9.9.9")
        assert run.state.name == "Suspended", "an answer that leads nowhere is asked for again"
    assert "there is no version 9.9.9" in comment_of(people)
    run.decide("roll back", reason="the new check is wrong", to="1.3")
    assert "'1.3' is not a version" in comment_of(people)
    run.decide("roll back", reason="the new check is wrong")

    assert run.state.name == "Suspended", run.said
    half_done = [job["settings"]["name"] for job in jobs(world, "prod")]
    people.review("rosa", number, body="back to that is right")
    assert "order_quality" not in half_done, "nobody has approved the way back yet"
    run.answer("approve", "back", destroys="")
    assert (run.state.name, run.state.type.value) == ("Withdrawn", "COMPLETED"), run.said
    mirror, hub = Mirror(SLUG).fetch(), GitHubRepo(SLUG)
    assert what_runs("prod") == mirror.tags()["1.3.0"]
    assert people.api("rita", "GET", "/releases/latest")["tag_name"] == "1.3.0"
    assert hub.release("1.4.0") is None
    assert mirror.is_ancestor(mirror.tags()["1.4.0"], mirror.branches()["develop"])
    assert half_way(Version(1, 4, 1)) == ""
    again = start(version="1.4.0")
    again.go()
    assert "withdrawn" in again.said


def test_a_hotfix_on_top_of_it_ends_the_question(world: World, people: People) -> None:
    """It says that it overtakes; then the stopped release is in production within it, and asks nothing any more."""
    run = start()
    run.go()
    people.review("ravi", people.release_pull()["number"])
    refuse_smoke(world)
    run.answer("approve", "looks right")
    people.commit_to("develop", "src/README.md", "without the supplier\n", onto="fix/supplier")
    fix = people.api("rita", "POST", "/pulls", head="fix/supplier", base="develop", title="fix", body="")
    polite = begin(hotfix, pull_request=fix["number"])
    polite.go()
    assert "overtakes" in str(polite.state.message)

    urgent = begin(hotfix, pull_request=fix["number"], overtakes=True)
    urgent.go()
    people.review("ravi", people.release_pull()["number"])
    urgent.answer("approve", "only that", destroys="")

    assert urgent.state.name == "Completed", urgent.said
    assert what_runs("prod") == Mirror(SLUG).fetch().tags()["1.4.1"]
    run.decide("recheck")
    assert run.state.name == "Abandoned", run.said
    assert "1.4.1 went to production instead and contains it" in "".join(
        comment["body"] for comment in people.api("rita", "GET", f"/issues/{number_of(people)}/comments")
    )
