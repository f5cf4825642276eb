"""What git gets to know of its surroundings: the token for one address, and no settings or secrets beside it."""

import base64
import os
from urllib.parse import urlsplit

STALLED_AFTER_SECONDS = 60  # a server that sends nothing for that long does not answer


def credentials(url: str, password: str) -> dict[str, str]:
    """The environment with which git speaks to `url`: the token `password` is in no URL, argument or file.

    Source: measured with git 2.39 (environment-scoped config, git >= 2.31).
    """
    token = base64.b64encode(f"x-access-token:{password}".encode()).decode()
    parts = urlsplit(url)
    scope = f"{parts.scheme}://{parts.netloc}/"
    settings = [
        (f"http.{scope}.extraHeader", ""),  # drops what another tool left in a config file
        (f"http.{scope}.extraHeader", f"Authorization: Basic {token}"),
        ("credential.helper", ""),
        ("http.followRedirects", "false"),
        ("core.hooksPath", os.devnull),
        ("http.lowSpeedLimit", "1"),
        ("http.lowSpeedTime", str(STALLED_AFTER_SECONDS)),
    ]
    environment = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


def without_our_secrets() -> dict[str, str]:
    """Blanks over what git has no business to know; it would inherit this process's whole environment."""
    ours = ("DABFLOW_", "DATABRICKS_", "PREFECT_")
    return {name: "" for name in os.environ if name.startswith(ours)}
