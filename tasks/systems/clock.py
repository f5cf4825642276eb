"""What time it is, in one place.

In a sandbox the time can be moved, to see a freeze or a deadline without waiting for it:

    DABFLOW_CLOCK_AHEAD_SECONDS    how much later it is; believed only while GitHub is a server on this machine
"""

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from tasks.systems import connections


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC) + timedelta(seconds=_ahead())


def moment(seconds: float) -> datetime:
    """The moment so many seconds after 1970, as git has it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def _ahead() -> float:
    asked = os.environ.get("DABFLOW_CLOCK_AHEAD_SECONDS")
    return float(asked) if asked and _rehearses() else 0.0


def _rehearses() -> bool:
    access = connections.from_environment()
    host = urlsplit(access.api_url if access else "").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
