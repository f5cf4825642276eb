"""Settings of bundles, and what changes of them lead to: recordings 51, several commands each (cli_sessions.py)."""

import pytest
from cli_lab import Lab
from cli_recordings import same
from cli_sessions import CASES, tell

NAMES = sorted(file.stem for file in CASES.glob("*.case"))


@pytest.mark.parametrize("name", NAMES)
def test_a_case(lab: Lab, name: str) -> None:
    recorded = (CASES / f"{name}.txt").read_text("utf-8")
    same(name, tell(lab, name).splitlines(), recorded.splitlines())
