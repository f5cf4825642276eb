"""A world with two releases more than the seeded one, made without running them: 1.5.0 runs in production.

1.4.0 is what develop holds; 1.5.0 adds a pipeline on top of it. Each has its merged pull request, tag, published
release, record of production and evidence, and develop contains them.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from noted_release import note_release
from playing import SLUG, People

from sandbox.world import World
from tasks.approve import still_what_was_approved
from tasks.ask import GateAnswer
from tasks.bundles import bundle_clis
from tasks.deploy import ensure_deployed
from tasks.plan_rollback import plan_rollback
from tasks.propose import ensure_shown
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, Candidate, Proposal, Release
from tasks.rules.settings import ReleaseSettings
from tasks.rules.versions import Version
from tasks.smoke import ensure_smoked
from tasks.standing import settings_at
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.way_back import ensure_back_asked, plan_back, validation_back
from tasks.withdraw import ensure_told_of_rollback, ensure_withdrawn

PIPELINE = "resources.pipelines.totals"
TOTALS = """\
resources:
  pipelines:
    totals:
      name: totals
      catalog: ${var.catalog}
      schema: totals
      serverless: true
      root_path: ../src
      libraries:
        - file:
            path: ../src/ingest.py
"""


Rolled = tuple[Path, dict[str, "Made"]]  # the folder of such a world, stopped, and its releases


@dataclass(frozen=True)
class Made:
    """A release made by hand: its pull request, and the merge commit that its tag is on."""

    version: Version
    number: int
    commit: str


def make_world(world: World) -> dict[str, Made]:
    """1.3.0 with its evidence, and 1.4.0 and 1.5.0; by version."""
    note_release(world)
    develop = Mirror(SLUG).fetch().branches()["develop"]
    first = make_release(world, "1.4.0", develop)
    second = make_release(world, "1.5.0", first.commit, files={"resources/totals.yml": TOTALS})
    people = People(world)
    pull = people.api("rita", "POST", "/pulls", head="main", base="develop", title="back", body="")
    people.api("rita", "PUT", f"/pulls/{pull['number']}/merge", merge_method="merge")
    deploy(second.commit)
    return {"1.4.0": first, "1.5.0": second}


def make_release(
    world: World, version: str, at: str, *, files: dict[str, str] | None = None, state: str = "success"
) -> Made:
    """A version that was merged and tagged, and how its deployment to production ended; published if that was well."""
    people, hub, branch = People(world), GitHubRepo(SLUG), f"release/{version}"
    hub.create_branch(branch, at)
    for path, text in (files or {}).items():
        people.commit_to(branch, path, text)
    hub.open_pull_request(branch, "main", title=f"Release {version}", body="")
    number = hub.pull_requests(branch, "main")[0].number
    people.review("ravi", number)
    head = hub.pull_request(number).head_sha
    hub.merge_pull_request(number, head=head, title=f"Merge #{number}", message="")
    commit = Mirror(SLUG).fetch().branches()["main"]
    hub.create_tag(version, commit, f"Release {version}", when=1)
    record(version, commit, state)
    if state == "success":
        publish(version, commit)
        note_release(world, Version.parse(version))
    return Made(Version.parse(version), number, commit)


def publish(version: str, commit: str) -> None:
    hub = GitHubRepo(SLUG)
    hub.draft_release(version, name=version, body=f"what {version} brings\n", at=commit)
    found = hub.release(version)
    assert found is not None
    hub.publish_release(found, name=version, body=found.body)


def record(version: str, commit: str, state: str, **payload: str) -> None:
    """GitHub's newest record of production says this of a version."""
    hub, known = GitHubRepo(SLUG), {"release": f"{SLUG}@{version}", "requested_by": "rita"}
    hub.create_deployment(PRODUCTION, commit, {**known, **payload}, text="")
    newest = hub.deployments(PRODUCTION, commit)[0]
    hub.set_deployment_status(newest.id, state, text="", url="")


def deploy(commit: str) -> None:
    """Production runs a commit."""
    mirror = Mirror(SLUG).fetch()
    settings = ReleaseSettings()
    release = Release(SLUG, Version(1, 5, 0), Phase.TAGGED, settings, source="", requested_by="", reason="")
    with bundle_clis(release, candidate_of(commit, mirror), "prod") as clis:
        for cli in clis:
            cli.deploy(auto_approve=True)


def candidate_of(commit: str, mirror: Mirror) -> Candidate:
    return Candidate(commit, mirror.tree(commit), settings_at(mirror, commit))


def planned_back(to: str = "1.4.0", **more: str) -> Release:
    given = {"requested_by": "rita", "reason": "the totals are wrong", **more}
    return plan_rollback.fn(SLUG, Version.parse(to), **given)  # type: ignore[arg-type]


def looked_back(release: Release) -> Proposal:
    """What people would be asked about."""
    asked = ensure_back_asked.fn(release)
    commit = asked.candidate.commit
    bundles = validation_back.fn(release, asked.candidate, commit=commit, target="prod")
    plan = plan_back.fn(release, asked.candidate, bundles, commit=commit, target="prod", look=1)
    return asked.proposed(bundles, plan)


def by_form_alone(release: Release) -> Release:
    """The same rollback where the settings ask for no reviews."""
    settings = release.settings
    approval = settings.approval.model_copy(update={"policy": "prefect"})
    rollback = settings.rollback.model_copy(update={"approval": approval})
    return replace(release, settings=settings.model_copy(update={"rollback": rollback}))


def latest(world: World) -> str:
    return str(People(world).api("rita", "GET", "/releases/latest")["tag_name"])


def approved(world: World, release: Release, said: list[GateAnswer]) -> Proposal:
    """People saw it, and approved."""
    proposal = ensure_shown.fn(release, looked_back(release))
    if proposal.number:
        People(world).review("rosa", proposal.number)
    assert still_what_was_approved.fn(release, proposal, said)
    return proposal


def go(release: Release, proposal: Proposal) -> tuple[Version, ...]:
    """What follows the approval, as the flow has it."""
    candidate, bundles = proposal.candidate, proposal.examined.production
    ensure_deployed.fn(release, candidate, bundles, environment=PRODUCTION, approved=proposal.plan)
    ensure_smoked.fn(release, candidate, bundles, environment=PRODUCTION)
    gone = ensure_withdrawn.fn(release, proposal)
    ensure_told_of_rollback.fn(release, proposal, gone)
    return gone
