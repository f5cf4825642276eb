r"""Fills a new world: acme/lakehouse with its history, 1.3.0 released and running in all three workspaces.

    develop          o--o--o--o---------o---o---o---o---o     four merged pull requests since 1.3.0
                    /          \       /
    release/1.3.0  /            o     /
                  /              \   /
    main         o----------------o 1.3.0

What happened is told in `sandbox/seeding/story.py`. It is made to happen here through the doors that
everybody uses: pushes and requests to the GitHub server by its accounts, and `databricks bundle deploy`.
"""

import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.github.hub import real_time
from sandbox.github.records import Protection
from sandbox.seeding.deploying import Destination, deploy
from sandbox.seeding.files import newest_files
from sandbox.seeding.people import SeedingFailed, Somebody
from sandbox.seeding.scratch import Author, NewCommit, Scratch
from sandbox.seeding.story import (
    BEGINNINGS,
    CHANGES,
    VERSION,
    Change,
    Files,
    after_only,
    before,
    difference,
)
from sandbox.world import DEPLOYER, REPOSITORY, World

_MARK = "seeded.json"
_RELEASE, _SYNC = f"release/{VERSION}", f"sync/{VERSION}-into-develop"
_NOTES = f"""\
### Features
- clean orders, in a pipeline of their own
- a report every morning
- orders for the old warehouse

The first release of this bundle that has numbers people rely on: {VERSION}.
"""


def seed(world: World) -> bool:
    """Fill a started world; say whether there was anything to do. A second time nothing changes.

    Raises:
        SeedingFailed: something did not go as told, or an earlier attempt ended half-way.
    """
    mark = world.folder / _MARK
    if mark.exists():
        return False
    if _exists(world):
        raise SeedingFailed(
            f"{REPOSITORY} was begun in {world.folder} and never finished\n"
            "  what to do: dabflow sandbox reset, then up again"
        )
    with tempfile.TemporaryDirectory(prefix="sandbox-seed-") as folder, ExitStack() as people:
        try:
            _History(world, Path(folder), people).make()
        finally:
            world.github.set_clock(real_time)
    mark.write_text("{}\n", encoding="utf-8")
    return True


def _exists(world: World) -> bool:
    try:
        world.github.repository(REPOSITORY)
    except KeyError:
        return False
    return True


