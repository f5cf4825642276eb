"""Names of repositories: what GitHub has, and nothing that leads elsewhere."""

from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from tasks.rules.slugs import REPOSITORY_PATTERN, is_repository

FORM: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(pattern=REPOSITORY_PATTERN)])
RIGHT = ["acme/lakehouse", "a/b", "Acme-2/lake.house_2", "acme/.github", "rita_acme/x", "acme/..a", "1/-"]
WRONG = [
    "../..",
    "a/..",
    "a/.",
    "a/...",
    "./a",
    "../a",
    "-a/b",
    "_a/b",
    "a",
    "a/",
    "/b",
    "a/b/c",
    "a//b",
    "a b/c",
    "a/b\n",
    "ä/b",
    "",
]


@pytest.mark.parametrize("name", RIGHT)
def test_a_name_that_github_has(name: str) -> None:
    assert is_repository(name)
    assert FORM.validate_python(name) == name


@pytest.mark.parametrize("name", WRONG)
def test_anything_else_is_refused_on_the_command_line_and_in_the_form(name: str) -> None:
    assert not is_repository(name)
    with pytest.raises(ValidationError):
        FORM.validate_python(name)
