"""What an approver reads about a release of several bundles: their sum, their order, and which of them is left alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tasks.rules.labels import label, sha
from tasks.rules.markdown import code, escaped
from tasks.rules.pages import Entry, Rank, Section
from tasks.rules.plan_text import About, sum_line
from tasks.rules.plans import Action, Plan, ResourceChange, right_of

LEFT = "nothing changed, it is left as it is"


@dataclass(frozen=True)
class LeftBehind:
    """A bundle that is deployed to a target and is no longer released.

    `ids` are by the key of each resource; `unknown` says why nobody could look, "" where somebody could. `version` is
    the version or commit in which the bundle is still there.
    """

    bundle: str
    target: str
    version: str
    root_path: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    unknown: str = ""


def bundles_section(pages: Sequence[tuple[Plan, About]]) -> Section:
    """Return what stands above the plans of several bundles; nothing where there is one."""
    if len(pages) == 1:
        return Section(Rank.HEAD)
    target = escaped(pages[0][1].target)
    order = ", then ".join(code(about.bundle) for _, about in pages if not about.unchanged)
    left = ", ".join(code(about.bundle) for _, about in pages if about.unchanged)
    lines = [
        f"**{len(pages)} bundles on {target}, all together: {sum_line(pages)}**",
        f"Deployed one after the other: {order}."
        if order
        else "None of them is deployed: nothing of them changed.",
        f"Not deployed: {left}. {LEFT.capitalize()}." if order and left else "",
    ]
    return Section(Rank.HEAD, intro="\n\n".join(filter(None, lines)))


def unchanged_section(about: About) -> Section:
    """Return what is said about a bundle that the release leaves as it is."""
    runs = sha(about.previous_commit or "")
    version = f" ({about.unchanged})" if about.unchanged != (about.previous_commit or "")[:12] else ""
    return Section(
        Rank.HEAD,
        f"## {code(about.bundle)}: unchanged",
        f"{escaped(about.target)} runs it at {runs}{version}, which has the same files, and its plan is empty."
        " It is not deployed, and its smoke jobs do not run.",
    )


def left_behind_section(left: LeftBehind) -> Section:
    """Return what is said about a bundle that is released no longer."""
    where, target = code(left.bundle), escaped(left.target)
    title = f"## {where}: no longer released, and still deployed"
    take_away = (
        f"To take it away: check out {escaped(left.version)}, look at `databricks bundle summary --target {left.target}`"
        f" in the folder {where}, then `databricks bundle destroy --target {left.target}` there. To keep releasing it:"
        " put it back into `bundles` in release.yaml."
    )
    if left.unknown:
        return Section(
            Rank.HEAD,
            title,
            f"What it deployed to {target} stays there, and nobody updates it any more. What that is could not be"
            f" looked up: {escaped(left.unknown)}.\n\n{take_away}",
        )
    found = [
        Entry(
            (f"- {label(ResourceChange(key, Action.SKIP))}, id {code(id_)}",),
            key.split(".")[1].replace("_", " "),
        )
        for key, id_ in sorted(left.ids.items())
        if right_of(key) is None
    ]
    intro = (
        f"This release does not touch what it deployed to {target}, at {code(left.root_path)}: it stays there, its"
        f" jobs go on running, and nobody updates it any more.\n\n{take_away}"
    )
    return Section(Rank.HEAD, title, intro, tuple(found))
