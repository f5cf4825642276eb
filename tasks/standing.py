"""Look up where a release stands, in git and on GitHub."""

from functools import lru_cache

from tasks.evidence import EVIDENCE, chain_in
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import blocked
from tasks.rules.names import Named, named
from tasks.rules.outcomes import (
    Hold,
    Stopped,
    given_up,
    held,
    in_force,
    is_away,
    kind_in,
    may_go_again,
    stop_of_another,
)
from tasks.rules.overview import shipped
from tasks.rules.phases import Facts, Phase, phase_of
from tasks.rules.release import PRODUCTION, STAGING, Release
from tasks.rules.rollbacks import phase_of_rollback
from tasks.rules.settings import ReleaseSettings, settings_of
from tasks.rules.settings_words import Kind
from tasks.rules.settings_yaml import parsed
from tasks.rules.versions import Version, highest
from tasks.rules.waiting import OnGitHub, fingerprint
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import DeploymentRecord, GitHubRepo, PullRequest

SETTINGS_FILE = "release.yaml"


def settings_at(mirror: Mirror, commit: str) -> ReleaseSettings:
    """The settings in release.yaml at a commit; the defaults where there is no such file.

    Raises:
        NeedsHuman: the file has mistakes; the text names each.
    """
    return _settings_in(mirror.read(commit, SETTINGS_FILE) or "", f"{SETTINGS_FILE} at {commit[:12]}")


@lru_cache(maxsize=8)  # each step asks for them, and reading YAML takes longer than finding it
def _settings_in(text: str, source: str) -> ReleaseSettings:
    return settings_of(parsed(text, source=source), source=source)


def production_settings(mirror: Mirror) -> ReleaseSettings:
    """The settings of the production branch: what guards production, a release cannot loosen for itself.

    The default branch says which branch that is.

    Raises:
        NeedsHuman: the production branch or develop does not exist.
    """
    branches = mirror.branches()
    default = mirror.default_branch()
    named = settings_at(mirror, _head(branches, default)).branches.production
    settings = settings_at(mirror, _head(branches, named))
    _head(branches, settings.branches.develop)
    return settings


def _head(branches: dict[str, str], name: str) -> str:
    if name not in branches:
        raise NeedsHuman(
            f"the repository has no branch {name}",
            f"create it, or name yours under `branches` in {SETTINGS_FILE}",
        )
    return branches[name]


def current_pull_request(
    hub: GitHubRepo, head: str, base: str, branch_commit: str | None
) -> PullRequest | None:
    """The pull request that speaks for a branch now.

    An open or merged one does; one that was closed without a merge only as long as the branch has not moved on.
    """
    for pull in hub.pull_requests(head, base):
        if pull.state in {"open", "merged"} or pull.head_sha == branch_commit:
            return pull
    return None


def merged_pull_request(
    mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings, version: Version
) -> PullRequest | None:
    """The pull request that brought a version into production's branch; None where GitHub knows of none."""
    names = (settings.release_branch(version), settings.hotfix_branch(version))
    first = branch_of(mirror, settings, version)
    for name in sorted(names, key=lambda name: name != first):
        for pull in hub.pull_requests(name, settings.branches.production):
            if pull.state == "merged":
                return pull
    return None


def pull_request_of(release: Release, mirror: Mirror, hub: GitHubRepo) -> PullRequest | None:
    """The pull request on which people speak about a release; about a rollback on that of what it withdraws."""
    if release.withdraws is not None:
        return merged_pull_request(mirror, hub, release.settings, release.withdraws)
    head = mirror.branches().get(release.branch)
    return current_pull_request(hub, release.branch, release.settings.branches.production, head)


def kind_of(mirror: Mirror, settings: ReleaseSettings, version: Version) -> Kind:
    """Whether a version is a release's or a hotfix's: by its branch, or where that is gone, by what was noted."""
    branches = mirror.branches()
    if settings.hotfix_branch(version) in branches:
        return "hotfix"
    if settings.release_branch(version) in branches:
        return "release"
    return kind_in(chain_in(mirror, version))


def branch_of(mirror: Mirror, settings: ReleaseSettings, version: Version) -> str:
    """The branch of a version, whether it is still there or not."""
    hotfix = kind_of(mirror, settings, version) == "hotfix"
    return settings.hotfix_branch(version) if hotfix else settings.release_branch(version)


def shipped_version(
    mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings, *, before: Version | None = None
) -> Version | None:
    """What production runs, or ran before a version came: the highest one that is published and was not withdrawn.

    None where nothing is published.
    """
    tags = mirror.tags()
    published = {settings.version_of_tag(r.tag) for r in hub.releases() if not r.draft and r.tag in tags}
    versions = {v for v in published if v is not None}
    return shipped(versions, lambda v: is_away(chain_in(mirror, v)), before=before)


