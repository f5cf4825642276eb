"""Releases on GitHub, drafts included, and the files attached to them.

Source: GitHub REST API, "Upload a release asset": an upload that ends in a 502 can leave a file behind whose state
is `starter`; it has to be deleted before the name is free again.
A release is always edited with its tag: PyGithub 2.10 takes the number of one that it has not read for its tag.
"""

import mimetypes
from dataclasses import dataclass
from io import BytesIO

from github.GitRelease import GitRelease

from tasks.systems.github_client import NOT_FOUND, GitHubClient, Refused

_WHOLE = "uploaded"
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class ReleaseRecord:
    """A GitHub release, published or draft."""

    id: int
    tag: str
    name: str
    body: str
    draft: bool
    url: str
    prerelease: bool = False


class Releases(GitHubClient):
    """The repository's releases."""

    def releases(self) -> list[ReleaseRecord]:
        """Every release, drafts included."""
        with self._asking("reading the releases"):
            return [_release(r) for r in self._repo.get_releases()]

    def release(self, tag: str) -> ReleaseRecord | None:
        """The release of a tag, the published one before a draft."""
        found = sorted((r for r in self.releases() if r.tag == tag), key=lambda r: r.draft)
        return found[0] if found else None

    def draft_release(self, tag: str, *, name: str, body: str, at: str) -> None:
        with self._asking(f"drafting the release {tag}"):
            self._whole.create_git_release(
                tag, name, body, draft=True, target_commitish=at, make_latest="false"
            )

    def publish_release(self, release: ReleaseRecord, *, name: str, body: str) -> None:
        """Publish a draft as the latest release."""
        with self._asking(f"publishing the release {release.tag}"):
            self._whole.get_release(release.id).update_release(
                name, body, draft=False, tag_name=release.tag, make_latest="true"
            )

    def latest_release(self) -> str:
        """The tag of what GitHub calls the latest release; "" where there is none."""
        try:
            with self._asking("asking which release is the latest"):
                return str(self._repo.get_latest_release().tag_name)
        except Refused as error:
            if error.status == NOT_FOUND:
                return ""
            raise

    def edit_release(
        self, release: ReleaseRecord, *, name: str, body: str, prerelease: bool, latest: bool = False
    ) -> None:
        """The release has this name, text and mark; a draft stays one. `latest`: it becomes the latest, else it is not."""
        with self._asking(f"editing the release {release.tag}"):
            self._whole.get_release(release.id).update_release(
                name,
                body,
                draft=release.draft,
                prerelease=prerelease,
                tag_name=release.tag,
                make_latest=str(latest).lower(),
            )

    def attachment(self, release: ReleaseRecord, name: str) -> bytes | None:
        """The file of that name, or None where the release has none; half an upload is none."""
        with self._asking(f"reading {name} of the release {release.tag}"):
            for asset in self._repo.get_release(release.id).get_assets():
                if (asset.name, asset.state) == (name, _WHOLE):
                    _, _, chunks = asset.download_asset(chunk_size=_CHUNK_BYTES)
                    return b"".join(chunks)
        return None

    def attach(self, release: ReleaseRecord, name: str, content: bytes) -> None:
        """Add a file to a release; what an upload that broke left behind under its name goes first.

        Args:
            release: a draft or a published one.
            name: letters, digits and `-_.+`; GitHub stores others under another name.
            content: not empty.

        Raises:
            Refused: 422, it has such a file already.
        """
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        with self._asking(f"attaching {name} to the release {release.tag}"):
            found = self._whole.get_release(release.id)
            for asset in found.get_assets():
                if asset.name == name and asset.state != _WHOLE:
                    asset.delete_asset()
            found.upload_asset_from_memory(BytesIO(content), len(content), name, kind)

    def detach(self, release: ReleaseRecord, name: str) -> None:
        """The release has no file of that name."""
        with self._asking(f"taking {name} off the release {release.tag}"):
            for asset in self._whole.get_release(release.id).get_assets():
                if asset.name == name:
                    asset.delete_asset()


def _release(found: GitRelease) -> ReleaseRecord:
    return ReleaseRecord(
        found.id,
        found.tag_name,
        found.name or "",
        found.body or "",
        found.draft,
        found.html_url,
        found.prerelease,
    )
