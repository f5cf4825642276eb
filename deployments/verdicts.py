"""Is it true? What a finished release must look like on the servers, one sentence per claim."""

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from deployments.witness import Witness

SHORT = 12


@dataclass(frozen=True)
class Claim:
    """One thing that must be so: whom or what it was found at, and whether it is so."""

    text: str
    true: bool


@dataclass(frozen=True)
class Shipped:
    """A release as the servers show it."""

    version: str
    pull: dict[str, Any]
    candidate: str
    commit: str

    @property
    def number(self) -> int:
        return int(self.pull["number"])


def shipped(witness: Witness, version: str, branch: str) -> Shipped:
    """What the servers show of a version that came from a branch."""
    pull = witness.pull_request(branch, "main")
    return Shipped(version, pull, str(pull["head"]["sha"]), witness.tagged_commit(version))


def claims(witness: Witness, release: Shipped, *, requester: str) -> Iterator[Claim]:
    """Look at everything that must be so now; an answer that does not come makes its claim false."""
    looks: list[Callable[[], Iterator[Claim]]] = [
        lambda: _merged(witness, release),
        lambda: _reviewed(witness, release, requester),
        lambda: _published(witness, release),
        lambda: _recorded(witness, release),
        lambda: _running(witness, release),
        lambda: _smoked(witness),
        lambda: _back_merged(witness, release),
        lambda: _evidence(witness, release),
        lambda: _secret(witness),
    ]
    for look in looks:
        try:
            yield from look()
        except (httpx.HTTPError, LookupError, subprocess.CalledProcessError) as error:
            yield Claim(f"could not be looked up: {type(error).__name__}: {error}", true=False)


def claims_about_overtaking(witness: Witness, version: str, waiting: str) -> Iterator[Claim]:
    """What must be so after a hotfix has overtaken a release that waits on the branch `waiting`."""
    commit = witness.tagged_commit(version)
    for branch in ("develop", waiting):
        yield Claim(f"{branch} contains {version}", witness.contains(branch, commit))
    yield Claim(
        f"{waiting} is still there, and still waits", witness.pull_request(waiting, "main")["state"] == "open"
    )


def claims_about_rollback(witness: Witness, version: str, *, withdrawn: str) -> Iterator[Claim]:
    """What must be so after production went back to a version."""
    runs, commit = witness.running("prod"), witness.tagged_commit(version)
    yield Claim(f"production runs {version} again, {runs[:SHORT]}", runs == commit)
    latest = witness.github("releases/latest")["tag_name"]
    yield Claim(f"GitHub's latest release is what production runs: {latest}", latest == version)
    release = witness.github(f"releases/tags/{withdrawn}")
    yield Claim(
        f"{withdrawn} is called {release['name']!r}", release["prerelease"] and "withdrawn" in release["name"]
    )
    tag = witness.tagged_commit(withdrawn)
    yield Claim(f"its tag and main stay where they were, {tag[:SHORT]}", _head_of(witness, "main") == tag)
    yield Claim(f"develop contains {withdrawn}: nothing is lost", witness.contains("develop", tag))


def _merged(witness: Witness, release: Shipped) -> Iterator[Claim]:
    parents = [parent["sha"] for parent in witness.github(f"git/commits/{release.commit}")["parents"]]
    yield Claim(
        f"#{release.number} was merged by a merge commit, {release.commit[:SHORT]}",
        bool(release.pull["merged"]) and parents[1:] == [release.candidate],
    )
    yield Claim(
        f"its tree is the rehearsed tree, {witness.tree(release.candidate)[:SHORT]}",
        witness.tree(release.commit) == witness.tree(release.candidate),
    )
    yield Claim(
        f"the tag {release.version} is on the merge commit", _head_of(witness, "main") == release.commit
    )