class _History:
    """Makes the history happen, one chapter per method, in the order of `make`."""

    def __init__(self, world: World, folder: Path, people: ExitStack) -> None:
        self.world = world
        self.folder = folder
        owner, name = REPOSITORY.split("/")
        world.github.create_repository(owner, name)
        self.scratch = Scratch(folder / "scratch.git", f"{world.github_url}/{REPOSITORY}.git")
        self.people = {
            login: Somebody(world.github, world.github_url, REPOSITORY, login)
            for login in world.github.accounts
        }
        for somebody in self.people.values():
            people.callback(somebody.close)
        self.bot = self.people[DEPLOYER]
        self.today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.newest = newest_files(world.workspace_urls)

    def make(self) -> None:
        oldest = before(self.newest, CHANGES)
        self.begin(oldest)
        released = self.release()
        with ThreadPoolExecutor(max_workers=3) as workers:
            deploys = [self.start_deploy(workers, target, released) for target in ("staging", "prod")]
            self.propose(oldest, since=self.bring_back(released))
            develop = self.merge_changes()
            deploys.append(self.start_deploy(workers, "dev", develop))
            for running in deploys:
                running.result()
        self.record_deployments(released)
        self.close_doors()

    # -- chapters

    def begin(self, oldest: Files) -> None:
        """The first commits: main has the first one only, the release branch has them all."""
        left = dict(oldest)
        commits = []
        for number, step in enumerate(BEGINNINGS):
            came = {path: left.pop(path) for path in list(left) if path.startswith(step.prefixes)}
            date = self.at(days_ago=40 - 3 * number, hour=10)
            commits.append(NewCommit("develop", step.title, self.author(step.author), date, came))
        if left:
            raise SeedingFailed(f"no commit of the story brings these files: {', '.join(left)}")
        self.scratch.write(commits)
        self.set_clock(days_ago=26, hour=9)
        first = f"develop~{len(commits) - 1}"
        self.push("develop", f"{first}:refs/heads/main", f"develop:refs/heads/{_RELEASE}")

    def release(self) -> str:
        """1.3.0: approved, merged, tagged and published. Returns the merge commit."""
        self.set_clock(days_ago=25, hour=9)
        pull = self.bot.open_pull_request(_RELEASE, "main", f"Release {VERSION}", _NOTES)
        self.set_clock(days_ago=25, hour=11)
        self.people["ravi"].approve(pull, "Staging looks good.")
        self.set_clock(days_ago=25, hour=12)
        merged = self.bot.merge(pull)
        self.bot.tag(VERSION, merged, f"Release {VERSION}")
        self.set_clock(days_ago=25, hour=13)
        self.bot.publish(VERSION, _NOTES)
        return merged

    def bring_back(self, released: str) -> str:
        """The back-merge, so that main is contained in develop. Returns the new develop."""
        self.bot.send("POST", "/git/refs", {"ref": f"refs/heads/{_SYNC}", "sha": released})
        title, body = f"Back-merge {VERSION} into develop", "So that nothing of the release is lost."
        pull = self.bot.open_pull_request(_SYNC, "develop", title, body)
        return self.bot.merge(pull)

    def propose(self, oldest: Files, since: str) -> None:
        """The branches of all changes, each from the develop of then."""
        self.scratch.fetch("develop", token=self.token(DEPLOYER))
        commits = [
            NewCommit(
                branch=change.branch,
                title=change.title,
                author=self.author(change.author),
                date=self.at(days_ago=_days_ago(number) + 1, hour=16),
                files=difference(oldest, after_only(self.newest, number)),
                parent=since,
            )
            for number, change in enumerate(CHANGES)
        ]
        self.scratch.write(commits)
        self.set_clock(days_ago=20, hour=9)
        self.push(*(change.branch for change in CHANGES))

    def merge_changes(self) -> str:
        """Each change reviewed and merged. Returns the develop they make."""
        for number, change in enumerate(CHANGES):
            self.merge_change(change, _days_ago(number))
        develop = self.scratch.fetch("develop", token=self.token(DEPLOYER))
        shown = self.scratch.git("ls-tree", "-r", "--name-only", develop).splitlines()
        if set(shown) != set(self.newest):
            raise SeedingFailed(f"develop does not hold the sample bundle but {shown}")
        return develop

    def merge_change(self, change: Change, days_ago: int) -> None:
        author = self.people[change.author]
        self.set_clock(days_ago=days_ago, hour=9)
        pull = author.open_pull_request(change.branch, "develop", change.title, change.body)
        self.set_clock(days_ago=days_ago, hour=14)
        self.people[change.reviewer].approve(pull, "")
        self.set_clock(days_ago=days_ago, hour=15)
        author.merge(pull)

    def start_deploy(self, workers: ThreadPoolExecutor, target: str, commit: str) -> Future[None]:
        """Check out the commit and deploy it to a target, in another thread."""
        self.scratch.fetch("develop" if target == "dev" else "main", token=self.token(DEPLOYER))
        checkout = self.scratch.check_out(commit, self.folder / target)
        epoch = int(self.scratch.git("show", "--no-patch", "--format=%ct", commit))
        return workers.submit(deploy, self.world.cli, checkout, self.destination(target), epoch=epoch)

    def record_deployments(self, released: str) -> None:
        """What GitHub says about where 1.3.0 runs."""
        tree = self.scratch.git("rev-parse", f"{released}^{{tree}}")
        for hour, environment, target in ((12.2, "staging", "staging"), (12.5, "production", "prod")):
            self.set_clock(days_ago=25, hour=hour)
            page = self.world.workspace_urls[target]
            payload = {
                "release": f"{REPOSITORY}@{VERSION}",
                "requested_by": "rita",
                "reason": "the first release",
                "target": target,
                "tree": tree,
            }
            self.bot.record_deployment(environment, released, payload, page)

    def close_doors(self) -> None:
        """Merged branches go away; main and develop take pull requests only from now on."""
        gone = [_RELEASE, _SYNC, *(change.branch for change in CHANGES)]
        self.set_clock(days_ago=1, hour=8)
        self.push(*(f":refs/heads/{branch}" for branch in gone))
        for branch, approvals in (("main", 1), ("develop", 0)):
            guard = Protection(reviews_required=True, approvals=approvals)
            self.world.github.protect(REPOSITORY, branch, guard)

    # -- means

    def destination(self, target: str) -> Destination:
        principal = self.world.workspaces[target].principal
        return Destination(target, self.world.workspace_urls[target], principal)

    def push(self, *refspecs: str) -> None:
        self.scratch.push(*refspecs, token=self.token(DEPLOYER))

    def token(self, login: str) -> str:
        return self.world.github.accounts[login].token

    def author(self, login: str) -> Author:
        account = self.world.github.accounts[login]
        return Author(account.name, account.email)

    def at(self, *, days_ago: int, hour: float) -> datetime:
        return self.today - timedelta(days=days_ago) + timedelta(hours=hour)

    def set_clock(self, *, days_ago: int, hour: float) -> None:
        moment = self.at(days_ago=days_ago, hour=hour)
        self.world.github.set_clock(lambda: moment)


def _days_ago(number: int) -> int:
    """When change number 0, 1, ... was merged: the last one two days ago."""
    return 2 + 4 * (len(CHANGES) - 1 - number)
