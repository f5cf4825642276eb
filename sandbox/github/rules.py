"""Who may push and merge what: classic branch protection and rulesets.

Sources: docs.github.com "About protected branches" and "Available rules for rulesets"; texts of the refusals
as people report them (GH006, GH013, 405 on merge).
"""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.github.bare import ZERO, BareRepository
from sandbox.github.hub import Hub
from sandbox.github.records import CheckRun, CommitStatus, Protection, Pull, Repository, Review, Ruleset

_GOOD_CONCLUSIONS = {"success", "neutral", "skipped"}


# -- what is known about a commit


def latest_statuses(repository: Repository, sha: str) -> list[CommitStatus]:
    """The newest status of each context."""
    newest = {s.context: s for s in sorted(repository.statuses, key=lambda s: s.id) if s.sha == sha}
    return list(newest.values())


def latest_check_runs(repository: Repository, sha: str) -> list[CheckRun]:
    newest = {c.name: c for c in sorted(repository.check_runs, key=lambda c: c.id) if c.head_sha == sha}
    return list(newest.values())


def combined_state(statuses: Iterable[CommitStatus]) -> str:
    """`pending` when there is no status at all."""
    states = {s.state for s in statuses}
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"


def verdicts(repository: Repository, sha: str) -> dict[str, str]:
    """What each status and check says about a commit: success, pending or failure."""
    found: dict[str, str] = {}
    for status in latest_statuses(repository, sha):
        found[status.context] = "failure" if status.state == "error" else status.state
    for run in latest_check_runs(repository, sha):
        ended = "success" if run.conclusion in _GOOD_CONCLUSIONS else "failure"
        found[run.name] = ended if run.status == "completed" else "pending"
    return found


def opinions(hub: Hub, repository: Repository, pull: Pull) -> dict[str, Review]:
    """Each reviewer's last word. Comments change nothing; only people who may write count."""
    last: dict[str, Review] = {}
    for review in repository.reviews:
        writes = hub.role(repository, review.user) in {"write", "maintain", "admin"}
        if review.number == pull.number and writes and review.state not in {"COMMENTED", "PENDING"}:
            last[review.user] = review
    return last


# -- rulesets


def rulesets_for(repository: Repository, ref: str) -> list[Ruleset]:
    """The active rulesets that cover a ref, by its full name: those for branches or tags, and no other ref."""
    kind = {"heads": "branch", "tags": "tag"}.get(ref.split("/")[1])
    return [
        r
        for r in repository.rulesets
        if r.enforcement == "active" and r.target == kind and _covers(r, repository, ref)
    ]


def _covers(ruleset: Ruleset, repository: Repository, ref: str) -> bool:
    def matches(pattern: str) -> bool:
        if pattern == "~DEFAULT_BRANCH":
            return ref == f"refs/heads/{repository.default_branch}"
        return pattern == "~ALL" or fnmatch.fnmatchcase(ref, pattern)

    return any(map(matches, ruleset.include)) and not any(map(matches, ruleset.exclude))


def rules_for(repository: Repository, ref: str) -> list[tuple[Ruleset, dict[str, Any]]]:
    return [(ruleset, rule) for ruleset in rulesets_for(repository, ref) for rule in ruleset.rules]


def _binding(hub: Hub, repository: Repository, ref: str, login: str) -> dict[str, dict[str, Any]]:
    """Rule type -> parameters, of the rulesets this person cannot bypass."""
    account = hub.state.accounts[login]
    return {
        rule["type"]: rule.get("parameters") or {}
        for ruleset, rule in rules_for(repository, ref)
        if account.id not in {actor.get("actor_id") for actor in ruleset.bypass_actors}
    }


# -- protection


def protected(repository: Repository, branch: str) -> bool:
    return branch in repository.protections or bool(rulesets_for(repository, f"refs/heads/{branch}"))


def _protection(hub: Hub, repository: Repository, branch: str, login: str) -> Protection | None:
    """The classic protection that binds this person, if any."""
    found = repository.protections.get(branch)
    if found is None or login in found.bypass:
        return None
    is_admin = hub.role(repository, login) == "admin"
    return None if is_admin and not found.enforce_admins else found


@dataclass(frozen=True)
class Guard:
    """Why a direct change of a ref is refused.

    `moves` says which: creation, change (all others), update, deletion, non_fast_forward, or not_green (to a
    commit that is not among `green`).
    """

    ref: str
    moves: str
    code: str
    reason: str
    green: frozenset[str] = frozenset()


def guards(hub: Hub, repository: Repository, ref: str, login: str) -> list[Guard]:
    """What stands against this person changing this ref directly, most severe first."""
    found = []
    if ref.startswith("refs/heads/"):
        found += _classic_guards(hub, repository, ref, login)
    rules = _binding(hub, repository, ref, login)
    if "pull_request" in rules:
        found.append(Guard(ref, "change", "GH013", "Changes must be made through a pull request."))
    if "required_status_checks" in rules:
        names = [c["context"] for c in rules["required_status_checks"].get("required_status_checks", [])]
        found.append(_status_guard(repository, ref, "GH013", names))
    texts = {
        "creation": "Cannot create ref due to creations being restricted.",
        "update": "Cannot update this protected ref.",
        "deletion": "Cannot delete this protected ref.",
        "non_fast_forward": "Cannot force-push to this branch.",
    }
    found += [Guard(ref, kind, "GH013", text) for kind, text in texts.items() if kind in rules]
    return found


