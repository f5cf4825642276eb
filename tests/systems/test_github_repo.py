"""What dabflow reads and writes on GitHub, with the real PyGithub over HTTP."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from github.PullRequest import PullRequest as ApiPullRequest
from hub_place import SLUG, Place

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.rules.reviews import Review
from tasks.systems.github_repo import GitHubRepo, PullRequest, Refused

pytest_plugins = ["hub_fixtures"]


@pytest.fixture
def hub(place: Place) -> GitHubRepo:
    return GitHubRepo(SLUG)


@pytest.fixture
def pull(place: Place, hub: GitHubRepo) -> PullRequest:
    """release/1.4.0 -> main, opened by us, one commit ahead."""
    place.branch("release/1.4.0")
    place.commit("a.txt", "a", "feat: a")
    hub.open_pull_request("release/1.4.0", "main", title="Release 1.4.0", body="notes")
    (found,) = hub.pull_requests("release/1.4.0", "main")
    return found


def as_person(place: Place, login: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {place.token(login)}"}
    return httpx.Client(base_url=f"{place.url}/repos/{SLUG}", headers=headers)


def review(place: Place, login: str, pull: PullRequest, event: str = "APPROVE") -> None:
    with as_person(place, login) as person:
        body = {"event": event, "body": "said"}
        person.post(f"/pulls/{pull.number}/reviews", json=body).raise_for_status()


# ---- who and what


def test_who_we_are_and_what_is_allowed(hub: GitHubRepo) -> None:
    assert hub.me == "dabflow-bot"
    assert hub.merge_commits_allowed


@pytest.mark.parametrize(
    ("login", "expected"),
    [("rita", "write"), ("ravi", "write"), ("oskar", "read"), ("nobody-at-all", "none")],
)
def test_permission(hub: GitHubRepo, login: str, expected: str) -> None:
    assert hub.permission(login) == expected


# ---- refs and tags


def test_refs(place: Place, hub: GitHubRepo) -> None:
    head = place.git("rev-parse", "HEAD")

    assert hub.ref("heads/develop") == head
    assert hub.ref("heads/dev") is None, "no prefix counts"

    hub.create_branch("release/1.4.0", head)
    assert hub.ref("heads/release/1.4.0") == head
    hub.delete_branch("release/1.4.0")
    assert hub.ref("heads/release/1.4.0") is None


def test_what_is_there_is_refused(place: Place, hub: GitHubRepo) -> None:
    head = place.git("rev-parse", "HEAD")

    with pytest.raises(Refused, match="Reference already exists") as stop:
        hub.create_branch("develop", head)
    assert stop.value.status == 422
    with pytest.raises(Refused) as stop:
        hub.delete_branch("release/9.9.9")
    assert stop.value.status == 404


def test_a_tag_is_annotated_and_the_same_every_time(place: Place, hub: GitHubRepo) -> None:
    head = place.git("rev-parse", "HEAD")
    hub.create_tag("1.4.0", head, "Release 1.4.0", when=1_700_000_000)
    bare = place.hub.hub.repository_path(SLUG)
    first = (bare / "refs" / "tags" / "1.4.0").read_text()

    assert hub.ref("tags/1.4.0") == head
    assert first.strip() != head
    with pytest.raises(Refused, match="already exists"):
        hub.create_tag("1.4.0", head, "Release 1.4.0", when=1_700_000_000)

    hub._repo.get_git_ref("tags/1.4.0").complete().delete()
    hub.create_tag("1.4.0", head, "Release 1.4.0", when=1_700_000_000)
    assert (bare / "refs" / "tags" / "1.4.0").read_text() == first


# ---- pull requests


def test_a_pull_request(place: Place, hub: GitHubRepo, pull: PullRequest) -> None:
    assert pull == PullRequest(
        number=1,
        state="open",
        title="Release 1.4.0",
        body="notes",
        url=f"{place.url}/{SLUG}/pull/1",
        author="dabflow-bot",
        head="release/1.4.0",
        head_sha=place.git("rev-parse", "HEAD"),
        base="main",
    )
    assert hub.pull_request(1) == pull

    hub.edit_pull_request(1, title="Release 1.4.0!", body="more")
    assert hub.pull_request(1) == replace(pull, title="Release 1.4.0!", body="more")

    hub.close_pull_request(1)
    assert [p.state for p in hub.pull_requests("release/1.4.0", "main")] == ["closed"]
    assert hub.pull_requests("release/1.4.0", "main", state="open") == []


def test_only_pull_requests_of_that_branch_into_that_base(
    place: Place, hub: GitHubRepo, pull: PullRequest
) -> None:
    hub.open_pull_request("release/1.4.0", "develop", title="somebody else's", body="")

    assert [p.number for p in hub.pull_requests("release/1.4.0", "main")] == [pull.number]
    assert hub.pull_requests("release/1.4", "main") == []


def test_whether_github_has_a_commit_that_contains_another(hub: GitHubRepo, pull: PullRequest) -> None:
    """Also one of a branch that is gone."""
    main = hub.ref("heads/main") or ""
    hub.delete_branch("release/1.4.0")

    assert hub.contains(pull.head_sha, main)
    assert not hub.contains(main, pull.head_sha)
    assert not hub.contains("d" * 40, main)


def test_opening_it_twice_is_refused(hub: GitHubRepo, pull: PullRequest) -> None:
    with pytest.raises(Refused, match="already exists for acme:release/1") as stop:
        hub.open_pull_request("release/1.4.0", "main", title="again", body="")

    assert stop.value.status == 422


def test_the_branch_of_a_fork_is_not_ours(hub: GitHubRepo, pull: PullRequest) -> None:
    """Anybody may call a branch of a fork release/9.9.9; dabflow takes it for nobody's release."""
    said = hub._repo.get_pull(pull.number).raw_data
    said["head"] |= {"label": "mallory:release/1.4.0"}
    said["head"]["repo"] |= {"full_name": "mallory/lakehouse"}

    assert hub._seen(ApiPullRequest(hub._client.requester, {}, said)).head == "mallory:release/1.4.0"


