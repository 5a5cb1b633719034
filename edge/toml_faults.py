"""TOML text and pydantic's errors as faults with file, key path, reason and near match.  Pure."""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from proto.errors import Fault

FILE_BYTES_MAX = 2 * 1024 * 1024
"""Limit of every TOML file that people write (`interlocks.md` 3.3)."""

M = TypeVar("M", bound=BaseModel)
Table = Mapping[str, object]


def read_toml(data: bytes, file: str, code: str = "config.syntax") -> tuple[Table, list[Fault]]:
    """Return the tables of a TOML file, or nothing and the one fault that stopped the reading."""
    if len(data) > FILE_BYTES_MAX:
        return {}, [Fault(file, code, f"{len(data)} bytes, the limit is {FILE_BYTES_MAX}")]
    try:
        return tomllib.loads(data.decode("utf-8-sig")), []  # Windows editors write the mark
    except UnicodeDecodeError as error:
        return {}, [Fault(file, code, f"not UTF-8 at byte {error.start}: save the file as UTF-8")]
    except ValueError as error:  # also a number of thousands of digits
        return {}, [Fault(file, code, f"not TOML: {error}")]
    except RecursionError:
        return {}, [Fault(file, code, "nested too deep")]


def near(word: str, known: Iterable[str]) -> str:
    """Return ` - did you mean …?` for a misspelt word, or nothing."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' - did you mean "{found[0]}"?' if found else ""


def key_path(parts: Sequence[str | int]) -> str:
    """Return `line[0].address` for ("line", 0, "address")."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def keys_of(model: type[BaseModel]) -> list[str]:
    """Return the keys that people may write for `model`."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """Return the model that the last key of `path` stands in; None when it is no plain model."""
    here: object = model
    for part in path[:-1]:
        found = _model_in(here)
        if found is not None:
            by_key = {f.alias or name: f.annotation for name, f in found.model_fields.items()}
            here = by_key.get(str(part))
        else:  # an entry of a list or of a table of tables
            here = next((arg for arg in get_args(here) if _holds_model(arg)), None)
    return _model_in(here)


def _model_in(kind: object) -> type[BaseModel] | None:
    if isinstance(kind, type) and not get_args(kind) and issubclass(kind, BaseModel):
        return kind
    return None


def _holds_model(kind: object) -> bool:
    return _model_in(kind) is not None or any(_holds_model(arg) for arg in get_args(kind))


def _message(error: ErrorDetails, model: type[BaseModel], unknown: str, where: str) -> Fault:
    path = key_path(error["loc"])
    joint = "" if not path else "." if ": " in where else ": "
    place = f"{where}{joint}{path}"
    if error["type"] == "extra_forbidden":
        owner = _model_at(model, error["loc"])
        word = str(error["loc"][-1])
        hint = near(word, keys_of(owner)) if owner else ""
        return Fault(place, unknown, f'unknown key "{word}"{hint}')
    if error["type"] == "missing":
        return Fault(place, "config.missing", "this key is required")
    message = error["msg"].removeprefix("Value error, ")
    return Fault(place, "config.value", f"{message} (here: {error['input']!r:.80})")


def validate(
    model: type[M], data: object, place: str, *, unknown: str = "config.unknown_key"
) -> tuple[M | None, list[Fault]]:
    """Return the validated table, or None and every fault in it.

    `place` is the file, and `: key path` of the table if it is not the whole file; `unknown` the
    code of an unknown key.  Read by way of JSON, so that strict models take lists and names from
    TOML, but no number for a text.
    """
    try:
        return model.model_validate_json(json.dumps(data, default=str)), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        return None, [_message(detail, model, unknown, place) for detail in details]
