"""`release.yaml` as text, and the sample in this repository."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tasks.rules.errors import NeedsHuman
from tasks.rules.settings import ReleaseSettings, schema, settings_of
from tasks.rules.settings_yaml import parsed

SAMPLE = (Path(__file__).parents[2] / "release.yaml").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^#(?! \S)", flags=re.MULTILINE)  # a comment in prose begins with `# `


def read(text: str) -> ReleaseSettings:
    return settings_of(parsed(text, source="release.yaml"), source="release.yaml")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}", "---\n"])
def test_a_file_may_be_empty(text: str) -> None:
    assert read(text) == ReleaseSettings()


def test_dates_stay_as_they_are_written() -> None:
    assert parsed("a: 2026-12-20\nb: 2026-02-30\nc: 2026-12-20 18:00:00+01:00", source="x") == {
        "a": "2026-12-20",
        "b": "2026-02-30",
        "c": "2026-12-20 18:00:00+01:00",
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "release.yaml is not YAML: while parsing"),
        ("a: !!python/name:os.system x", "could not determine a constructor"),
        ("freezes: []\nsoak: {}\nfreezes: []\n", "the key `freezes` is there twice"),
        ("approval: {within_days: 2, within_days: 365}", "the key `within_days` is there twice"),
        ("a: 1\n---\nb: 2\n", "expected a single document"),
        ("[]", "it must be a group of keys, not []"),
        ("freezes: [{name: a, from: 2026-02-30, until: 2026-03-02}]", "`freezes[0].from` must be a date"),
    ],
)
def test_what_is_not_right_is_refused(text: str, says: str) -> None:
    with pytest.raises(NeedsHuman) as stop:
        read(text)

    assert says in str(stop.value)


def test_merged_keys_are_not_twice() -> None:
    assert parsed("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}", source="x") == {
        "a": {"k": 1, "l": 2},
        "b": {"k": 3, "l": 2},
    }


def test_the_sample_of_this_repository_is_right() -> None:
    assert read(SAMPLE).smoke.production == ("smoke_test",)
    assert read(SAMPLE).freezes == ()
    Draft202012Validator(schema()).validate(parsed(SAMPLE, source="release.yaml"))


def test_the_examples_in_the_sample_are_right_and_hold_every_key() -> None:
    text = EXAMPLE.sub("", SAMPLE)
    values = parsed(text, source="release.yaml")

    assert [freeze.name for freeze in read(text).freezes] == [
        "year end",
        "weekends",
        "the books of a quarter",
    ]
    assert [group.team for group in read(text).approval.approvals] == [
        None,
        "data-platform",
        "release-managers",
    ]
    Draft202012Validator(schema()).validate(values)
    assert set(_keys(values)) == set(_properties(schema()))


def test_what_yaml_readers_make_of_dates_is_the_same() -> None:
    text = EXAMPLE.sub("", SAMPLE)

    assert settings_of(yaml.safe_load(text), source="x") == read(text)
    assert settings_of(json.loads(read(text).model_dump_json()), source="x") == read(text)


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(inner)


def _properties(parts: dict[str, Any]) -> Iterator[str]:
    for part in [parts, *parts["$defs"].values()]:
        yield from part["properties"]
