"""Which files git would ignore: the rules of every .gitignore from the worktree's top down to the file.

Source: `man gitignore`. The same patterns serve `sync.include` and `sync.exclude`.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple


class Rule(NamedTuple):
    """One line: a pattern, whether it takes back what others ignored, whether it is about folders only.

    `name` instead of a pattern is a plain name of a file or folder anywhere: most lines are, and need no compiling.
    """

    pattern: str
    name: str
    negated: bool
    folders_only: bool

    def matches(self, path: str) -> bool:
        if self.name:
            return path == self.name or path.endswith(f"/{self.name}")
        return bool(re.fullmatch(self.pattern, path))


def folders_of(path: str) -> list[str]:
    """The folders around a path, the outermost first: `a/b/c` is in `a` and `a/b`."""
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]


def rules(lines: list[str]) -> list[Rule]:
    """Read the lines of a .gitignore file; blank lines and comments are no rules."""
    return [rule for line in lines if (rule := _rule(line)) is not None]


def _rule(line: str) -> Rule | None:
    text = line.rstrip("\n")
    text = re.sub(r"(?<!\\)\s+$", "", text) if text[-1:].isspace() else text
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    text = text[1:] if negated else text
    text = text[1:] if text.startswith(("\\#", "\\!")) else text
    folders_only = text.endswith("/")
    text = text.rstrip("/")
    if not text:
        return None
    anchored = "/" in text
    name = "" if anchored or any(character in text for character in "*?[\\") else text
    return Rule(_expression(text.lstrip("/"), anchored=anchored), name, negated, folders_only)


def _expression(glob: str, *, anchored: bool) -> str:
    head = "" if anchored or glob.startswith("**/") else "(?:.*/)?"
    return head + _translated(glob)


@lru_cache(maxsize=256)
def _translated(glob: str) -> str:
    out, i = "", 0
    while i < len(glob):
        if glob.startswith("**/", i):
            out, i = out + "(?:.*/)?", i + 3
        elif glob.startswith("**", i):
            out, i = out + ".*", i + 2
        elif glob[i] == "*":
            out, i = out + "[^/]*", i + 1
        elif glob[i] == "?":
            out, i = out + "[^/]", i + 1
        elif glob[i] == "[" and "]" in glob[i + 2 :]:
            end = glob.index("]", i + 2)
            inside = glob[i + 1 : end].replace("\\", "\\\\")
            out, i = out + f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]", end + 1
        elif glob[i] == "\\" and i + 1 < len(glob):
            out, i = out + re.escape(glob[i + 1]), i + 2
        else:
            out, i = out + re.escape(glob[i]), i + 1
    return out


def matches(found: list[Rule], path: str, *, folder: bool) -> bool | None:
    """Whether the last rule that says something about `path` says ignore; None when none does."""
    verdict: bool | None = None
    for rule in found:
        if rule.folders_only and not folder:
            continue
        if rule.matches(path):
            verdict = not rule.negated
    return verdict


class Ignorer:
    """Answers for one worktree. Reads each .gitignore once."""

    def __init__(self, worktree: Path) -> None:
        self.worktree = worktree
        self.known: dict[str, list[Rule]] = {}

    def rules_of(self, folder: str) -> list[Rule]:
        if folder not in self.known:
            files = [self.worktree / folder / ".gitignore"]
            if folder == ".":
                files.insert(0, self.worktree / ".git" / "info" / "exclude")
            lines = [
                line for file in files if file.is_file() for line in file.read_text("utf-8").splitlines()
            ]
            self.known[folder] = rules(lines)
        return self.known[folder]

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Whether `path`, relative to the worktree, is ignored; its parents are known not to be."""
        if path.rpartition("/")[2] == ".git":
            return True
        verdict = False
        for parent in (".", *folders_of(path)):
            inside = path if parent == "." else path[len(parent) + 1 :]
            said = matches(self.rules_of(parent), inside, folder=folder)
            verdict = verdict if said is None else said
        return verdict
