"""What docs/ says is so: its reference is the code's, its commands exist, its links lead somewhere."""

import re
import runpy
from pathlib import Path

import pytest
from golden_files import Golden

from deployments.command import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "decisions" not in path.parts)
REFERENCE = sorted(
    path.name
    for path in (DOCS / "reference").iterdir()
    if "Written by `make reference`" in path.read_text("utf-8")
)


def commands(text: str) -> list[str]:
    """The lines of a page's shell blocks that call dabflow, without comments, joined where they go on."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split(" #")[0].strip() for line in lines if re.search(r"(^|bin/)dabflow ", line)]


WRITTEN = sorted({(path.stem, command) for path in PAGES for command in commands(path.read_text("utf-8"))})


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    """The text of each page as it would be written now, by its name."""
    made: dict[str, str] = runpy.run_path(str(DOCS / "reference.py"))["pages"]()
    return made


@pytest.mark.parametrize("name", REFERENCE)
def test_the_reference_is_what_the_code_says(name: str, reference: dict[str, str], golden: Golden) -> None:
    golden.check_file(DOCS / "reference" / name, reference[name])


def test_the_reference_has_every_page(reference: dict[str, str]) -> None:
    assert sorted(reference) == REFERENCE


@pytest.mark.parametrize(("page", "command"), WRITTEN)
def test_every_command_is_there(
    page: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With exactly the options that the page writes; `--help` keeps it from being done."""
    monkeypatch.chdir(tmp_path)  # a sandbox in the project's folder is not meant
    words = re.split(r"(?:^|bin/)dabflow ", command, maxsplit=1)[1]
    options = [option for option in re.findall(r"(?<![\w-])--[a-z-]+", words) if option != "--help"]
    subcommands = [w for w in words.split(" --")[0].split() if re.fullmatch(r"[a-z]+", w)]

    assert main([*subcommands, "--help"]) == 0, page

    told = capsys.readouterr().out
    assert [o for o in options if o not in told] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    linked = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    files = [link for link in linked if link and "://" not in link and not link.startswith("mailto:")]
    named = re.findall(
        r"`((?:docs|flows|tasks|sandbox|deployments|requirements|\.github)/[\w./-]+\.\w+)`", text
    )

    assert [link for link in files if not (page.parent / link).exists()] == []
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert "/work/" not in text
