"""Which tests run in one process, one after the other: those of a file, and files that share what takes long to make.

pytest-xdist's own marks for this (`--dist loadgroup`) have no effect with pytest 9.2: it writes the group to a private
attribute that is no longer read.
"""

from xdist.scheduler import LoadScopeScheduling

SHARED = {
    "rolled": (
        "tests/flows/test_rollback_story.py",
        "tests/tasks/test_going_back.py",
        "tests/tasks/test_going_back_half_way.py",
        "tests/tasks/test_going_back_to_deleted.py",
        "tests/tasks/test_withdrawing.py",
    ),
    "other_prefect": (
        "tests/flows/test_standard_release.py",
        "tests/deployments/test_install.py",
        "tests/deployments/test_two_workers_on_postgres.py",
        "tests/tasks/test_lock.py",
    ),
}
_GROUP_OF = {file: fixture for fixture, files in SHARED.items() for file in files}


class ByFile(LoadScopeScheduling):
    """Hands out whole files, and such as share something together, in the order they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return _GROUP_OF.get(file, file)
