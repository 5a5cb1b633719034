"""Text to a checked model, or every fault of form at once with its key path.  Pure."""

import json
import tomllib
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from proto.errors import Fault

TEXT_MAX = 1 << 20
"""Characters of one file; far beyond any real profile."""

M = TypeVar("M", bound=BaseModel)


def read_toml(text: str, file: str) -> tuple[dict[str, object], list[Fault]]:
    """Return the tables of a TOML text, and why it is none."""
    if len(text) > TEXT_MAX:
        return {}, [Fault(file, "config.too_long", f"more than {TEXT_MAX} characters")]
    try:
        return tomllib.loads(text), []
    except ValueError as error:  # also a number of thousands of digits
        return {}, [Fault(file, "config.toml", f"not TOML: {error}")]
    except RecursionError:
        return {}, [Fault(file, "config.toml", "nested too deep")]


def validate(model: type[M], data: Mapping[str, object], file: str) -> tuple[M | None, list[Fault]]:
    """Return `data` as a `model`, or every fault of form in it.

    Read by way of JSON, so that strict models take lists and names of enumerations from text but
    never a number for a string.
    """
    try:
        return model.model_validate_json(json.dumps(data, default=str)), []
    except ValidationError as error:
        keys = _keys(model)
        return None, [
            _fault(file, details["loc"], details["type"], details["msg"], keys)
            for details in error.errors(include_url=False, include_context=False)
        ]


def key_path(location: Sequence[int | str]) -> str:
    """Return `points[3].at.address`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _fault(
    file: str, location: Sequence[int | str], kind: str, message: str, keys: Collection[str]
) -> Fault:
    place = f"{file}: {key_path(location)}"
    if kind != "extra_forbidden":
        return Fault(place, "config.missing" if kind == "missing" else "config.value", message)
    near = get_close_matches(str(location[-1]), keys, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return Fault(place, "config.unknown_key", f"unknown key{hint}")


def _keys(model: type[BaseModel]) -> set[str]:
    """Return every key that a file of this model may hold, at any depth."""
    schema = model.model_json_schema()
    keys = set(schema.get("properties", {}))
    for definition in schema.get("$defs", {}).values():
        keys |= set(definition.get("properties", {}))
    return keys
