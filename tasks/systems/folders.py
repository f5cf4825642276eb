"""Throw-away folders of which each belongs to one process: what a killed one has left is removed by the next."""

import fcntl
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

_IN_USE = "in-use"  # locked as long as the process lives that the folder belongs to


@contextmanager
def reserved_folder(place: Path, alone: Callable[[], AbstractContextManager[object]]) -> Iterator[Path]:
    """A new folder in `place`, gone afterwards; `alone` keeps others out that make or remove folders there."""
    with alone():
        place.mkdir(parents=True, exist_ok=True)
        _sweep(place)
        folder = Path(tempfile.mkdtemp(prefix="reserved-", dir=place))
        owner = (folder / _IN_USE).open("w")
        fcntl.flock(owner, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        with alone():  # the sweep of another would meet a folder that is half gone
            shutil.rmtree(folder, ignore_errors=True)
            owner.close()


def _sweep(place: Path) -> None:
    """Remove what killed processes left behind."""
    for folder in place.iterdir():
        with (folder / _IN_USE).open("a") as owner:
            try:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            log.info("removing %s, which a killed process left", folder)
            shutil.rmtree(folder, ignore_errors=True)
