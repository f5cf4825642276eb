"""Clone, fetch and push, and who may not."""

import pytest
from github_site import SLUG, Site, Work, run_git

from sandbox.github.records import Protection

pytest_plugins = ["github_fixtures"]


def test_what_was_pushed_is_cloned(site: Site, work: Work) -> None:
    sha = work.commit("a.txt", "a")
    work.push("HEAD:refs/heads/feature/a")

    assert site.clone("oskar").head("origin/feature/a") == sha


def test_a_later_fetch_brings_what_came_since(site: Site, work: Work) -> None:
    """What git can do is remembered by then, where its branches are is not."""
    other = site.clone()
    work.branch("feature/rounding")
    pushed = work.commit("rounding.py", "places = 2\n")
    work.push("feature/rounding")

    other.git("fetch", "--quiet")
    assert other.head("origin/feature/rounding") == pushed
    other.git("-c", "protocol.version=0", "fetch", "--quiet")
    assert other.head("origin/feature/rounding") == pushed


def test_a_clone_without_a_token_is_refused(site: Site) -> None:
    done = run_git("ls-remote", f"{site.url}/{SLUG}.git", cwd=site.home, check=False)

    assert done.returncode == 128
    assert "could not read Username" in done.stderr


def test_a_wrong_token_is_refused(site: Site) -> None:
    url = f"{site.url.replace('://', '://x:wrong@')}/{SLUG}.git"

    assert run_git("ls-remote", url, cwd=site.home, check=False).returncode == 128


def test_the_address_works_without_its_ending(site: Site) -> None:
    assert "refs/heads/main" in run_git("ls-remote", site.git_url("ravi")[:-4], cwd=site.home).stdout


def test_who_may_only_read_cannot_push(site: Site) -> None:
    work = site.clone("oskar")
    work.commit("a.txt", "a")

    done = work.push("HEAD:refs/heads/feature/a", check=False)

    assert done.returncode != 0
    assert "403" in done.stderr


def test_a_repository_one_may_not_see_is_not_found(site: Site) -> None:
    site.hub.set_role(SLUG, "oskar", "none")

    done = run_git("ls-remote", site.git_url("oskar"), cwd=site.home, check=False)

    assert "not found" in done.stderr


def test_a_protected_branch_refuses_a_push_in_githubs_words(site: Site, work: Work) -> None:
    site.hub.protect(SLUG, "main")
    work.commit("a.txt", "a")

    done = work.push("HEAD:main", check=False)

    assert done.returncode == 1
    assert "GH006: Protected branch update failed for refs/heads/main." in done.stderr
    assert "[remote rejected] HEAD -> main" in done.stderr


def test_protection_binds_only_its_branch(site: Site, work: Work) -> None:
    site.hub.protect(SLUG, "main")
    work.commit("a.txt", "a")

    assert work.push("HEAD:refs/heads/main-like").returncode == 0


def test_who_may_bypass_a_protection_pushes(site: Site) -> None:
    site.hub.protect(SLUG, "main", Protection(reviews_required=True, approvals=1, bypass=["rita"]))
    work = site.clone("rita")
    work.commit("a.txt", "a")

    assert work.push("HEAD:main").returncode == 0


@pytest.mark.parametrize("push", [["--force", "HEAD:main"], ["--delete", "main"]], ids=["force", "delete"])
def test_a_plain_protection_forbids_going_back(site: Site, work: Work, push: list[str]) -> None:
    """Without required reviews, going forward is allowed, and nothing else."""
    site.hub.protect(SLUG, "main", Protection())
    work.commit("a.txt", "a")
    assert work.push("HEAD:main").returncode == 0
    work.git("commit", "--quiet", "--amend", "-m", "other")

    assert "GH006" in work.push(*push, check=False).stderr


def test_a_required_check_must_be_green_before_a_push(site: Site, work: Work) -> None:
    site.hub.protect(SLUG, "main", Protection(contexts=["ci"]))
    sha = work.commit("a.txt", "a")
    work.push("HEAD:refs/heads/feature/a")
    assert 'Required status check "ci" is expected.' in work.push("HEAD:main", check=False).stderr

    site.repo().get_commit(sha).create_status("success", context="ci")

    assert work.push("HEAD:main").returncode == 0


def test_a_ruleset_refuses_in_its_own_words(site: Site, work: Work) -> None:
    site.hub.set_role(SLUG, "rita", "admin")
    ruleset = {
        "name": "releases",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["refs/heads/release/*"], "exclude": []}},
        "rules": [{"type": "creation"}, {"type": "non_fast_forward"}],
    }
    assert site.http("rita").post(f"/repos/{SLUG}/rulesets", json=ruleset).status_code == 201

    done = work.push("HEAD:refs/heads/release/1.0.0", check=False)

    assert "GH013: Repository rule violations found for refs/heads/release/1.0.0." in done.stderr


def test_nobody_pushes_to_the_refs_of_pull_requests(site: Site, work: Work) -> None:
    assert work.push("HEAD:refs/pull/9/head", check=False).returncode == 1


def test_a_big_push_arrives(site: Site, work: Work) -> None:
    """Git sends it in chunks of unknown total length."""
    sha = work.commit("big.txt", "\n".join(f"{n} {n * n}" for n in range(200_000)))

    work.push("HEAD:refs/heads/big")

    assert site.repo().get_git_ref("heads/big").object.sha == sha


def test_a_protected_branch_that_is_not_there_may_be_made(site: Site, work: Work) -> None:
    site.hub.protect(SLUG, "production")

    assert work.push("HEAD:refs/heads/production").returncode == 0
    work.commit("a.txt", "a")
    assert "GH006" in work.push("HEAD:production", check=False).stderr
