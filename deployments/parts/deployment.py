"""A deployment of prefect.yaml. What that file says is set; what an operator added to it stays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions, DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.exceptions import ObjectNotFound

from deployments.parts.described import Described, Repeats
from deployments.parts.part import MISSING, Comparison, Difference, Seen, changes, merged
from tasks.rules.errors import NeedsHuman

_FORM, _STEPS = "parameter_openapi_schema", "pull_steps"
_SPELLED = {_FORM: "form", _STEPS: "pull steps", "enforce_parameter_schema": "checks its form"}


@dataclass(frozen=True)
class Deployment:
    """One deployment, made by the code of `version`; `environment` is added to what its runs get."""

    client: SyncPrefectClient
    described: Described
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"deployment {self.described.name}"

    def look(self) -> Seen:
        found = self._found()
        if found is None:
            return Seen((Difference(MISSING),))
        if not self._is_ours(found):
            raise NeedsHuman(
                f"the deployment {self.described.name} is not dabflow's: it runs {found.entrypoint}",
                f"rename that flow, or delete it (prefect deployment delete {self.described.name}),"
                " then run dabflow install again",
            )
        compared = self._fields(found)
        self._limit(found, compared)
        for title, old, new in self._merging(found):
            for key, before, after in changes(old, new):
                compared.of(f"{title}.{key}", before, after)
        compared.of("tags", sorted(found.tags), self._tags(found))
        for wanted in self.described.schedules:
            compared.of(f"schedule {wanted.slug}", _said(self._schedule(found, wanted.slug)), _said(wanted))
        return Seen(tuple(compared.found), tuple(self._stays(found)))

    def make(self, seen: Seen) -> None:
        if seen.missing:
            self._create()
            return
        found = self._found()
        if found is None:
            return  # deleted in this very moment: the next look says so
        self._update(found)
        for wanted in self.described.schedules:
            self._schedule_is(found, wanted)

    def removable(self) -> bool:
        found = self._found()
        return found is not None and self._is_ours(found)

    def remove(self) -> None:
        found = self._found()
        if found is not None:
            self.client.delete_deployment(found.id)

    def id(self) -> UUID | None:
        found = self._found()
        return found.id if found else None

    def _found(self) -> DeploymentResponse | None:
        try:
            return self.client.read_deployment_by_name(self.described.name)
        except ObjectNotFound:
            return None

    def _is_ours(self, found: DeploymentResponse) -> bool:
        """Whether it takes its code from where ours do, or is of our flow: prefect.yaml may have changed since."""
        return (
            found.pull_steps == self.described.pull or found.entrypoint == self.described.given["entrypoint"]
        )

    # -- comparing

    def _fields(self, found: DeploymentResponse) -> Comparison:
        compared = Comparison()
        compared.of("version", found.version, self.version)
        for name, wanted in self.described.fields.items():
            if name == _FORM:
                compared.found += _form(found.parameter_openapi_schema or {}, wanted)
            else:
                compared.of(_SPELLED.get(name, name), getattr(found, name), wanted)
        return compared

    def _limit(self, found: DeploymentResponse, compared: Comparison) -> None:
        limit, strategy = self.described.limit
        held = found.global_concurrency_limit
        compared.of("runs at a time", held.limit if held else None, limit)
        options = found.concurrency_options
        compared.of("one run more", options.collision_strategy.value if options else None, strategy)

    def _merging(self, found: DeploymentResponse) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
        jobs, parameters = dict(found.job_variables or {}), dict(found.parameters or {})
        return [
            ("job variables", jobs, merged(jobs, self._job_variables())),
            ("parameters", parameters, merged(parameters, self.described.parameters)),
        ]

    def _tags(self, found: DeploymentResponse) -> list[str]:
        return sorted({*found.tags, *self.described.tags})

    def _job_variables(self) -> dict[str, Any]:
        return merged(self.described.job_variables, {"env": dict(self.environment)})

    def _stays(self, found: DeploymentResponse) -> list[str]:
        said = ["is paused by hand: no run of it starts"] if found.paused else []
        known = {one.slug for one in self.described.schedules}
        for one in found.schedules:
            if one.slug not in known:
                said.append(f"has a schedule of somebody's own: {one.slug or one.id}")
            elif not one.active:
                said.append(f"its schedule {one.slug} is paused by hand")
        return said

    def _schedule(self, found: DeploymentResponse, slug: str) -> DeploymentSchedule | None:
        return next((one for one in found.schedules if one.slug == slug), None)

    # -- making

    def _create(self) -> None:
        limit, strategy = self.described.limit
        self.client.create_deployment(
            self.client.create_flow_from_name(self.described.flow.name),
            self.described.given["name"],
            version=self.version,
            tags=self.described.tags,
            parameters=self.described.parameters,
            job_variables=self._job_variables(),
            concurrency_limit=limit,
            concurrency_options=_options(strategy),
            schedules=[_created(one) for one in self.described.schedules],
            **self.described.fields,
        )

    def _update(self, found: DeploymentResponse) -> None:
        limit, strategy = self.described.limit
        jobs, parameters = (new for _, _, new in self._merging(found))
        wanted = DeploymentUpdate(
            version=self.version,
            tags=self._tags(found),
            parameters=parameters,
            job_variables=jobs,
            concurrency_limit=limit,
            concurrency_options=_options(strategy),
            **self.described.fields,
        )
        self.client.update_deployment(found.id, wanted)

    def _schedule_is(self, found: DeploymentResponse, wanted: Repeats) -> None:
        there = self._schedule(found, wanted.slug)
        if there is None:
            self.client.create_deployment_schedules(found.id, [_created(wanted)])
        elif _said(there) != _said(wanted):
            # Without `active`: whoever paused it meant it.
            self.client.update_deployment_schedule(found.id, there.id, schedule=_interval(wanted))


def _form(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    if old == new:
        return []
    was, becomes = old.get("properties", {}), new.get("properties", {})
    said = [f"{name} is new" for name in sorted(becomes.keys() - was)]
    said += [f"{name} is gone" for name in sorted(was.keys() - becomes)]
    said += [f"{name} changed" for name in sorted(was.keys() & becomes) if was[name] != becomes[name]]
    return [Difference(f"form: {', '.join(said) or 'its rules changed'}")]


def _options(strategy: str) -> ConcurrencyOptions:
    return ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy(strategy))


def _interval(wanted: Repeats) -> IntervalSchedule:
    return IntervalSchedule(interval=wanted.every, timezone=wanted.timezone)


def _created(wanted: Repeats) -> DeploymentScheduleCreate:
    return DeploymentScheduleCreate(schedule=_interval(wanted), active=True, slug=wanted.slug)


def _said(schedule: DeploymentSchedule | Repeats | None) -> str:
    if isinstance(schedule, Repeats):
        return f"every {schedule.every} ({schedule.timezone})"
    if schedule is None:
        return ""
    if isinstance(schedule.schedule, IntervalSchedule):
        return f"every {schedule.schedule.interval} ({schedule.schedule.timezone})"
    return str(schedule.schedule)
