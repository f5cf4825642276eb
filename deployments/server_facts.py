"""What a Prefect server says of itself: its version, its settings, its automations."""

from collections.abc import Iterable, Sequence
from typing import Any

import httpx
from prefect.client.base import ServerType
from prefect.client.orchestration import SyncPrefectClient
from prefect.events import Automation, EventTrigger, Posture
from prefect.events.actions import ChangeFlowRunState
from prefect.exceptions import PrefectHTTPStatusError

from deployments.parts.described import described
from deployments.prefect_api import prefect_errors
from tasks.rules.server_settings import AutomationFacts, Problem, ServerFacts, problems

_HIDDEN = {403, 404, 405}


def server_problems(client: SyncPrefectClient) -> list[Problem]:
    """What in the server would lose a release of ours, the worst first.

    Raises:
        TryAgain: it did not answer.
        NeedsHuman: it refused.
    """
    flows = sorted({one.flow.name for one in described()})
    with prefect_errors():
        return problems(server_facts(client), flows)


def server_facts(client: SyncPrefectClient) -> ServerFacts:
    cloud = client.server_type is ServerType.CLOUD
    settings = None if cloud else _settings(client)
    # A server that does not tell its settings does not tell its version either, or it is not the server's.
    version = "" if settings is None else client.api_version()
    found = [_facts(one) for one in client.read_automations() if one.enabled]
    return ServerFacts(version, settings, tuple(found))


def _settings(client: SyncPrefectClient) -> dict[str, Any] | None:
    """Return None where there are none to be read: Prefect Cloud, or a proxy that keeps them back.

    Source: Prefect 3.8, GET /api/admin/settings; secrets in it are stars.
    """
    try:
        found = client.request("GET", "/admin/settings").json()
    except PrefectHTTPStatusError as error:
        if error.response.status_code in _HIDDEN:
            return None
        raise
    except (httpx.DecodingError, ValueError):
        return None  # some page of a proxy
    return found if isinstance(found, dict) else None


def _facts(automation: Automation) -> AutomationFacts:
    trigger = automation.trigger
    moves = tuple(one.state.value for one in automation.actions if isinstance(one, ChangeFlowRunState))
    if not isinstance(
        trigger, EventTrigger
    ):  # several together: which of them fires is not known from outside
        return AutomationFacts(automation.name, proactive=False, moves_to=moves)
    related = (
        trigger.match_related if isinstance(trigger.match_related, Sequence) else [trigger.match_related]
    )
    return AutomationFacts(
        automation.name,
        proactive=trigger.posture is Posture.Proactive,
        expects=tuple(sorted(trigger.expect)),
        after=tuple(sorted(trigger.after)),
        flows=tuple(_flows([*related, trigger.match])),
        moves_to=moves,
    )


def _flows(specifications: Iterable[Any]) -> Iterable[str]:
    """The names of the flows that a trigger is limited to."""
    for one in specifications:
        said = one.model_dump() if one else {}
        if said.get("prefect.resource.role") in ("flow", ["flow"]):
            names = said.get("prefect.resource.name", [])
            yield from [names] if isinstance(names, str) else names
