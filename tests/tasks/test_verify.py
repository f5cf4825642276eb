"""Verifying a released version against real git and a real GitHub, and every way of tampering with it."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from noted_release import PAGE, VERSION, Shipped, note_release
from playing import SLUG, People
from stages import opened

from sandbox.world import World, copy_world
from tasks.evidence import chain_of, note
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import Chain
from tasks.rules.versions import Version
from tasks.systems.github_repo import GitHubRepo
from tasks.verify import verified

pytestmark = pytest.mark.timeout(240)

REF = f"refs/dabflow/evidence/{VERSION}"


@dataclass
class Place:
    """The world after 1.3.0, with its evidence."""

    world: World
    shipped: Shipped

    @property
    def bare(self) -> Path:
        return self.world.folder / "github" / "repositories" / f"{SLUG}.git"

    def git(self, *command: str, stdin: bytes = b"") -> str:
        """Git on the server itself, where no rule and no dabflow watches."""
        who = ["-c", "user.name=x", "-c", "user.email=x"]
        done = subprocess.run(
            ["git", *who, *command], cwd=self.bare, input=stdin, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def rewrite(self, files: dict[str, bytes], *, parent: str | None) -> None:
        """The ref is at a new commit with these files changed, on top of `parent`."""
        blobs = {name: self.git("hash-object", "-w", "--stdin", stdin=data) for name, data in files.items()}
        kept = [
            line for line in self.git("ls-tree", REF).splitlines() if line.partition("\t")[2] not in files
        ]
        lines = [*kept, *(f"100644 blob {sha}\t{name}" for name, sha in blobs.items())]
        tree = self.git("mktree", stdin="".join(f"{line}\n" for line in lines).encode())
        commit = self.git("commit-tree", tree, *(["-p", parent] if parent else []), "-m", "by hand")
        self.git("update-ref", REF, commit)


@pytest.fixture(scope="session")
def noted(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Shipped]:
    folder = copy_world(seeded, tmp_path_factory.mktemp("noted") / "world")
    with opened(folder) as world:
        return folder, note_release(world)


@pytest.fixture
def place(noted: tuple[Path, Shipped], tmp_path: Path) -> Iterator[Place]:
    folder, shipped = noted
    with opened(copy_world(folder, tmp_path / "world")) as world:
        yield Place(world, shipped)


def test_a_release_as_it_should_be(place: Place) -> None:
    found = verified(SLUG, VERSION)

    assert (found.problem, found.published) == ("", True)
    assert [entry.kind for entry in found.chain.entries][-1] == "published"


def test_nothing_noted_is_not_verified(place: Place) -> None:
    with pytest.raises(NeedsHuman, match=r"nothing is noted about 9\.9\.9"):
        verified(SLUG, Version(9, 9, 9))


def _move_tag(place: Place) -> None:
    place.git("update-ref", "refs/tags/1.3.0", place.shipped.candidate)


def _delete_tag(place: Place) -> None:
    place.git("update-ref", "-d", "refs/tags/1.3.0")


def _dismiss(place: Place) -> None:
    where = f"/pulls/{place.shipped.number}/reviews/{place.shipped.review['id']}/dismissals"
    People(place.world).api("rita", "PUT", where, message="no")


def _cut_the_end(place: Place) -> None:
    """The newest entry is gone, without a trace on the ref itself."""
    place.git("update-ref", REF, f"{REF}~4")


def _rewrite(change: Callable[[str, dict[str, object]], object]) -> Callable[[Place], None]:
    """The whole chain is written anew with other facts, each entry in its commit: the ref alone gives nothing away."""

    def tamper(place: Place) -> None:
        old = chain_of(SLUG, VERSION)
        page = place.git("show", f"{REF}:{PAGE}") + "\n"
        new, parent = Chain(SLUG, str(VERSION)), None
        for entry in old.entries:
            facts = json.loads(json.dumps(dict(entry.facts)))
            change(entry.kind, facts)
            new = new.with_entry(entry.kind, facts, entry.at)
            place.rewrite({"evidence.json": new.to_bytes(), PAGE: page.encode()}, parent=parent)
            parent = place.git("rev-parse", REF)

    return tamper


def _other_reviewer(kind: str, facts: dict[str, object]) -> None:
    if kind == "approved":
        facts["reviews"] = [{"id": 1, "login": "rosa"}]


def _other_reason(kind: str, facts: dict[str, object]) -> None:
    if kind == "asked":
        facts["reason"] = "a secret order"


def _other_requester(kind: str, facts: dict[str, object]) -> None:
    if kind == "asked":
        facts["requested_by"] = "Ravi"


def _other_deployment(kind: str, facts: dict[str, object]) -> None:
    if kind == "rehearsed":
        facts["deployment"] = 1


def _one_commit(place: Place) -> None:
    """The right chain, its history folded into one commit."""
    place.rewrite({}, parent=None)


def _other_page(place: Place) -> None:
    """What the approver read is exchanged, in the commit that brought it and every later one."""
    chain = chain_of(SLUG, VERSION)
    parent: str | None = None
    for number in range(1, len(chain.entries) + 1):
        part = Chain(chain.repository, chain.version, chain.entries[:number])
        place.rewrite({"evidence.json": part.to_bytes(), PAGE: b"# another plan\n"}, parent=parent)
        parent = place.git("rev-parse", REF)


def _attach(content: Callable[[], bytes]) -> Callable[[Place], None]:
    def tamper(place: Place) -> None:
        asset = GitHubRepo(SLUG)
        release = asset.release(str(VERSION))
        assert release is not None
        asset.detach(release, f"evidence-{VERSION}.json")
        if data := content():
            asset.attach(release, f"evidence-{VERSION}.json", data)

    return tamper


TAMPERED: dict[str, tuple[Callable[[Place], None], str]] = {
    "tag moved": (_move_tag, r"\(tagged\): the tag 1\.3\.0 is on"),
    "tag deleted": (_delete_tag, r"\(tagged\): the tag 1\.3\.0 does not exist"),
    "review dismissed": (_dismiss, r"\(approved\): review \d+ of \w+ is dismissed now"),
    "end cut off": (_cut_the_end, r"attached to the published release \(9 entries\) is not how this chain"),
    "other reviewer": (_rewrite(_other_reviewer), r"\(approved\): the pull request has no review 1"),
    "other requester": (_rewrite(_other_requester), r"\(approved\): ravi asked for this release"),
    "other reason": (_rewrite(_other_reason), r"is not how this chain began"),
    "other rehearsal": (_rewrite(_other_deployment), r"\(rehearsed\): GitHub has no deployment 1 of"),
    "one commit": (_one_commit, r"does not hold the first 1 entries"),
    "another page": (_other_page, rf"\(shown\): {PAGE} is not the file that was noted"),
    "nothing attached": (_attach(lambda: b""), "has no evidence attached"),
    "something else attached": (
        _attach(lambda: b"{}"),
        "attached to the published release: the evidence is not",
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_is_found(place: Place, name: str) -> None:
    tamper, says = TAMPERED[name]
    tamper(place)

    found = verified(SLUG, VERSION)

    assert re.search(says, found.problem), found.problem


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            lambda old: old.replace(b"weekly", b"yearly"),
            r"entry 1 .*\(asked\) was changed after it was written",
        ),
        (lambda old: old[:-40], "not JSON"),
        (lambda _: Chain(SLUG, "1.2.0").to_bytes(), "it is about acme/lakehouse 1.2.0"),
    ],
    ids=["a word changed", "half of it", "another release"],
)
def test_a_broken_chain_is_refused(place: Place, data: Callable[[bytes], bytes], says: str) -> None:
    head = place.git("rev-parse", REF)
    place.rewrite({"evidence.json": data(chain_of(SLUG, VERSION).to_bytes())}, parent=head)

    with pytest.raises(NeedsHuman, match=says):
        verified(SLUG, VERSION)


def test_what_is_noted_afterwards_still_fits(place: Place) -> None:
    """The attachment of a published release is a beginning of the chain."""
    note(SLUG, VERSION, "smoked", {"target": "prod", "runs": ["again"]})

    assert verified(SLUG, VERSION).problem == ""
