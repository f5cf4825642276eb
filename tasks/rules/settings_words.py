"""What the words in `release.yaml` may look like, for pydantic, for editors and for people."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_BRANCH = rf"^{_PART}(?:/{_PART})*$"
_PREFIX = rf"^(?:{_PART}/)+$"
_TAG_PREFIX = rf"^(?:(?:{_PART}/)*[A-Za-z0-9_](?:[A-Za-z0-9_.+-]*[A-Za-z_.+/-])?)?$"
_TARGET = r"^[A-Za-z][A-Za-z0-9_-]*$"
_FOLDER_PART = r"[A-Za-z0-9_][A-Za-z0-9_. -]*"
_FOLDER = rf"^(?:\.|{_FOLDER_PART}(?:/{_FOLDER_PART})*)$"
_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_. -]*$"
_COMMAND = r"^[^\x00]*[^\s\x00][^\x00]*$"
_KEY = rf"^(?:(?:\.|{_FOLDER_PART}(?:/{_FOLDER_PART})*):)?[A-Za-z0-9_-]+$"
_LOGIN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$"
_TEAM = r"^[a-z0-9_][a-z0-9_-]{0,99}$"
_BLOCK = r"^[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*$"

# What each pattern means, in words.
MEANINGS = {
    _BRANCH: "letters, digits and any of _ . + -, in parts joined by single slashes",
    _PREFIX: "like a branch name, with a slash at the end, such as release/",
    _TAG_PREFIX: "empty or something like `v` or `lakehouse-`, without a digit at the end",
    _TARGET: "a target of databricks.yml: a letter, then letters, digits, _ and -",
    _FOLDER: "`.` or a folder in the repository such as bundles/sales, without `..` or slashes around it",
    _NAME: "letters, digits, spaces and any of _ . -",
    _COMMAND: "a command line",
    _KEY: "the key of a job below resources.jobs (letters, digits, _ and -), or a bundle's folder, a colon and the key",
    _LOGIN: "a GitHub login, without @",
    _TEAM: "a team as its address on GitHub ends, such as data-platform, without the organisation and @",
    _BLOCK: "a block's type and its name as Prefect shows them, such as slack-webhook/releases",
}


def _plain_ref(name: str) -> str:
    if ".." in name or any(part.endswith((".", ".lock")) for part in name.split("/")):
        raise ValueError("has `..` or a part that ends with `.` or `.lock`, which git refuses")
    return name


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = {value for value in values if values.count(value) > 1}
    if twice:
        raise ValueError(f"lists {', '.join(sorted(twice))} more than once")
    return values


BranchName = Annotated[str, StringConstraints(pattern=_BRANCH), AfterValidator(_plain_ref)]
BranchPrefix = Annotated[str, StringConstraints(pattern=_PREFIX), AfterValidator(_plain_ref)]
TagPrefix = Annotated[str, StringConstraints(pattern=_TAG_PREFIX), AfterValidator(_plain_ref)]
TargetName = Annotated[str, StringConstraints(pattern=_TARGET)]
CheckName = Annotated[str, StringConstraints(pattern=_NAME)]
TeamSlug = Annotated[str, StringConstraints(pattern=_TEAM)]
Kind = Literal["release", "hotfix", "rollback"]
About = Literal["approval", "reminder", "production", "stopped", "conflict", "drift"]
Command = Annotated[str, StringConstraints(pattern=_COMMAND)]
BlockName = Annotated[str, StringConstraints(pattern=_BLOCK)]

# A list from YAML becomes a tuple; what is in it is still read strictly.
_Listed = Field(strict=False, json_schema_extra={"uniqueItems": True})
_Filled = Field(strict=False, min_length=1, json_schema_extra={"uniqueItems": True})
_Folder = Annotated[str, StringConstraints(pattern=_FOLDER)]
_JobKey = Annotated[str, StringConstraints(pattern=_KEY)]
_Login = Annotated[str, StringConstraints(pattern=_LOGIN)]
Folders = Annotated[tuple[_Folder, ...], _Filled, AfterValidator(_unique)]
JobKeys = Annotated[tuple[_JobKey, ...], _Listed, AfterValidator(_unique)]
Logins = Annotated[tuple[_Login, ...], _Listed, AfterValidator(_unique)]
TargetNames = Annotated[tuple[TargetName, ...], _Filled, AfterValidator(_unique)]
Kinds = Annotated[tuple[Kind, ...], _Filled, AfterValidator(_unique)]
Subjects = Annotated[tuple[About, ...], _Filled, AfterValidator(_unique)]
