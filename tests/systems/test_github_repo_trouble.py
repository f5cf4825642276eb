"""GitHub that refuses, fails, loses answers, is late, or is not there."""

import pickle
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hub_place import SLUG, Place

from sandbox.serving import listening_socket
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.github_repo import GitHubRepo, Refused, ReleaseRecord
from tasks.systems.github_rights import Rights

pytest_plugins = ["hub_fixtures"]

R = f"/repos/{SLUG}"
NOWHERE = "d" * 40
RELEASE = ReleaseRecord(1, "1.4.0", "1.4.0", "", draft=True, url="")

READS: dict[str, Callable[[GitHubRepo], object]] = {
    "ref": lambda hub: hub.ref("heads/develop"),
    "permission": lambda hub: hub.permission("ravi"),
    "pull requests": lambda hub: hub.pull_requests("release/1.4.0", "main"),
    "merged pull requests": lambda hub: hub.merged_pull_requests("main"),
    "pull request": lambda hub: hub.pull_request(1),
    "mergeable": lambda hub: hub.mergeable(1),
    "behind": lambda hub: hub.behind(1),
    "open into": lambda hub: hub.open_into("main"),
    "pull requests of": lambda hub: hub.pull_requests_of(NOWHERE),
    "required checks": lambda hub: hub.required_checks("main"),
    "reviews": lambda hub: hub.reviews(1),
    "requested reviewers": lambda hub: hub.requested_reviewers(1),
    "comment": lambda hub: hub.comment(1, "<!-- dabflow"),
    "deployments": lambda hub: hub.deployments("staging", NOWHERE),
    "payloads": lambda hub: hub.deployment_payloads("staging"),
    "newest deployment": lambda hub: hub.newest_successful_deployment("staging"),
    "releases": lambda hub: hub.releases(),
    "release": lambda hub: hub.release("1.4.0"),
    "merge commits": lambda hub: hub.merge_commits_allowed,
    "me": lambda hub: hub.me,
    "in team": lambda hub: hub.in_team("data-platform", "ravi"),
    "authors": lambda hub: hub.authors_between("main", "develop"),
    "attachment": lambda hub: hub.attachment(RELEASE, "plan.json"),
}
WRITES: dict[str, Callable[[GitHubRepo], object]] = {
    "create branch": lambda hub: hub.create_branch("release/2.0.0", hub.ref("heads/develop") or ""),
    "delete branch": lambda hub: hub.delete_branch("main"),
    "create tag": lambda hub: hub.create_tag("2.0.0", hub.ref("heads/develop") or "", "x", when=1),
    "open": lambda hub: hub.open_pull_request("feature", "main", title="x", body="x"),
    "deployment": lambda hub: hub.create_deployment("s", hub.ref("heads/develop") or "", {}, text="x"),
    "attach": lambda hub: hub.attach(replace(RELEASE, id=hub.releases()[0].id), "plan.json", b"{}"),
    "draft": lambda hub: hub.draft_release("2.0.0", name="2", body="x", at="develop"),
}


@pytest.fixture
def ahead(place: Place) -> Place:
    """A branch `feature` that could be proposed, and pull request #1 from `release/1.4.0`."""
    place.branch("release/1.4.0")
    place.commit("a.txt", "a", "feat: a")
    place.push("HEAD:feature")
    hub = GitHubRepo(SLUG)
    hub.open_pull_request("release/1.4.0", "main", title="Release 1.4.0", body="")
    hub.draft_release("1.4.0", name="1.4.0", body="", at="develop")
    return place


@pytest.mark.parametrize("name", READS)
def test_a_read_that_fails_is_no_answer(ahead: Place, name: str) -> None:
    ahead.arm("before", "/(repos|user|orgs).*", times=99)

    with pytest.raises(TryAgain, match="GitHub answered 502"):
        READS[name](GitHubRepo(SLUG))


@pytest.mark.parametrize("status", [408, 500, 503, 504])
def test_other_failures_may_pass_as_well(ahead: Place, status: int) -> None:
    ahead.arm("before", f"{R}/git/.*", status=status)

    with pytest.raises(TryAgain, match=f"GitHub answered {status}"):
        GitHubRepo(SLUG).ref("heads/main")


