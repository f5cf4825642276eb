"""What people read about a rollback: how its comment speaks of each phase, the withdrawn release, a lifted hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.rules import markdown
from tasks.rules.errors import NeedsHuman
from tasks.rules.evidence import Entry
from tasks.rules.labels import label
from tasks.rules.markdown import escaped_line
from tasks.rules.phases import Phase
from tasks.rules.plans import Plan
from tasks.rules.release import ProductionPlan, Release
from tasks.rules.versions import Version

SUFFIX = " (withdrawn)"
_BEGIN, _END = "<!-- dabflow-withdrawn:{} -->", "<!-- dabflow-withdrawn-end -->"


@dataclass(frozen=True)
class Page:
    """Name and text of a GitHub release."""

    name: str
    body: str


def rollback_words(release: Release, phase: Phase) -> tuple[str, str]:
    """What a phase is called for a rollback, and what happens next."""
    to, gone = release.version, release.withdraws
    read = (
        f"approvers read what production would get, then review this pull request ({gone} as it was merged)"
    )
    mend = f"mend {gone} on develop. The next release must hold a commit that {gone} did not have"
    words = {
        Phase.PROPOSED: ("waits for approval", f"{read} and answer the form"),
        Phase.REJECTED: ("rejected", f"nothing: production stays as it is. To try again: `{again(release)}`"),
        Phase.MERGED: ("approved", f"dabflow deploys {to} to production"),
        Phase.DEPLOYED: (f"production runs {to}", f"dabflow withdraws {gone}"),
        Phase.PUBLISHED: (
            f"production runs {to} again",
            f"{mend}; or somebody lifts its hold: `dabflow unhold {gone} --reason TEXT`",
        ),
    }
    return words.get(phase, ("begun", f"dabflow finds out what going back to {to} would do"))


def again(release: Release) -> str:
    """What somebody types to start the same rollback."""
    return f"dabflow rollback --to {release.version} --reason TEXT"


def rollback_title(release: Release) -> str:
    return f"{release.repository}: production back from {release.withdraws} to {release.version}?"


def asked_for(release: Release) -> list[str]:
    """Who wants the rollback and why, for those who decide; those whom the settings name are called."""
    asked = f"{_who(release)} wants production back from {release.withdraws} to {release.version}: {_why(release)}"
    asks = [login for login in release.settings.reviewers if login.lower() != release.requested_by.lower()]
    called = ["", f"For review: {', '.join(f'@{login}' for login in asks)}"] if asks else []
    return [asked, *called, ""]


def comes_again(plan: ProductionPlan) -> list[str]:
    """What the newer version had taken away, said plainly: it is made anew, and what it held is not in it."""
    found = [Plan.of_object(printed) for printed in plan.plans.values()]
    made = [change for one in found for change in one.changes if change.creates and not change.right]
    names = ", ".join(label(change) for change in made if not change.starts_a_run)
    if not names:
        return []
    return [f"**Made anew, without the data and the history of before:** {names}", ""]


def does_not_fit(release: Release, error: NeedsHuman, *, deployed_by: str) -> tuple[str, str]:
    """Problem and remedy where the old version cannot be validated or planned with the present command.

    Args:
        release: the rollback.
        error: what the command said.
        deployed_by: the version of the command that deployed it, "" where nobody noted it.
    """
    then = f"databricks {deployed_by}" if deployed_by else "a databricks of which nothing is noted"
    problem = (
        f"production cannot go back to {release.version} as things are; nobody was asked, and nothing was touched.\n"
        f"{release.version} was deployed by {then}; this worker's says:\n{error.problem}"
    )
    remedy = (
        f"{error.remedy}. If it is the version of the command: give a worker the one that deployed"
        f" {release.version}, then retry. Else go back to another version, or release a fix"
    )
    return problem, remedy


def withdrawn_line(release: Release, versions: Sequence[Version]) -> str:
    """What a finished rollback has done, in a paragraph."""
    gone = " and ".join(str(version) for version in versions)
    marked = f"{gone} {'is' if len(versions) == 1 else 'are'}"
    return (
        f"{_who(release)} asked for it: {_why(release)}\n\nThe tag {release.tag} is deployed and tested, GitHub's"
        f" latest release is {release.version}, and {marked} marked as withdrawn."
    )


def withdrawn_page(page: Page, release: Release, link: str) -> Page:
    """A release's page once it is withdrawn; unchanged where it says so already, whatever people call it since."""
    begin = _BEGIN.format(release.name)
    if begin in page.body:
        return page
    was = standing_page(page)
    note = (
        f"> **Withdrawn.** Production runs {release.version} instead ({markdown.link('what happened', link)})."
        f" {_who(release)} asked for it: {_why(release)}"
    )
    name = was.name if SUFFIX.strip() in was.name else f"{was.name}{SUFFIX}"
    return Page(name, f"{begin}\n{note}\n{_END}\n\n{was.body}")


def is_withdrawn(page: Page) -> bool:
    """Whether a release's page says that dabflow withdrew it."""
    return _BEGIN.partition("{")[0] in page.body


def standing_page(page: Page) -> Page:
    """The page of a release that is no longer withdrawn, as it was before."""
    head, begun, rest = page.body.partition(_BEGIN.partition("{")[0])
    _, ended, after = rest.partition(_END)
    body = f"{head}{after.lstrip()}" if begun and ended else page.body
    return Page(page.name.removesuffix(SUFFIX), body)


def _who(release: Release) -> str:
    return f"@{release.requested_by}" if release.requested_by else "Somebody unknown"


def _why(release: Release) -> str:
    return escaped_line(release.reason)


def lifted_comment(version: str, entry: Entry) -> str:
    """What the pull request says about a hold that was lifted; the first line tells it from every other comment."""
    by, reason = entry.facts.get("by"), escaped_line(str(entry.facts.get("reason", "")))
    return (
        f"<!-- dabflow-unhold:{entry.hash} -->\n**{version} is no longer held**, says @{by}: {reason}\n\n"
        "It may go to production again, also as a part of a release that holds nothing else.\n"
    )
