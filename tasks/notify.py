"""Who release.yaml names is told what happens, once each: by Prefect's notification blocks.

What was told is remembered in a git ref on GitHub, one for each release, `refs/dabflow/told/<name>`: it outlives
Prefect, and a second start, a retry or a resumed run finds it. It is not the evidence: a message proves nothing.

A try is noted before it is made, and its end after it: a process that is killed in between repeats a message once,
and never more. These are plain functions: whatever step makes the news calls them last. Nothing here stops a release.
"""

import json
import logging
import time
from dataclasses import dataclass
from typing import Any

from tasks.evidence import chain_in
from tasks.rules.errors import NeedsHuman, ReleaseError, TryAgain
from tasks.rules.evidence import canonical
from tasks.rules.news import News
from tasks.rules.release import Release
from tasks.rules.settings_news import recipients
from tasks.systems import clock
from tasks.systems.git_ledger import Addition, Ledger
from tasks.systems.git_repo import Mirror
from tasks.systems.notifiers import send

log = logging.getLogger(__name__)

TOLD = "refs/dabflow/told/"
FILE = "told.json"
REST_SECONDS = 1.0  # before the second try
DONE, NOT_TOLD = "told", "not told"
_NEXT = {"": "trying", "trying": "trying again"}  # what may still be tried, by how far it came
_FORM = 1


def notify(release: Release, *news: News) -> None:
    """Everybody whom the settings name for it was told, or the log has a warning that says who was not, and why."""
    for one in news:
        blocks = recipients(release.settings.notifications, one.about, release.kind)
        if blocks:
            mirror = Mirror(release.repository)
            tell(mirror, release.name, one, blocks, since=_begun(mirror, release.name))


def tell(mirror: Mirror, name: str, news: News, blocks: tuple[str, ...], *, since: int = 0) -> None:
    """These blocks were told these news about what is called `name`, or a warning says which were not.

    Args:
        mirror: of the repository.
        name: under which it is remembered: a release's name, or what else the news are about.
        news: what has happened.
        blocks: each as type/name.
        since: what tells news of now from the same ones of an earlier time under this name.
    """
    told = _Told(mirror, name, f"{since}:{news.key}")
    for block in blocks:
        try:
            _tell(told, news, block)
        except ReleaseError as error:
            log.warning("%s was not told that %s: %s", block, news.title, error.problem)


def _tell(told: "_Told", news: News, block: str) -> None:
    while (state := _NEXT.get(told.state(block))) is not None:
        told.note(block, state)
        try:
            send(block, title=news.title, body=news.body)
        except ReleaseError as error:
            if isinstance(error, TryAgain) and state in _NEXT:
                time.sleep(REST_SECONDS)
                continue
            told.note(block, NOT_TOLD)
            raise
        told.note(block, DONE)
        log.info("%s was told that %s", block, news.title)


@dataclass
class _Told:
    """What is noted about one piece of news: of each block how far it is with telling it."""

    mirror: Mirror
    name: str
    key: str

    def state(self, block: str) -> str:
        """How far it is now."""
        self.mirror.fetch()
        return str(self._whole(self._ledger.head).get(self.key, {}).get(block, {}).get("state", ""))

    def note(self, block: str, state: str) -> None:
        """GitHub holds this about the block.

        Raises:
            TryAgain: GitHub did not answer, or others write all the time.
            NeedsHuman: our token may not write, or what is kept there is not ours.
        """
        now = clock.now()
        said = {"state": state, "at": now.isoformat(timespec="seconds")}

        def added_to(head: str | None) -> tuple[None, Addition | None]:
            whole = self._whole(head)
            before = whole.get(self.key, {})
            if before.get(block) == said:
                return None, None
            whole[self.key] = {**before, block: said}
            content = canonical({"form": _FORM, "name": self.name, "told": whole})
            return None, Addition({FILE: content}, now, f"told: {self.name}")

        self._ledger.ensure(added_to)

    @property
    def _ledger(self) -> Ledger:
        return Ledger(self.mirror, f"{TOLD}{self.name}")

    def _whole(self, head: str | None) -> dict[str, Any]:
        data = self.mirror.read_bytes(head, FILE) if head else b'{"told": {}}'
        try:
            return dict(json.loads(data or b"")["told"])
        except (ValueError, KeyError, TypeError) as error:
            raise NeedsHuman(
                f"refs/dabflow/told/{self.name} does not hold what was told",
                "find out who pushed it, and delete the ref: what is still to be told is told then",
            ) from error


def _begun(mirror: Mirror, name: str) -> int:
    """How much of its evidence is of an earlier time: before it was withdrawn, or a rollback of this name ended."""
    try:
        chain = chain_in(mirror, name)
    except ReleaseError:
        return 0  # whoever needs the evidence says what is wrong with it
    return len(chain.entries) - len(chain.now.entries)
