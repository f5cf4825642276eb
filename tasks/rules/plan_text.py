"""The plan as an approver reads it: what can't be undone first, then what was changed by hand, then the rest."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tasks.rules import field_text
from tasks.rules.active_text import active_section
from tasks.rules.affected import Affected, Protection
from tasks.rules.danger_text import destructive_section
from tasks.rules.labels import VERBS, label, sha
from tasks.rules.markdown import code, escaped
from tasks.rules.pages import Entry, Rank, Section
from tasks.rules.plans import Action, FieldChange, Plan, ResourceChange

FieldWords = Callable[[ResourceChange, FieldChange], str]


@dataclass(frozen=True)
class About:
    """What a page about one bundle on one target says beside the plan.

    Args:
        target: the bundle target, for people.
        commit: what would be deployed.
        previous_commit: what runs there now; None if nothing was deployed yet.
        files_changed: paths that differ between the two commits; a plan does not see them.
        bundle: the bundle's folder.
        several: whether the release has more bundles than this one; only then it is named.
        affected: what was found at the target; None if nobody looked.
        protection: what is protected there.
        unchanged: the version or commit that runs there, where the release changes nothing of the bundle and leaves
            it as it is; else "".
    """

    target: str
    commit: str
    previous_commit: str | None = None
    files_changed: Sequence[str] = ()
    bundle: str = "."
    several: bool = False
    affected: Affected | None = None
    protection: Protection = field(default_factory=Protection)
    unchanged: str = ""


def plan_line(plan: Plan, affected: Affected | None = None) -> str:
    """Return the plan in one short line: `2 to create, 1 to delete; 1 destructive, drift in 1`."""
    return _line([(plan, affected)])


def sum_line(pages: Iterable[tuple[Plan, About]]) -> str:
    """Return what happens to all bundles together, in one short line."""
    return _line([(plan, about.affected) for plan, about in pages])


def _line(plans: Sequence[tuple[Plan, Affected | None]]) -> str:
    counts = [plan.counts for plan, _ in plans]
    amounts = [
        (sum(each.delete for each in counts), "to delete"),
        (sum(each.recreate for each in counts), "to recreate"),
        (sum(each.create for each in counts), "to create"),
        (sum(each.update for each in counts), "to update"),
        (sum(each.unchanged for each in counts), "unchanged"),
    ]
    fates = ", ".join(f"{amount} {fate}" for amount, fate in amounts if amount) or "no resources"
    missing = sum(len(affected.deleted_by_hand(plan)) for plan, affected in plans if affected)
    destructive = sum(len(plan.destructive) for plan, _ in plans)
    drifted = sum(len(plan.drifted) for plan, _ in plans) + missing
    alarms = [
        *([f"{destructive} destructive"] if destructive else []),
        *([f"drift in {drifted}"] if drifted else []),
    ]
    return "; ".join(filter(None, [fates, ", ".join(alarms)]))


def plan_sections(plan: Plan, about: About) -> list[Section]:
    """Return what an approver reads about one bundle on one target, in the order in which it is read."""
    sections = [
        Section(Rank.HEAD, f"## {code(about.bundle)}" if about.several else "", _head(plan, about)),
        destructive_section(plan, about.target, about.affected, about.protection, _prefix(about)),
        _drift(plan, about),
        active_section(plan, about.affected or Affected()),
        _changes(plan, about),
        _rights(plan),
        _aside(plan, about.target),
        _files(about),
    ]
    return [section for section in sections if section.intro or section.entries]


def confirmed_by(key: str, about: About) -> str:
    """Return what people type to confirm a destructive change: the key, with its bundle where there are several."""
    return f"{_prefix(about)}{key}"


def _prefix(about: About) -> str:
    return f"{about.bundle}:" if about.several else ""


def _head(plan: Plan, about: About) -> str:
    target, previous = escaped(about.target), about.previous_commit
    where = f"{code(about.bundle)} on {target}" if about.several or about.bundle != "." else target
    runs = f"{target} runs {sha(previous)}" if previous else "nothing was deployed before"
    lines = [
        f"**{where}: {plan_line(plan, about.affected)}**",
        f"Commit {sha(about.commit)}; {runs}.",
    ]
    if plan.creates_everything:
        lines.append("The target looks as if nothing had ever been deployed to it.")
    if plan.empty:
        lines.append("No resource changes. A plan does not see code: read the changed files.")
    if about.affected and about.affected.unknown:
        lines.append(f"What runs there right now could not be looked up: {escaped(about.affected.unknown)}.")
    elif about.affected and about.affected.known and not (about.affected.runs or about.affected.continuous):
        lines.append("Nothing of it ran when the plan was read.")
    return "\n\n".join(lines)


def _drift(plan: Plan, about: About) -> Section:
    target = escaped(about.target)
    missing = set(about.affected.deleted_by_hand(plan)) if about.affected else set()
    groups = _grouped(plan.drifted, lambda resource: resource.drift, field_text.drifted)
    gone = [
        Entry(
            (f"- {label(each)} was deleted by hand: it is created again, with a new id and no history",),
            each.kind,
        )
        for each in plan.changes
        if each.key in missing
    ]
    return Section(
        Rank.DRIFT,
        f"### Drift: changed by hand in {target}",
        f"Somebody changed this in {target} itself. The release sets it back." if groups or gone else "",
        (*gone, *_listed(groups, "")),
    )


def _changes(plan: Plan, about: About) -> Section:
    missing = set(about.affected.deleted_by_hand(plan)) if about.affected else set()
    found = [each for each in plan.changes if not (_apart(each) or each.right or each.key in missing)]
    return Section(Rank.CHANGES, "### Changes", entries=_sorted(found))


def _rights(plan: Plan) -> Section:
    found = [each for each in plan.changes if each.right and not _apart(each)]
    return Section(Rank.RIGHTS, "### Who may do what", entries=_sorted(found))


def _apart(resource: ResourceChange) -> bool:
    """Say whether a section of its own shows the resource."""
    only_drift = bool(resource.fields) and all(field.drifted for field in resource.fields)
    return resource.destructive or resource.gone or only_drift or _will_run(resource)


def _sorted(resources: Sequence[ResourceChange]) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for action in (
        Action.DELETE,
        Action.RECREATE,
        Action.UPDATE_ID,
        Action.RESIZE,
        Action.UPDATE,
        Action.CREATE,
    ):
        alike = [each for each in resources if each.action is action]
        entries += _listed(_grouped(alike, _set_by_the_bundle, field_text.changed), f"**{VERBS[action]}** ")
    return tuple(entries)


def _will_run(resource: ResourceChange) -> bool:
    return resource.starts_a_run and resource.action is not Action.DELETE


def _aside(plan: Plan, target: str) -> Section:
    runs = [
        Entry((f"- run {code(each.name)} is started by the deploy itself, which waits for it",), "runs")
        for each in plan.changes
        if _will_run(each)
    ]
    gone = [
        Entry((f"- {label(each)} is gone from {escaped(target)} already, and is forgotten",), each.kind)
        for each in plan.changes
        if each.gone
    ]
    return Section(Rank.ASIDE, "### Besides", entries=(*runs, *gone))


def _set_by_the_bundle(resource: ResourceChange) -> tuple[FieldChange, ...]:
    if resource.action is Action.DELETE:
        return ()
    return tuple(field for field in resource.fields if not field.drifted)


Groups = dict[tuple[str, str | None, tuple[str, ...]], list[ResourceChange]]


def _grouped(
    resources: Iterable[ResourceChange],
    fields_of: Callable[[ResourceChange], tuple[FieldChange, ...]],
    words: FieldWords,
) -> Groups:
    """Put resources together to which the same happens: one new wheel in 500 jobs is one thing to read."""
    groups: Groups = defaultdict(list)
    for resource in resources:
        lines = tuple(words(resource, field) for field in fields_of(resource))
        groups[resource.kind, resource.right, lines].append(resource)
    return groups


def _listed(groups: Groups, verb: str) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            (f"- {verb}{_labels(resources)}", *(f"  - {field}" for field in fields)),
            f"{right} of {kind}" if right else kind.replace("_", " "),
            len(resources),
        )
        for (kind, right, fields), resources in groups.items()
    )


def _labels(resources: Sequence[ResourceChange]) -> str:
    first, *others = resources
    if not others:
        return label(first)
    kind = first.kind.replace("_", " ")
    what = f"{first.right} of {len(resources)} {kind}" if first.right else f"{len(resources)} {kind}"
    return f"{what}: {', '.join(code(resource.name) for resource in resources)}"


def _files(about: About) -> Section:
    previous = about.previous_commit
    if previous is None:
        return Section(Rank.FILES)
    if not about.files_changed:
        return Section(Rank.FILES, intro=f"No file differs from {sha(previous)}.")
    return Section(
        Rank.FILES,
        f"### Files changed since {sha(previous)}: {len(about.files_changed):,}",
        entries=tuple(Entry((f"- {code(path)}",), "files") for path in about.files_changed),
    )
