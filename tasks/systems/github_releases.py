"""Releases on GitHub, drafts included."""

from dataclasses import dataclass

from github.GitRelease import GitRelease

from tasks.systems.github_client import GitHubClient, github_errors


@dataclass(frozen=True)
class ReleaseRecord:
    """A GitHub release, published or draft."""

    id: int
    tag: str
    name: str
    body: str
    draft: bool
    url: str


class Releases(GitHubClient):
    """The repository's releases."""

    def releases(self) -> list[ReleaseRecord]:
        """Every release, drafts included."""
        with github_errors("reading the releases"):
            return [_release(r) for r in self._repo.get_releases()]

    def release(self, tag: str) -> ReleaseRecord | None:
        """The release of a tag, the published one before a draft."""
        found = sorted((r for r in self.releases() if r.tag == tag), key=lambda r: r.draft)
        return found[0] if found else None

    def draft_release(self, tag: str, *, name: str, body: str, at: str) -> None:
        with github_errors(f"drafting the release {tag}"):
            self._repo.create_git_release(
                tag, name, body, draft=True, target_commitish=at, make_latest="false"
            )

    def publish_release(self, release: ReleaseRecord, *, name: str, body: str) -> None:
        """Publish a draft as the latest release."""
        with github_errors(f"publishing the release {release.tag}"):
            self._repo.get_release(release.id).update_release(name, body, draft=False, make_latest="true")


def _release(found: GitRelease) -> ReleaseRecord:
    return ReleaseRecord(
        found.id, found.tag_name, found.name or "", found.body or "", found.draft, found.html_url
    )