@pytest.mark.parametrize("name", READS)
def test_a_server_that_is_not_there_is_no_answer(
    ahead: Place, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sock = listening_socket()
    monkeypatch.setenv("DABFLOW_GITHUB_API_URL", f"http://127.0.0.1:{sock.getsockname()[1]}")
    sock.close()

    with pytest.raises(TryAgain, match="no answer from GitHub"):
        READS[name](GitHubRepo(SLUG))


@pytest.mark.parametrize("name", [name for name in READS if name not in {"me", "in team"}])
def test_a_repository_that_we_may_not_see_is_never_an_empty_one(ahead: Place, name: str) -> None:
    """A 404 of the repository itself must not be read as "no such branch"."""
    with pytest.raises(NeedsHuman, match="404") as stop:
        READS[name](GitHubRepo("acme/hidden"))

    assert not isinstance(stop.value, Refused)
    assert "acme/hidden" in stop.value.remedy


@pytest.mark.parametrize("name", [name for name in READS if name not in {"me", "in team"}])
def test_a_repository_that_is_hidden_after_it_was_seen_is_never_an_empty_one(ahead: Place, name: str) -> None:
    GitHubRepo(SLUG).ref("heads/main")
    ahead.arm("refuse", f"{R}.*", status=404, times=99)

    with pytest.raises(NeedsHuman, match=f"reading {SLUG}: GitHub answered 404") as stop:
        READS[name](GitHubRepo(SLUG))

    assert not isinstance(stop.value, Refused)


def test_a_look_asks_for_the_repository_only_where_something_is_not_there(ahead: Place) -> None:
    before = ahead.asked().count(f"GET {R}")

    assert GitHubRepo(SLUG).ref("heads/develop") is not None
    assert ahead.asked().count(f"GET {R}") == before
    assert GitHubRepo(SLUG).ref("heads/nowhere/1") is None
    assert ahead.asked().count(f"GET {R}") == before + 1


@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_sent_once_when_it_fails(ahead: Place, name: str) -> None:
    """Whoever repeats it looks first, so the client must not."""
    for method in ("POST", "DELETE"):
        ahead.arm("before", f"{R}/.*", method=method, times=99, status=502)
    before = len(ahead.asked(writes=True))

    with pytest.raises(TryAgain, match="GitHub answered 502"):
        WRITES[name](GitHubRepo(SLUG))

    assert len(ahead.asked(writes=True)) - before == 1


@pytest.mark.parametrize("status", [0, 502])
@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_sent_once_when_its_answer_is_lost(ahead: Place, name: str, status: int) -> None:
    for method in ("POST", "DELETE"):
        ahead.arm("after", f"{R}/.*", method=method, times=99, status=status)
    before = len(ahead.asked(writes=True))

    with pytest.raises(TryAgain):
        WRITES[name](GitHubRepo(SLUG))

    assert len(ahead.asked(writes=True)) - before == 1


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (429, {"Retry-After": "3600"}, {"message": "too many"}),
        (403, {"Retry-After": "3600"}, {"message": "You have exceeded a secondary rate limit"}),
        (403, {"X-RateLimit-Remaining": "0"}, {"message": "API rate limit exceeded for user"}),
    ],
)
def test_a_rate_limit_comes_up_at_once_and_may_pass(
    ahead: Place, status: int, headers: dict[str, str], body: dict[str, str]
) -> None:
    """The client's own waiting, up to hours, would hold locks; the step waits, and gives up."""
    ahead.arm("refuse", f"{R}/git/.*", status=status, headers=headers, body=body)
    hub, started = GitHubRepo(SLUG), time.monotonic()

    with pytest.raises(TryAgain, match=str(status)) as stop:
        hub.ref("heads/main")

    assert stop.value.after_seconds == float(headers.get("Retry-After", "0"))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("status", [401, 403, 451])
def test_a_refused_token_is_for_people(ahead: Place, status: int) -> None:
    ahead.arm("refuse", f"{R}/git/.*", status=status, body={"message": "no"})

    with pytest.raises(NeedsHuman, match="GitHub refused our token") as stop:
        GitHubRepo(SLUG).ref("heads/main")

    assert "DABFLOW_GITHUB_TOKEN" in stop.value.remedy


@pytest.mark.parametrize("status", [405, 409, 410, 422])
def test_a_refusal_keeps_its_status(ahead: Place, status: int) -> None:
    body = {
        "message": "Validation Failed",
        "errors": ["in words", {"message": "said"}, {"field": "a", "code": "b"}],
    }
    ahead.arm("refuse", f"{R}/pulls/1/merge", status=status, body=body)

    with pytest.raises(Refused) as stop:
        GitHubRepo(SLUG).merge_pull_request(1, head=NOWHERE, title="x", message="x")

    assert stop.value.status == status
    assert "Validation Failed; in words; said; a b" in stop.value.problem
    again = pickle.loads(pickle.dumps(stop.value))
    assert (again.status, str(again)) == (status, str(stop.value))


def test_a_late_write_is_not_seen_yet(ahead: Place) -> None:
    ahead.arm("late", f"{R}/git/refs", method="POST", reads=1)
    hub = GitHubRepo(SLUG)
    head = hub.ref("heads/develop") or ""

    hub.create_branch("release/2.0.0", head)

    assert hub.ref("heads/release/2.0.0") is None
    assert hub.ref("heads/release/2.0.0") == head


def test_without_a_token_nothing_is_asked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DABFLOW_GITHUB_TOKEN")
    before = place.asked()

    with pytest.raises(NeedsHuman, match="no connection to GitHub"):
        GitHubRepo(SLUG).ref("heads/main")

    assert place.asked() == before


def test_a_wrong_token_is_for_people_and_not_repeated_to_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", "ghp_wrong0123456789")

    with pytest.raises(NeedsHuman, match="401 Bad credentials") as stop:
        GitHubRepo(SLUG).ref("heads/main")

    assert "ghp_wrong" not in str(stop.value)


def test_a_renamed_repository_is_named_before_anything_is_written(ahead: Place) -> None:
    """GitHub leads an old name on to the new one; a POST led on would lose its body."""
    ahead.hub.create_repository("acme", "lake")
    ahead.arm("refuse", R, status=301, headers={"Location": f"{ahead.url}/repos/acme/lake"}, times=99)
    before = ahead.asked(writes=True)

    with pytest.raises(NeedsHuman, match="acme/lakehouse is now called acme/lake"):
        Rights(SLUG).seen()
    for write in WRITES.values():
        with pytest.raises(NeedsHuman, match="acme/lakehouse is now called acme/lake"):
            write(GitHubRepo(SLUG))

    assert ahead.asked(writes=True) == before
