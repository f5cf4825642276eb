"""Where the code of a run is. Prefect calls this first in each run: it is the "pull step" of prefect.yaml.

DABFLOW_CODE    a folder with dabflow's code; where it is not set, the dabflow that is installed beside the worker's
                Prefect is used. Set it for one run (a job variable) to hold that run to one version.
"""

import os
from pathlib import Path

from tasks.rules.errors import NeedsHuman

INSTALLED = Path(__file__).resolve().parent.parent
_ENTRY = Path("flows", "standard_release.py")


def go_to_the_code() -> dict[str, str]:
    """Go to the folder of dabflow's code; return it as Prefect wants it.

    Raises:
        NeedsHuman: DABFLOW_CODE names a folder that does not hold dabflow.

    Source: Prefect 3.8, "Pull steps": `directory` in a step's answer is where the flow is loaded.
    """
    folder = Path(os.environ.get("DABFLOW_CODE") or INSTALLED)
    if not (folder / _ENTRY).is_file():
        raise NeedsHuman(
            f"DABFLOW_CODE is {folder}, and there is no {_ENTRY} in it on this worker",
            "set it to a checkout of dabflow, or leave it unset to use the dabflow that is installed there",
        )
    os.chdir(folder)
    return {"directory": str(folder.resolve())}