def _classic_guards(hub: Hub, repository: Repository, ref: str, login: str) -> list[Guard]:
    protection = _protection(hub, repository, ref.removeprefix("refs/heads/"), login)
    if protection is None:
        return []
    found = []
    if protection.pushers is not None and login not in protection.pushers:
        found.append(Guard(ref, "change", "GH006", "You're not authorized to push to this branch."))
    if protection.reviews_required:
        needed = (
            f"At least {protection.approvals} approving review is required by reviewers with write access."
        )
        text = needed if protection.approvals else "Changes must be made through a pull request."
        found.append(Guard(ref, "change", "GH006", text))
    if protection.contexts:
        found.append(_status_guard(repository, ref, "GH006", protection.contexts))
    if not protection.allow_force_pushes:
        found.append(Guard(ref, "non_fast_forward", "GH006", "Cannot force-push to this branch"))
    if not protection.allow_deletions:
        found.append(Guard(ref, "deletion", "GH006", "Cannot delete a protected branch"))
    return found


def _status_guard(repository: Repository, ref: str, code: str, contexts: list[str]) -> Guard:
    known = {s.sha for s in repository.statuses} | {c.head_sha for c in repository.check_runs}
    green = frozenset(sha for sha in known if not _missing(repository, sha, contexts))
    return Guard(ref, "not_green", code, f'Required status check "{contexts[0]}" is expected.', green)


def _missing(repository: Repository, sha: str, contexts: Iterable[str]) -> list[str]:
    said = verdicts(repository, sha)
    return [context for context in contexts if said.get(context) != "success"]


def refusal(git: BareRepository, against: list[Guard], old: str, new: str) -> Guard | None:
    """The guard that forbids moving its ref from `old` to `new` (zeros: absent), if one does."""
    if old == ZERO:
        kinds = {"creation"}
    elif new == ZERO:
        kinds = {"change", "deletion"}
    elif git.is_ancestor(old, new):
        kinds = {"change", "update"}
    else:
        kinds = {"change", "update", "non_fast_forward"}
    for guard in against:
        if guard.moves in kinds or (guard.moves == "not_green" and new not in guard.green | {ZERO}):
            return guard
    return None


# -- merging


def merge_refusal(
    hub: Hub, repository: Repository, pull: Pull, login: str, method: str = "merge"
) -> str | None:
    """Why GitHub would not let this person merge the pull request now, apart from conflicts."""
    branch = pull.base_ref
    protection = _protection(hub, repository, branch, login) or Protection(allow_force_pushes=True)
    rules = _binding(hub, repository, f"refs/heads/{branch}", login)
    review_rule = rules.get("pull_request", {})
    approvals = max(protection.approvals, review_rule.get("required_approving_review_count", 0))
    if protection.linear_history and method == "merge":
        return "Merge commits are not allowed on this repository."
    if "required_linear_history" in rules and method == "merge":
        return "Repository rule violations found\n\nThis branch must not contain merge commits."
    if method not in review_rule.get("allowed_merge_methods", ["merge", "squash", "rebase"]):
        return f"Repository rule violations found\n\n{method.capitalize()} merges are not allowed."
    if "merge_queue" in rules:
        return "Changes must be made through the merge queue"
    if protection.pushers is not None and login not in protection.pushers:
        return "You're not authorized to push to this branch."
    return _review_refusal(hub, repository, pull, approvals) or _check_refusal(
        hub, repository, pull, protection, rules
    )


def _review_refusal(hub: Hub, repository: Repository, pull: Pull, approvals: int) -> str | None:
    said = opinions(hub, repository, pull).values()
    if approvals and any(review.state == "CHANGES_REQUESTED" for review in said):
        return "Changes requested by a reviewer with write access."
    if sum(review.state == "APPROVED" for review in said) < approvals:
        plural = "review is" if approvals == 1 else "reviews are"
        return f"At least {approvals} approving {plural} required by reviewers with write access."
    return None


def _check_refusal(
    hub: Hub, repository: Repository, pull: Pull, protection: Protection, rules: dict[str, dict[str, Any]]
) -> str | None:
    rule = rules.get("required_status_checks", {})
    contexts = [*(protection.contexts or []), *(c["context"] for c in rule.get("required_status_checks", []))]
    if missing := _missing(repository, pull.head_sha, contexts):
        return f'Required status check "{missing[0]}" is expected.'
    for environment in rules.get("required_deployments", {}).get("required_deployment_environments", []):
        if not _deployed(repository, environment, pull.head_sha):
            return f"Repository rule violations found\n\nMissing successful active {environment} deployment."
    base = hub.git(repository.slug).ref(f"refs/heads/{pull.base_ref}")
    strict = protection.strict or rule.get("strict_required_status_checks_policy", False)
    if strict and base and not hub.git(repository.slug).is_ancestor(base, pull.head_sha):
        return "The head branch is not up to date with the base branch."
    return None


def _deployed(repository: Repository, environment: str, sha: str) -> bool:
    return any(
        d.sha == sha and d.environment == environment and d.statuses and d.statuses[-1].state == "success"
        for d in repository.deployments
    )
