"""Pull requests follow their branches."""

import pytest
from github import GithubException
from github.PullRequest import PullRequest
from github.Repository import Repository
from github_site import SLUG, Site, Work

from sandbox.github.records import Protection

pytest_plugins = ["github_fixtures"]


@pytest.fixture
def pull(site: Site, work: Work) -> PullRequest:
    """release/1.0.0 -> main, opened by the bot."""
    work.branch("release/1.0.0")
    work.commit("a.txt", "a", "feat: a")
    work.push("release/1.0.0")
    return site.repo().create_pull(base="main", head="release/1.0.0", title="Release 1.0.0", body="notes")


def events(pull: PullRequest) -> list[str]:
    return [event.event for event in pull.get_issue_events()]


def test_its_head_follows_a_push(pull: PullRequest, work: Work) -> None:
    sha = work.commit("a.txt", "b")
    work.push("release/1.0.0")

    pull.update()

    assert pull.head.sha == sha
    assert pull.commits == 2


def test_its_head_follows_a_change_through_the_api(pull: PullRequest, site: Site, work: Work) -> None:
    sha = work.commit("a.txt", "b")
    work.push("HEAD:refs/heads/elsewhere")

    site.repo().get_git_ref("heads/release/1.0.0").edit(sha)

    assert site.repo().get_pull(pull.number).head.sha == sha


def test_its_head_stays_reachable(pull: PullRequest, site: Site, work: Work) -> None:
    site.repo().get_git_ref("heads/release/1.0.0").delete()

    listed = work.git("ls-remote", "origin", f"refs/pull/{pull.number}/head").stdout

    assert listed.startswith(pull.head.sha)


def test_mergeable_is_known_at_the_second_look(pull: PullRequest, site: Site, work: Work) -> None:
    repo = site.repo()

    assert [repo.get_pull(1).mergeable for _ in range(3)] == [None, True, True]

    work.commit("a.txt", "b")
    work.push("release/1.0.0")
    assert [repo.get_pull(1).mergeable for _ in range(2)] == [None, True]


def test_a_conflict_makes_it_dirty(pull: PullRequest, site: Site, work: Work) -> None:
    work.branch("main", "origin/main")
    work.commit("a.txt", "something else")
    work.push("main")
    repo = site.repo()
    repo.get_pull(1)

    found = repo.get_pull(1)

    assert (found.mergeable, found.mergeable_state) == (False, "dirty")
    with pytest.raises(GithubException) as refused:
        found.merge()
    assert refused.value.status == 405


def test_it_is_merged_when_its_commits_reach_the_base(pull: PullRequest, site: Site, work: Work) -> None:
    work.branch("main", "origin/main")
    work.git("merge", "--quiet", "--no-ff", "release/1.0.0", "-m", "merge by hand")
    work.push("main")

    found = site.repo().get_pull(pull.number)

    assert (found.merged, found.state, found.merged_by.login) == (True, "closed", "ravi")
    assert found.merge_commit_sha == work.head("main")
    assert events(pull) == ["merged", "closed"]


def test_it_is_closed_when_its_branch_vanishes(pull: PullRequest, site: Site, work: Work) -> None:
    work.push("--delete", "release/1.0.0")

    found = site.repo().get_pull(pull.number)

    assert (found.merged, found.state) == (False, "closed")
    assert events(found) == ["head_ref_deleted", "closed"]


def test_it_cannot_be_reopened_without_its_branch(pull: PullRequest, work: Work) -> None:
    work.push("--delete", "release/1.0.0")

    with pytest.raises(GithubException) as refused:
        pull.edit(state="open")

    assert refused.value.status == 422
    work.push("release/1.0.0")
    pull.edit(state="open")
    assert pull.state == "open"


def test_it_is_closed_when_nothing_is_left_to_merge(pull: PullRequest, site: Site, work: Work) -> None:
    work.push("--force", "origin/main:refs/heads/release/1.0.0")

    found = site.repo().get_pull(pull.number)

    assert (found.merged, found.state) == (False, "closed")


def test_it_is_retargeted_when_its_base_was_merged_and_deleted(
    pull: PullRequest, site: Site, work: Work
) -> None:
    work.branch("fix", "release/1.0.0")
    work.commit("b.txt", "b")
    work.push("fix")
    stacked = site.repo().create_pull(base="release/1.0.0", head="fix", title="fix")
    site.hub.configure(SLUG, delete_branch_on_merge=True)

    pull.merge()

    stacked.update()
    assert (stacked.base.ref, stacked.state) == ("main", "open")
    assert "head_ref_deleted" in events(pull)


def test_it_is_closed_when_its_base_is_just_deleted(pull: PullRequest, site: Site, work: Work) -> None:
    work.branch("fix", "release/1.0.0")
    work.commit("b.txt", "b")
    work.push("fix")
    stacked = site.repo().create_pull(base="release/1.0.0", head="fix", title="fix")

    work.push("--delete", "release/1.0.0")

    stacked.update()
    assert (stacked.merged, stacked.state) == (False, "closed")


