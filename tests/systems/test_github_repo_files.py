"""Releases and the files attached to them, with the real PyGithub over HTTP."""

import pytest
from hub_place import SLUG, Place

from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.github_repo import GitHubRepo, Refused, ReleaseRecord

pytest_plugins = ["hub_fixtures"]

NAME, CONTENT = "evidence-1.4.0.json", b'{"who": "ravi \xe2\x9c\x93"}\n' * 9000


@pytest.fixture
def hub(place: Place) -> GitHubRepo:
    return GitHubRepo(SLUG)


def test_releases(place: Place, hub: GitHubRepo) -> None:
    head = place.git("rev-parse", "HEAD")
    hub.create_tag("1.4.0", head, "Release 1.4.0", when=1_700_000_000)
    assert hub.release("1.4.0") is None

    hub.draft_release("1.4.0", name="1.4.0", body="draft", at=head)
    hub.draft_release("1.4.0", name="1.4.0", body="another", at=head)
    draft = hub.release("1.4.0")
    assert draft is not None
    assert draft.draft
    assert len(hub.releases()) == 2, "GitHub lets drafts of one tag pile up"

    hub.publish_release(draft, name="1.4.0", body="notes")

    found = hub.release("1.4.0")
    assert found is not None
    assert (found.draft, found.body, found.tag) == (False, "notes", "1.4.0")
    assert hub._repo.get_latest_release().tag_name == "1.4.0"
    assert hub.ref("tags/1.4.0") == head


# ---- files


@pytest.fixture
def draft(place: Place, hub: GitHubRepo) -> ReleaseRecord:
    head = place.git("rev-parse", "HEAD")
    hub.create_tag("1.4.0", head, "Release 1.4.0", when=1_700_000_000)
    hub.draft_release("1.4.0", name="1.4.0", body="draft", at=head)
    found = hub.release("1.4.0")
    assert found is not None
    return found


def names(hub: GitHubRepo, release: ReleaseRecord) -> list[str]:
    return [asset.name for asset in hub._repo.get_release(release.id).get_assets()]


def test_a_file_comes_back_as_it_was_attached(hub: GitHubRepo, draft: ReleaseRecord) -> None:
    assert hub.attachment(draft, NAME) is None

    hub.attach(draft, NAME, CONTENT)
    hub.attach(draft, "plan.md", b"# plan")

    assert hub.attachment(draft, NAME) == CONTENT
    assert hub.attachment(draft, "plan.md") == b"# plan"
    assert hub.attachment(draft, "evidence") is None


def test_it_stays_when_the_draft_is_published(hub: GitHubRepo, draft: ReleaseRecord) -> None:
    hub.attach(draft, NAME, CONTENT)

    hub.publish_release(draft, name="1.4.0", body="notes")

    published = hub.release("1.4.0")
    assert published is not None
    assert hub.attachment(published, NAME) == CONTENT


def test_a_file_that_is_there_is_refused(hub: GitHubRepo, draft: ReleaseRecord) -> None:
    hub.attach(draft, NAME, CONTENT)

    with pytest.raises(Refused, match="already_exists") as stop:
        hub.attach(draft, NAME, b"other")

    assert stop.value.status == 422
    assert hub.attachment(draft, NAME) == CONTENT


def test_what_a_broken_upload_left_behind_makes_room(
    place: Place, hub: GitHubRepo, draft: ReleaseRecord
) -> None:
    """After a 502 GitHub can keep half a file, which holds the name and has no content."""
    place.arm("after", ".*/assets", method="POST", status=502)
    with pytest.raises(TryAgain, match="502"):
        hub.attach(draft, NAME, CONTENT)
    place.hub.repository(SLUG).releases[0].assets[0].state = "starter"
    assert hub.attachment(draft, NAME) is None

    hub.attach(draft, NAME, CONTENT)

    assert names(hub, draft) == [NAME]
    assert hub.attachment(draft, NAME) == CONTENT


def test_only_the_half_file_of_that_name_goes(place: Place, hub: GitHubRepo, draft: ReleaseRecord) -> None:
    hub.attach(draft, "other.json", b"{}")
    place.hub.repository(SLUG).releases[0].assets[0].state = "starter"

    hub.attach(draft, NAME, CONTENT)

    assert names(hub, draft) == ["other.json", NAME]


def test_a_lost_answer_leaves_a_whole_file(place: Place, hub: GitHubRepo, draft: ReleaseRecord) -> None:
    place.arm("after", ".*/assets", method="POST", status=0)

    with pytest.raises(TryAgain, match="no answer"):
        hub.attach(draft, NAME, CONTENT)

    assert hub.attachment(draft, NAME) == CONTENT


@pytest.mark.parametrize(
    ("status", "kind", "said"), [(502, TryAgain, "502"), (429, TryAgain, "429"), (403, NeedsHuman, "refused")]
)
def test_a_download_that_is_refused_is_no_missing_file(
    place: Place, hub: GitHubRepo, draft: ReleaseRecord, status: int, kind: type[Exception], said: str
) -> None:
    hub.attach(draft, NAME, CONTENT)
    place.arm("before" if status == 502 else "refuse", ".*/releases/assets/.*", status=status)

    with pytest.raises(kind, match=said):
        hub.attachment(draft, NAME)
