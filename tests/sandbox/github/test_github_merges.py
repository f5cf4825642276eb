"""Merges are real commits, made or refused as GitHub does."""

from typing import Any

import pytest
from github import GithubException
from github.PullRequest import PullRequest
from github_site import SLUG, Site, Work

from sandbox.github.records import Protection

pytest_plugins = ["github_fixtures"]


@pytest.fixture
def pull(site: Site, work: Work) -> PullRequest:
    """release/1.0.0 -> main with two commits, opened by the bot."""
    work.branch("release/1.0.0")
    work.commit("a.txt", "a", "feat: a")
    work.commit("b.txt", "b", "feat: b")
    work.push("release/1.0.0")
    return site.repo().create_pull(base="main", head="release/1.0.0", title="Release 1.0.0")


def refusal_of(pull: PullRequest, **options: Any) -> tuple[int, str]:
    with pytest.raises(GithubException) as refused:
        pull.merge(**options)
    return refused.value.status, str(refused.value.data["message"])


def test_a_merge_has_base_and_head_as_parents(pull: PullRequest, site: Site, work: Work) -> None:
    result = pull.merge(sha=pull.head.sha, merge_method="merge")

    commit = site.repo().get_git_commit(result.sha)
    assert [parent.sha for parent in commit.parents] == [work.head("origin/main"), pull.head.sha]
    assert commit.tree.sha == site.repo().get_git_commit(pull.head.sha).tree.sha
    assert commit.message == "Merge pull request #1 from acme/release/1.0.0\n\nRelease 1.0.0"
    assert commit.committer.name == "GitHub"
    assert commit.author.email.endswith("+dabflow-bot@users.noreply.github.com")
    work.git("fetch", "--quiet")
    assert work.head("origin/main") == result.sha


def test_title_and_message_are_taken(pull: PullRequest, site: Site) -> None:
    result = pull.merge(commit_title="Release 1.0.0 (#1)", commit_message="as planned")

    assert site.repo().get_git_commit(result.sha).message == "Release 1.0.0 (#1)\n\nas planned"


def test_squash_and_rebase_keep_one_line_of_history(pull: PullRequest, site: Site, work: Work) -> None:
    work.branch("other", "origin/main")
    base = work.commit("c.txt", "c")
    work.push("other:main")
    repo = site.repo()
    rebased = repo.get_git_commit(pull.merge(merge_method="rebase").sha)
    assert rebased.message == "feat: b"
    assert [repo.get_git_commit(p.sha).parents[0].sha for p in rebased.parents] == [base]

    work.branch("fix", "other")
    work.commit("d.txt", "d")
    work.push("fix")
    squashed = repo.create_pull(base="main", head="fix", title="fix: d").merge(merge_method="squash")
    assert [p.sha for p in repo.get_git_commit(squashed.sha).parents] == [rebased.sha]


def test_a_stale_head_is_a_conflict(pull: PullRequest, work: Work) -> None:
    stale = pull.head.sha
    work.commit("a.txt", "c")
    work.push("release/1.0.0")

    status, text = refusal_of(pull, sha=stale)

    assert (status, text) == (409, "Head branch was modified. Review and try the merge again.")


def test_a_second_merge_is_refused(pull: PullRequest) -> None:
    pull.merge()

    assert refusal_of(pull) == (405, "Pull Request is not mergeable")
    assert pull.is_merged()


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_method_that_is_switched_off_is_refused(pull: PullRequest, site: Site, method: str) -> None:
    name = {"merge": "allow_merge_commit"}.get(method, f"allow_{method}_merge")
    site.hub.configure(SLUG, **{name: False})

    status, text = refusal_of(pull, merge_method=method)

    assert status == 405
    assert "not allowed on this repository" in text


def test_a_protected_base_wants_reviews_and_checks(pull: PullRequest, site: Site) -> None:
    site.hub.protect(SLUG, "main", Protection(reviews_required=True, approvals=1, contexts=["ci"]))
    assert "At least 1 approving review" in refusal_of(pull)[1]

    site.repo("oskar").get_pull(1).create_review(event="APPROVE")
    assert "At least 1 approving review" in refusal_of(pull)[1]

    site.repo("rosa").get_pull(1).create_review(event="APPROVE")
    assert refusal_of(pull) == (405, 'Required status check "ci" is expected.')

    site.repo().get_commit(pull.head.sha).create_status("success", context="ci")
    site.repo("ravi").get_pull(1).create_review(event="REQUEST_CHANGES", body="no")
    assert "Changes requested" in refusal_of(pull)[1]

    site.repo("ravi").get_pull(1).create_review(event="APPROVE")
    assert pull.merge().merged


def test_a_strict_base_must_be_in_the_head(pull: PullRequest, site: Site, work: Work) -> None:
    work.branch("other", "origin/main")
    work.commit("c.txt", "c")
    work.push("other:main")
    site.hub.protect(SLUG, "main", Protection(contexts=[], strict=True))
    assert "not up to date" in refusal_of(pull)[1]
    site.repo().get_pull(1)
    assert site.repo().get_pull(1).mergeable_state == "behind"

    assert pull.update_branch()

    pull.update()
    assert pull.merge(sha=pull.head.sha).merged


def test_the_branch_goes_where_that_is_switched_on(pull: PullRequest, site: Site) -> None:
    site.hub.configure(SLUG, delete_branch_on_merge=True)

    pull.merge()

    assert [ref.ref for ref in site.repo().get_git_matching_refs("heads/release/")] == []
    assert [e.event for e in pull.get_issue_events()] == ["merged", "closed", "head_ref_deleted"]


def test_who_merged_is_kept(pull: PullRequest, site: Site) -> None:
    site.repo("rita").get_pull(1).merge()

    pull.update()

    assert pull.merged_by.login == "rita"
    merged = next(e for e in pull.get_issue_events() if e.event == "merged")
    assert (merged.actor.login, merged.commit_id) == ("rita", pull.merge_commit_sha)


def test_branches_are_merged_without_a_pull_request(pull: PullRequest, site: Site, work: Work) -> None:
    repo = site.repo()
    made = repo.merge("develop", "release/1.0.0", "back")
    assert made is not None
    assert made.commit.message == "back"
    assert repo.merge("develop", "release/1.0.0") is None

    site.hub.protect(SLUG, "main")
    with pytest.raises(GithubException) as refused:
        repo.merge("main", "release/1.0.0")
    assert refused.value.status == 422


def test_required_deployments_of_a_ruleset_hold_a_merge(pull: PullRequest, site: Site) -> None:
    site.hub.set_role(SLUG, "rita", "admin")
    names = {"required_deployment_environments": ["staging"]}
    ruleset = {
        "name": "rehearsed",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["refs/heads/main"], "exclude": []}},
        "rules": [{"type": "required_deployments", "parameters": names}],
    }
    site.http("rita").post(f"/repos/{SLUG}/rulesets", json=ruleset)
    assert "Missing successful active staging deployment" in refusal_of(pull)[1]
    sha = pull.head.sha
    deployment = site.repo().create_deployment(
        sha, environment="staging", auto_merge=False, required_contexts=[]
    )
    deployment.create_status("success")

    assert pull.merge(sha=sha).merged