def test_the_branch_of_a_deleted_fork_is_not_ours(hub: GitHubRepo, pull: PullRequest) -> None:
    said = hub._repo.get_pull(pull.number).raw_data
    said["head"] |= {"label": "mallory:release/1.4.0", "repo": None}

    assert hub._seen(ApiPullRequest(hub._client.requester, {}, said)).head == "mallory:release/1.4.0"


def test_merging(place: Place, hub: GitHubRepo, pull: PullRequest) -> None:
    main = place.git("rev-parse", "develop")
    hub.mergeable(pull.number)
    assert hub.mergeable(pull.number) is True

    hub.merge_pull_request(pull.number, head=pull.head_sha, title="Merge #1", message="Release 1.4.0")

    merged = hub.pull_request(pull.number)
    assert (merged.state, merged.merged_by) == ("merged", "dabflow-bot")
    assert merged.merge_commit == hub.ref("heads/main")
    commit = hub._repo.get_git_commit(merged.merge_commit or "")
    assert [parent.sha for parent in commit.parents] == [main, pull.head_sha]
    assert commit.message == "Merge #1\n\nRelease 1.4.0"
    assert [p.number for p in hub.merged_pull_requests("main")] == [pull.number]
    assert hub.merged_pull_requests("develop") == []


def test_merging_a_head_that_moved_is_refused(place: Place, hub: GitHubRepo, pull: PullRequest) -> None:
    place.commit("a.txt", "b")

    with pytest.raises(Refused) as stop:
        hub.merge_pull_request(pull.number, head=pull.head_sha, title="x", message="x")

    assert stop.value.status == 409
    assert hub.pull_request(pull.number).state == "open"


def test_merging_twice_is_refused(hub: GitHubRepo, pull: PullRequest) -> None:
    for _ in range(2):
        hub.mergeable(pull.number)
    hub.merge_pull_request(pull.number, head=pull.head_sha, title="x", message="x")

    with pytest.raises(Refused) as stop:
        hub.merge_pull_request(pull.number, head=pull.head_sha, title="x", message="x")

    assert stop.value.status == 405


# ---- reviews


def test_reviews(place: Place, hub: GitHubRepo, pull: PullRequest) -> None:
    review(place, "ravi", pull)
    place.commit("a.txt", "b")
    review(place, "rosa", pull, "REQUEST_CHANGES")
    head = place.git("rev-parse", "HEAD")

    first, second = hub.reviews(pull.number)
    assert first == Review(first.id, "ravi", True, "APPROVED", pull.head_sha, first.at, "said")
    assert second == Review(second.id, "rosa", True, "CHANGES_REQUESTED", head, second.at, "said")
    assert first.id != second.id
    assert first.at <= second.at <= datetime.now(UTC)


def test_a_review_by_a_deleted_account_is_nobodys(place: Place, hub: GitHubRepo, pull: PullRequest) -> None:
    review(place, "rosa", pull)
    place.hub.delete_account("rosa")

    (found,) = hub.reviews(pull.number)

    assert (found.login, found.person, found.state) == ("", False, "APPROVED")


def test_a_review_by_a_bot_is_no_persons(place: Place, hub: GitHubRepo, pull: PullRequest) -> None:
    review(place, "dabflow-bot", pull, "COMMENT")

    assert [(r.login, r.person) for r in hub.reviews(pull.number)] == [("dabflow-bot", False)]


def test_a_review_that_was_not_sent_is_none(place: Place, hub: GitHubRepo, pull: PullRequest) -> None:
    """GitHub gives it a time only when it is sent, and shows it to its author alone until then."""
    with as_person(place, "dabflow-bot") as us:
        us.post(f"/pulls/{pull.number}/reviews", json={"body": "so far"}).raise_for_status()

    assert [r.state for r in hub._repo.get_pull(pull.number).get_reviews()] == ["PENDING"]
    assert hub.reviews(pull.number) == []


