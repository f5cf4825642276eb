"""Look at the targets for what somebody changed there by hand.

    for each target     look      plan what is deployed there at its own commit
                        keep      what was seen, where `dabflow status` reads it
                        tell      whom release.yaml names, if it is new

It changes nothing on a target and holds no lock: while something is being deployed there, it says so and ends.
Where release.yaml says `drift`, it is started by itself; it is a flow of its own, so that no release waits for it.
"""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.parameters import Repository
from tasks.drift import ensure_looked_at, environments_now
from tasks.rules.drift_text import drift_line


@flow(name="drift")
def drift(repository: Repository, targets: tuple[str, ...] = ()) -> State[Any]:
    """Look at targets for what was changed by hand, keep what was seen, and tell of what is new.

    Args:
        repository: The GitHub repository, as owner/name.
        targets: The targets, or environments; none for both.
    """
    looks = [ensure_looked_at(repository, name) for name in environments_now(repository, targets)]
    found = "; ".join(f"{look.environment}: {drift_line(look)}" for look in looks)
    name = "Drift" if any(look.drifted for look in looks) else "Completed"
    return Completed(name=name, message=found)
