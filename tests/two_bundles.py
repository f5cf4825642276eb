"""A repository with two bundles in two folders, `ingest` before `reports`, of which 0.1.0 runs on both targets.

`reports` also uses what is in `common`.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playing import SLUG, People, arm, without_waiting
from stages import forget_faults, opened

from sandbox.seeding.scratch import Author, NewCommit, Scratch
from sandbox.world import DEPLOYER, World
from tasks.bundles import bundle_clis
from tasks.deploy import ensure_deployed
from tasks.examine import planned_on_production, validated_on
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, STAGING, BundleRuns, Candidate, ProductionPlan, Release
from tasks.rules.versions import Version
from tasks.running import running_bundles
from tasks.smoke import ensure_smoked
from tasks.standing import settings_at
from tasks.systems import clock
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo

Released = tuple[Path, str]  # the folder of such a world, stopped, and the commit of 0.1.0

SETTINGS = """\
bundles: [ingest, reports]
smoke:
  staging: [smoke]
  production: [smoke]
approval:
  policy: prefect
"""

_BUNDLE = """\
bundle:
  name: {name}
resources:
  jobs:
    {job}: {job_text}
    smoke: {smoke_text}
targets:
  staging: {{}}
  prod: {{}}
"""


def bundle(name: str, job: str, **settings: Any) -> str:
    """The databricks.yml of a bundle with one job, which has the settings, and one that tests it."""

    def text(key: str, **more: Any) -> str:
        python = f"{{python_file: ./{key}.py}}"
        task = f"{{task_key: {key}, environment_key: default, spark_python_task: {python}}}"
        environment = '{environment_key: default, spec: {environment_version: "4"}}'
        known = "".join(f", {name}: {value}" for name, value in more.items())
        return f"{{name: {name} {key}, tasks: [{task}], environments: [{environment}]{known}}}"

    return _BUNDLE.format(name=name, job=job, job_text=text(job, **settings), smoke_text=text("smoke"))


FILES = {
    "README.md": "two bundles\n",
    "common/units.py": "KM = 1000\n",
    "ingest/databricks.yml": bundle("ingest", "load"),
    "ingest/load.py": "print('load')\n",
    "ingest/smoke.py": "print('ingest works')\n",
    "reports/databricks.yml": bundle("reports", "report"),
    "reports/requirements.txt": "-e ../common\n",
    "reports/report.py": "print('report')\n",
    "reports/smoke.py": "print('reports work')\n",
}


def make_world(folder: Path) -> None:
    """A world in which `develop` holds both bundles, `main` the settings only, and nothing was ever released."""
    with World.open(folder) as world, tempfile.TemporaryDirectory() as scratch:
        owner, name = SLUG.split("/")
        world.github.create_repository(owner, name)
        git = Scratch(Path(scratch) / "scratch.git", f"{world.github_url}/{SLUG}.git")
        rita = Author("Rita", "rita@acme.example")
        first = NewCommit("main", "chore: how we release", rita, clock.now(), {"release.yaml": SETTINGS})
        second = NewCommit("develop", "feat: two bundles", rita, clock.now(), FILES, parent="refs/heads/main")
        git.write([first, second])
        git.push("main:main", "develop:develop", token=world.github.accounts[DEPLOYER].token)


def make_released(folder: Path) -> Released:
    """The same where `main` is `develop`, and 0.1.0 of it was deployed to both targets."""
    without_waiting()
    make_world(folder)
    with opened(folder) as world:
        mirror, hub = Mirror(SLUG).fetch(), GitHubRepo(SLUG)
        commit = mirror.branches()["develop"]
        repository = world.folder / "github" / "repositories" / f"{SLUG}.git"
        git = ["git", f"--git-dir={repository}", "update-ref", "refs/heads/main", commit]
        subprocess.run(git, check=True)
        hub.create_tag("0.1.0", commit, "Release 0.1.0", when=0)
        pair = Pair(world)
        for target in ("staging", "prod"):
            with bundle_clis(pair.release("0.1.0"), candidate_of(commit), target) as clis:
                for cli in clis:
                    cli.deploy()
        hub.create_deployment(
            PRODUCTION, commit, {"release": f"{SLUG}@0.1.0", "requested_by": "rita"}, text=""
        )
        hub.set_deployment_status(hub.deployments(PRODUCTION, commit)[0].id, "success", text="", url="")
        return folder, commit


def candidate_of(commit: str) -> Candidate:
    mirror = Mirror(SLUG).fetch()
    return Candidate(commit, mirror.tree(commit), settings_at(mirror, commit))


@dataclass
class Pair:
    """The repository in an open world."""

    world: World

    @property
    def people(self) -> People:
        return People(self.world)

    def develop(self, **files: str) -> str:
        """Files are other ones in develop; `/` is `__` in their names, `.` is `_dot_`. Returns the commit."""
        named = {name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()}
        return self.people.commit_files("develop", named)

    def release(self, version: str, **more: Any) -> Release:
        mirror = Mirror(SLUG).fetch()
        settings = settings_at(mirror, mirror.branches()["main"])
        given = {"source": "", "requested_by": "rita", "reason": "", **more}
        return Release(SLUG, Version.parse(version), Phase.TAGGED, settings, **given)

    def plan(self, version: str, commit: str) -> ProductionPlan:
        return planned_on_production(self.release(version), candidate_of(commit), None)

    def ship(self, version: str, commit: str) -> ProductionPlan:
        """A commit is deployed to production, and tested there; what was approved."""
        release, candidate = self.release(version), candidate_of(commit)
        plan = self.plan(version, commit)
        bundles = validated_on(release, candidate, "prod")
        left = ensure_deployed.fn(release, candidate, bundles, environment=PRODUCTION, approved=plan)
        ensure_smoked.fn(release, candidate, bundles, environment=PRODUCTION, left=left)
        return plan

    def rehearse(self, version: str, commit: str, unchanged: tuple[str, ...]) -> None:
        release, candidate = self.release(version), candidate_of(commit)
        bundles = validated_on(release, candidate, "staging")
        left = ensure_deployed.fn(release, candidate, bundles, environment=STAGING, unchanged=unchanged)
        ensure_smoked.fn(release, candidate, bundles, environment=STAGING, left=left)

    def runs(self, target: str = "prod", *, branch: str = "develop") -> tuple[BundleRuns, ...]:
        """What a target runs of each bundle that a branch has."""
        mirror = Mirror(SLUG).fetch()
        return running_bundles(mirror, self.release("0.1.0").settings, mirror.branches()[branch], target)

    def commits(self, target: str = "prod") -> list[str | None]:
        return [one.commit for one in self.runs(target)]

    @contextmanager
    def refusing(self, method: str, path: str, **more: int) -> Iterator[None]:
        """Production refuses a request, the first that comes unless told otherwise."""
        arm(self.world, server="prod", kind="refuse", method=method, path=path, status=403, **more)
        yield
        forget_faults(self.world)
