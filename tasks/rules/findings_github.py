"""What the repository on GitHub lets dabflow do, and what guards it: facts in, findings out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tasks.rules.findings import Finding, fine, found
from tasks.rules.reviews import MAY_APPROVE
from tasks.rules.rights import lacking
from tasks.rules.settings import ReleaseSettings

AREA = "github"
ENVIRONMENTS = ("dabflow", "dabflow-wake", "dabflow-check")
_ALL_TOLD = "refs/tags/"


@dataclass(frozen=True)
class BranchFacts:
    """A branch: whether it is there and protected, and what its rules demand. `merges`: None means any way."""

    there: bool
    protected: bool = False
    linear: bool = False
    merges: tuple[str, ...] | None = None
    required_checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class RulesetFacts:
    """An active ruleset; `bypass` is how many may pass it by, None if GitHub does not tell us."""

    name: str
    target: str
    refs: tuple[str, ...]
    types: tuple[str, ...]
    bypass: int | None = None
    passes_us: bool = False


@dataclass(frozen=True)
class GitHubFacts:
    """All that was looked up. `web` is the repository's address for people.

    may: admin, write, read or none. scopes: of a classic token. permissions: of an App. environments: None if unknown.
    teams: members by team, None where there is no such team. reviewers: what each may do.
    """

    web: str
    me: str
    may: str
    merge_commits: bool = True
    archived: bool = False
    scopes: tuple[str, ...] | None = None
    permissions: Mapping[str, str] | None = None
    production: BranchFacts = BranchFacts(there=False)
    develop: BranchFacts = BranchFacts(there=False)
    candidate: BranchFacts = BranchFacts(there=False)
    rulesets: Sequence[RulesetFacts] = ()
    environments: Sequence[str] | None = None
    teams: Mapping[str, int | None] = field(default_factory=dict)
    reviewers: Mapping[str, str] = field(default_factory=dict)


def github_findings(facts: GitHubFacts, settings: ReleaseSettings) -> list[Finding]:
    """Everything about the repository, fine or not."""
    return [
        *_rights(facts),
        *_merging(facts, settings),
        *_branches(facts, settings),
        *_bypasses(facts),
        *_tags(facts, settings),
        *_environments(facts),
        *_people(facts, settings),
    ]


def no_merge_commits(web: str) -> Finding:
    """The repository at this address refuses what releases are made of."""
    what = "the repository does not allow merge commits"
    return found("github-merge-commits", what, settings=f"{web}/settings")


def _rights(facts: GitHubFacts) -> Iterator[Finding]:
    if facts.archived:
        what = "the repository is archived"
        yield found("github-archived", what, settings=f"{facts.web}/settings")
    lacks = _lacks(facts)
    if lacks:
        what = f"{facts.me} may not do what dabflow does there: it has {_has(facts)}"
        yield found("github-read-only", what, permissions=lacks)
    else:
        yield fine(AREA, f"dabflow is {facts.me}, which may write")
    for right in lacking(facts.permissions) if facts.permissions is not None else ():
        if not right.always:
            what = f"{facts.me} has not {right}, which is for: {right.what_for}"
            yield found("github-right-missing", what, permission=str(right))
    if facts.permissions is None and facts.scopes is None:
        yield found("github-rights-unknown", f"GitHub does not tell what the token of {facts.me} may do")


def _lacks(facts: GitHubFacts) -> str:
    """What must be given, in words; "" where nothing is missing."""
    if facts.permissions is not None:
        return ", ".join(str(right) for right in lacking(facts.permissions) if right.always)
    if facts.scopes is not None and "repo" not in facts.scopes:
        return "the scopes repo and workflow"
    return "" if facts.may in MAY_APPROVE else "write access to the repository"


def _has(facts: GitHubFacts) -> str:
    if facts.permissions is not None:
        return ", ".join(f"{k}: {v}" for k, v in sorted(facts.permissions.items())) or "no permission"
    if facts.scopes is not None:
        return f"the scopes {', '.join(facts.scopes) or '(none)'}"
    return f"the permission {facts.may}"


def _merging(facts: GitHubFacts, settings: ReleaseSettings) -> Iterator[Finding]:
    names, web = settings.branches, facts.web
    if not facts.merge_commits:
        yield no_merge_commits(web)
    linear = False
    for name, branch in ((names.production, facts.production), (names.develop, facts.develop)):
        if branch.linear or (branch.merges is not None and "merge" not in branch.merges):
            linear = True
            what = f"{name} takes no merge commits: its rules forbid them"
            yield found("github-linear-history", what, branch=name, rules=f"{web}/settings/rules")
    if facts.merge_commits and not linear:
        yield fine(AREA, f"{names.production} and {names.develop} take merge commits")


def _branches(facts: GitHubFacts, settings: ReleaseSettings) -> Iterator[Finding]:
    names, rules = settings.branches, f"{facts.web}/settings/branches"
    for name, branch in ((names.production, facts.production), (names.develop, facts.develop)):
        if not branch.there:
            yield found("github-no-branch", f"there is no branch {name}")
        elif not branch.protected:
            yield found("github-unprotected", f"{name} is not protected", branch=name, rules=rules)
        else:
            demands = f", and demands {', '.join(branch.required_checks)}" if branch.required_checks else ""
            yield fine(AREA, f"{name} is protected{demands}")
    if facts.develop.there and not facts.develop.required_checks:
        what = f"{names.develop} demands no checks"
        yield found("github-no-required-checks", what, branch=names.develop, rules=rules)
    if not facts.candidate.protected:
        what = f"{names.release_prefix}** is not protected"
        yield found("github-release-unprotected", what, branch=names.release_prefix, rules=rules)


def _bypasses(facts: GitHubFacts) -> Iterator[Finding]:
    for ruleset in facts.rulesets:
        if ruleset.bypass:
            many = "somebody" if ruleset.bypass == 1 else f"{ruleset.bypass} entries"
            what = f"the bypass list of the ruleset {ruleset.name} is not empty: {many}"
            yield found("github-bypass", what, rules=f"{facts.web}/settings/rules")


def _tags(facts: GitHubFacts, settings: ReleaseSettings) -> Iterator[Finding]:
    rules, pattern = f"{facts.web}/settings/rules", f"{settings.tag_prefix}*"
    ref = f"{_ALL_TOLD}{settings.tag_prefix}1.0.0"
    meant = [one for one in facts.rulesets if one.target == "tag" and any(_covers(p, ref) for p in one.refs)]
    blocking = [one for one in meant if "creation" in one.types and not one.passes_us]
    for one in blocking:
        what = f"the ruleset {one.name} forbids to make tags like {settings.tag_prefix}1.0.0"
        yield found("github-tags-blocked", what, rules=rules)
    guarded = {kind for one in meant for kind in one.types}
    if not {"update", "deletion"} <= guarded:
        left = " and ".join(kind for kind in ("update", "deletion") if kind not in guarded)
        what = f"tags of releases are not protected against {left}"
        yield found("github-tags-unprotected", what, pattern=pattern, rules=rules)
    elif not blocking:
        yield fine(AREA, "tags of releases cannot be moved or deleted")


def _covers(pattern: str, ref: str) -> bool:
    return pattern == "~ALL" or fnmatchcase(ref, pattern)


def _environments(facts: GitHubFacts) -> Iterator[Finding]:
    if facts.environments is None:
        return
    for name in ENVIRONMENTS:
        if name not in facts.environments:
            what = f"there is no environment {name}"
            yield found("github-no-environment", what, environments=f"{facts.web}/settings/environments")


def _people(facts: GitHubFacts, settings: ReleaseSettings) -> Iterator[Finding]:
    asked = {kind: settings.approval_of(kind) for kind in ("release", "rollback")}
    needed = {
        group.team: max(g.count for a in asked.values() for g in a.approvals if g.team == group.team)
        for approval in asked.values()
        if approval.policy != "prefect"
        for group in approval.approvals
        if group.team
    }
    for team, count in needed.items():
        size = facts.teams.get(team)
        if size is None:
            yield found("github-team", f"GitHub shows us no team {team}")
        elif size < count:
            what = f"the team {team} has {size} members, and {count} of them must approve"
            yield found("github-team-small", what, team=team)
        else:
            yield fine(AREA, f"{count} of {size} in the team {team} must approve")
    for login, may in facts.reviewers.items():
        if may not in MAY_APPROVE:
            what = f"{login} is asked for reviews, and may not write (GitHub says: {may})"
            yield found("github-reviewer", what, login=login)
