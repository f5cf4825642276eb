"""Refs, tags, releases and deployments, with the surprises GitHub has in store."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from github import GithubException, InputGitAuthor
from github.GitRef import GitRef
from github.GitRelease import GitRelease
from github.Repository import Repository
from github_site import SLUG, Site, Work

pytest_plugins = ["github_fixtures"]

SAFE: dict[str, Any] = {"auto_merge": False, "required_contexts": []}


def status_of(refused: pytest.ExceptionInfo[GithubException]) -> int:
    return refused.value.status


def test_a_listing_of_refs_is_by_prefix(site: Site) -> None:
    assert [r.ref for r in site.repo().get_git_matching_refs("heads/dev")] == ["refs/heads/develop"]
    with pytest.raises(GithubException) as refused:
        site.repo().get_git_ref("heads/dev")
    assert status_of(refused) == 404


def test_a_ref_moves_forward_only_unless_forced(site: Site, work: Work) -> None:
    old, new = work.head(), work.commit("a.txt", "a")
    work.push("HEAD:refs/heads/feature/a")
    ref = site.repo().get_git_ref("heads/feature/a")
    with pytest.raises(GithubException) as refused:
        ref.edit(old)
    assert refused.value.data["message"] == "Update is not a fast forward"

    ref.edit(old, force=True)

    assert site.repo().get_branch("feature/a").commit.sha == old != new


def test_a_protected_branch_is_not_moved_by_the_api(site: Site, work: Work) -> None:
    site.hub.protect(SLUG, "main")
    sha = work.commit("a.txt", "a")
    work.push("HEAD:refs/heads/feature/a")

    changes: list[Callable[[GitRef], None]] = [lambda ref: ref.edit(sha), lambda ref: ref.delete()]
    for change in changes:
        with pytest.raises(GithubException) as refused:
            change(site.repo().get_git_ref("heads/main"))
        assert status_of(refused) == 422
        assert "Protected branch update failed" in refused.value.data["message"]


def test_a_tag_with_a_fixed_date_is_the_same_object_again(site: Site) -> None:
    repo = site.repo()
    sha = repo.get_branch("main").commit.sha
    tagger = InputGitAuthor("bot", "bot@acme.example", "2026-11-02T09:00:00Z")

    tags = [repo.create_git_tag("1.0.0", "first", sha, "commit", tagger) for _ in range(2)]

    assert tags[0].sha == tags[1].sha
    repo.create_git_ref("refs/tags/1.0.0", tags[0].sha)
    assert repo.get_commit("tags/1.0.0").sha == sha
    assert repo.get_git_ref("tags/1.0.0").object.type == "tag"


def draft(repo: Repository, tag: str, target: str = "main") -> GitRelease:
    return repo.create_git_release(tag, tag, "notes", draft=True, target_commitish=target)


def test_drafts_are_invisible_by_tag_and_pile_up(site: Site) -> None:
    repo = site.repo()
    draft(repo, "1.0.0")
    draft(repo, "1.0.0")

    assert len(list(repo.get_releases())) == 2
    assert list(site.repo("oskar").get_releases()) == []
    looks: list[Callable[[], GitRelease]] = [lambda: repo.get_release("1.0.0"), repo.get_latest_release]
    for look in looks:
        with pytest.raises(GithubException) as refused:
            look()
        assert status_of(refused) == 404


def test_publishing_makes_the_missing_tag(site: Site, work: Work) -> None:
    repo = site.repo()
    release = draft(repo, "1.0.0", work.head("origin/main"))
    assert list(repo.get_git_matching_refs("tags/")) == []

    release.update_release("1.0.0", "notes", draft=False)

    assert repo.get_git_ref("tags/1.0.0").object.sha == work.head("origin/main")
    assert repo.get_latest_release().tag_name == "1.0.0"


def test_latest_is_the_marked_one_then_the_newest_commit(site: Site, work: Work) -> None:
    repo = site.repo()
    work.git("tag", "2.0.0")
    older = work.head()
    work.git("commit", "--quiet", "--allow-empty", "-m", "later", "--date", "2030-01-01T00:00:00Z")
    work.push("HEAD:refs/heads/develop", "2.0.0")
    repo.create_git_release("2.0.0", "2.0.0", "", target_commitish=older)
    repo.create_git_release("1.9.0", "1.9.0", "", target_commitish="develop", make_latest="false")
    assert repo.get_latest_release().tag_name == "2.0.0"

    old = repo.create_git_release("1.2.9", "1.2.9", "", target_commitish="develop")
    assert repo.get_latest_release().tag_name == "1.2.9"

    old.update_release("1.2.9", "", prerelease=True)
    assert repo.get_latest_release().tag_name != "1.2.9"


def test_a_release_is_published_once(site: Site) -> None:
    repo = site.repo()
    repo.create_git_release("1.0.0", "1.0.0", "", target_commitish="main")

    with pytest.raises(GithubException) as refused:
        repo.create_git_release("1.0.0", "1.0.0", "", target_commitish="main")

    assert refused.value.data["errors"][0]["code"] == "already_exists"
    assert len(list(repo.get_releases())) == 1


def test_a_refused_edit_changes_nothing(site: Site) -> None:
    repo = site.repo()
    repo.create_git_release("1.0.0", "1.0.0", "", target_commitish="main")
    second = draft(repo, "1.0.0")

    with pytest.raises(GithubException):
        second.update_release("other name", "other notes", draft=False)

    assert [r.name for r in repo.get_releases() if r.draft] == ["1.0.0"]


def test_notes_name_the_merged_pull_requests(site: Site, work: Work) -> None:
    repo = site.repo()
    repo.create_git_release("1.0.0", "1.0.0", "", target_commitish="main")
    work.branch("feature/a")
    work.commit("a.txt", "a")
    work.push("feature/a")
    site.repo("ravi").create_pull(base="develop", head="feature/a", title="feat: a").merge()

    notes = repo.generate_release_notes("1.1.0", previous_tag_name="1.0.0", target_commitish="develop")

    assert f"* feat: a by @ravi in {site.url}/{SLUG}/pull/1" in notes.body
    assert f"{site.url}/{SLUG}/compare/1.0.0...1.1.0" in notes.body


def test_an_asset_is_kept_and_served(site: Site, work: Work) -> None:
    release = draft(site.repo(), "1.0.0")
    file = work.folder / "plan.json"
    file.write_text('{"plan": []}', encoding="utf-8")

    asset = release.upload_asset(str(file))

    assert (asset.name, asset.size) == ("plan.json", 12)
    assert site.http().get(asset.browser_download_url).json() == {"plan": []}
    with pytest.raises(GithubException) as refused:
        release.upload_asset(str(file))
    assert status_of(refused) == 422


def test_an_asset_is_found_by_its_number_and_goes_with_it(site: Site, work: Work) -> None:
    """GitHub leads whoever asks for the bytes on to where they lie; an upload that broke has none."""
    release = draft(site.repo(), "1.0.0")
    asset = release.upload_asset_from_memory(BytesIO(b"{}"), 2, "plan.json", "application/json")
    address = f"/repos/{SLUG}/releases/assets/{asset.id}"
    bytes_please = {"accept": "application/octet-stream"}

    assert site.http().get(address).json()["state"] == "uploaded"
    assert site.http().get(address, headers=bytes_please, follow_redirects=True).content == b"{}"
    site.hub.repository(SLUG).releases[0].assets[0].state = "starter"
    assert site.http().get(address, headers=bytes_please).status_code == 404
    asset.delete_asset()
    assert list(release.get_assets()) == []


def test_a_deployment_with_defaults_moves_the_branch_instead(site: Site, work: Work) -> None:
    work.branch("release/1.0.0", "origin/main")
    before = work.commit("r.txt", "r")
    work.branch("develop", "origin/develop")
    work.commit("d.txt", "d")
    work.push("release/1.0.0", "develop")
    repo = site.repo()

    answered = repo.create_deployment("release/1.0.0", required_contexts=[])

    assert answered.raw_data == {"message": "Auto-merged develop into release/1.0.0 on deployment."}
    assert repo.get_branch("release/1.0.0").commit.sha != before
    assert list(repo.get_deployments()) == []
    safe = repo.create_deployment(before, environment="staging", **SAFE)
    assert (safe.sha, safe.environment) == (before, "staging")


def test_a_deployment_wants_all_checks_green_by_default(site: Site, work: Work) -> None:
    repo = site.repo()
    sha = work.head("origin/main")
    repo.get_commit(sha).create_status("pending", context="ci")

    with pytest.raises(GithubException) as refused:
        repo.create_deployment(sha, auto_merge=False)

    assert status_of(refused) == 409
    assert repo.create_deployment(sha, **SAFE).id


@pytest.mark.parametrize(
    ("environment", "first"), [("staging", "inactive"), ("production", "success")], ids=lambda value: value
)
def test_only_deployments_outside_production_end_by_themselves(
    site: Site, work: Work, environment: str, first: str
) -> None:
    repo, sha = site.repo(), work.head("origin/main")
    made = [repo.create_deployment(sha, environment=environment, **SAFE) for _ in range(2)]
    for deployment in made:
        deployment.create_status("success", description="deployed", target_url="http://127.0.0.1/run")

    states = [deployment.get_statuses()[0].state for deployment in made]

    assert states == [first, "success"]
    assert made[0].production_environment is (environment == "production")
    assert [d.id for d in repo.get_deployments(environment=environment)] == [made[1].id, made[0].id]
    assert repo.get_environment(environment).name == environment


def test_the_clock_can_be_set(site: Site, work: Work) -> None:
    site.hub.set_clock(lambda: datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
    repo = site.repo()
    deployment = repo.create_deployment(work.head("origin/main"), **SAFE)
    release = repo.create_git_release("1.0.0", "1.0.0", "", target_commitish="main")

    assert deployment.created_at == release.published_at == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
