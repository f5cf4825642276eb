"""What several flows are started with; Prefect checks it before a run is made."""

from typing import Annotated

from pydantic import Field

from tasks.rules.slugs import LOGIN_PATTERN, REPOSITORY_PATTERN

Repository = Annotated[str, Field(pattern=REPOSITORY_PATTERN)]
ExactVersion = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
# Empty where nobody is known to ask: only the policy `prefect` lets that pass.
Login = Annotated[str, Field(pattern=rf"^$|{LOGIN_PATTERN}")]
# A pull request's text must hold it, and Postgres keeps no text with a zero byte in it.
Reason = Annotated[str, Field(max_length=4_000, pattern=r"^[^\x00]*$")]
Branch = Annotated[str, Field(max_length=250, pattern=r"^[^\x00-\x20\x7f]*$")]
Number = Annotated[int, Field(ge=1)]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
