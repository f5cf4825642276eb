"""Two bundles on their way to production: what is refused, what is left as it is, and what is the truth afterwards."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from databricks.sdk.service.workspace import ImportFormat
from playing import SLUG, asked, writes
from stages import opened
from two_bundles import SETTINGS, Pair, Released, bundle, candidate_of

from deployments.adopting import adopted
from deployments.standings import Environment, environment_of
from sandbox.world import copy_world
from tasks.bundles import all_validated, bundle_clis
from tasks.decide import ensure_abandoned, ensure_stop_told, stop_in_production
from tasks.drift import looked_at_now
from tasks.evidence import chain_of
from tasks.examine import validated_on
from tasks.known_state import insist_on_running, recorded_in
from tasks.rules.errors import NeedsHuman
from tasks.rules.known_state import Recorded
from tasks.rules.release import PRODUCTION, Release
from tasks.rules.versions import Version
from tasks.smoke import ensure_smoked
from tasks.systems.git_repo import Mirror
from tasks.systems.github_repo import GitHubRepo
from tasks.systems.targets import target_of
from tasks.systems.workspace import Workspace

pytestmark = pytest.mark.timeout(240)

MORE = {"ingest__load_dot_py": "print('more')\n"}


@pytest.fixture
def first(two_bundles: Released) -> str:
    """The commit of 0.1.0."""
    return two_bundles[1]


@pytest.fixture
def pair(two_bundles: Released, tmp_path: Path) -> Iterator[Pair]:
    with opened(copy_world(two_bundles[0], tmp_path / "world")) as world:
        yield Pair(world)


def recorded() -> Recorded:
    found = recorded_in(Mirror(SLUG).fetch(), GitHubRepo(SLUG).newest_successful_deployment(PRODUCTION))
    assert found is not None
    return found


def names_commit(root: str, commit: str) -> None:
    """Production's metadata names this commit for a bundle, as a deploy by hand leaves it."""
    client, path = Workspace(target_of("prod")).client.workspace, f"{root}/state/metadata.json"
    with client.download(path) as stored:
        metadata = json.loads(stored.read())
    metadata["config"]["bundle"]["git"]["commit"] = commit
    content = io.BytesIO(json.dumps(metadata).encode())
    client.upload(path, content, format=ImportFormat.RAW, overwrite=True)


def refused(pair: Pair, **files: str) -> str:
    """Why the bundles of a commit cannot be released; nothing was asked of the workspace before that."""
    candidate, before = candidate_of(pair.develop(**files)), asked(pair.world, server="prod")
    with pytest.raises(NeedsHuman) as stopped, bundle_clis(pair.release("0.2.0"), candidate, "prod"):
        pass
    assert asked(pair.world, server="prod") == before
    return str(stopped.value)


def test_what_is_no_set_of_bundles_is_refused_before_anything(pair: Pair) -> None:
    assert "ingest and reports are both called ingest" in refused(
        pair, reports__databricks_dot_yml=bundle("ingest", "report")
    )
    assert "no folder sales at" in refused(pair, release_dot_yaml="bundles: [ingest, sales]\n")
    assert "common holds no databricks.yml" in refused(pair, release_dot_yaml="bundles: [common]\n")

    deeper = "workspace: {root_path: '~/.bundle/ingest/${bundle.target}/deeper'}\n" + bundle(
        "reports", "report"
    )
    commit = pair.develop(release_dot_yaml=SETTINGS, reports__databricks_dot_yml=deeper)
    with (
        bundle_clis(pair.release("0.2.0"), candidate_of(commit), "prod") as clis,
        pytest.raises(NeedsHuman, match="ingest and reports would overwrite each other on prod"),
    ):
        all_validated(clis, "prod")