def _reviewed(witness: Witness, release: Shipped, requester: str) -> Iterator[Claim]:
    reviews = witness.github(f"pulls/{release.number}/reviews")
    approved = [
        r["user"]["login"]
        for r in reviews
        if r["state"] == "APPROVED"
        and r["commit_id"] == release.candidate
        and r["user"]["login"] != requester
    ]
    yield Claim(
        f"{', '.join(approved) or 'nobody'} approved that commit, {requester} had asked", bool(approved)
    )


def _published(witness: Witness, release: Shipped) -> Iterator[Claim]:
    latest = witness.github("releases/latest")
    yield Claim(
        f"the GitHub release {release.version} is published, and the latest",
        latest["tag_name"] == release.version and not latest["draft"],
    )


def _recorded(witness: Witness, release: Shipped) -> Iterator[Claim]:
    states = {
        "staging": witness.deployment_state("staging", release.candidate),
        "production": witness.deployment_state("production", release.commit),
    }
    told = ", ".join(f"{environment} {state or 'none'}" for environment, state in states.items())
    yield Claim(f"GitHub's records of its deployments: {told}", set(states.values()) == {"success"})


def _running(witness: Witness, release: Shipped) -> Iterator[Claim]:
    runs = witness.running("prod")
    yield Claim(f"production runs the tagged commit, {runs[:SHORT]}", runs == release.commit)
    resources = [yaml.safe_load(text) for text in witness.files(release.commit, "resources")]
    wanted = sorted(job["name"] for found in resources for job in found["resources"].get("jobs", {}).values())
    there = sorted(witness.jobs("prod"))
    yield Claim(f"its jobs are those of the release: {', '.join(there)}", there == wanted)


def _smoked(witness: Witness) -> Iterator[Claim]:
    results = {t: witness.last_result(t, witness.jobs(t)["smoke_test"]) for t in ("staging", "prod")}
    told = ", ".join(f"{target} {result or 'never ran'}" for target, result in results.items())
    yield Claim(f"the smoke job's last run: {told}", set(results.values()) == {"SUCCESS"})


def _back_merged(witness: Witness, release: Shipped) -> Iterator[Claim]:
    compared = witness.github(f"compare/{release.commit}...develop")
    yield Claim(f"develop contains {release.version}", compared["behind_by"] == 0)


def _evidence(witness: Witness, release: Shipped) -> Iterator[Claim]:
    """The chain is read and followed here anew, as anybody can with git and SHA-256 alone."""
    chain = json.loads(witness.files(f"refs/dabflow/evidence/{release.version}", "evidence.json")[0])
    previous = _sha256({name: value for name, value in chain.items() if name != "entries"})
    unbroken = True
    for entry in chain["entries"]:
        unbroken &= entry["previous"] == previous
        previous = _sha256({name: value for name, value in entry.items() if name != "hash"})
        unbroken &= entry["hash"] == previous
    approved = next(entry["facts"] for entry in chain["entries"] if entry["kind"] == "approved")
    who = ", ".join(review["login"] for review in approved["reviews"])
    yield Claim(
        f"its evidence is an unbroken chain of {len(chain['entries'])} entries; {who} approved plan"
        f" {approved['digest'][:SHORT]}",
        unbroken and approved["commit"] == release.candidate,
    )
    assets = witness.github("releases/latest")["assets"]
    named = ", ".join(asset["name"] for asset in assets)
    yield Claim(f"attached to the release: {named or 'nothing'}", len(assets) == 1)


def _sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _secret(witness: Witness) -> Iterator[Claim]:
    secrets = [secret.encode() for secret in witness.secrets()]
    places = [witness.folder / "logs", witness.folder / "prefect", witness.folder / "dabflow"]
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    told = [file for file in files if _holds(file, secrets)]
    where = f": {', '.join(str(file) for file in told)}" if told else ""
    yield Claim(f"no token or secret is in Prefect's database, in a log or in a mirror{where}", not told)


def _holds(file: Path, secrets: list[bytes]) -> bool:
    content = file.read_bytes()
    return any(secret in content for secret in secrets)


def _head_of(witness: Witness, branch: str) -> str:
    return str(witness.github(f"branches/{branch}")["commit"]["sha"])
