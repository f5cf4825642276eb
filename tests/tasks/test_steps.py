"""Every `ensure_*` step: first run, second run writes nothing, answer lost, answer late. Foreign things: below."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playing import SLUG, People, arm, asked, writes
from stages import REJECT, STEPS, Known, Stages, Step, forget_faults, opened

from sandbox.world import World
from tasks.rules.errors import NeedsHuman, TryAgain
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace

pytestmark = pytest.mark.timeout(240)

BY_NAME = {step.name: step for step in STEPS}
ALL = [pytest.param(step, id=step.name) for step in [*STEPS, REJECT]]


@pytest.fixture(scope="session")
def stages(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages(seeded, tmp_path_factory.mktemp("stages"))


class Here:
    """The world right before a step."""

    def __init__(self, world: World, step: Step, known: Known) -> None:
        self.world, self.step, self.known = world, step, known

    def run(self) -> object:
        return self.step.run(self.known)

    def until_done(self) -> object:
        """What Prefect does: again, as long as it may pass by itself."""
        for _ in range(5):
            try:
                return self.run()
            except TryAgain:
                continue
        raise AssertionError(f"{self.step.name} is not done after 5 tries")

    def done(self) -> int:
        """How often the write that must not happen twice has happened (answers of 4xx did nothing)."""
        if self.step.path.endswith("/run-now"):  # asked again with the same token, it is the same run
            return len(list(Workspace(target_of(self.step.server)).client.jobs.list_runs()))
        urls = {"github": self.world.github_url, **self.world.workspace_urls}
        import httpx

        seen = httpx.get(f"{urls[self.step.server]}/_sandbox/requests").json()
        pattern = re.compile(self.step.path)
        return sum(
            r["method"] == self.step.method
            and pattern.fullmatch(r["path"]) is not None
            and (r["status"] < 400 or r["fault"] == "after")
            for r in seen
        )


@pytest.fixture
def here(request: pytest.FixtureRequest, stages: Stages, tmp_path: Path) -> Iterator[Here]:
    step: Step = request.param
    folder, known = stages.before("merge" if step is REJECT else step.name, tmp_path / "world")
    with opened(folder) as world:
        yield Here(world, step, known)


each_step = pytest.mark.parametrize("here", ALL, indirect=True)


def at(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("here", [pytest.param(BY_NAME[name], id=name)], indirect=True)


@each_step
def test_the_first_run_does_it_and_the_second_writes_nothing(here: Here) -> None:
    before = here.done()
    first = here.run()
    assert here.done() == before + 1
    servers = ("github", "staging", "prod")
    written = {server: writes(here.world, server=server) for server in servers}

    assert here.run() == first

    assert {server: writes(here.world, server=server) for server in servers} == written


@each_step
def test_a_lost_answer_does_nothing_twice(here: Here) -> None:
    before = here.done()
    arm(here.world, server=here.step.server, kind="after", method=here.step.method, path=here.step.path)

    here.until_done()

    assert here.done() == before + 1
    assert asked(here.world, server=here.step.server) > 0


@each_step
def test_a_connection_cut_after_it_was_done_does_nothing_twice(here: Here) -> None:
    before = here.done()
    arm(
        here.world,
        server=here.step.server,
        kind="after",
        status=0,
        method=here.step.method,
        path=here.step.path,
    )

    here.until_done()

    assert here.done() == before + 1


@each_step
def test_a_late_read_does_nothing_twice(here: Here) -> None:
    before = here.done()
    arm(
        here.world,
        server=here.step.server,
        kind="late",
        method=here.step.method,
        path=here.step.path,
        reads=2,
    )

    here.until_done()
    forget_faults(here.world)

    assert here.done() == before + 1 or _only_refused_more(here, before)


@at("merge")
def test_what_git_has_is_merged_also_while_github_still_shows_it_open(here: Here) -> None:
    """Else production's branch, which our own merge has moved, would be taken for moved by somebody else."""
    number = here.known.proposal.number
    path = f"/repos/{SLUG}/pulls/{number}"
    still_open = People(here.world).api("rita", "GET", f"/pulls/{number}")
    arm(here.world, kind="refuse", method="GET", path=path, status=203, body=still_open, times=99)
    before = here.done()

    merged = here.run()

    assert merged == Mirror(SLUG).fetch().branches()["main"]
    assert here.run() == merged
    assert here.done() == before + 1


def _only_refused_more(here: Here, before: int) -> bool:
    """Records of deployments may be repeated by GitHub's rules; everything else must be refused the second time."""
    return here.step.path.endswith("/deployments") and here.done() == before + 2


