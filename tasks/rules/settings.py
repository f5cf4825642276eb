"""`release.yaml`: how one repository is released. Every key is optional, nonsense is refused at once.

settings_of     what the file says, or a stop that lists every problem in it
schema          the same rules for editors, kept in docs/release.schema.json
"""

from collections.abc import Iterator
from itertools import combinations, product
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from tasks.rules import settings_problems as problems
from tasks.rules.errors import NeedsHuman
from tasks.rules.freezes import forever
from tasks.rules.settings_approval import Approval, Overrides, Rollback, Soak
from tasks.rules.settings_freezes import Freeze
from tasks.rules.settings_news import Drift, Notification
from tasks.rules.settings_problems import Clash
from tasks.rules.settings_section import LEFT_OUT, Section, optional
from tasks.rules.settings_words import (
    MEANINGS,
    BranchName,
    BranchPrefix,
    CheckName,
    Command,
    Folders,
    JobKeys,
    Kind,
    Logins,
    TagPrefix,
    TargetName,
)
from tasks.rules.versions import Version

NO_CREDENTIALS = "none"
SYNC_PREFIX = "sync/"  # ours: the branches that carry a release back into develop

_WHICH = "`smoke_test` is that job in each bundle that has it, `reports:smoke_test` that of one folder"

# A list from YAML becomes a tuple; what is in it is still read strictly.
_LIST = Field(strict=False)

BackMergeMode = Literal["merge", "pull_request"]


class Branches(Section):
    """The branches of GitFlow in this repository."""

    production: Annotated[
        BranchName, Field(description="what production runs; releases are merged into it")
    ] = "main"
    develop: Annotated[BranchName, Field(description="where work is collected; releases are cut from it")] = (
        "develop"
    )
    release_prefix: Annotated[BranchPrefix, Field(description="before the version in a release's branch")] = (
        "release/"
    )
    hotfix_prefix: Annotated[BranchPrefix, Field(description="before the version in a hotfix's branch")] = (
        "hotfix/"
    )


class Targets(Section):
    """The targets of databricks.yml that a release goes through."""

    staging: Annotated[TargetName, Field(description="where a release is rehearsed")] = "staging"
    production: Annotated[TargetName, Field(description="where a release ends")] = "prod"


class Check(Section):
    """One of the team's own tests; it runs at the released commit before staging is touched."""

    name: Annotated[CheckName, Field(description="what people read; each name once")]
    command: Annotated[Command, Field(description="run in the repository's folder; exit code 0 is a pass")]
    credentials: Annotated[
        TargetName, Field(description="`none`, or the target whose credentials it gets; never production's")
    ] = NO_CREDENTIALS
    within_minutes: Annotated[int, Field(ge=1, le=1440, description="it is ended after this long")] = 30


class Smoke(Section):
    """The jobs that prove that a deployed target works."""

    staging: Annotated[JobKeys, Field(description=f"keys of the jobs to run on staging; {_WHICH}")] = ()
    production: Annotated[JobKeys, Field(description=f"keys of the jobs to run on production; {_WHICH}")] = ()
    within_minutes: Annotated[int, Field(ge=1, le=1440, description="each job ends well within this")] = 30


class BackMerge(Section):
    """How a finished release comes back into develop."""

    mode: Annotated[
        BackMergeMode,
        Field(
            description="merge: dabflow merges the pull request if it is clean. pull_request: people merge it"
        ),
    ] = "merge"


