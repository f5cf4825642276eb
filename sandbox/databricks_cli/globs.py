"""File patterns as the real command reads them: `*` matches hidden files too, `**` is no more than `*`."""

from pathlib import Path


def is_pattern(text: str) -> bool:
    return any(character in text for character in "*?[")


def matching(pattern: Path) -> list[str]:
    """The existing files and folders that an absolute pattern matches, sorted."""
    if not is_pattern(str(pattern)):
        return [str(pattern)] if pattern.exists() else []
    below = str(pattern.relative_to(pattern.anchor)).replace("**", "*")
    return sorted(str(found) for found in Path(pattern.anchor).glob(below))
