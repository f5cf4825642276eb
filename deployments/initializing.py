"""What `dabflow init` finds in a working copy, and the files that it writes there.

It writes files that are not there and nothing else: no file is changed, nothing is committed, nothing is pushed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tasks.rules.errors import NeedsHuman, ReleaseError
from tasks.rules.first_steps import History
from tasks.rules.proposal import BundleFound, Found, Proposal
from tasks.rules.proposal_text import release_yaml
from tasks.rules.settings import Branches
from tasks.rules.slugs import is_repository
from tasks.systems.bundle_files import ROOT_FILES, outline
from tasks.systems.git_checkout import Checkout
from tasks.systems.github_repo import GitHubRepo

SETTINGS = Path("release.yaml")
WORKFLOWS = Path(".github", "workflows")
CALLERS = Path(__file__).resolve().parent / "callers"


class Became(Enum):
    """What became of a file."""

    WRITTEN = "written"
    SAME = "is there already"
    DIFFERENT = "is there already and says something else: left as it is"


@dataclass(frozen=True)
class Source:
    """Where dabflow itself is kept: its repository on GitHub, and the commit that workflows are pinned to."""

    slug: str
    commit: str

    @classmethod
    def of(cls, text: str) -> "Source":
        """Read owner/name@commit.

        Raises:
            NeedsHuman: it is something else; a branch or a tag could be moved by others.
        """
        slug, _, commit = text.partition("@")
        if not is_repository(slug) or not _is_commit(commit):
            raise NeedsHuman(
                f"{text!r} does not say where dabflow is kept",
                "write it as owner/name@COMMIT, with the 40 digits of a commit: tags and branches can be moved",
            )
        return cls(slug, commit)

    @classmethod
    def installed(cls, folder: Path) -> "Source":
        """Read it off the working copy that this dabflow runs from.

        Raises:
            NeedsHuman: it was not cloned, or was changed since.
        """
        remedy = "say where its repository is: --dabflow owner/name@COMMIT"
        try:
            here = Checkout(folder)
            slug, commit = here.slug(), here.head()
        except NeedsHuman as error:
            raise NeedsHuman(
                f"which dabflow this is cannot be read off its folder: {error.problem}", remedy
            ) from error
        if not slug or here.folder != folder:
            raise NeedsHuman(f"{folder} was not cloned from GitHub", remedy)
        if here.changed():
            raise NeedsHuman(f"the dabflow in {folder} has changes that are not committed", remedy)
        return cls(slug, commit)


def found_in(checkout: Checkout) -> Found:
    """What the working copy shows of branches, tags and bundles.

    Raises:
        NeedsHuman: it holds no bundle, or one that cannot be read.
    """
    roots = [path.parent for path in checkout.files(*ROOT_FILES[:2]) if path.name in ROOT_FILES]
    if not roots:
        raise NeedsHuman(
            f"git knows of no databricks.yml in {checkout.folder}",
            "go to the repository of your bundle; a new databricks.yml is seen after `git add`",
        )
    bundles = [_bundle(checkout.folder, root) for root in sorted(set(roots))]
    return Found(checkout.branches(), checkout.default_branch(), checkout.tags(), bundles)


def _bundle(folder: Path, root: Path) -> BundleFound:
    seen = outline(folder / root)
    return BundleFound(root.as_posix(), seen.targets, seen.jobs)


def history_of(checkout: Checkout, proposal: Proposal, *, slug: str) -> tuple[History, ReleaseError | None]:
    """What was released before; also why GitHub could not be asked about it, if so."""
    branches, names = checkout.branches(), proposal.settings.branches
    production, develop = branches.get(names.production), branches.get(names.develop)
    released, trouble = _released(slug)
    history = History(
        released=released,
        outside=checkout.tags_outside(develop) if develop else (),
        contained=not production or not develop or checkout.contains(production, inside=develop),
        workflows=dict(_workflows(checkout.folder)),
    )
    return history, trouble


def _released(slug: str) -> tuple[list[str] | None, ReleaseError | None]:
    try:
        return [release.tag for release in GitHubRepo(slug).releases() if not release.draft], None
    except ReleaseError as error:
        return None, error


def _workflows(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((folder / WORKFLOWS).glob("*.y*ml")):
        yield (WORKFLOWS / path.name).as_posix(), path.read_text(encoding="utf-8", errors="replace")


def files_of(proposal: Proposal, source: Source) -> dict[Path, str]:
    """The files that the repository needs, by their path in it."""
    schema = f"https://raw.githubusercontent.com/{source.slug}/{source.commit}/docs/release.schema.json"
    callers = {
        WORKFLOWS / f"dabflow-{path.name}": _filled(path, source, proposal.settings.branches)
        for path in sorted(CALLERS.glob("*.yml"))
    }
    return {SETTINGS: release_yaml(proposal, schema=schema), **callers}


def _filled(path: Path, source: Source, names: Branches) -> str:
    """The workflow, calling dabflow's own at one commit, and about branches as they are called here."""
    text = path.read_text(encoding="utf-8").replace("{dabflow}", source.slug).replace("{sha}", source.commit)
    for quote, end in (('"', "**"), ("'", "'")):
        text = text.replace(f"{quote}release/{end}", f"{quote}{names.release_prefix}{end}")
        text = text.replace(f"{quote}hotfix/{end}", f"{quote}{names.hotfix_prefix}{end}")
    return text


def ensure_file(path: Path, text: str, *, dry_run: bool) -> Became:
    """The file is there; one that is there already is left as it is."""
    if path.is_symlink() or path.exists():
        same = path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text
        return Became.SAME if same else Became.DIFFERENT
    if not dry_run:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return Became.WRITTEN


def _is_commit(text: str) -> bool:
    return len(text) == 40 and set(text) <= set("0123456789abcdef")  # noqa: PLR2004 - SHA-1's digits
