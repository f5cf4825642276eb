"""`approval`, `rollback`, `soak` and `overrides` in `release.yaml`: who opens the gate, and not before when."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.rules.settings_problems import Clash, raise_clashes
from tasks.rules.settings_section import LEFT_OUT, Section, optional
from tasks.rules.settings_words import TeamSlug

Policy = Literal["github", "prefect", "both"]
_LONGEST_SOAK_HOURS = 30 * 24
_Hours = Annotated[int, Field(ge=0, le=_LONGEST_SOAK_HOURS)]


class Group(Section):
    """So many approving reviews, of a team's members or of anybody who may write."""

    team: Annotated[
        str | None,
        optional(TeamSlug),
        LEFT_OUT,
        Field(
            alias="from",
            description="a team of your organisation; if left out, whoever may write",
        ),
    ] = None
    count: Annotated[int, Field(ge=1, le=20, description="how many verified reviews are needed")] = 1


class Approval(Section):
    """Who opens the gate to production."""

    policy: Annotated[
        Policy,
        Field(
            description="github: verified reviews. prefect: the form in Prefect. both: reviews and the form"
        ),
    ] = "both"
    approvals: Annotated[
        tuple[Group, ...],
        Field(strict=False, min_length=1, description="whose reviews are needed; one person fills one place"),
    ] = (Group(),)
    authors_approve: Annotated[
        bool, Field(description="whether somebody with a commit in the release may approve it")
    ] = True
    within_days: Annotated[int, Field(ge=1, le=365, description="a release expires that waits longer")] = 30
    remind_days_before: Annotated[
        int, Field(ge=0, le=364, description="when people are reminded of that; 0: they are not")
    ] = 3

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        raise_clashes([*_group_clashes(self), *_day_clashes(self)])
        return self


class Rollback(Section):
    """What is different for a rollback of production to an older version."""

    approval: Annotated[
        Approval | None,
        optional(Approval),
        LEFT_OUT,
        Field(
            description="who opens the gate for a rollback, as in `approval`; if left out, as for a release"
        ),
    ] = None


class Soak(Section):
    """How long a candidate stays on staging, from its rehearsal on, before production may get it."""

    hours: Annotated[_Hours, Field(description="of a release")] = 0
    hotfix_hours: Annotated[_Hours, Field(description="of a hotfix")] = 0


class Overrides(Section):
    """Who may put a freeze or the soak time aside, with a reason; nobody if left out."""

    team: Annotated[
        str | None,
        optional(TeamSlug),
        LEFT_OUT,
        Field(alias="from", description="a team of your organisation"),
    ] = None


def _group_clashes(approval: Approval) -> Iterator[Clash]:
    teams = [group.team for group in approval.approvals]
    for team in dict.fromkeys(team for team in teams if teams.count(team) > 1):
        whose = f"from {team}" if team else "without `from`"
        yield Clash(f"`approval.approvals` has more than one entry {whose}: make it one, with their sum", ())
    if approval.policy == "prefect" and (any(teams) or not approval.authors_approve):
        text = "`approval.policy` is `prefect`, which asks for no reviews: {} would guard nothing"
        key = "teams in `approval.approvals`" if any(teams) else "`approval.authors_approve: false`"
        yield Clash(text.format(key), ("approval.policy",))


def _day_clashes(approval: Approval) -> Iterator[Clash]:
    if approval.remind_days_before >= approval.within_days:
        yield Clash(
            f"`approval.remind_days_before` is {approval.remind_days_before}, which is not less than the"
            f" {approval.within_days} of `approval.within_days` (0: nobody is reminded)",
            ("approval.remind_days_before", "approval.within_days"),
        )
