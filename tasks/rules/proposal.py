"""What release.yaml of a repository that dabflow does not know yet should say: read off its branches, tags and targets."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.rules.settings import ReleaseSettings, settings_of
from tasks.rules.versions import Version

# Where nothing in the repository shows a prefix, the usual one is not a guess: the first branch or tag makes it true.
_NO_CONVENTION = ("branches.production", "branches.develop", "targets.staging", "targets.production")
_NUMBER = re.compile(r"(?P<before>.*?)(?P<number>\d+\.\d+\.\d+)")
_PRODUCTION_BRANCHES = ("main", "master", "production", "prod")
_DEVELOP_BRANCHES = ("develop", "development", "dev", "integration")
_STAGING_TARGETS = (
    "staging",
    "stage",
    "stg",
    "preprod",
    "pre-prod",
    "uat",
    "acceptance",
    "acc",
    "qa",
    "test",
)
_PRODUCTION_TARGETS = ("prod", "production", "prd", "live")


@dataclass(frozen=True)
class BundleFound:
    """A folder with a databricks.yml: its targets, in order, with their mode, and the keys of its jobs."""

    folder: str
    targets: Mapping[str, str] = field(default_factory=dict)
    jobs: Sequence[str] = ()


@dataclass(frozen=True)
class Found:
    """What a repository shows.

    branches, tags: their names. default: the branch that people get who clone it.
    bundles: in the order of their folders' names.
    """

    branches: Collection[str]
    default: str
    tags: Collection[str] = ()
    bundles: Sequence[BundleFound] = ()


@dataclass(frozen=True)
class Proposal:
    """What release.yaml should say.

    guessed: the names for which the repository shows nothing.
    left_out: folders of bundles that lack one of the two targets.
    """

    settings: ReleaseSettings
    guessed: frozenset[str]
    left_out: tuple[str, ...] = ()


def proposal_of(found: Found) -> Proposal:
    """Propose settings; a key for which nothing was found has its default.

    Raises:
        NeedsHuman: what was found makes no sense together.
    """
    chosen = {
        "branches.production": _first(_PRODUCTION_BRANCHES, found.branches),
        "branches.develop": _first(_DEVELOP_BRANCHES, found.branches),
        "branches.release_prefix": _branch_prefix("release", found.branches),
        "branches.hotfix_prefix": _branch_prefix("hotfix", found.branches),
        "tag_prefix": _tag_prefix(found.tags),
        "targets.staging": _target(_STAGING_TARGETS, found.bundles),
        "targets.production": _target(_PRODUCTION_TARGETS, found.bundles) or _only_production(found.bundles),
    }
    if chosen["branches.production"] is None and found.default != chosen["branches.develop"]:
        chosen["branches.production"] = found.default or None
    parsed: dict[str, object] = {}
    for key, value in chosen.items():
        if value is not None:
            _put(parsed, key, value)
    ends = {chosen["targets.staging"], chosen["targets.production"]} - {None}
    meant = [bundle for bundle in found.bundles if ends <= {*bundle.targets}] or found.bundles
    if meant:
        parsed["bundles"] = [bundle.folder for bundle in meant]
    smoke = sorted({job for bundle in meant for job in bundle.jobs if "smoke" in job.casefold()})
    if smoke:
        parsed["smoke"] = {"staging": smoke, "production": smoke}
    settings = settings_of(parsed, source="what was found in the repository")
    left_out = tuple(bundle.folder for bundle in found.bundles if bundle not in meant)
    guessed = frozenset(key for key in _NO_CONVENTION if chosen[key] is None)
    return Proposal(settings, guessed, left_out)


def versions_of(names: Iterable[str], prefix: str) -> dict[Version, str]:
    """The versions that names with this prefix carry, lowest first."""
    found = ((Version.of_tag(name, prefix), name) for name in names)
    return dict(sorted((version, name) for version, name in found if version is not None))


def _first(wanted: Sequence[str], there: Collection[str]) -> str | None:
    return next((name for name in wanted if name in there), None)


def _branch_prefix(word: str, branches: Iterable[str]) -> str | None:
    """What stands before the version in most branches of this kind, as far as release.yaml can say it."""
    matches = (_NUMBER.fullmatch(name) for name in branches)
    before = [
        m["before"] for m in matches if m and m["before"].startswith(word) and m["before"].endswith("/")
    ]
    return Counter(before).most_common(1)[0][0] if before else None


def _tag_prefix(tags: Iterable[str]) -> str | None:
    matches = [m for name in tags if (m := _NUMBER.fullmatch(name))]
    if not matches:
        return None
    return Counter(m["before"] for m in matches).most_common(1)[0][0]


def _target(wanted: Sequence[str], bundles: Sequence[BundleFound]) -> str | None:
    """The first of these names that a bundle has."""
    return next((name for name in wanted if any(name in bundle.targets for bundle in bundles)), None)


def _only_production(bundles: Sequence[BundleFound]) -> str | None:
    """The one target of mode production, where there is only one."""
    named = {name for b in bundles for name, mode in b.targets.items() if mode == "production"}
    return named.pop() if len(named) == 1 else None


def _put(parsed: dict[str, object], key: str, value: str) -> None:
    table, _, inner = key.partition(".")
    if not inner:
        parsed[table] = value
        return
    section = parsed.setdefault(table, {})
    if isinstance(section, dict):
        section[inner] = value
