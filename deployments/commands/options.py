"""Options that several commands have in common."""

from typing import Annotated

from cyclopts import Parameter

Repository = Annotated[
    str | None, Parameter(name="--repository", help="owner/name; default: DABFLOW_REPOSITORY")
]
Version = Annotated[str, Parameter(help="such as 1.4.0")]
RequestedBy = Annotated[
    str | None, Parameter(name="--requested-by", help="your GitHub login; default: DABFLOW_REQUESTED_BY")
]
Watching = Annotated[
    bool, Parameter(name="--watch", negative="", help="stay and tell each step until it ends")
]
Overtakes = Annotated[
    bool,
    Parameter(
        name="--overtakes", negative="", help="go on although another release stopped half way in production"
    ),
]