def test_what_a_release_does_not_change_is_left_as_it_is(pair: Pair, first: str) -> None:
    second = pair.develop(**MORE, README_dot_md="nobody deploys this\n")
    before = asked(pair.world, server="prod")

    plan = pair.ship("0.2.0", second)

    assert plan.unchanged == ("reports",)
    assert f"prod runs it at `{first[:12]}` (0.1.0), which has the same files" in plan.markdown
    assert pair.commits() == [second, first]
    done = writes(pair.world, after=before, server="prod")
    assert [w for w in done if "/reports/" in w and not w.endswith("/mkdirs")] == []
    assert sum(w.endswith("jobs/run-now") for w in done) == 1
    smoked, deployed = (chain_of(SLUG, "0.2.0").last(kind) for kind in ("smoked", "deployed"))
    assert smoked is not None
    assert deployed is not None
    assert list(smoked.facts["runs"]) == ["ingest:smoke"]
    assert deployed.facts["unchanged"] == {"reports": first}
    GitHubRepo(SLUG).create_tag("0.2.0", second, "Release 0.2.0", when=0)
    _later_looks_take_it_for_the_truth(pair, first, second)
    _nothing_else_is_taken_for_the_truth(pair, first, second)


def _later_looks_take_it_for_the_truth(pair: Pair, first: str, second: str) -> None:
    assert sorted(recorded().bundles.values()) == sorted([first, second])
    assert all(recorded().left(one) for one in pair.runs())
    insist_on_running.fn(pair.release("0.2.0"))
    seen = what_runs_there(pair.release("0.2.0"))
    assert (seen.left, seen.by_hand) == (True, False)
    assert seen.bundles == (("ingest", second), ("reports", first))
    assert "nothing was to be done" in adopted(SLUG, "just looking")
    ((look,), _) = looked_at_now(SLUG, ("prod",))
    found = [(b.bundle, b.commit, b.drifted, b.problem) for b in look.bundles]
    assert found == [("ingest", second, False, ""), ("reports", first, False, "")]
    assert pair.plan("0.3.0", pair.develop(README_dot_md="a\n")).unchanged == ("ingest", "reports")


def what_runs_there(release: Release, *, on_its_way: str = "") -> Environment:
    """Production as `dabflow status` sees it."""
    hub, mirror = GitHubRepo(SLUG), Mirror(SLUG).fetch()
    return environment_of(mirror, hub, release.settings, PRODUCTION, frozenset({on_its_way} - {""}))


def _nothing_else_is_taken_for_the_truth(pair: Pair, first: str, second: str) -> None:
    """No commit in between, although it has the same files."""
    between, head = Mirror(SLUG).branches()["develop"], pair.develop(README_dot_md="b\n")
    names_commit(pair.runs()[1].root_path, between)
    text = rf"prod \(bundle reports\) runs {between[:12]}, but the last release left {first[:12]} there"
    with pytest.raises(NeedsHuman, match=text):
        pair.plan("0.3.0", head)
    with pytest.raises(NeedsHuman, match="somebody deployed by hand"):
        insist_on_running.fn(pair.release("0.2.0"))

    ((look,), _) = looked_at_now(SLUG, ("prod",))
    assert [(b.commit, b.instead) for b in look.bundles] == [(second, ""), (between, first)]

    said = adopted(SLUG, "the night shift")

    assert said.startswith(f"production runs {second[:12]} (ingest), {between[:12]} (reports)")
    assert "nothing was to be done" in adopted(SLUG, "once more")


def test_what_a_bundle_uses_of_other_folders_counts_as_its_own(pair: Pair) -> None:
    plan = pair.plan("0.2.0", pair.develop(common__units_dot_py="KM = 1\n"))

    assert plan.unchanged == ("ingest",)
    assert "- `common/units.py`" in plan.page


def test_a_bundle_comes_and_another_one_goes(pair: Pair) -> None:
    """What is not released any more is named, with what to do; what comes may have been deployed before by hand."""
    gone = pair.runs()[1]
    commit = pair.develop(
        release_dot_yaml=SETTINGS.replace("reports", "extra"),
        extra__databricks_dot_yml=bundle("extra", "count"),
        extra__count_dot_py="print(1)\n",
        extra__smoke_dot_py="print(2)\n",
    )

    page = pair.plan("0.2.0", commit).page

    assert "**`extra` on prod: 2 to create**" in page
    assert "nothing was deployed before" in page
    assert "## `reports`: no longer released, and still deployed" in page
    assert f"at `{gone.root_path}`: it stays there" in page
    assert "- job `report`, id" in page
    assert "check out 0.1.0" in page
    assert "databricks bundle destroy --target prod" in page
    with bundle_clis(pair.release("0.2.0"), candidate_of(commit), "prod") as clis:
        clis[1].deploy()
    assert "**`extra` on prod: 2 unchanged**" in pair.plan("0.2.0", commit).page


