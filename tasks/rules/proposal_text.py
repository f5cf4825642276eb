"""The release.yaml that `dabflow init` writes, for the people who will change it."""

from collections.abc import Iterator, Sequence

from tasks.rules.proposal import Proposal
from tasks.rules.settings import ReleaseSettings

_GUESS = "  # a guess: nothing in the repository says it"


def release_yaml(proposal: Proposal, *, schema: str) -> str:
    """Return the file; it holds what was found, and names what else there is.

    Args:
        proposal: what it should say.
        schema: where editors find the JSON schema of the file.
    """
    return "\n".join([*_head(schema), *_body(proposal), *_TAIL]) + "\n"


def _head(schema: str) -> list[str]:
    return [
        f"# yaml-language-server: $schema={schema}",
        "# How this repository is released by dabflow. Written by `dabflow init` from what it found; it is yours now.",
        "# Every key may be left out.",
        "",
    ]


def _body(proposal: Proposal) -> Iterator[str]:
    settings = proposal.settings
    yield "# The branches of GitFlow: what production runs, where work is collected, how releases and hotfixes begin."
    yield "branches:"
    for key, value in settings.branches:
        yield f"  {key}: {_quoted(value)}{_mark(proposal, f'branches.{key}')}"
    yield ""
    yield '# What stands before the version in a tag, such as "v".'
    yield f'tag_prefix: "{settings.tag_prefix}"{_mark(proposal, "tag_prefix")}'
    yield ""
    yield "# The targets of databricks.yml where a release is rehearsed and where it ends."
    yield "targets:"
    for key, value in settings.targets:
        yield f"  {key}: {_quoted(value)}{_mark(proposal, f'targets.{key}')}"
    yield ""
    yield "# Folders that hold a databricks.yml, in the order in which they are deployed."
    yield "bundles:"
    yield from (f'  - "{folder}"' for folder in settings.bundles)
    yield ""
    yield from _smoke(settings)


def _smoke(settings: ReleaseSettings) -> Iterator[str]:
    if not settings.smoke.production:
        yield "# Jobs, by their key in the bundle, that prove a deployed target; one that fails stops the release."
        yield "#smoke:"
        yield "#  staging: [smoke_test]"
        yield "#  production: [smoke_test]"
    else:
        yield "# Jobs, by their key in the bundle, that prove a deployed target; one that fails stops the release. They"
        yield "# are here because of their names: keep those that may run on production."
        yield "smoke:"
        yield f"  staging: [{', '.join(settings.smoke.staging)}]"
        yield f"  production: [{', '.join(settings.smoke.production)}]"
    yield ""


_TAIL: Sequence[str] = (
    "# Commands that must succeed before anything is deployed: your own tests.",
    "#checks:",
    "#  - name: unit tests",
    "#    command: python3 -m pytest",
    "",
    "# Who must say yes: reviews of the release's pull request, the form in Prefect, or both.",
    "approval:",
    "  policy: both",
    "  approvals:",
    "    - count: 1",
    "#    - from: your-team        # as its address on GitHub ends, without the organisation",
    "#      count: 1",
    "",
    "# There is more: freezes, soak, overrides, reviewers, notifications. See docs/reference/release.yaml.md of dabflow.",
)


def _mark(proposal: Proposal, key: str) -> str:
    return _GUESS if key in proposal.guessed else ""


def _quoted(value: object) -> str:
    """A name as YAML reads it back as the same text: `on`, `1.0` or `null` would become something else."""
    text = str(value)
    return (
        text
        if text.replace("/", "").replace("-", "").isalpha() and text.casefold() not in _WORDS
        else f'"{text}"'
    )


_WORDS = {"on", "off", "yes", "no", "true", "false", "null", "y", "n"}
