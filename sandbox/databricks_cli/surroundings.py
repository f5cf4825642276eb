"""What the environment may say: variables that the real command reads and the stand-in does not.

None of them is ignored: set, they are refused by name. Variables that only concern the terraform engine, waiting
for other kinds of resources, or how much is logged of requests change nothing here.
Source: the real command (bundle/env, cmd/root, libs/filer) and databricks-sdk-go 0.175.0 (config/config.go).
"""

import os
from pathlib import Path

from sandbox.databricks_cli.diagnostics import Failed, Refused

_REFUSED = (
    "DATABRICKS_ACCOUNT_ID",
    "DATABRICKS_AZURE_RESOURCE_ID",
    "DATABRICKS_BUNDLE_ENABLE_EXPERIMENTAL_YAML_SYNC",
    "DATABRICKS_BUNDLE_HTTP_TIMEOUT_SECONDS",
    "DATABRICKS_CLUSTER_ID",
    "DATABRICKS_CONFIG_PROFILE",
    "DATABRICKS_DISCOVERY_URL",
    "DATABRICKS_EXPERIMENTAL_MULTIPART_UPLOAD",
    "DATABRICKS_GOOGLE_SERVICE_ACCOUNT",
    "DATABRICKS_LOG_FILE",
    "DATABRICKS_LOG_FORMAT",
    "DATABRICKS_LOG_LEVEL",
    "DATABRICKS_METADATA_SERVICE_URL",
    "DATABRICKS_OUTPUT_FORMAT",
    "DATABRICKS_PASSWORD",
    "DATABRICKS_TOKEN_AUDIENCE",
    "DATABRICKS_USERNAME",
    "DATABRICKS_WORKSPACE_ID",
    "ARM_CLIENT_ID",
)
_ENGINE = "DATABRICKS_BUNDLE_ENGINE"


def refuse_variables() -> None:
    """Raise `Refused` for a variable that would change what the real command does."""
    for name in _REFUSED:
        if os.environ.get(name):
            raise Refused(f"the variable {name}")


def refuse_profiles() -> None:
    """Raise `Refused` where the real command would look into a file for the credentials that are missing."""
    home = os.environ.get("HOME")
    named = os.environ.get("DATABRICKS_CONFIG_FILE") or (str(Path(home, ".databrickscfg")) if home else "")
    file = Path(named)
    if named and file.is_file() and file.stat().st_size:
        raise Refused(f"credentials from {named}")


def check_engine() -> None:
    """Raise `Failed` for an engine that nobody has."""
    engine = os.environ.get(_ENGINE, "")
    if engine not in {"", "direct", "terraform"}:
        raise Failed(f"unexpected setting for {_ENGINE}=\"{engine}\" (expected 'terraform' or 'direct')")


def refuse_terraform() -> None:
    """Raise `Refused` for a first deployment by terraform. Where there is a state its engine counts."""
    if os.environ.get(_ENGINE) == "terraform":
        raise Refused(f"{_ENGINE}=terraform")
