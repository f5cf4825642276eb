"""The command line, used wrongly: a sentence and the right exit code, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployments import surroundings
from deployments.command import main
from tasks.rules.errors import NeedsHuman

ROOT = Path(__file__).resolve().parents[2]
RELEASE = ("release", "--bump", "minor", "--repository", "a/b", "--requested-by", "rita")


def dabflow(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "DABFLOW_"))}
    home = {"PREFECT_HOME": str(folder / "prefect"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "deployments.command", *words],
        cwd=folder,
        env=inherited | home | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and nothing of dabflow in the environment: for commands run in this process."""
    for name in list(os.environ):
        if name.startswith("DABFLOW_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DABFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("relase",), "dabflow release"),
        (("release", "--bump", "minr"), "minor"),
        (("reject", "1.4.0"), "--reason"),
    ],
)
def test_what_is_not_understood_ends_with_2(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2

    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "no Prefect server is named"),
        ({"PREFECT_API_URL": "http://u:hidden@127.0.0.1:1/api"}, "http://127.0.0.1:1 does not answer"),
    ],
)
def test_without_a_prefect_server_it_ends_with_1_and_a_remedy(
    environment: dict[str, str], says: str, tmp_path: Path
) -> None:
    """A process of its own, because Prefect reads its settings once."""
    done = dabflow(*RELEASE, folder=tmp_path, DABFLOW_HOME=str(tmp_path / "home"), **environment)

    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert says in done.stderr
    assert "what to do" in done.stderr
    assert "hidden" not in done.stderr


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (RELEASE[:3], {}, "which repository is meant"),
        (RELEASE[:5], {}, "nobody said who asks"),
        (("approve", "1.4", "--repository", "a/b"), {}, "'1.4' is not a version"),
        (("approve", "1.4.0", "--repository", "ab"), {}, "not the name of a repository"),
        (("status", "--repository", "../.."), {}, "'../..' is not the name of a repository"),
        (("status",), {"DABFLOW_REPOSITORY": "acme/.."}, "'acme/..' is not the name of a repository"),
        (("status", "--repository", "a/b"), {"DABFLOW_GITHUB_URL": "http://127.0.0.1:1"}, "what to do"),
    ],
)
def test_what_cannot_be_done_ends_with_1_and_a_remedy(
    words: tuple[str, ...],
    environment: dict[str, str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert main(words) == 1

    told = capsys.readouterr().err
    assert says in told
    assert "what to do" in told


def test_help_does_not_wait_for_prefect(tmp_path: Path) -> None:
    look = "import sys, deployments.command as c; c.main(['--help']); assert 'prefect' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "approve" in done.stdout


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith(("DABFLOW_", "PREFECT_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    lines = "PREFECT_API_URL=http://127.0.0.1:9/api\nDABFLOW_HOME='/a b'\n# a note\n"
    (tmp_path / "sandbox.env").write_text(lines)
    return tmp_path


def test_a_sandbox_in_the_folder_is_adopted(sandbox: Path) -> None:
    assert surroundings.adopt_sandbox(sandbox)

    assert os.environ["DABFLOW_HOME"] == "/a b"
    assert surroundings.repository_or_default(None) == "acme/lakehouse"
    assert surroundings.requester_or_default(None) == "rita"


def test_what_the_person_set_wins(sandbox: Path) -> None:
    os.environ["DABFLOW_REPOSITORY"] = "mine/own"

    surroundings.adopt_sandbox(sandbox)

    assert surroundings.repository_or_default(None) == "mine/own"


def test_who_names_another_prefect_does_not_mean_the_sandbox(sandbox: Path) -> None:
    os.environ["PREFECT_API_URL"] = "https://prefect.example/api"

    assert not surroundings.adopt_sandbox(sandbox)
    with pytest.raises(NeedsHuman):
        surroundings.repository_or_default(None)
