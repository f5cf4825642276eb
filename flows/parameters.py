"""What several flows are started with; Prefect checks it before a run is made."""

from typing import Annotated

from pydantic import Field

from tasks.rules.slugs import REPOSITORY_PATTERN

Repository = Annotated[str, Field(pattern=REPOSITORY_PATTERN)]
ExactVersion = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
Number = Annotated[int, Field(ge=1)]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
