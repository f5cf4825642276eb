"""Everything the doctor can find, by name. docs/reference/doctor.md is written from this."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class Kind:
    """What a finding is about, how bad it is, why it matters and what mends it; {words} are filled in."""

    name: str
    area: str
    severity: Literal["error", "warning", "note"]
    why: str
    fix: str


_GIT = (
    Kind(
        "git-missing",
        "git",
        "error",
        "releases are cut, compared and proved with git",
        "install git 2.31 or newer on the worker",
    ),
    Kind(
        "git-old",
        "git",
        "error",
        "the token is handed over by GIT_CONFIG_COUNT, which git knows since 2.31",
        "install git 2.31 or newer on the worker",
    ),
    Kind(
        "git-unreachable",
        "git",
        "error",
        "the repository is read by git in every step",
        "let git on the worker reach it with the connection's token",
    ),
)

_DATABRICKS = (
    Kind("cli-missing", "databricks", "error", "it validates, plans and deploys bundles", "install it"),
    Kind(
        "cli-unsupported",
        "databricks",
        "error",
        "older ones have no plan as JSON; of newer ones nobody has tried what they do",
        "install a supported version",
    ),
    Kind(
        "cli-checksum",
        "databricks",
        "error",
        "DABFLOW_DATABRICKS_CLI_SHA256 says which file may deploy, and this is another one",
        "install the file that is meant, or correct DABFLOW_DATABRICKS_CLI_SHA256",
    ),
)

_PREFECT = (
    Kind(
        "prefect-unreachable",
        "prefect",
        "error",
        "flows are started, suspended and resumed there",
        "set PREFECT_API_URL, and PREFECT_API_KEY or PREFECT_API_AUTH_STRING if it asks for one",
    ),
    Kind(
        "prefect-loses",
        "prefect",
        "error",
        "with this setting or automation a release can be lost, or started twice",
        "as it says; docs/how-to/install.md",
    ),
    Kind(
        "prefect-hampers",
        "prefect",
        "warning",
        "with this setting or automation people are told late, or not at all",
        "as it says; docs/how-to/install.md",
    ),
    Kind(
        "prefect-not-installed",
        "prefect",
        "error",
        "people and workflows start releases by their deployments",
        "dabflow install",
    ),
    Kind(
        "prefect-differs",
        "prefect",
        "warning",
        "a release runs with the deployment as it is there, not as this dabflow describes it",
        "dabflow install --dry-run shows it, dabflow install mends it",
    ),
    Kind(
        "prefect-no-worker",
        "prefect",
        "error",
        "a run waits until a worker takes it",
        "dabflow worker, on the machine that has the connections",
    ),
)

_GITHUB = (
    Kind(
        "github-unreachable",
        "github",
        "error",
        "branches, pull requests, reviews and releases are there",
        "make a connection: dabflow connect github",
    ),
    Kind(
        "github-read-only",
        "github",
        "error",
        "dabflow cuts branches, opens and merges pull requests, and tags",
        "give it: {permissions}",
    ),
    Kind(
        "github-right-missing",
        "github",
        "note",
        "dabflow works without it, but for that",
        "give the App {permission}, and accept it where it is installed",
    ),
    Kind(
        "github-rights-unknown",
        "github",
        "note",
        "GitHub tells the rights of an App and of a classic token, not those of a fine-grained one",
        "compare the token with docs/how-to/github-app.md, or use an App",
    ),
    Kind(
        "github-archived",
        "github",
        "error",
        "nothing can be pushed to an archived repository",
        "unarchive it: {settings}",
    ),
    Kind(
        "github-merge-commits",
        "github",
        "error",
        "the tree of a merge commit is what was rehearsed, and ancestry proves that a fix is back; a squash loses both",
        "allow merge commits: {settings}",
    ),
    Kind(
        "github-linear-history",
        "github",
        "error",
        "a branch that demands a linear history refuses merge commits",
        "take the rule away from {branch}: {rules}",
    ),
    Kind(
        "github-no-branch",
        "github",
        "error",
        "releases are cut from develop and merged into production's branch",
        "create it, or name yours under branches in release.yaml",
    ),
    Kind(
        "github-unprotected",
        "github",
        "warning",
        "anybody with write access can push to it past every review",
        "protect {branch}: {rules}",
    ),
    Kind(
        "github-release-unprotected",
        "github",
        "note",
        "whoever may write can push to a release that waits; it is rehearsed and asked about again",
        "protect {branch}** against deletion and force pushes: {rules}",
    ),
    Kind(
        "github-no-required-checks",
        "github",
        "note",
        "what dabflow merges back into develop is merged without your tests",
        "require your tests on {branch}: {rules}",
    ),
    Kind(
        "github-bypass",
        "github",
        "warning",
        "whoever is on that list pushes past the rule without a trace in the release",
        "empty the list, or keep it to an emergency role: {rules}",
    ),
    Kind(
        "github-tags-unprotected",
        "github",
        "warning",
        "a tag that is moved or deleted is a release that nobody can prove, or go back to",
        "add a ruleset for tags {pattern}, against update and deletion: {rules}",
    ),
    Kind(
        "github-tags-blocked",
        "github",
        "error",
        "dabflow tags the merge commit, and the rule refuses whoever is not on its bypass list",
        "put dabflow's account on the bypass list of the rule: {rules}",
    ),
    Kind(
        "github-no-environment",
        "github",
        "note",
        "the workflows take their secrets from an environment, limited to the branches that may start releases",
        "make it, if you start releases from GitHub Actions: {environments}",
    ),
    Kind(
        "github-team",
        "github",
        "error",
        "nobody can be counted as a member of a team that is not there, so the gate never opens",
        "correct approval in release.yaml, or let dabflow read the organisation's members",
    ),
    Kind(
        "github-team-small",
        "github",
        "error",
        "one person fills one place, and whoever asks for the release fills none: the gate never opens",
        "ask for fewer reviews of {team} in release.yaml, or add people to it",
    ),
    Kind(
        "github-reviewer",
        "github",
        "warning",
        "GitHub does not take reviews that count from somebody who may not write",
        "correct reviewers in release.yaml, or give {login} write access",
    ),
)

_TARGET = (
    Kind(
        "target-unreachable",
        "target",
        "error",
        "nothing is deployed where nobody can sign in",
        "make a connection: dabflow connect target {target}",
    ),
    Kind(
        "target-invalid",
        "target",
        "error",
        "a bundle that is not valid for the target cannot be deployed there",
        "correct it",
    ),
    Kind(
        "target-run-as",
        "target",
        "warning",
        "jobs then run with other rights than those that deploy, and a smoke test proves less",
        "set run_as of the target {target} to service_principal_name: {identity}, if that is not on purpose",
    ),
    Kind(
        "target-deployer",
        "target",
        "error",
        "another deployer has another state: every job would be there a second time",
        "give dabflow the service principal that has always deployed there, or hand the jobs over first",
    ),
    Kind(
        "target-read-only",
        "target",
        "error",
        "files and state are written below that folder",
        "give {identity} CAN_MANAGE on {folder}",
    ),
    Kind(
        "target-locked",
        "target",
        "warning",
        "a deploy waits, and then asks; either one runs now, or one was killed",
        "wait for it; if nothing runs there, see docs/operations.md: a deploy lock that stays",
    ),
    Kind(
        "target-clock",
        "target",
        "warning",
        "tokens, freezes and times in the evidence go by the clock",
        "set the worker's clock (NTP)",
    ),
)

_SETTINGS = (
    Kind(
        "settings-missing",
        "release.yaml",
        "note",
        "the defaults are in force: one review, no smoke test, no checks",
        "dabflow init, in a clone of the repository",
    ),
    Kind("settings-invalid", "release.yaml", "error", "no release starts with it", "correct it"),
    Kind(
        "settings-not-in-force",
        "release.yaml",
        "warning",
        "what guards production is read from {branch}: the file on develop counts after the next release",
        "merge it into {branch} as well, if it is meant now",
    ),
    Kind(
        "settings-does-nothing",
        "release.yaml",
        "warning",
        "a key that does nothing looks like a guard and is none",
        "remove it, or make it do something: docs/reference/release.yaml.md",
    ),
    Kind(
        "settings-no-smoke",
        "release.yaml",
        "warning",
        "a deploy that ended well says nothing about whether the bundle works",
        "name a job under smoke.{environment}",
    ),
    Kind(
        "settings-no-checks",
        "release.yaml",
        "note",
        "your own tests do not run before a release is deployed to staging",
        "name a command under checks",
    ),
    Kind(
        "settings-smoke-unknown",
        "release.yaml",
        "error",
        "the smoke test could not be started after production was deployed",
        "correct smoke, or add the job to the bundle",
    ),
    Kind(
        "settings-frozen",
        "release.yaml",
        "note",
        "an approved release waits for its end",
        "wait, or use an override: docs/reference/release.yaml.md",
    ),
    Kind(
        "settings-frozen-for-ever",
        "release.yaml",
        "error",
        "an approved release would wait for ever",
        "give the freeze an end",
    ),
)

CATALOGUE: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (*_GIT, *_DATABRICKS, *_PREFECT, *_GITHUB, *_TARGET, *_SETTINGS)}
)
