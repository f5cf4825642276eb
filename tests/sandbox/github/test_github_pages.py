"""The pages people click, without a browser."""

import pytest
from github.PullRequest import PullRequest
from github_site import SLUG, Site, Work

from sandbox.pages import markdown

pytest_plugins = ["github_fixtures"]


@pytest.fixture
def pull(site: Site, work: Work) -> PullRequest:
    work.branch("release/1.0.0")
    work.commit("src/a.py", "print(1)\n", "feat: a")
    work.push("release/1.0.0")
    body = "<!-- marker -->\n# Plan\n\n<details><summary>more</summary>\n\n<script>alert(1)</script>\n\n</details>"
    pull = site.repo().create_pull(base="main", head="release/1.0.0", title="Release <1.0.0>", body=body)
    pull.create_review_request(reviewers=["rosa"])
    pull.create_issue_comment("| a | b |\n|---|---|\n| 1 | **2** |")
    site.repo().get_commit(pull.head.sha).create_status("pending", context="ci", description="still at it")
    return pull


def page(site: Site, path: str, status: int = 200) -> str:
    answer = site.http().get(path)
    assert answer.status_code == status, path
    assert "script" not in answer.headers["content-security-policy"]
    return answer.text


def form(site: Site, path: str, sent: dict[str, str], **headers: str) -> tuple[int, str]:
    answer = site.http().post(f"/{SLUG}{path}", data=sent, headers=headers)
    return answer.status_code, answer.headers.get("location", "")


def test_a_pull_requests_page_tells_everything(pull: PullRequest, site: Site) -> None:
    text = page(site, pull.html_url)

    for said in (
        "Release &lt;1.0.0&gt;",
        "<strong>2</strong>",
        "Approve as rosa",
        "Some checks have not passed",
        "still at it",
        "asked",
    ):
        assert said in text, said
    assert "marker" not in text
    assert "<script>" not in text
    assert "<summary>more</summary>" in text


def test_all_addresses_that_answers_give_open_a_page(pull: PullRequest, site: Site, work: Work) -> None:
    repo = site.repo()
    commit = repo.get_commit(pull.head.sha)
    release = repo.create_git_release("1.0.0", "1.0.0", "notes", target_commitish="main")
    draft = repo.create_git_release("1.1.0", "1.1.0", "notes", draft=True, target_commitish="main")
    run = {"name": "tests", "head_sha": commit.sha, "conclusion": "success", "output": {"title": "ok"}}
    made = site.http().post(f"/repos/{SLUG}/check-runs", json=run).json()
    deployment = repo.create_deployment(commit.sha, environment="qa", auto_merge=False, required_contexts=[])
    deployment.create_status("success")

    addresses = [repo.html_url, commit.html_url, release.html_url, draft.html_url, made["html_url"]]
    addresses += [repo.compare("main", "release/1.0.0").html_url, pull.user.html_url]
    addresses += [site.repo().get_environment("qa").html_url, commit.files[0].blob_url]
    tails = "", "/commits", "/commits/release/1.0.0", "/branches", "/pulls", "/releases", "/deployments"
    addresses += [f"/{SLUG}{tail}" for tail in (*tails, "/pulls?state=closed", "/tree/release/1.0.0/src")]
    for address in [*addresses, "/"]:
        page(site, address)


@pytest.mark.parametrize(
    "path", ["/nobody/nothing", f"/{SLUG}/pull/99", f"/{SLUG}/commit/gone", f"/{SLUG}/releases/tag/9"]
)
def test_what_is_not_there_is_said_on_a_page(site: Site, path: str) -> None:
    assert "Not found" in page(site, path, 404)


def test_people_can_be_played(pull: PullRequest, site: Site) -> None:
    url = f"/pull/{pull.number}/reviews"

    assert form(site, url, {"do": "rosa APPROVE", "body": ""}) == (303, f"/{SLUG}/pull/1")
    assert form(site, url, {"do": "ravi REQUEST_CHANGES", "body": "why?"})[0] == 303

    assert [(r.user.login, r.state, r.body, r.commit_id) for r in pull.get_reviews()] == [
        ("rosa", "APPROVED", "", pull.head.sha),
        ("ravi", "CHANGES_REQUESTED", "why?", pull.head.sha),
    ]
    text = page(site, pull.html_url)
    assert "changes requested" in text
    assert "approved" in text


def test_a_refusal_is_shown_on_the_page(pull: PullRequest, site: Site) -> None:
    status, location = form(site, "/pull/1/reviews", {"do": "rosa REQUEST_CHANGES"})

    assert status == 303
    assert "Review body can&#39;t be blank" in page(site, location)
    assert list(pull.get_reviews()) == []


def test_a_person_merges(pull: PullRequest, site: Site) -> None:
    assert form(site, "/pull/1/merge", {"do": "merge", "as": "rita"})[0] == 303

    pull.update()
    assert (pull.merged, pull.merged_by.login) == (True, "rita")
    assert "Merged" in page(site, pull.html_url)


def test_who_may_only_read_does_not_merge(pull: PullRequest, site: Site) -> None:
    form(site, "/pull/1/merge", {"do": "merge", "as": "oskar"})

    assert not pull.is_merged()


@pytest.mark.parametrize("header", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_a_form_of_another_site_is_refused(pull: PullRequest, site: Site, header: dict[str, str]) -> None:
    assert form(site, "/pull/1/reviews", {"do": "rosa APPROVE"}, **header)[0] == 403
    assert list(pull.get_reviews()) == []


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<img src=x onerror=y>", "&lt;img src=x onerror=y&gt;"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("see http://127.0.0.1:1/a?b=1.", '<a href="http://127.0.0.1:1/a?b=1">http://127.0.0.1:1/a?b=1</a>.'),
        ("`<!-- kept -->`", "<code>&lt;!-- kept --&gt;</code>"),
        ("a<br>b", "a<br>b"),
        ("<a href='javascript:x'>y</a>", "&lt;a href="),
    ],
)
def test_markdown_is_shown_safely(text: str, html: str) -> None:
    assert html in markdown(text)


def test_a_file_of_markdown_is_shown_as_people_read_it(site: Site, work: Work) -> None:
    """Also at a commit that is on no branch."""
    sha = work.commit("plan.md", "| a | b |\n|---|---|\n| 1 | **2** |\n\n<script>alert(1)</script>\n")
    work.push("HEAD:refs/dabflow/evidence/1.0.0")

    text = page(site, f"/{SLUG}/blob/{sha}/plan.md")

    assert "<strong>2</strong>" in text
    assert "<script>" not in text
