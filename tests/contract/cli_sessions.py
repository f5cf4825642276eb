"""Short stories of several commands, told in a file, and what the real command did in each of them.

A case (`NAME.case`) has steps, one a line, then files that are laid over the bundle in `settings_bundle/`:

    $ bundle plan -t staging      run a command
    - resources/r.yml             delete a file
    ~ FILE | old | new            change a file
    @ r                           delete the job `r` in the workspace
    % NAME=value                  a variable for all commands
    --- path                      the content of a file follows

`NAME.txt` has what the commands did. It is written again, with a real command, by
`PYTHONPATH=. DABFLOW_DATABRICKS_CLI=... python tests/contract/cli_sessions.py`.
"""

import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cli_lab import HERE, Lab, Result, real
from cli_recordings import FOLDER, blocks, comparable, normal, plain_text, requests_of, without_log_in

CASES = FOLDER / "51-settings"


@dataclass
class Case:
    """One story."""

    steps: list[str] = field(default_factory=list)
    environment: dict[str, str | None] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str) -> "Case":
        head, *parts = re.split(r"(?m)^--- ", (CASES / f"{name}.case").read_text("utf-8"))
        case = cls()
        for line in head.splitlines():
            if line.startswith("% "):
                variable, _, value = line[2:].partition("=")
                case.environment[variable] = value
            elif line:
                case.steps.append(line)
        for part in parts:
            path, _, content = part.partition("\n")
            case.files[path] = content
        return case


def tell(lab: Lab, name: str) -> str:
    """Play a case and tell what its commands did, with the recordings' names in it."""
    case, folder = Case.read(name), lab.folder / name
    shutil.copytree(HERE / "settings_bundle", folder)
    for path, content in case.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    told = [_step(lab, folder, step, case.environment) for step in case.steps]
    return "\n".join(text for text in told if text)


def _step(lab: Lab, folder: Path, step: str, environment: dict[str, str | None]) -> str:
    words = step[2:]
    match step[0]:
        case "$":
            return _outcome(lab, folder, words, lab.run(words, folder=folder, **environment))
        case "-":
            (folder / words).unlink()
        case "~":
            path, old, new = words.split(" | ")
            text = (folder / path).read_text()
            assert old in text, f"{path} has no {old!r}"
            (folder / path).write_text(text.replace(old, new))
        case "@":
            lab.api("POST", "/api/2.2/jobs/delete", {"job_id": lab.ids()[words]})
        case other:
            raise AssertionError(f"a step that is not understood: {other}")
    return ""


def _outcome(lab: Lab, folder: Path, words: str, result: Result) -> str:
    stdout = normal(lab, result.stdout, folder)
    if stdout.startswith("{"):
        stdout = json.dumps(comparable(stdout), sort_keys=True) + "\n"
    said = "\n".join(sorted(blocks(normal(lab, result.stderr, folder)).elements()))
    asked = without_log_in(requests_of(lab, result))
    lines = [f"{count} x {line}" for line, count in sorted(asked.items())]
    return "\n".join(
        [f"$ databricks {words}", f"# exit {result.exit_code}", plain_text(stdout) + said, *lines, ""]
    )


def _record() -> None:
    cli = real()
    assert cli, "name a real command in DABFLOW_DATABRICKS_CLI"
    for file in sorted(CASES.glob("*.case")):
        with tempfile.TemporaryDirectory() as folder:
            lab = Lab(cli, Path(folder))
            file.with_suffix(".txt").write_text(tell(lab, file.stem), "utf-8")
            lab.stop()


if __name__ == "__main__":
    _record()
