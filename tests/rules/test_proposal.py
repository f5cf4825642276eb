"""What `dabflow init` proposes is read off the repository; where it shows nothing, that is said."""

from collections.abc import Sequence

import pytest
import yaml
from golden_files import Golden

from tasks.rules.first_steps import History, first_steps, where_it_goes_on
from tasks.rules.proposal import BundleFound, Found, Proposal, proposal_of
from tasks.rules.proposal_text import release_yaml
from tasks.rules.settings import settings_of

SCHEMA = "https://example.com/release.schema.json"
USUAL = BundleFound(".", {"dev": "development", "staging": "production", "prod": "production"}, ("etl",))


def proposed(
    branches: Sequence[str] = ("main", "develop"),
    tags: Sequence[str] = (),
    bundles: Sequence[BundleFound] = (USUAL,),
    default: str = "main",
) -> Proposal:
    return proposal_of(Found(branches, default, tags, bundles))


def test_what_is_usual_is_found() -> None:
    found = proposed(["main", "develop", "release/1.4.0", "hotfix/1.3.1"], ["1.3.0"])

    assert found.settings == settings_of({}, source="the defaults")
    assert found.guessed == frozenset()


@pytest.mark.parametrize(
    ("branches", "default", "production", "develop"),
    [
        (["master", "dev"], "dev", "master", "dev"),
        (["trunk", "develop"], "trunk", "trunk", "develop"),
        (["develop"], "develop", "main", "develop"),
        (["main"], "main", "main", "develop"),
    ],
)
def test_branches(branches: list[str], default: str, production: str, develop: str) -> None:
    names = proposed(branches, default=default).settings.branches

    assert (names.production, names.develop) == (production, develop)


@pytest.mark.parametrize(
    ("tags", "prefix"),
    [
        (["v1.0.0", "v1.1.0", "1.0.0-beta"], "v"),
        (["lakehouse-1.0.0"], "lakehouse-"),
        (["1.0.0", "nightly"], ""),
        (["nightly"], ""),
    ],
)
def test_tag_prefix(tags: list[str], prefix: str) -> None:
    assert proposed(tags=tags).settings.tag_prefix == prefix


def test_prefixes_of_branches() -> None:
    found = proposed(["main", "develop", "releases/1.4.0", "hotfixes/1.3.1", "release-1.0.0"])

    assert found.settings.branches.release_prefix == "releases/"
    assert found.settings.branches.hotfix_prefix == "hotfixes/"


def test_targets_by_their_usual_names_or_by_their_mode() -> None:
    bundle = BundleFound(".", {"dev": "development", "uat": "development", "europe": "production"})
    found = proposed(bundles=[bundle])

    assert (found.settings.targets.staging, found.settings.targets.production) == ("uat", "europe")
    assert not {key for key in found.guessed if key.startswith("targets")}


def test_a_bundle_without_the_targets_is_left_out_and_named() -> None:
    sample = BundleFound("tests/bundle", {"dev": "development"})
    found = proposed(bundles=[BundleFound("etl", USUAL.targets), sample])

    assert found.settings.bundles == ("etl",)
    assert found.left_out == ("tests/bundle",)
    steps = first_steps("acme/old", Found(["main", "develop"], "main"), found, History(released=()))
    assert "tests/bundle" in steps[0].so


def test_smoke_jobs_are_proposed_by_their_names() -> None:
    jobs = ("etl", "post_deploy_smoke")
    found = proposed(bundles=[BundleFound(".", USUAL.targets, jobs)])

    assert found.settings.smoke.production == ("post_deploy_smoke",)


@pytest.mark.parametrize(
    "found",
    [
        proposed(),
        proposed(["master", "dev"], ["v1.0.0"]),
        proposed(bundles=[BundleFound("a b/c", {"on": "", "prod": "production"}, ("smoke",))]),
        proposed(["on", "develop"], default="on"),
    ],
)
def test_the_file_says_what_was_proposed(found: Proposal) -> None:
    text = release_yaml(found, schema=SCHEMA)

    assert settings_of(yaml.safe_load(text), source="it") == found.settings


def test_the_file_marks_its_guesses(golden: Golden) -> None:
    found = proposed(["master"], default="master", bundles=[BundleFound(".", {"dev": "development"})])

    golden.check("init/release.yaml", release_yaml(found, schema=SCHEMA))


def test_a_repository_that_is_new_has_nothing_in_its_way() -> None:
    seen = Found(["main", "develop"], "main", (), [USUAL])

    assert first_steps("acme/new", seen, proposal_of(seen), History(released=())) == []
    assert "has no version yet" in where_it_goes_on("acme/new", seen, proposal_of(seen))


def test_everything_that_is_in_the_way_is_said(golden: Golden) -> None:
    branches = ["main", "develop", "release/1.4.0", "hotfix/1.3.1", "release/1.2.0"]
    seen = Found(branches, "main", ["v1.2.0", "v1.3.0"], [USUAL])
    proposal = proposal_of(seen)
    history = History(
        released=["v1.2.0"],
        outside=["v1.3.0"],
        contained=False,
        workflows={".github/workflows/deploy.yml": "run: databricks bundle deploy -t prod"},
    )

    steps = first_steps("acme/old", seen, proposal, history)

    told = [where_it_goes_on("acme/old", seen, proposal), *(f"- {s.so}\n{s.do}" for s in steps)]
    golden.check("init/in_the_way.txt", "\n".join(told) + "\n")
