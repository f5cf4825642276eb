"""The fast part of the doctor, first in every flow: what would stop this run later is said before anything is done."""

import logging

from tasks.doctor import databricks_findings, git_findings
from tasks.rules.errors import NeedsHuman
from tasks.rules.findings import Finding
from tasks.rules.findings_github import no_merge_commits
from tasks.rules.phases import Phase
from tasks.rules.release import Release
from tasks.step import ensure
from tasks.systems import connections
from tasks.systems.github_rights import Rights

log = logging.getLogger(__name__)


@ensure("look whether all is there")
def insist_on_everything_needed(release: Release) -> None:
    """Insist on what the rest of this run needs: a usable git and `databricks`, and merge commits on GitHub.

    What is over does not count: after the merge nobody asks how the repository merges, and what is published needs no
    `databricks`. It asks GitHub for the repository only, and no workspace.

    Raises:
        NeedsHuman: something is missing; the text names all of it.
        TryAgain: GitHub does not answer.
    """
    findings = git_findings()
    if release.phase < Phase.DEPLOYED:
        findings += databricks_findings()
    if release.phase < Phase.MERGED and release.kind != "rollback":
        findings += _merging(release.repository)
    _insist(findings)


def _merging(repository: str) -> list[Finding]:
    if Rights(repository).takes_merge_commits():
        return []
    return [no_merge_commits(f"{connections.github_url(repository)}/{repository}")]


def _insist(findings: list[Finding]) -> None:
    bad = [finding for finding in findings if finding.severity == "error"]
    for finding in findings:
        log.log(logging.WARNING if finding.severity == "warning" else logging.DEBUG, "%s", finding.what)
    if not bad:
        return
    problem = "\n".join(f"{finding.what}: {finding.why}" for finding in bad)
    raise NeedsHuman(problem, "; ".join(dict.fromkeys(finding.fix for finding in bad)))