def test_a_smoke_job_that_production_will_not_have_is_told_before_it_is_touched(pair: Pair) -> None:
    ingest = bundle("ingest", "load").replace("    smoke:", "    tried:")
    both = ingest.replace("ingest", "reports").replace("load", "report")
    commit = pair.develop(ingest__databricks_dot_yml=ingest, reports__databricks_dot_yml=both)

    with pytest.raises(NeedsHuman, match="prod has no job with the key smoke") as stopped:
        pair.plan("0.2.0", commit)
    assert "in release.yaml on main" in stopped.value.remedy


def test_a_rollback_is_not_stopped_by_a_smoke_job_that_came_later(pair: Pair, first: str) -> None:
    back = replace(pair.release("0.1.0"), kind="rollback", withdraws=Version(0, 2, 0))
    smoke = back.settings.smoke.model_copy(update={"production": ("counted", "reports:smoke")})
    back = replace(back, settings=back.settings.model_copy(update={"smoke": smoke}))
    candidate = candidate_of(first)

    ensure_smoked.fn(back, candidate, validated_on(back, candidate, "prod"), environment=PRODUCTION)

    smoked = chain_of(SLUG, back.name).last("smoked")
    assert smoked is not None
    assert (list(smoked.facts["runs"]), smoked.facts["absent"]) == (["reports:smoke"], ["counted"])


def test_abandoned_half_way_is_the_truth_for_each_bundle_and_tested_again(pair: Pair, first: str) -> None:
    second = pair.develop(
        **MORE, reports__databricks_dot_yml=bundle("reports", "report", max_concurrent_runs=3)
    )
    with pair.refusing("POST", "/api/2.2/jobs/reset"), pytest.raises(NeedsHuman) as stopped:
        pair.ship("0.2.0", second)
    release = pair.release("0.2.0")
    GitHubRepo(SLUG).create_tag("0.2.0", second, "Release 0.2.0", when=0)
    ensure_stop_told.fn(release, second, str(stopped.value))
    stop = stop_in_production.fn(release)
    assert stop is not None
    assert pair.commits() == [second, first]
    half_way = what_runs_there(release, on_its_way=second)
    assert (half_way.unfinished, half_way.by_hand) == (True, False)
    assert what_runs_there(release).by_hand, "where no release is on its way"

    ensure_abandoned.fn(release, stop, "the supplier is down")

    assert (recorded().commit, recorded().adopted) == (second, True)
    assert all(recorded().left(one) for one in pair.runs())
    following = pair.plan("0.3.0", pair.develop(README_dot_md="on\n"))
    assert following.unchanged == (), "0.2.0 was never tested there"
    assert "max_concurrent_runs" in following.page
    with pytest.raises(NeedsHuman, match="it runs"):
        insist_on_running.fn(release)


def test_staging_does_not_keep_what_only_staging_was_given(pair: Pair) -> None:
    """An earlier candidate's change of a bundle is taken back: staging gets the bundle again, and tests it."""
    worse = pair.develop(reports__report_dot_py="print('worse')\n", **MORE)
    with bundle_clis(pair.release("0.2.0"), candidate_of(worse), "staging") as clis:
        for cli in clis:
            cli.deploy()
    back = pair.develop(reports__report_dot_py="print('report')\n")

    pair.rehearse("0.2.0", back, ("ingest", "reports"))

    assert pair.commits("staging") == [worse, back]
    rehearsed = chain_of(SLUG, "0.2.0").last("rehearsed", commit=back)
    assert rehearsed is not None
    assert list(rehearsed.facts["runs"]) == ["reports:smoke"]
