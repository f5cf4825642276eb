"""The automation that starts housekeeping for a run that ended badly."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.events import (
    Automation,
    AutomationCore,
    EventTrigger,
    Posture,
    ResourceSpecification,
    RunDeployment,
)

from deployments.parts.part import MISSING, Comparison, Difference, Seen
from tasks.rules.errors import NeedsHuman

AUTOMATION = "dabflow: a release's run ended"
RELEASING = ("standard-release", "hotfix", "rollback")  # the flows that bring a release to production
_DESCRIPTION = "GitHub is told how a release's run ended that could not tell it itself (dabflow install)."
_NOWHERE = UUID(int=0)  # for the look before the deployment is there


@dataclass(frozen=True)
class RunEnded:
    """The automation; `deployment` finds the id of what it starts, None while that is missing."""

    client: SyncPrefectClient
    deployment: Callable[[], UUID | None]

    @property
    def title(self) -> str:
        return f"automation {AUTOMATION}"

    def look(self) -> Seen:
        found = self._found()
        if not found:
            return Seen((Difference(MISSING),))
        foreign = next((one for one in found if "dabflow" not in one.description), None)
        if foreign:
            raise NeedsHuman(
                f"the automation {AUTOMATION!r} is not dabflow's; it says of itself: {foreign.description or 'nothing'}",
                f"rename it, or delete it (prefect automation delete --id {foreign.id}), then run dabflow install again",
            )
        kept, wanted, compared = found[0], self._wanted(), Comparison()
        compared.of("description", kept.description, wanted.description)
        compared.of("trigger", _trigger(kept), _trigger(wanted))
        if any(_starts(one) != _starts(wanted) for one in found):
            compared.found.append(Difference("starts something else than the housekeeping"))
        if len(found) > 1:
            compared.of("how often it is there", len(found), 1)
        off = ("is switched off by hand: what ends without a word is noticed later, by the schedule",)
        return Seen(tuple(compared.found), () if all(one.enabled for one in found) else off)

    def make(self, seen: Seen) -> None:
        wanted = self._wanted()
        if seen.missing:
            self.client.create_automation(wanted)
            return
        kept, *others = found = self._found()
        enabled = all(one.enabled for one in found)
        self.client.update_automation(kept.id, wanted.model_copy(update={"enabled": enabled}))
        for other in others:
            self.client.delete_automation(other.id)

    def removable(self) -> bool:
        return bool(self._ours())

    def remove(self) -> None:
        for one in self._ours():
            self.client.delete_automation(one.id)

    def _ours(self) -> list[Automation]:
        return [one for one in self._found() if "dabflow" in one.description]

    def _wanted(self) -> AutomationCore:
        return when_a_run_ended(self.deployment() or _NOWHERE)

    def _found(self) -> list[Automation]:
        """All of that name; first the one that is right already, if there is one."""
        wanted = _starts(self._wanted())
        found = self.client.read_automations_by_name(AUTOMATION)
        return sorted(found, key=lambda one: (_starts(one) != wanted, str(one.id)))


def when_a_run_ended(deployment: UUID) -> AutomationCore:
    """What starts housekeeping for one run as soon as Prefect sees that it ended badly.

    A run that is cancelled or expires while it is suspended executes nothing, no hook either. A killed run is
    reported twice by its worker: housekeeping looks before it acts, so the second time changes nothing.

    Source: Prefect 3.8, "Event triggers"; events are named after the name of the state, measured with 3.8.8.
    """
    which = {"__prefect_kind": "jinja", "template": "{{ flow_run.id }}"}
    return AutomationCore(
        name=AUTOMATION,
        description=_DESCRIPTION,
        enabled=True,
        # The two types are the defaults; named, they are also sent where Prefect's client sends what was set only.
        trigger=EventTrigger(
            type="event",
            expect={f"prefect.flow-run.{state}" for state in ("Failed", "Cancelled", "Crashed")},
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification(
                {"prefect.resource.role": "flow", "prefect.resource.name": list(RELEASING)}
            ),
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            RunDeployment(
                type="run-deployment",
                source="selected",
                deployment_id=deployment,
                parameters={"flow_run_id": which},
            )
        ],
    )


def _trigger(automation: AutomationCore) -> dict[str, object]:
    trigger = automation.trigger.model_dump(mode="json", exclude={"id"})
    return {name: sorted(value) if name == "expect" else value for name, value in trigger.items()}


def _starts(automation: AutomationCore) -> list[dict[str, object]]:
    return [action.model_dump(mode="json") for action in automation.actions]
