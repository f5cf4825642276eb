"""What the server keeps besides git: one tree of plain models, written to one JSON file."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["none", "read", "triage", "write", "maintain", "admin"]
Enforcement = Literal["active", "disabled", "evaluate"]
ROLES: tuple[Role, ...] = ("none", "read", "triage", "write", "maintain", "admin")


class Record(BaseModel):
    """Base of all records: changes are checked, unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Account(Record):
    """Somebody with a token. The token is kept in a file of its own, not with the records."""

    id: int
    login: str
    name: str
    email: str
    type: Literal["User", "Bot"]
    role: Role
    token: str = Field(default="", exclude=True, repr=False)

    @property
    def noreply(self) -> str:
        """The address GitHub puts on commits it makes for this account."""
        return f"{self.id}+{self.login}@users.noreply.github.com"


class Team(Record):
    id: int
    slug: str
    name: str
    members: list[str]
    invited: list[str] = []  # members who have not accepted yet


class Label(Record):
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


class Comment(Record):
    id: int
    number: int
    user: str
    body: str
    created_at: datetime
    updated_at: datetime


class Review(Record):
    id: int
    number: int
    user: str
    state: Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]
    body: str
    commit_id: str
    submitted_at: datetime


class Event(Record):
    """Something that happened to a pull request. `details` is what this kind of event adds in JSON."""

    id: int
    number: int
    event: str
    actor: str
    commit_id: str | None = None
    created_at: datetime
    details: dict[str, Any] = {}


class Pull(Record):
    """A pull request. `head_repo` is the fork that it comes from, owner/name; None for the repository itself."""

    id: int
    number: int
    title: str
    body: str | None
    user: str
    state: Literal["open", "closed"] = "open"
    draft: bool = False
    head_ref: str
    head_repo: str | None = None
    head_sha: str
    base_ref: str
    base_sha: str
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: str | None = None
    merge_commit_sha: str | None = None
    labels: list[str] = []
    reviewers: list[str] = []
    teams: list[str] = []
    maintainer_can_modify: bool = False

    @property
    def head_name(self) -> str:
        """The branch that it comes from; one of a fork with its owner."""
        return f"{self.head_repo.partition('/')[0]}:{self.head_ref}" if self.head_repo else self.head_ref


class Asset(Record):
    id: int
    name: str
    label: str | None
    content_type: str
    size: int
    digest: str
    state: Literal["uploaded", "starter"] = "uploaded"
    uploader: str
    created_at: datetime


class Release(Record):
    id: int
    tag_name: str
    target_commitish: str
    name: str | None
    body: str | None
    draft: bool
    prerelease: bool
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None = None
    author: str
    assets: list[Asset] = []


class DeploymentStatus(Record):
    id: int
    state: Literal["error", "failure", "inactive", "pending", "success", "queued", "in_progress"]
    creator: str
    description: str
    environment: str
    target_url: str
    log_url: str
    environment_url: str
    created_at: datetime


class Deployment(Record):
    id: int
    sha: str
    ref: str
    task: str
    payload: dict[str, Any] | list[Any] | str
    environment: str
    description: str | None
    creator: str
    created_at: datetime
    updated_at: datetime
    transient_environment: bool
    production_environment: bool
    statuses: list[DeploymentStatus] = []


class Environment(Record):
    id: int
    name: str
    created_at: datetime


class CommitStatus(Record):
    id: int
    sha: str
    state: Literal["error", "failure", "pending", "success"]
    context: str
    description: str | None
    target_url: str | None
    creator: str
    created_at: datetime


class CheckRun(Record):
    id: int
    name: str
    head_sha: str
    status: Literal["queued", "in_progress", "completed", "waiting", "requested", "pending"]
    conclusion: str | None
    started_at: datetime
    completed_at: datetime | None
    details_url: str | None
    external_id: str | None
    title: str | None
    summary: str | None
    text: str | None


class Protection(Record):
    """Classic protection of one branch. `bypass` names the logins it does not bind."""

    approvals: int = 0
    dismiss_stale: bool = False
    code_owners: bool = False
    last_push_approval: bool = False
    reviews_required: bool = False
    contexts: list[str] | None = None
    strict: bool = False
    enforce_admins: bool = False
    linear_history: bool = False
    allow_force_pushes: bool = False
    allow_deletions: bool = False
    pushers: list[str] | None = None
    bypass: list[str] = []


class Ruleset(Record):
    """Rules as GitHub's API describes them. `include` and `exclude` are patterns of full ref names."""

    id: int
    name: str
    target: Literal["branch", "tag"]
    enforcement: Enforcement
    include: list[str]
    exclude: list[str] = []
    rules: list[dict[str, Any]]
    bypass_actors: list[dict[str, Any]] = []
    created_at: datetime


class Dispatch(Record):
    """A wake-up somebody sent: `workflow` is None for a repository dispatch."""

    id: int
    workflow: str | None
    ref: str
    event_type: str
    payload: dict[str, Any]
    actor: str
    created_at: datetime


class Repository(Record):
    id: int
    owner: str
    name: str
    description: str | None = None
    private: bool = True
    default_branch: str
    parent: str | None = None  # what it is a fork of, owner/name
    created_at: datetime
    updated_at: datetime
    pushed_at: datetime
    allow_merge_commit: bool = True
    allow_squash_merge: bool = True
    allow_rebase_merge: bool = True
    allow_auto_merge: bool = True
    delete_branch_on_merge: bool = False
    immutable_releases: bool = False
    next_number: int = 1
    latest_release: int | None = None
    collaborators: dict[str, Role] = {}
    branches: dict[str, str] = {}
    labels: list[Label] = []
    pulls: list[Pull] = []
    comments: list[Comment] = []
    reviews: list[Review] = []
    events: list[Event] = []
    releases: list[Release] = []
    deployments: list[Deployment] = []
    environments: list[Environment] = []
    statuses: list[CommitStatus] = []
    check_runs: list[CheckRun] = []
    protections: dict[str, Protection] = {}
    rulesets: list[Ruleset] = []
    dispatches: list[Dispatch] = []

    @property
    def slug(self) -> str:
        return f"{self.owner}/{self.name}"


class InstallationToken(Record):
    """A token of the App: it acts as the bot, for an hour, with these permissions."""

    digest: str
    login: str
    permissions: dict[str, str]
    expires_at: datetime


class App(Record):
    """The App of this world: what it asks for was accepted where it is installed, unless it was taken away again."""

    permissions: dict[str, str] = {
        "metadata": "read",
        "contents": "write",
        "pull_requests": "write",
        "checks": "read",
        "statuses": "write",
        "deployments": "write",
        "actions": "write",
        "members": "read",
        "administration": "read",
        "issues": "write",
    }
    installed_on: list[str] | None = None  # None: on every repository of the organisation
    suspended: bool = False
    token_seconds: int = 3600  # how long a token of it lasts


class State(Record):
    next_id: int = 1000
    organization: str = "acme"
    created_at: datetime
    accounts: dict[str, Account] = {}
    teams: list[Team] = []
    repositories: dict[str, Repository] = {}
    installation_tokens: list[InstallationToken] = []
    app: App = App()
