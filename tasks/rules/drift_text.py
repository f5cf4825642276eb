"""What people read about drift: a line for each field, and the shortest that says it all."""

import json
from collections.abc import Iterator

from tasks.rules.drift import BundleLook, FieldDrift, Look, ResourceDrift

_SHA = 12
_LONGEST = 80  # characters of one value


def drift_line(look: Look) -> str:
    """The whole look in a few words: `2 resources changed by hand`, `none`, or why it is not known."""
    found = [
        drift_of_bundle(bundle, named=len(look.bundles) > 1) for bundle in look.bundles if bundle.drifted
    ]
    unknown = [f"not looked at: {look.unknown}"] if look.unknown else []
    return "; ".join([*found, *unknown]) or "none"


def drift_of_bundle(bundle: BundleLook, *, named: bool) -> str:
    """One bundle in a few words; `named` where there are several."""
    counts = [
        (sum(r.what == "changed" for r in bundle.resources), "changed by hand"),
        (sum(r.what == "deleted" for r in bundle.resources), "deleted by hand"),
    ]
    words = [f"{count} {'resource' if count == 1 else 'resources'} {what}" for count, what in counts if count]
    if bundle.instead:
        words.append(f"{bundle.commit[:_SHA]} deployed by hand instead of {bundle.instead[:_SHA]}")
    return f"{bundle.bundle}: {', '.join(words)}" if named else ", ".join(words)


def drift_lines(look: Look) -> Iterator[str]:
    """Everything that was found, indented by what it belongs to."""
    for bundle in look.bundles:
        if len(look.bundles) > 1 or bundle.bundle != ".":
            yield f"{bundle.bundle} at {bundle.commit[:_SHA] or 'no commit'}"
        if bundle.instead:
            yield (
                f"  {bundle.commit[:_SHA]} was deployed by hand, the last release left {bundle.instead[:_SHA]}"
            )
        for resource in bundle.resources:
            yield from resource_lines(resource)
        for key in bundle.besides:
            yield f"  {key} is not as that commit describes it, and nobody changed it by hand"
        if bundle.problem:
            yield f"  not looked at: {bundle.problem}"


def resource_lines(resource: ResourceDrift) -> Iterator[str]:
    """One resource, and each of its fields."""
    if resource.what == "deleted":
        yield f"  {resource.key} was deleted by hand"
        return
    yield f"  {resource.key}"
    for field in resource.fields:
        yield f"    {field_line(field)}"


def field_line(field: FieldDrift) -> str:
    """`max_concurrent_runs: 7, deployed as 1`."""
    now, deployed = _shown(field.now), _shown(field.deployed)
    if field.deployed is None:
        return f"{field.path}: {now}, added by hand"
    if field.now is None:
        return f"{field.path}: taken away by hand, deployed as {deployed}"
    if now == deployed:
        return f"{field.path}: changed, its value is not shown"
    return f"{field.path}: {now}, deployed as {deployed}"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
