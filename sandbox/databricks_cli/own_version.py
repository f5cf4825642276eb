"""What the stand-in says about its own version. Imports nothing that takes time."""

from sandbox.databricks_cli import VERSION


def as_text() -> str:
    return f"Databricks CLI v{VERSION}\n"


def as_json() -> str:
    """The fields and the layout of the real command."""
    import json  # noqa: PLC0415 - the text does without

    major, minor, patch = (int(n) for n in VERSION.partition("-")[0].split("."))
    facts = {
        "ProjectName": "cli",
        "Version": VERSION,
        "Branch": "undefined",
        "Tag": "undefined",
        "ShortCommit": "00000000",
        "FullCommit": "0" * 40,
        "CommitTime": "1970-01-01T00:00:00Z",
        "Summary": f"v{VERSION}",
        "Major": major,
        "Minor": minor,
        "Patch": patch,
        "Prerelease": "sandbox",
        "IsSnapshot": False,
        "BuildTime": "1970-01-01T00:00:00Z",
    }
    return json.dumps(facts, indent=2) + "\n"
