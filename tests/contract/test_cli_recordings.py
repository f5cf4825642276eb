"""The list of recordings: which test holds the stand-in to each folder, and why not where none does.

A folder or a text that nobody names here fails. A new one is copied here whole and then held, or refused by name.
"""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from cli_recordings import FOLDER

HELD = {
    "01-version-and-me": "contract",
    "02-clean-target": "contract runs",
    "03-no-change": "contract",
    "04-source-only-change": "contract",
    "05-job-changed": "contract",
    "06-wheel-version-changed": "contract",
    "07-wheel-content-only": "contract",
    "08-job-removed": "contract",
    "09-job-added-back": "contract",
    "10-pipeline-recreated-approved": "contract",
    "10-pipeline-recreated-refused": "contract",
    "11-http-answers": "answers",
    "11-pipeline-removed-approved": "contract",
    "11-pipeline-removed-refused": "contract",
    "12-state-files": "checkouts",
    "20-errors": "wrong_input",
    "21-lock-held": "locks",
    "22-git-branch": "branches",
    "23-active-runs": "runs",
    "24-run-fails": "runs",
    "25-plan-file": "refusals",
    "26-remote-drift": "checkouts",
    "27-http-trouble": "http_trouble",
    "28-killed-SIGKILL": "locks",
    "28-killed-SIGTERM": "locks",
    "28-killed-during-upload": "locks",
    "28-killed-with-durable-bundle-tmp": "locks",
    "29-fresh-checkouts": "checkouts",
    "30-environment": "environment refusals",
    "31-plan-determinism": "branches",
    "32-permissions-and-references": "permissions",
    "33-optional-endpoints": "optional_endpoints",
    "36-terraform-engine": "refusals",
    "37-bind-orphans": "locks refusals",
    "38-notebooks": "runs",
    "39-deployment-history": "refusals",
    "39-immutable-folder": "refusals",
    "39-job-runs-on-deploy": "refusals",
    "40-other-bundles": "other_bundle",
    "50-yaml": "yaml",
    "51-settings": "settings",
}
# Texts that are refused: the command that was recorded is called, and the stand-in says that it lacks it.
REFUSED = {
    "25-plan-file/[235-9]-*": "a plan file is applied past every check: nobody should, and the product does not",
    "30-environment/env-oidc": "a token in a variable is read by all that child starts: the product uses files",
    "30-environment/*script*": "a bundle's own scripts are no part of the sample bundle",
    "36-terraform-engine/*-engine-terraform-env": "the terraform engine is the real command's old one",
    "37-bind-orphans/6-unbind": "the product binds orphans and never unbinds",
    "39-immutable-folder/[123]-*": "not usable with a plan digest: every plan is full of updates",
    "39-job-runs-on-deploy/[123]-*": "smoke jobs are started through the SDK, not by a deploy",
}
# What is compared with nothing, and why that is right.
LEFT = {
    "28-killed-*/notes": "what is left behind is looked at in `_kill` and beside it, not word by word",
    "31-plan-determinism/notes": "its statements are the asserts of `test_a_plan_depends_on_nothing_but...`",
    "32-permissions-and-references/8-deploy-removed-refused": "refused for the sake of a schema and a volume",
    "34-timing/notes": "measurements of the real command",
    "35-databricks-sdk/notes": "no command: tests/sandbox/workspace/test_workspace_sdk.py asks the same",
    "39-immutable-folder/[456]-*": "further steps of what is refused at the first",
    "39-job-runs-on-deploy/[456]-*": "further steps of what is refused at the first",
    "40-other-bundles/notes": "a table of 37 bundles that are not here",
}
HERE = Path(__file__).parent


def _texts() -> list[str]:
    """The names of all recordings, as tests write them: without `.txt`."""
    files = [f for f in FOLDER.glob("*/*") if not f.name.endswith((".requests.txt", ".yml", ".case"))]
    return sorted(str(f.relative_to(FOLDER)).removesuffix(".txt") for f in files)


def _listed(text: str, table: dict[str, str]) -> bool:
    return any(fnmatch(text, pattern) for pattern in table)


class _Named:
    """The names of recordings in a test module: texts, and f-strings whose gaps other constants of it fill."""

    def __init__(self, module: str) -> None:
        tree = ast.parse((HERE / f"test_cli_{module}.py").read_text("utf-8"))
        nodes = list(ast.walk(tree))
        self.words = {str(n.value) for n in nodes if isinstance(n, ast.Constant)}
        self.patterns = [_pattern(n) for n in nodes if isinstance(n, ast.JoinedStr)]

    def __contains__(self, text: str) -> bool:
        folder, _, name = text.partition("/")
        if {text, f"{text}.txt"} & self.words or (
            folder in self.words and {name, f"{name}.txt"} & self.words
        ):
            return True
        found = (pattern.fullmatch(text) for pattern in self.patterns)
        return any(match and set(match.groups()) <= self.words for match in found)


def _pattern(text: ast.JoinedStr) -> re.Pattern[str]:
    parts = [re.escape(str(v.value)) if isinstance(v, ast.Constant) else "(.+?)" for v in text.values]
    return re.compile("".join(parts))


def test_every_folder_is_listed() -> None:
    folders = {f.name for f in FOLDER.iterdir() if f.is_dir()}
    assert folders == {*HELD, "34-timing", "35-databricks-sdk"}


@pytest.mark.parametrize("folder", [name for name in HELD if name[:2] not in {"50", "51"}])
def test_every_text_is_held_or_has_a_reason(folder: str) -> None:
    """50 and 51 are read from the folders themselves."""
    modules = [_Named(module) for module in HELD[folder].split()]
    texts = [text for text in _texts() if text.startswith(f"{folder}/") and not _listed(text, LEFT)]
    assert [text for text in texts if not any(text in module for module in modules)] == []


def test_what_is_refused_is_called() -> None:
    refusals = _Named("refusals")
    refused = [text for text in _texts() if _listed(text, REFUSED)]
    assert [text for text in refused if text not in refusals] == []


@pytest.mark.parametrize("pattern", [*REFUSED, *LEFT])
def test_every_reason_is_about_something(pattern: str) -> None:
    assert [text for text in _texts() if fnmatch(text, pattern)]
