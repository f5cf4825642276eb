"""What a message says, and which bump it asks for."""

import pytest

from tasks.rules.commits import Conventional, bump_of, conventional
from tasks.rules.versions import Bump, Version


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("feat: add a job", Conventional("feat", "", "add a job", breaking=False)),
        ("fix(ingest): read late rows", Conventional("fix", "ingest", "read late rows", breaking=False)),
        ("feat(api)!: drop v1", Conventional("feat", "api", "drop v1", breaking=True)),
        ("Feat!: shout", Conventional("feat", "", "shout", breaking=True)),
        ("fix: a\n\nwhy\n\nBREAKING CHANGE: b", Conventional("fix", "", "a", breaking=True)),
        ("fix: a\n\nBREAKING-CHANGE: b\r\n", Conventional("fix", "", "a", breaking=True)),
        ("fix: a\n\nthis is no BREAKING CHANGE: b", Conventional("fix", "", "a", breaking=False)),
        ("fix: a\n\nBREAKING CHANGE:", Conventional("fix", "", "a", breaking=False)),
        ("fix: a\n\nbreaking change: b", Conventional("fix", "", "a", breaking=False)),
        ("chore(deps, dev): bump", Conventional("chore", "deps, dev", "bump", breaking=False)),
        (
            "Merge pull request #12 from acme/x\n\nfeat: from the pull request",
            Conventional("feat", "", "from the pull request", breaking=False),
        ),
        ("Merge branch 'develop' into x", None),
        ('Revert "feat: add a job"', None),
        ("feat:no space", None),
        ("feat add a job", None),
        ("feat(): empty scope", None),
        ("two words: subject", None),
        ("feat: ", None),
        ("", None),
    ],
)
def test_conventional(message: str, expected: Conventional | None) -> None:
    assert conventional(message) == expected


@pytest.mark.parametrize(
    ("messages", "released", "expected"),
    [
        pytest.param([], "1.3.0", Bump.PATCH, id="nothing"),
        pytest.param(["docs: x", "anything"], "1.3.0", Bump.PATCH, id="neither feature nor break"),
        pytest.param(["fix: x", "feat: y"], "1.3.0", Bump.MINOR, id="one feature is enough"),
        pytest.param(["feat: y", "fix!: x"], "1.3.0", Bump.MAJOR, id="one break is enough"),
        pytest.param(["fix!: x"], "0.9.0", Bump.MINOR, id="before 1.0.0 a break is minor"),
        pytest.param(["fix!: x"], None, Bump.MINOR, id="the first release is no 1.0.0"),
        pytest.param(["feat: x\n\nBREAKING CHANGE: y"], "2.0.0", Bump.MAJOR, id="footer"),
    ],
)
def test_bump_of(messages: list[str], released: str | None, expected: Bump) -> None:
    assert bump_of(messages, released=Version.parse(released) if released else None) == expected
