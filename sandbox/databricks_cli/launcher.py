"""Writes an executable `databricks` that starts the stand-in."""

import shlex
import sys
from pathlib import Path

import yaml

_TEMPLATE = """\
#!/bin/sh
# The sandbox's stand-in for the real databricks command.
DATABRICKS_CLI_PATH="$0" exec {python} -I -S -c {code} "$@"
"""

# A command ends long before its garbage counts; collecting it, and tidying up at the end, is a fifth of its time.
_CODE = """\
import gc, os, sys
gc.disable()
sys.path += {paths!r}
from sandbox.databricks_cli.__main__ import main
code = main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
"""


def write_launcher(folder: Path) -> Path:
    """Write `folder/databricks`, which starts the stand-in with this interpreter, and return it.

    It needs nothing from its environment: no HOME, no PYTHONPATH, no activated virtual environment.
    """
    project = Path(__file__).resolve().parents[2]
    packages = Path(yaml.__file__).resolve().parents[1]
    code = _CODE.format(paths=[str(project), str(packages)])
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / "databricks"
    launcher.write_text(
        _TEMPLATE.format(python=shlex.quote(sys.executable), code=shlex.quote(code)), encoding="utf-8"
    )
    launcher.chmod(0o755)
    return launcher