class ReleaseSettings(Section):
    """How this repository is released by dabflow. Every key is optional."""

    branches: Annotated[Branches, Field(description=Branches.__doc__)] = Branches()
    tag_prefix: Annotated[TagPrefix, Field(description="before the version in a tag, such as `v`")] = ""
    targets: Annotated[Targets, Field(description=Targets.__doc__)] = Targets()
    bundles: Annotated[Folders, Field(description="folders with a databricks.yml, in order")] = (".",)
    checks: Annotated[tuple[Check, ...], _LIST, Field(description="the team's own tests")] = ()
    smoke: Annotated[Smoke, Field(description=Smoke.__doc__)] = Smoke()
    approval: Annotated[Approval, Field(description=Approval.__doc__)] = Approval()
    rollback: Annotated[Rollback, Field(description=Rollback.__doc__)] = Rollback()
    freezes: Annotated[
        tuple[Freeze, ...],
        Field(strict=False, max_length=30, description="when targets are left alone, once or recurring"),
    ] = ()
    soak: Annotated[Soak, Field(description=Soak.__doc__)] = Soak()
    overrides: Annotated[Overrides, Field(description=Overrides.__doc__)] = Overrides()
    reviewers: Annotated[Logins, Field(description="GitHub logins that are asked for a review")] = ()
    back_merge: Annotated[BackMerge, Field(description=BackMerge.__doc__)] = BackMerge()
    notifications: Annotated[
        tuple[Notification, ...], Field(strict=False, max_length=30, description="who is told what")
    ] = ()
    drift: Annotated[
        Drift | None,
        optional(Drift),
        LEFT_OUT,
        Field(description="if left out, nothing is looked at by itself"),
    ] = None

    @field_validator("freezes")
    @classmethod
    def _freezes_of_production(cls, freezes: tuple[Freeze, ...], info: ValidationInfo) -> tuple[Freeze, ...]:
        """Name production where a freeze names no target."""
        if "targets" not in info.data:
            return freezes
        default = {"targets": (info.data["targets"].production,)}
        return tuple(freeze if freeze.targets else freeze.model_copy(update=default) for freeze in freezes)

    @field_validator("drift")
    @classmethod
    def _drift_of_both(cls, drift: Drift | None, info: ValidationInfo) -> Drift | None:
        """Name both targets where a look for drift names none."""
        if drift is None or drift.targets or "targets" not in info.data:
            return drift
        both = (info.data["targets"].staging, info.data["targets"].production)
        return drift.model_copy(update={"targets": both})

    @model_validator(mode="after")
    def _no_clashes(self) -> Self:
        problems.raise_clashes([*_branch_clashes(self), *_other_clashes(self)])
        return self

    def release_branch(self, version: Version) -> str:
        return f"{self.branches.release_prefix}{version}"

    def hotfix_branch(self, version: Version) -> str:
        return f"{self.branches.hotfix_prefix}{version}"

    def tag(self, version: Version) -> str:
        return f"{self.tag_prefix}{version}"

    def approval_of(self, kind: Kind) -> Approval:
        """Who opens the gate for a kind of release."""
        own = self.rollback.approval if kind == "rollback" else None
        return own or self.approval

    def version_of_tag(self, name: str) -> Version | None:
        """Return the version that a tag names, None if it is not a release's tag."""
        return Version.of_tag(name, self.tag_prefix)

    def version_of_branch(self, name: str) -> Version | None:
        """Return the version of a release or hotfix branch, None if it is neither."""
        prefixes = (self.branches.release_prefix, self.branches.hotfix_prefix)
        return next(filter(None, (Version.of_tag(name, prefix) for prefix in prefixes)), None)


def settings_of(parsed: object, *, source: str) -> ReleaseSettings:
    """Read the parsed `release.yaml`; an empty or missing file (None) means all defaults.

    Args:
        parsed: what the YAML reader made of the file.
        source: where it was found, for people: `release.yaml at 1f3c9ab`.

    Raises:
        NeedsHuman: something in it is wrong; the text lists every problem with the path of its key.
    """
    try:
        return ReleaseSettings.model_validate({} if parsed is None else parsed)
    except ValidationError as error:
        found = problems.lines(ReleaseSettings, parsed, error, meanings=MEANINGS)
        count = "a problem" if len(found) == 1 else f"{len(found)} problems"
        raise NeedsHuman(
            "\n".join([f"{source} has {count}:", *(f"  - {line}" for line in found)]),
            "correct it and commit; editors check it while you type, with docs/release.schema.json",
        ) from error