@pytest.mark.parametrize(
    ("base", "head", "said"),
    [
        pytest.param("main", "release/1.0.0", "already exists for acme:release/1.0.0", id="second"),
        pytest.param("main", "develop", "No commits between main and develop", id="nothing to do"),
        pytest.param("gone", "develop", "base", id="no base"),
        pytest.param("main", "gone", "head", id="no head"),
    ],
)
def test_why_one_is_not_opened(pull: PullRequest, site: Site, base: str, head: str, said: str) -> None:
    with pytest.raises(GithubException) as refused:
        site.repo().create_pull(base=base, head=head, title="x")

    assert refused.value.status == 422
    assert refused.value.data["message"] == "Validation Failed"
    assert said in str(refused.value.data["errors"])


def test_a_head_without_its_owner_is_ignored(pull: PullRequest, site: Site) -> None:
    repo = site.repo()

    assert [p.number for p in repo.get_pulls(head="no/such")] == [1]
    assert list(repo.get_pulls(head="acme:no/such")) == []
    assert [p.number for p in repo.get_pulls(head="acme:release/1.0.0", base="main")] == [1]


def test_a_review_keeps_the_commit_it_is_about(pull: PullRequest, site: Site, work: Work) -> None:
    reviewed = pull.head.sha
    site.repo("rosa").get_pull(1).create_review(body="good", event="APPROVE")
    work.commit("a.txt", "b")
    work.push("release/1.0.0")

    (review,) = pull.get_reviews()

    assert (review.user.login, review.state, review.commit_id) == ("rosa", "APPROVED", reviewed)


def test_stale_approvals_are_dismissed_where_that_is_asked_for(
    pull: PullRequest, site: Site, work: Work
) -> None:
    site.hub.protect(SLUG, "main", Protection(reviews_required=True, approvals=1, dismiss_stale=True))
    site.repo("rosa").get_pull(1).create_review(event="APPROVE")
    work.commit("a.txt", "b")
    work.push("release/1.0.0")

    assert [review.state for review in pull.get_reviews()] == ["DISMISSED"]
    assert "review_dismissed" in events(pull)


def test_nobody_approves_what_they_opened(pull: PullRequest) -> None:
    with pytest.raises(GithubException) as refused:
        pull.create_review(event="APPROVE")

    assert refused.value.status == 422
    assert refused.value.data["errors"] == ["Can not approve your own pull request"]


def test_reviews_are_asked_for_all_or_nothing(pull: PullRequest, site: Site) -> None:
    with pytest.raises(GithubException) as refused:
        pull.create_review_request(reviewers=["rosa", "nobody"])
    assert refused.value.status == 422
    assert pull.get_review_requests()[0].totalCount == 0

    pull.create_review_request(reviewers=["rosa", "ravi"])
    site.repo("rosa").get_pull(1).create_review(event="APPROVE")

    assert [user.login for user in pull.get_review_requests()[0]] == ["ravi"]


def test_comments_keep_who_wrote_them_and_can_be_edited(pull: PullRequest, site: Site) -> None:
    comment = pull.create_issue_comment("first")
    site.repo("oskar").get_pull(1).create_issue_comment("from outside")

    comment.edit("second")

    assert [(c.user.login, c.body) for c in pull.get_issue_comments()] == [
        ("dabflow-bot", "second"),
        ("oskar", "from outside"),
    ]


def test_a_comment_of_another_is_not_an_outsiders_to_edit(pull: PullRequest, site: Site) -> None:
    comment = pull.create_issue_comment("mine")

    answer = site.http("oskar").patch(f"/repos/{SLUG}/issues/comments/{comment.id}", json={"body": "x"})

    assert answer.status_code == 403


def test_labels_come_and_go(pull: PullRequest) -> None:
    pull.add_to_labels("release", "urgent")
    pull.remove_from_labels("urgent")

    assert [label.name for label in pull.get_labels()] == ["release"]
    assert events(pull) == ["labeled", "labeled", "unlabeled"]


def test_one_of_a_fork_follows_its_branch_there(site: Site, work: Work) -> None:
    """Its commits are in the repository as refs/pull/N/head, and its branch is never one of ours."""
    fork = site.hub.fork(SLUG, "oskar")
    work.git("remote", "add", "fork", site.git_url("oskar").replace(SLUG, fork))
    work.branch("fix")
    work.commit("a.txt", "a", "fix: a")
    work.git("push", "fork", "fix")
    pull = site.repo("oskar").create_pull(base="develop", head="oskar:fix", title="fix: a", body="")

    sha = work.commit("a.txt", "b", "fix: b")
    work.git("push", "fork", "fix")

    pull.update()
    assert (pull.head.label, pull.head.sha, pull.head.repo.full_name) == ("oskar:fix", sha, fork)
    assert work.git("ls-remote", "origin", "refs/pull/1/head").stdout.startswith(sha)
    assert "fix" not in [branch.name for branch in site.repo().get_branches()]
    assert [found.number for found in site.repo().get_pulls(head="oskar:fix")] == [1]
    assert list(site.repo().get_pulls(head="acme:fix")) == []
    site.hub.delete_repository(fork)
    left = site.repo().get_pull(1)
    gone: Repository | None = left.head.repo
    assert (left.state, gone, left.head.sha) == ("open", None, sha)
