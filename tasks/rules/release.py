"""The values that the steps hand on: what is released, which commit, what was found out about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tasks.rules.digests import Canonical, Subject
from tasks.rules.names import Named
from tasks.rules.phases import Phase
from tasks.rules.settings import ReleaseSettings
from tasks.rules.settings_approval import Approval
from tasks.rules.settings_words import Kind
from tasks.rules.versions import Version

STAGING = "staging"
PRODUCTION = "production"
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Fix:
    """What a hotfix brings: the pull request's number (0 where only a branch was named), and where it comes from.

    `branch` is as GitHub names the head of the pull request: `somebody:branch` of a fork. `head` is its commit,
    `commits` are its own, oldest first, without merges.
    """

    number: int
    branch: str
    head: str = ""
    commits: tuple[str, ...] = ()

    @property
    def key(self) -> int | str:
        """What the evidence of the hotfix calls it by."""
        return self.number or self.branch

    @property
    def title(self) -> str:
        """What people call it."""
        return f"#{self.number}" if self.number else f"the branch {self.branch}"

    def number_of(self, message: str) -> int | None:
        """The pull request's number, if a commit with this message was picked from it; else None."""
        picked = any(f"(cherry picked from commit {commit})" in message for commit in self.commits)
        return self.number or None if picked else None


@dataclass(frozen=True)
class Release:
    """One release of one repository: a standard one, a hotfix, or a rollback.

    `settings` are those of the production branch: a release cannot loosen its own gate.
    `source` is the commit that it is cut from, pinned by this start; only what is not cut yet uses it.
    `version` is what goes to production; a rollback withdraws `withdraws`. `fix` is what a hotfix brings.
    `given_up` is withdrawn or abandoned where it is not to reach production (again), else "".
    `overtakes`: it may go to production although another release stopped half way there.
    """

    repository: str
    version: Version
    phase: Phase
    settings: ReleaseSettings
    source: str
    requested_by: str
    reason: str
    run_url: str = ""
    previous: Version | None = None
    already_released: bool = False
    kind: Kind = "release"
    fix: Fix | None = None
    withdraws: Version | None = None
    given_up: str = ""
    overtakes: bool = False

    @property
    def name(self) -> str:
        """What its records are kept under: the version, or what a rollback is called."""
        return str(Named(self.version, self.withdraws))

    @property
    def branch(self) -> str:
        if self.kind == "hotfix":
            return self.settings.hotfix_branch(self.version)
        return self.settings.release_branch(self.version)

    @property
    def tag(self) -> str:
        return self.settings.tag(self.version)

    @property
    def approval(self) -> Approval:
        """Who opens the gate for it."""
        return self.settings.approval_of(self.kind)

    @property
    def key(self) -> str:
        """What tells this release's records on GitHub from those of others."""
        return f"{self.repository}@{self.name}"

    @property
    def title(self) -> str:
        return f"{self.repository} {self.name}"

    def target(self, environment: str) -> str:
        """The bundle target behind a GitHub environment (staging or production)."""
        targets = self.settings.targets
        return targets.production if environment == PRODUCTION else targets.staging


@dataclass(frozen=True)
class Candidate:
    """The commit that staging rehearses and people approve, with its tree and its own settings."""

    commit: str
    tree: str
    settings: ReleaseSettings


@dataclass(frozen=True)
class Validated:
    """What `bundle validate` found out about one bundle on one target.

    `variables` are by name, secrets as fingerprints; `protected` are the resources with `lifecycle.prevent_destroy`;
    `sources` the folders and files of the repository that it is made of, known where a release has several bundles.
    """

    bundle: str
    target: str
    host: str
    root_path: str
    deployer: str
    cli_version: str
    variables: Mapping[str, object] = field(default_factory=dict)
    protected: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class BundleRuns:
    """What a target runs of one bundle: the commit that its metadata names, None where no deployment there ended well."""

    bundle: str
    root_path: str
    commit: str | None


@dataclass(frozen=True, kw_only=True)
class ProductionPlan:
    """What production would get: the text that people read, and the digest that binds it.

    `plans` are canonical, by bundle folder: no secret is in them, and the digest is of `subject` and `plans`.
    `page` is everything, `markdown` what fits a comment beside its other lines, `line` the shortest.
    `destructive` are the resources whose data or history is lost, as people confirm them by name; `protected` those of
    them that what runs there now protects (`prevent_destroy`), or may protect. `unchanged` are the folders of the
    bundles of which the release changes nothing: they are left as they are.
    """

    digest: str
    subject: Subject
    plans: Mapping[str, Canonical]
    markdown: str
    line: str
    page: str = ""
    destructive: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    gate_changes: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """How the team's own checks went, by name, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Examined:
    """Everything found out about a candidate before anything was touched; bundles in the order they are deployed."""

    staging: tuple[Validated, ...]
    production: tuple[Validated, ...]
    plan: ProductionPlan
    checked: Checked = Checked()

    def bundles(self, environment: str) -> tuple[Validated, ...]:
        return self.production if environment == PRODUCTION else self.staging


@dataclass(frozen=True)
class Proposal:
    """A rehearsed candidate that can be approved: what was found out about it, and its pull request.

    `shown_at` is when GitHub showed this plan of this commit to people: what they said before counts for nothing.
    `changed` is what differs from the plan that was asked about before, for people; `page_url` has the whole plan.
    """

    candidate: Candidate
    examined: Examined
    number: int
    url: str
    shown_at: datetime = EPOCH
    changed: tuple[str, ...] = ()
    page_url: str = ""

    @property
    def plan(self) -> ProductionPlan:
        return self.examined.plan