@each_step
def test_refused_for_good_is_a_stop_with_a_remedy(here: Here) -> None:
    arm(
        here.world, server=here.step.server, kind="refuse", status=403, times=50,
        method=here.step.method, path=here.step.path,
    )  # fmt: skip

    with pytest.raises(NeedsHuman) as stopped:
        here.run()

    assert stopped.value.remedy


@each_step
def test_no_answer_is_not_absent(here: Here) -> None:
    """GitHub does not answer any read: nothing is concluded and nothing is written."""
    before = here.done()
    arm(here.world, kind="before", method="GET", path=".*", status=502, times=500)

    with pytest.raises(TryAgain):
        here.run()

    assert here.done() == before


@at("cut")
def test_a_foreign_branch_of_that_name(here: Here) -> None:
    """A branch that lacks production is not this release's: a stop, and it is not touched."""
    foreign = Mirror(SLUG).fetch().commits(after=None, upto=Mirror(SLUG).tags()["1.3.0"])[-1].sha
    GitHubRepo(SLUG).create_branch("release/1.4.0", foreign)

    with pytest.raises(NeedsHuman, match="does not contain main"):
        here.run()

    assert Mirror(SLUG).fetch().branches()["release/1.4.0"] == foreign


@at("tag")
def test_a_foreign_tag_of_that_name(here: Here) -> None:
    other = here.known.candidate.commit
    GitHubRepo(SLUG).create_tag("1.4.0", other, "mine", when=0)

    with pytest.raises(NeedsHuman, match=r"the tag 1\.4\.0 is on"):
        here.run()

    assert Mirror(SLUG).fetch().tags()["1.4.0"] == other


@at("propose")
def test_a_foreign_pull_request_from_that_branch(here: Here) -> None:
    """Somebody opened it by hand: it is taken over, not doubled, and its text is left to its author."""
    people = People(here.world)
    people.api("rosa", "POST", "/pulls", head="release/1.4.0", base="main", title="by hand", body="mine")

    here.run()

    pulls = [p for p in people.pulls() if p["head"]["ref"] == "release/1.4.0"]
    assert [(p["title"], p["state"]) for p in pulls] == [("by hand", "open")]


@at("merge")
def test_merged_by_hand_in_the_meantime(here: Here) -> None:
    number = here.known.proposal.number
    made = People(here.world).api("rosa", "PUT", f"/pulls/{number}/merge", merge_method="merge")

    assert here.run() == made["sha"]


@at("merge")
def test_production_moved_since_the_rehearsal(here: Here) -> None:
    """Then the merge would hold what nobody rehearsed: a stop, nothing merged."""
    GitHubRepo(SLUG).create_branch("hotfix/9.9.9", Mirror(SLUG).fetch().branches()["main"])
    people = People(here.world)
    people.commit_to("hotfix/9.9.9", "src/README.md", "hot\n")
    opened_pull = people.api("rita", "POST", "/pulls", head="hotfix/9.9.9", base="main", title="hot", body="")
    people.review("ravi", opened_pull["number"])
    people.api("rita", "PUT", f"/pulls/{opened_pull['number']}/merge", merge_method="merge")

    with pytest.raises(NeedsHuman, match="main moved"):
        here.run()


@at("deploy production")
def test_an_orphan_of_a_broken_deploy_stops_the_next_one(here: Here) -> None:
    """A job that names this bundle but is not in its state: found, named, and nothing is deployed."""
    from databricks.sdk.service import jobs

    root = here.known.examined.production[0].root_path
    workspace = Workspace(target_of("prod"))
    deployment = jobs.JobDeployment(
        kind=jobs.JobDeploymentKind.BUNDLE, metadata_file_path=f"{root}/state/metadata.json"
    )
    made = workspace.client.jobs.create(name="left behind", deployment=deployment)

    with pytest.raises(NeedsHuman, match="left behind") as stopped:
        here.run()

    assert str(made.job_id) in stopped.value.problem
    assert "bind" in stopped.value.remedy
    assert workspace.deployed_commit(root) == Mirror(SLUG).tags()["1.3.0"]


@at("publish")
def test_a_foreign_published_release_of_that_tag(here: Here) -> None:
    """Published already, by whomever: it is left as it is."""
    people = People(here.world)
    people.api("rosa", "POST", "/releases", tag_name="1.4.0", name="by hand", body="mine")

    here.run()

    assert people.api("rosa", "GET", "/releases/tags/1.4.0")["name"] == "by hand"


@at("back-merge")
def test_a_foreign_sync_branch(here: Here) -> None:
    foreign = Mirror(SLUG).fetch().tags()["1.3.0"]
    GitHubRepo(SLUG).create_branch("sync/1.4.0-into-develop", foreign)

    with pytest.raises(NeedsHuman, match="does not contain"):
        here.run()

    assert Mirror(SLUG).fetch().branches()["sync/1.4.0-into-develop"] == foreign
