"""What people read on GitHub and in the form: pull requests, the control comment, commit messages."""

from collections.abc import Sequence

from tasks.rules.gate import Judgement
from tasks.rules.markdown import GITHUB_LIMIT, code, escaped, fenced, limited, prose
from tasks.rules.phases import Phase
from tasks.rules.release import PRODUCTION, STAGING, Proposal, Release
from tasks.rules.rollback_text import asked_for, comes_again, rollback_title, rollback_words
from tasks.rules.waiting import Waiting

REST = "the whole plan is an artifact of the run in Prefect"
SHORT = 12


def marker(release: Release) -> str:
    """The first line of our comment: with its author it tells our comment from anybody else's."""
    return f"<!-- dabflow:{release.key} -->"


def pr_title(release: Release) -> str:
    return f"{'Hotfix' if release.kind == 'hotfix' else 'Release'} {release.version}"


def pr_body(release: Release, notes: str) -> str:
    asked = (
        f"Asked for by @{release.requested_by}" if release.requested_by else "Asked for by somebody unknown"
    )
    why = f": {escaped(release.reason)}" if release.reason else ""
    head = f"{asked}{why}\n\n{_brings(release)}"
    foot = (
        f"\n\n---\n"
        f"dabflow rehearses every commit of `{release.branch}` on staging. Approve this pull request to let the"
        f" newest one go to production; dabflow merges it, nobody else needs to.\n"
    )
    room = GITHUB_LIMIT - len(head) - len(foot)
    return head + limited(notes, room, rest="see the commits of this pull request") + foot


def _brings(release: Release) -> str:
    if release.fix is None:
        return ""
    fix, onto = release.fix, f"on top of {release.previous}" if release.previous else "by itself"
    what = f"#{fix.number} ({code(fix.branch)})" if fix.number else code(fix.branch)
    return f"Brings {what} to production, {onto}, without what else waits for a release.\n\n"


def control_comment(
    release: Release,
    phase: Phase,
    *,
    proposal: Proposal | None = None,
    missing: Sequence[str] = (),
    note: str = "",
    remedy: str = "",
) -> str:
    """The one comment that always tells where the release stands and what happens next."""
    words, next_step = words_of(release, phase)
    lines = [
        marker(release),
        f"### {release.title}: {'stopped, ' if remedy else ''}{words}",
        "",
        f"**Next:** {prose(remedy) if remedy else next_step}",
        *_missing(missing),
    ]
    if note:
        lines += ["", note]
    if release.run_url:
        lines += ["", f"[Run in Prefect]({release.run_url})"]
    if proposal is not None:
        by_name = _by_name(proposal) if missing or phase is Phase.PROPOSED else []
        asked = _of_rollback(release, proposal) if release.withdraws and phase is Phase.PROPOSED else []
        lines += ["", *asked, *_what_is_asked(proposal, by_name)]
    return limited("\n".join(lines).rstrip() + "\n", rest=_rest(proposal))


def words_of(release: Release, phase: Phase) -> tuple[str, str]:
    """What a phase is called, and what happens next."""
    if release.withdraws:
        return rollback_words(release, phase)
    return phase.words, phase.next_step_of(release.kind)


def form_description(release: Release, proposal: Proposal, judgement: Judgement) -> str:
    """What the approver reads above the form in Prefect."""
    pull = f"Pull request: [#{proposal.number}]({proposal.url})" if proposal.number else "No pull request"
    title = rollback_title(release) if release.withdraws else f"{release.title} to production?"
    lines = [
        f"## {title}",
        "",
        *(_of_rollback(release, proposal) if release.withdraws else []),
        pull,
        *_missing(judgement.missing),
        "",
        *_what_is_asked(proposal, _by_name(proposal)),
    ]
    return limited("\n".join(lines), rest=_rest(proposal))


def waiting_description(release: Release, waiting: Waiting) -> str:
    """What people read about a run that waits for nothing but time."""
    return f"## {release.title} waits\n\n{prose(waiting.missing)}. It goes on by itself; nobody needs to do anything.\n"


def _missing(missing: Sequence[str]) -> list[str]:
    return ["", "**Still missing:**", "", *[f"- {prose(line)}" for line in missing]] if missing else []


def _of_rollback(release: Release, proposal: Proposal) -> list[str]:
    """Who wants production back and why, and what the way back does not bring back."""
    return [*asked_for(release), *comes_again(proposal.plan)]


def _what_is_asked(proposal: Proposal, by_name: Sequence[str]) -> list[str]:
    """The candidate and its plan, for whoever decides."""
    head = [_bound(proposal), "", *_changed(proposal), *by_name, *_gate_changes(proposal)]
    return [*head, proposal.plan.markdown]


def _changed(proposal: Proposal) -> list[str]:
    if not proposal.changed:
        return []
    return [
        "**Asked again, because it is no longer what was approved:**",
        "",
        *[f"- {line}" for line in proposal.changed],
        "",
    ]


def _by_name(proposal: Proposal) -> list[str]:
    """What the approver must type, ready to be copied."""
    keys = proposal.plan.destructive
    if not keys:
        return []
    return ["**To approve, name in the form what is destroyed:**", "", fenced("\n".join(keys)), ""]


def _rest(proposal: Proposal | None) -> str:
    if proposal is None or not proposal.page_url:
        return REST
    return f"[the whole plan]({proposal.page_url})"


def question_key(proposal: Proposal) -> str:
    """What one question is about: an answer about another commit or another plan is no answer to it."""
    return f"approve-{proposal.candidate.commit[:SHORT]}-{proposal.plan.digest[:SHORT]}"


def merge_title(release: Release, number: int) -> str:
    return f"Merge pull request #{number} from {release.branch}"


def merge_message(release: Release) -> str:
    return pr_title(release)


def tag_message(release: Release) -> str:
    return pr_title(release)


def deployment_text(release: Release, environment: str) -> str:
    if release.withdraws:
        return f"back from {release.withdraws} to {release.version}"
    where = {STAGING: "rehearsed on staging", PRODUCTION: "goes to production"}[environment]
    return f"{release.version} {where}"


def _bound(proposal: Proposal) -> str:
    # The number outside of the link: Prefect's form shows what is inside as it is written.
    plan = f"[plan]({proposal.page_url})" if proposal.page_url else "plan"
    commit, tree = proposal.candidate.commit[:SHORT], proposal.candidate.tree[:SHORT]
    return f"Commit `{commit}`, tree `{tree}`, {plan} `{proposal.plan.digest[:SHORT]}`"


def _gate_changes(proposal: Proposal) -> list[str]:
    if not proposal.plan.gate_changes:
        return []
    return [
        "**This release changes its own gate** (from the next release on):",
        *[f"- {prose(line)}" for line in proposal.plan.gate_changes],
        "",
    ]
