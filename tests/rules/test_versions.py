"""Which number a release gets."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import patient

from tasks.rules.errors import NeedsHuman
from tasks.rules.versions import Bump, Version, highest, next_version

NUMBERS = st.integers(min_value=0, max_value=10_000)
VERSIONS = st.builds(Version, NUMBERS, NUMBERS, NUMBERS)

NOT_VERSIONS = [
    "",
    "1",
    "1.2",
    "v1.2.3",
    "08.1.0",
    "1.02.3",
    "1.2.3-rc.1",
    "1.2.3+build",
    "1.2.3.4",
    " 1.2.3",
    "1.2.3\n",
    "1\u0661.2.3",
    "null.null.1",
    "-1.0.0",
]


@pytest.mark.parametrize(
    ("released", "bump", "expected"),
    [
        pytest.param(None, Bump.MAJOR, "1.0.0", id="first release, major"),
        pytest.param(None, Bump.MINOR, "0.1.0", id="first release, minor"),
        pytest.param(None, Bump.PATCH, "0.0.1", id="first release, patch"),
        pytest.param("1.3.7", Bump.MAJOR, "2.0.0", id="major resets the rest"),
        pytest.param("1.3.7", Bump.MINOR, "1.4.0", id="minor resets patch"),
        pytest.param("1.3.7", Bump.PATCH, "1.3.8", id="hotfix"),
        pytest.param("0.9.0", Bump.MINOR, "0.10.0", id="ten comes after nine"),
    ],
)
def test_next_version(released: str | None, bump: Bump, expected: str) -> None:
    before = Version.parse(released) if released else None

    assert str(next_version(before, bump)) == expected


def test_auto_has_to_be_resolved_first() -> None:
    with pytest.raises(NeedsHuman, match="choose major, minor or patch"):
        next_version(Version(1, 0, 0), Bump.AUTO)


@pytest.mark.parametrize("text", NOT_VERSIONS)
def test_what_is_not_a_version_is_refused(text: str) -> None:
    with pytest.raises(NeedsHuman, match="name three numbers"):
        Version.parse(text)


@pytest.mark.parametrize("name", NOT_VERSIONS)
def test_an_odd_tag_is_not_a_release(name: str) -> None:
    assert Version.of_tag(name) is None


@pytest.mark.parametrize(
    ("name", "prefix", "expected"),
    [
        ("1.2.3", "", "1.2.3"),
        ("v1.2.3", "v", "1.2.3"),
        ("1.2.3", "v", None),
        ("vv1.2.3", "v", None),
        ("release/1.4.0", "release/", "1.4.0"),
        ("release/1.4.0-fix", "release/", None),
        ("lakehouse-1.0.0", "lakehouse-", "1.0.0"),
        ("v1.2.3-rc.1", "v", None),
    ],
)
def test_of_tag(name: str, prefix: str, expected: str | None) -> None:
    found = Version.of_tag(name, prefix)

    assert (str(found) if found else None) == expected


@patient
@given(VERSIONS)
def test_a_version_reads_itself_again(version: Version) -> None:
    assert Version.parse(str(version)) == version
    assert Version.of_tag(f"v{version}", "v") == version
    assert pickle.loads(pickle.dumps(version)) == version


@patient
@given(VERSIONS, st.sampled_from([Bump.MAJOR, Bump.MINOR, Bump.PATCH]))
def test_the_next_version_is_higher(version: Version, bump: Bump) -> None:
    assert next_version(version, bump) > version


def test_highest() -> None:
    assert highest([]) is None
    assert highest([Version(0, 9, 0), Version(0, 10, 0), Version(0, 2, 9)]) == Version(0, 10, 0)