def schema() -> dict[str, Any]:
    """Return the JSON schema of `release.yaml`, for editors; the clashes between keys are beyond it."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**head, **ReleaseSettings.model_json_schema(), "title": "release.yaml"}


def _branch_clashes(settings: ReleaseSettings) -> Iterator[Clash]:
    """Find names that git cannot keep side by side: `main` and `main/x`, or one prefix inside another."""
    names = {**{f"`branches.{key}`": name for key, name in settings.branches}, "dabflow's own": SYNC_PREFIX}
    for (one, name), (other, second) in combinations(names.items(), 2):
        keys = (one.strip("`"), other.strip("`"))
        if _overlap(f"{name.rstrip('/')}/".casefold(), f"{second.rstrip('/')}/".casefold()):
            yield Clash(
                f"{one} `{name}` and {other} `{second}` are the same or lie one inside the other", keys
            )


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _other_clashes(settings: ReleaseSettings) -> Iterator[Clash]:
    for key in ("release_prefix", "hotfix_prefix"):
        if settings.tag_prefix == getattr(settings.branches, key):
            text = f"`tag_prefix` and `branches.{key}` are the same: so would be the names of tag and branch"
            yield Clash(text, ("tag_prefix", f"branches.{key}"))
    if _variable(settings.targets.staging) == _variable(settings.targets.production):
        text = "`targets.staging` and `targets.production` are the same target"
        yield Clash(text, ("targets.staging", "targets.production"))
    yield from _check_clashes(settings)
    yield from _smoke_clashes(settings)
    yield from _freeze_clashes(settings)
    yield from _drift_clashes(settings)
    longest = max(settings.soak.hours, settings.soak.hotfix_hours)
    if longest >= settings.approval.within_days * 24:
        text = f"`soak`: {longest} hours are not less than the {settings.approval.within_days} days of"
        yield Clash(
            f"{text} `approval.within_days`, so a release would expire first",
            ("soak.hours", "soak.hotfix_hours", "approval.within_days"),
        )


def _check_clashes(settings: ReleaseSettings) -> Iterator[Clash]:
    names = [check.name.casefold() for check in settings.checks]
    for position, check in enumerate(settings.checks):
        if check.name.casefold() in names[:position]:
            yield Clash(f"`checks`: more than one is called `{check.name}`", ("checks",))
        if _variable(check.credentials) == _variable(settings.targets.production):
            text = f"`checks`: `{check.name}` runs before the approval, it gets no credentials of production"
            yield Clash(text, ("targets.production",))


def _smoke_clashes(settings: ReleaseSettings) -> Iterator[Clash]:
    for where, keys in (("staging", settings.smoke.staging), ("production", settings.smoke.production)):
        for key in keys:
            folder = key.rpartition(":")[0]
            if folder and folder not in settings.bundles:
                text = f"`smoke.{where}`: `{key}` is of the folder `{folder}`, which `bundles` does not list"
                yield Clash(text, ("bundles",))


def _freeze_clashes(settings: ReleaseSettings) -> Iterator[Clash]:
    keys = ("targets.staging", "targets.production")
    targets = (settings.targets.staging, settings.targets.production)
    names = [freeze.name.casefold() for freeze in settings.freezes]
    for position, freeze in enumerate(settings.freezes):
        if freeze.name.casefold() in names[:position]:
            yield Clash(f"`freezes`: more than one is called `{freeze.name}`", ())
        for target in set(freeze.targets) - {*targets}:
            text = f"`freezes`: `{freeze.name}` freezes `{target}`, which is neither `targets.staging`"
            yield Clash(f"{text} `{targets[0]}` nor `targets.production` `{targets[1]}`", keys)
    for target, kind in product(targets, get_args(Kind)):
        together = [f"`{name}`" for name in forever(settings.freezes, target=target, kind=kind)]
        if together:
            text = f"`freezes`: {' and '.join(together)} would freeze `{target}` for ever"
            yield Clash(f"{text}: for more than a year there is no gap for a {kind}", keys)


def _drift_clashes(settings: ReleaseSettings) -> Iterator[Clash]:
    targets = (settings.targets.staging, settings.targets.production)
    for target in sorted({*(settings.drift.targets if settings.drift else ())} - {*targets}):
        text = f"`drift`: `{target}` is neither `targets.staging` `{targets[0]}`"
        keys = ("targets.staging", "targets.production")
        yield Clash(f"{text} nor `targets.production` `{targets[1]}`", keys)


def _variable(target: str) -> str:
    # Connections are named after targets in capitals, so `pre-prod` and `PRE_PROD` would share one.
    return target.upper().replace("-", "_")
