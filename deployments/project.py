"""The project as the sandbox and the worker see it: where it is, how Prefect is made to match it."""

import sys
from pathlib import Path

from sandbox.lifecycle import Project

FOLDER = Path(__file__).resolve().parent.parent

PROJECT = Project(
    folder=FOLDER,
    setup=((sys.executable, "-m", "deployments.command", "install"),),
    hints=(
        "dabflow release --bump minor --watch    start a release as rita, and follow it",
        "dabflow status                          where it stands, and what is asked of whom",
        "approve its pull request as ravi        on the page that `status` names",
        "dabflow approve 1.4.0 --reason 'go' --destroys jobs.legacy_export",
        "                                        the second half of the approval; then watch production",
    ),
)
