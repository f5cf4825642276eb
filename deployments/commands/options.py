"""Options that several commands have in common."""

from typing import Annotated

from cyclopts import Parameter

Repository = Annotated[
    str | None, Parameter(name="--repository", help="owner/name; default: DABFLOW_REPOSITORY")
]
Version = Annotated[str, Parameter(help="such as 1.4.0")]
