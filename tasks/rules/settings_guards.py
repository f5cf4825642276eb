"""What guards production: it is read from the production branch, so that a release can't loosen its own gate.

guards_of       that part of the settings
guard_changes   what a release would change about it, for the people who approve
"""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from tasks.rules.settings import Branches, ReleaseSettings, Targets
from tasks.rules.settings_approval import Approval, Group, Overrides, Rollback, Soak
from tasks.rules.settings_freezes import Freeze
from tasks.rules.settings_section import Section


class Guards(Section):
    """What guards production."""

    branches: Branches
    targets: Targets
    approval: Approval
    rollback: Rollback
    freezes: tuple[Freeze, ...]
    soak: Soak
    overrides: Overrides


def guards_of(settings: ReleaseSettings) -> Guards:
    """Return the part of the settings that guards production."""
    return Guards.model_construct(**{name: getattr(settings, name) for name in Guards.model_fields})


def guard_changes(production: ReleaseSettings, candidate: ReleaseSettings) -> list[str]:
    """Say what a release would change about its own gate; the change counts from the next release on."""
    now, then = (dict(_leaves(guards_of(settings))) for settings in (production, candidate))
    return [
        _change(path, now.get(path), then.get(path))
        for path in dict.fromkeys([*now, *then])
        if now.get(path) != then.get(path)
    ]


def _change(path: str, now: str | None, then: str | None) -> str:
    if now is None:
        return f"{path} is new: `{then}`"
    if then is None:
        return f"{path} is `{now}`, this release removes it"
    return f"{path} is `{now}`, this release makes it `{then}`"


def _leaves(section: BaseModel, above: str = "") -> Iterator[tuple[str, str]]:
    """Return what each key says, as people would; a freeze is one thing, known by its name."""
    for name, value in section:
        key = f"{above}{type(section).model_fields[name].alias or name}"
        if name == "freezes":
            yield from ((f"the freeze `{freeze.name}`", _freeze(freeze)) for freeze in value)
        elif name == "approvals":
            yield f"`{key}`", _groups(value)
        elif isinstance(value, BaseModel):
            yield from _leaves(value, f"{key}.")
        elif name != "approval":  # left out, a rollback's is the release's
            yield f"`{key}`", _said(value)


def _said(value: object) -> str:
    match value:
        case None:
            return "nobody"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _groups(groups: Sequence[Group]) -> str:
    # In no order: it says nothing about who has to come first.
    said = sorted(f"{group.count} from {group.team or 'whoever may write'}" for group in groups)
    return " and ".join(said)


def _freeze(freeze: Freeze) -> str:
    begin = f"{freeze.start:%Y-%m-%d %H:%M}"
    if freeze.until:
        when = f"{begin} to {freeze.until:%Y-%m-%d %H:%M}"
    else:
        when = f"{freeze.rule} from {begin} on, {freeze.hours} hours each"
    what = f"{', '.join(freeze.kinds)} to {', '.join(freeze.targets)}"
    return f"{when} ({freeze.time_zone}): no {what}"
