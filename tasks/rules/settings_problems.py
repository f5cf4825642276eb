"""What is wrong with a settings file, in words for the person who wrote it."""

import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from tasks.rules.nearest import nearest

_CLASH = "clash"
_LONGEST_VALUE = 60

Path = tuple[int | str, ...]

_SAYINGS = {
    "string_type": "must be text; YAML reads some words as something else, put it in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "model_type": "must be a group of keys",
    "too_short": "must have an entry",
}


class Clash(NamedTuple):
    """Keys that are right one by one but not together."""

    text: str
    keys: tuple[str, ...]


def raise_clashes(clashes: Sequence[Clash]) -> None:
    """Refuse a model whose values do not fit together; called by its validator."""
    if clashes:
        text = "; ".join(clash.text for clash in clashes)
        raise PydanticCustomError(_CLASH, "{text}", {"text": text, "clashes": list(clashes)})


def lines(
    model: type[BaseModel], parsed: object, error: ValidationError, *, meanings: Mapping[str, str]
) -> list[str]:
    """Return one line per problem.

    pydantic looks at the whole only where each part is right, so it looks again without the wrong parts.

    Args:
        model: what `parsed` should have been.
        parsed: the file as it was read.
        error: what pydantic found.
        meanings: what each pattern of the model's texts means, in words.
    """
    found: list[str] = []
    dropped: set[Path] = set()
    again: ValidationError | None = error
    while again is not None:
        errors = again.errors(include_url=False)
        news = [each for each in errors if _is_news(each, dropped)]
        found += [line for each in news for line in _lines_of(model, each, meanings, dropped)]
        wrong = {_part_to_drop(each) for each in errors}
        before, parsed = parsed, _without(parsed, wrong)
        dropped |= wrong
        again = _errors(model, parsed) if parsed != before else None
    return list(dict.fromkeys(found))


def dotted(path: Path) -> str:
    """Return `checks[0].name` for ("checks", 0, "name")."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _errors(model: type[BaseModel], parsed: object) -> ValidationError | None:
    try:
        model.model_validate(parsed)
    except ValidationError as error:
        return error
    return None


def _is_news(error: ErrorDetails, dropped: set[Path]) -> bool:
    """Say whether a problem is in the file; what is wrong only because a part was left out is not."""
    if error["type"] == "too_short":
        return not error["input"]  # pydantic does not count the entries that are wrong
    return not dropped or error["type"] in {_CLASH, "value_error"}


def _part_to_drop(error: ErrorDetails) -> Path:
    """Return what cannot be used: an entry of a list as a whole, a group that lacks a key, else the value."""
    path = error["loc"]
    in_list = next((place for place, part in enumerate(path) if isinstance(part, int)), None)
    if in_list is not None:
        return path[: in_list + 1]
    return path[:-1] if error["type"] == "missing" else path


def _lines_of(
    model: type[BaseModel], error: ErrorDetails, meanings: Mapping[str, str], dropped: set[Path]
) -> list[str]:
    if error["type"] != _CLASH:
        return [_line(model, error, meanings)]
    clashes: list[Clash] = error["ctx"]["clashes"]
    gone = tuple(dotted(path) for path in dropped)
    return [clash.text for clash in clashes if not any(_touches(key, gone) for key in clash.keys)]


def _touches(key: str, gone: Sequence[str]) -> bool:
    return any(key == path or key.startswith(f"{path}.") for path in gone)


def _without(value: object, wrong: set[Path], here: Path = ()) -> object:
    """Return the value without its wrong parts."""
    match value:
        case dict():
            texts = {key: inner for key, inner in value.items() if isinstance(key, str)}
            kept = ((key, inner) for key, inner in texts.items() if (*here, key) not in wrong)
            return {key: _without(inner, wrong, (*here, key)) for key, inner in kept}
        case list():
            kept_items = ((place, inner) for place, inner in enumerate(value) if (*here, place) not in wrong)
            return [_without(inner, wrong, (*here, place)) for place, inner in kept_items]
        case _:
            return value


def _line(model: type[BaseModel], error: ErrorDetails, meanings: Mapping[str, str]) -> str:
    path, value = dotted(error["loc"]), error["input"]
    match error["type"]:
        case "extra_forbidden":
            return _unknown(model, error["loc"])
        case "missing":
            return f"`{path}` is missing"
        case "invalid_key":
            return f"the key {value!r} is not text; YAML reads some words as something else, put it in quotes"
        case "model_type" if not path:
            return f"it must be a group of keys, not {_shown(value)}"
        case _:
            return f"`{path}` {_saying(error, meanings)}, not {_shown(value)}"


def _saying(error: ErrorDetails, meanings: Mapping[str, str]) -> str:
    context: dict[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "string_pattern_mismatch":
            return f"must be {meanings[context['pattern']]}"
        case "literal_error":
            return f"must be {context['expected']}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "too_long":
            return f"must have at most {context['max_length']} entries"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "value_error":
            return str(context["error"])
        case kind:
            return _SAYINGS.get(kind, error["msg"])


def _shown(value: object) -> str:
    text = "nothing" if value is None else str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _unknown(model: type[BaseModel], path: Path) -> str:
    key, parents = str(path[-1]), path[:-1]
    inside = f" in `{dotted(parents)}`" if parents else ""
    guess = _guess(model, key, parents)
    return f"unknown key `{key}`{inside}" + (f": did you mean `{guess}`?" if guess else "")


def _guess(model: type[BaseModel], key: str, parents: Path) -> str | None:
    """Find the key that was meant: a like one in the same place, or the same one in another."""
    near = nearest(key, _keys(_section(model, parents)))
    if near is not None:
        return near
    return next((path for path in _all_keys(model) if path.endswith(f".{key}")), None)


def _all_keys(model: type[BaseModel], above: str = "") -> Iterator[str]:
    for name, annotation in _keys(model).items():
        yield f"{above}{name}"
        inner = _model_in(annotation)
        if inner is not None:
            yield from _all_keys(inner, f"{above}{name}.")


def _section(model: type[BaseModel], path: Path) -> type[BaseModel]:
    for part in path:
        if isinstance(part, str):
            model = _model_in(_keys(model)[part]) or model
    return model


def _keys(model: type[BaseModel]) -> dict[str, object]:
    """Return what each key of a group may be, by the name that it has in the file."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Return the model behind `Check`, `tuple[Check, ...]` and the like."""
    candidates = [annotation, *typing.get_args(annotation)]
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)