def test_asking_for_reviews(hub: GitHubRepo, pull: PullRequest) -> None:
    assert hub.requested_reviewers(pull.number) == set()

    hub.request_reviews(pull.number, ["ravi", "rosa"])

    assert hub.requested_reviewers(pull.number) == {"ravi", "rosa"}
    with pytest.raises(Refused, match="author"):
        hub.request_reviews(pull.number, ["dabflow-bot"])


# ---- the comment


def test_our_comment_is_found_by_marker_and_author(place: Place, hub: GitHubRepo, pull: PullRequest) -> None:
    marker = "<!-- dabflow:x -->"
    with as_person(place, "ravi") as ravi:
        ravi.post(f"/issues/{pull.number}/comments", json={"body": f"{marker}\nforged"}).raise_for_status()
    assert hub.comment(pull.number, marker) is None

    hub.add_comment(pull.number, f"{marker}\nfirst")
    found = hub.comment(pull.number, marker)
    assert found is not None
    assert found[1] == f"{marker}\nfirst"

    hub.edit_comment(pull.number, found[0], f"{marker}\nsecond")
    assert hub.comment(pull.number, marker) == (found[0], f"{marker}\nsecond")
    assert hub.comment(pull.number, "<!-- dabflow:y -->") is None


def test_a_comment_that_somebody_has_deleted_is_written_anew(hub: GitHubRepo, pull: PullRequest) -> None:
    """The step looks again, and finds none."""
    with pytest.raises(TryAgain, match=r"editing our comment on #\d+: GitHub answered 404"):
        hub.edit_comment(pull.number, 99_999_999, "second")


# ---- deployments


def test_deployments(place: Place, hub: GitHubRepo) -> None:
    head, other = place.git("rev-parse", "HEAD"), place.commit("b.txt", "b")
    hub.create_deployment("staging", head, {"release": "1", "n": 1}, text="goes there")
    hub.create_deployment("staging", other, {"release": "2"}, text="goes there")
    (first,) = hub.deployments("staging", head)
    assert (first.sha, first.payload, first.state) == (head, {"release": "1", "n": 1}, "")

    hub.set_deployment_status(first.id, "in_progress", text="x" * 200, url="")
    hub.set_deployment_status(first.id, "success", text="fine", url="https://prefect.example/run")

    (first,) = hub.deployments("staging", head)
    assert first.state == "success"
    assert hub.deployments("production", head) == []
    assert hub.deployment_payloads("staging") == [{"release": "2"}, {"release": "1", "n": 1}]
    assert hub.newest_successful_deployment("staging") == first
    assert hub.newest_successful_deployment("production") is None


def test_a_deployment_says_when_it_was_made_and_since_when_it_is_so(place: Place, hub: GitHubRepo) -> None:
    """When the plan was shown is GitHub's time, as that of the reviews."""
    head, made, later = (
        place.git("rev-parse", "HEAD"),
        datetime(2026, 11, 2, 9, tzinfo=UTC),
        timedelta(days=3),
    )
    place.hub.set_clock(lambda: made)
    hub.create_deployment("production", head, {}, text="asked")
    (record,) = hub.deployments("production", head)
    assert (record.created_at, record.state_since) == (made, made)

    place.hub.set_clock(lambda: made + later)
    hub.set_deployment_status(record.id, "queued", text="waiting", url="")

    (record,) = hub.deployments("production", head)
    assert (record.state, record.created_at, record.state_since) == ("queued", made, made + later)


def test_a_deployment_never_moves_a_branch(place: Place, hub: GitHubRepo, pull: PullRequest) -> None:
    """By default GitHub merges the default branch into what is deployed."""
    place.git("checkout", "--quiet", "develop")
    place.commit("c.txt", "c")

    hub.create_deployment("staging", pull.head_sha, {}, text="goes there")

    assert hub.ref("heads/release/1.4.0") == pull.head_sha
    assert [d.sha for d in hub.deployments("staging", pull.head_sha)] == [pull.head_sha]


def test_a_deployment_of_an_unknown_commit_is_refused(hub: GitHubRepo) -> None:
    with pytest.raises(Refused, match="No ref found"):
        hub.create_deployment("staging", "d" * 40, {}, text="x")


def test_only_one_success_is_current_on_staging(place: Place, hub: GitHubRepo) -> None:
    head, other = place.git("rev-parse", "HEAD"), place.commit("b.txt", "b")
    for sha in (head, other):
        hub.create_deployment("staging", sha, {}, text="x")
        (made,) = hub.deployments("staging", sha)
        hub.set_deployment_status(made.id, "success", text="x", url="")

    assert [hub.deployments("staging", sha)[0].state for sha in (head, other)] == ["inactive", "success"]


# ---- rights


def test_an_outsider_may_read_and_nothing_else(
    place: Place, pull: PullRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DABFLOW_GITHUB_TOKEN", place.token("oskar"))
    hub = GitHubRepo(SLUG)

    assert hub.pull_request(pull.number).state == "open"
    with pytest.raises(NeedsHuman, match="GitHub refused our token") as stop:
        hub.create_branch("mine", pull.head_sha)
    assert stop.value.remedy == "give the token in DABFLOW_GITHUB_TOKEN contents: write"
