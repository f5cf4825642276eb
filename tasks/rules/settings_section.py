"""What every group of keys in `release.yaml` is read by."""

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema
from pydantic.config import JsonDict


class Section(BaseModel):
    """Base for settings: read-only, an unknown key is an error, and `yes` is not a number."""

    # Values stay out of pydantic's own texts: a traceback must not repeat what somebody pasted by mistake.
    # A key is always called what the file calls it, `from` for example.
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, serialize_by_alias=True
    )


def _is_none(value: object) -> bool:
    return value is None


def _without_default(schema: JsonDict) -> None:
    schema.pop("default", None)


# For keys that mean something only where they are written: nobody reads or writes a `null`.
LEFT_OUT = Field(exclude_if=_is_none, json_schema_extra=_without_default)


def optional(kind: object) -> GetPydanticSchema:
    """Read `X | None` as X: who leaves a key out means None, a key without a value is a mistake.

    Else `- from:` without a team would quietly mean that anybody may approve.
    """
    return GetPydanticSchema(lambda _source, handler: handler(kind))