def facts_of(mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings, version: Version) -> Facts:
    """What git and GitHub say about a version, as of the mirror's last fetch."""
    name = branch_of(mirror, settings, version)
    branch = mirror.branches().get(name)
    tag = mirror.tags().get(settings.tag(version))
    release = hub.release(settings.tag(version)) if tag else None
    chain = chain_in(mirror, version)
    # The newest version may come again after a rollback; an older one was overtaken.
    again = may_go_again(chain) and version == highest(
        filter(None, map(settings.version_of_tag, mirror.tags()))
    )
    published = release is not None and not release.draft and not again
    over = bool(tag) and bool(given_up(chain))
    develop = mirror.branches()[settings.branches.develop]
    if tag and (published or over) and mirror.is_ancestor(tag, develop):
        return Facts(branch=branch, tag=tag, published=published, given_up=over, back_merged=True)
    pull = current_pull_request(hub, name, settings.branches.production, branch)
    commit = branch or (pull.head_sha if pull else None)
    return Facts(
        branch=branch,
        pull=pull.state if pull else None,
        tag=tag,
        rehearsed=bool(commit) and _rehearsed(hub, commit or ""),
        deployed=bool(tag) and not again and bool(deployed_records(hub, PRODUCTION, tag or "")),
        published=published,
        given_up=over,
    )


def phase_now(mirror: Mirror, hub: GitHubRepo, settings: ReleaseSettings, version: Version) -> Phase:
    return phase_of(facts_of(mirror, hub, settings, version))


def phase_of_release(release: Release, mirror: Mirror, hub: GitHubRepo) -> Phase:
    """How far a release, or a rollback, has come."""
    if release.withdraws is not None:
        return phase_of_rollback(chain_in(mirror, release.name))
    return phase_now(mirror, hub, release.settings, release.version)


def holds(mirror: Mirror) -> list[Hold]:
    """The holds that are in force, newest first, as of the mirror's last fetch."""
    return list(in_force(chain_in(mirror, version) for version in sorted(_noted(mirror), reverse=True)))


def withdrawn_versions(mirror: Mirror) -> dict[Version, Hold]:
    """Every version that is held, also one that newer ones have overtaken: no rollback goes to it."""
    chains = {version: chain_in(mirror, version) for version in _noted(mirror)}
    return {version: hold for version, chain in chains.items() if (hold := held(chain)) is not None}


def rollbacks_under_way(mirror: Mirror) -> list[str]:
    """What the rollbacks are called that were asked for and have not ended; as of the mirror's last fetch."""
    names = sorted(name for name in mirror.names_below(EVIDENCE) if name.startswith("rollback-"))
    return [name for name in names if chain_in(mirror, name).now.entries]


def _noted(mirror: Mirror) -> set[Version]:
    """The versions about which something is noted."""
    return {v for name in mirror.names_below(EVIDENCE) if (v := Version.of_tag(name)) is not None}


def seen_on_github(hub: GitHubRepo, mirror: Mirror, *, number: int, branch: str, name: str) -> str:
    """The fingerprint of what may decide a question about #`number`, as of the mirror's last fetch.

    Take it before the reviews are judged: what comes in between then makes another one, and is not missed.
    """
    pull, block = hub.pull_request(number), blocked(chain_in(mirror, name))
    branches, stop = mirror.branches(), half_way_in_production(named(name), hub, mirror)
    return fingerprint(
        OnGitHub(
            state=pull.state,
            base=pull.base,
            head=branches.get(branch),
            reviews=[(review.id, review.state, review.body) for review in hub.reviews(number)],
            blocked=f"{block.by}, {block.at}: {block.reason}" if block else "",
            base_head=branches.get(pull.base) if pull.state == "open" else None,
            held=[hold.version for hold in holds(mirror)],
            half_way=stop.version if stop else "",
        )
    )


def deployed_records(hub: GitHubRepo, environment: str, commit: str) -> list[DeploymentRecord]:
    """The records that say this commit was deployed and tested there, newest first.

    GitHub makes the older records of an environment that is not production inactive when a newer one succeeds,
    so an inactive record of staging was a success once; production's are made inactive by hand only.
    """
    good = {"success"} if environment == PRODUCTION else {"success", "inactive"}
    return [r for r in hub.deployments(environment, commit) if r.state in good]


def half_way_in_production(about: Named, hub: GitHubRepo, mirror: Mirror) -> Stopped | None:
    """Another release that stopped half way in production, and has neither got there nor been given up."""
    since = hub.deployments_since_success(PRODUCTION)
    names = [str(record.payload.get("release", "")).rpartition("@")[2] for record in since]
    return stop_of_another(about, names, lambda name: chain_in(mirror, name))


def _rehearsed(hub: GitHubRepo, commit: str) -> bool:
    return bool(deployed_records(hub, STAGING, commit))
