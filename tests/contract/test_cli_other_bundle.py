"""A bundle of somebody else: notebooks on job clusters, a run_as, a host in the file: recordings 40.

dabs-gitflow itself is not here. A bundle that plans the same is written from what was recorded of its plan.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from cli_lab import Lab
from cli_recordings import Recording, assert_same

ORIGIN = "https://github.com/ajalisatgi/dabs-gitflow"
PRINCIPAL = "11111111-2222-4333-8444-555555555555"
# What the command adds by itself.
ADDED = ("deployment", "edit_mode", "format", "max_concurrent_runs", "queue", "run_as")
OTHER_FILES = (
    ".gitignore",
    "README.md",
    *(f".github/workflows/{n}.yml" for n in ("hotfix", "release", "publish")),
)
NOTEBOOK = {
    "cells": [],
    "metadata": {"language_info": {"name": "python"}},
    "nbformat": 4,
    "nbformat_minor": 2,
}


def _checkout(lab: Lab) -> Path:
    folder = lab.folder / "dabs-gitflow"
    for name in (*OTHER_FILES, *(f"src/notebook_{n}.ipynb" for n in range(1, 5))):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(NOTEBOOK) if name.endswith("ipynb") else "")
    resources = folder / "resources"
    resources.mkdir()
    for name, job in _jobs().items():
        (resources / f"{name}.yml").write_text(json.dumps({"resources": {"jobs": {name: job}}}))
    prod = {
        "mode": "production",
        "workspace": {"host": lab.host, "root_path": "/Shared/.bundle/${bundle.name}"},
        "run_as": {"service_principal_name": PRINCIPAL},
    }
    bundle = {"bundle": {"name": "dabs-gitflow"}, "include": ["resources/*.yml"], "targets": {"prod": prod}}
    (folder / "databricks.yml").write_text(json.dumps(bundle))
    lab.git(folder, "init", "-q", "-b", "main")
    lab.git(folder, "remote", "add", "origin", ORIGIN)
    lab.commit(folder)
    return folder


def _jobs() -> dict[str, Any]:
    """The jobs as somebody would write them, from the recorded plan."""
    plan = json.loads(Recording("40-other-bundles/dabs-gitflow-3-plan").stdout)["plan"]
    jobs = {}
    for key, entry in plan.items():
        text = json.dumps({k: v for k, v in entry["new_state"]["value"].items() if k not in ADDED})
        local = re.sub(
            r"/Workspace/Shared/\.bundle/dabs-gitflow/files/(src/notebook_\d)", r"../\1.ipynb", text
        )
        jobs[key.removeprefix("resources.jobs.")] = json.loads(local)
    return jobs


def test_a_bundle_of_notebooks(lab: Lab) -> None:
    folder = _checkout(lab)
    for name in ("2-validate", "3-plan", "4-deploy", "5-plan", "6-summary"):
        # The recorded files have other names.
        assert_same(lab, f"40-other-bundles/dabs-gitflow-{name}", folder=folder, requests=name != "4-deploy")
    shutil.rmtree(folder / ".databricks")
    assert json.loads(lab.run("bundle plan -t prod -o json", folder=folder).stdout)["serial"] == 1
