"""The release that every seeded world has already (1.3.0), with the evidence that dabflow would have noted."""

from dataclasses import dataclass
from typing import Any

from playing import SLUG, People

from sandbox.world import World
from tasks.evidence import attachment_name, chain_of, note
from tasks.rules.versions import Version
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

VERSION = Version(1, 3, 0)
DIGEST = "d" * 64
PAGE = f"plan-{DIGEST[:12]}.md"


@dataclass(frozen=True)
class Shipped:
    """What git and GitHub know about it."""

    candidate: str
    merge: str
    tree: str
    number: int
    review: Any
    rehearsal: int
    version: Version = VERSION

    def noted(self) -> list[tuple[str, dict[str, Any]]]:
        subject = {"commit": self.candidate, "tree": self.tree, "target": "prod"}
        review = {
            "id": self.review["id"],
            "login": self.review["user"]["login"],
            "at": self.review["submitted_at"],
        }
        approved = {"reviews": [review], "form": [{"decision": "approve", "reason": "go", "confirmed": []}]}
        return [
            ("asked", {"requested_by": "rita", "reason": "weekly", "bump": "minor"}),
            ("checked", {"commit": self.candidate, "tree": self.tree, "checks": {"unit": 1.5}}),
            ("rehearsed", {"commit": self.candidate, "target": "staging", "deployment": self.rehearsal}),
            ("shown", {"digest": DIGEST, "subject": subject, "plans": {}, "number": self.number}),
            (
                "approved",
                {"digest": DIGEST, "commit": self.candidate, "policy": "both", "overrides": [], **approved},
            ),
            ("merged", {"commit": self.merge, "tree": self.tree, "number": self.number}),
            ("tagged", {"tag": str(self.version), "commit": self.merge}),
            ("deployed", {"target": "prod", "commit": self.merge, "digest": DIGEST, "cli_version": "1.9.0"}),
            ("smoked", {"target": "prod", "runs": []}),
        ]


def shipped(world: World, version: Version = VERSION) -> Shipped:
    """A released version, its candidate rehearsed on staging, which the seed leaves out."""
    people, mirror, hub = People(world), Mirror(SLUG).fetch(), GitHubRepo(SLUG)
    merge = mirror.tags()[str(version)]
    candidate = mirror.commit(merge).parents[1]
    pull = next(p for p in people.pulls() if p["head"]["sha"] == candidate)
    review = people.api("rita", "GET", f"/pulls/{pull['number']}/reviews")[0]
    hub.create_deployment("staging", candidate, {"release": f"{SLUG}@{version}"}, text="rehearsed")
    rehearsal = hub.deployments("staging", candidate)[0].id
    return Shipped(candidate, merge, mirror.tree(merge), pull["number"], review, rehearsal, version)


def note_release(world: World, version: Version = VERSION) -> Shipped:
    """The evidence of a version is on GitHub, attached to its release, and fits."""
    found = shipped(world, version)
    for kind, facts in found.noted():
        files = {PAGE: b"# Plan\n\nnothing destructive\n"} if kind == "shown" else None
        note(SLUG, version, kind, facts, files=files)
    hub = GitHubRepo(SLUG)
    release = hub.release(str(version))
    assert release is not None
    hub.attach(release, attachment_name(version), chain_of(SLUG, version).to_bytes())
    note(SLUG, version, "published", {"tag": str(version)})
    return found
