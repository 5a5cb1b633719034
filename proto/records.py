"""Records of lanes ALARM, EVENT and META: strict JSON, one object a line.  Pure.

Written with sorted keys and no blanks.  Read strictly: UTF-8, no NaN or Infinity, no duplicate key,
integers within 2^53, depth at most 16.  Unknown kinds and keys are kept, never refused.

Source: `batches.md` 3.5.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import NoReturn

from proto import limits
from proto.errors import BatchDamaged, LimitExceeded

# Kinds (`k`) of lane ALARM.
INTERLOCK_PENDING = "interlock.pending"
INTERLOCK_PENDING_CLEARED = "interlock.pending_cleared"
INTERLOCK_TRIPPED = "interlock.tripped"
INTERLOCK_CAUSE_ADDED = "interlock.cause_added"
INTERLOCK_LATCHED = "interlock.latched"
INTERLOCK_RETURNED = "interlock.returned"
INTERLOCK_RESET = "interlock.reset"
INTERLOCK_HEALTH_CHANGED = "interlock.health_changed"
INTERLOCK_SERVICE_CHANGED = "interlock.service_changed"
INTERLOCK_JUDGED = "interlock.judged"
PLANT_BYPASSED = "plant.bypassed"
PLANT_RESTORED = "plant.restored"
ALARM_RAISED = "alarm.raised"
ALARM_LEVEL_CHANGED = "alarm.level_changed"
ALARM_RETURNED = "alarm.returned"
ALARM_CLEARED = "alarm.cleared"
ALARM_ACKNOWLEDGED = "alarm.acknowledged"

# Kinds of lane EVENT.
INTERLOCK_SNAPSHOT = "interlock.snapshot"
DEVICE_LINK_LOST = "device.link_lost"
DEVICE_LINK_RESTORED = "device.link_restored"
DEVICE_LIFE_STOPPED = "device.life_stopped"
DEVICE_LIFE_RETURNED = "device.life_returned"
CONFIG_LOADED = "config.loaded"

# Kinds of lane META.
EPOCH = "epoch"
BOOT = "boot"
SCHEMA = "schema"
GAP = "gap"
GAP_AMENDED = "gap_amended"
CLOCK = "clock"

INTERLOCK_KINDS = frozenset(
    {
        INTERLOCK_PENDING,
        INTERLOCK_PENDING_CLEARED,
        INTERLOCK_TRIPPED,
        INTERLOCK_CAUSE_ADDED,
        INTERLOCK_LATCHED,
        INTERLOCK_RETURNED,
        INTERLOCK_RESET,
        INTERLOCK_HEALTH_CHANGED,
        INTERLOCK_SERVICE_CHANGED,
        INTERLOCK_JUDGED,
        INTERLOCK_SNAPSHOT,
        PLANT_BYPASSED,
        PLANT_RESTORED,
    }
)  # all carry the whole state of their interlock
ALARM_KINDS = frozenset(
    {ALARM_RAISED, ALARM_LEVEL_CHANGED, ALARM_RETURNED, ALARM_CLEARED, ALARM_ACKNOWLEDGED}
)


def encode_json(body: Mapping[str, object]) -> bytes:
    """Return the canonical bytes of one object: sorted keys, no blanks, UTF-8, no line end.

    Integers beyond 2^53 are written as strings.

    Raises:
        ValueError: NaN, an infinity, a lone surrogate, or something that JSON has no form for.
        LimitExceeded: `record.depth`.
    """
    plain = _writable(body, limits.RECORD_DEPTH_MAX)
    text = json.dumps(
        plain, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    return text.encode()


def encode_records(records: Sequence[Mapping[str, object]]) -> bytes:
    r"""Return the payload of a RECORDS or META batch: each record one line, ended by `\n`.

    Raises:
        ValueError: a record has no kind, or holds what JSON cannot say.
        LimitExceeded: `record.count`, `record.bytes`, `record.depth` or `record.raw`.
    """
    if not 1 <= len(records) <= limits.RECORDS_PER_BATCH_MAX:
        raise LimitExceeded("record.count", f"{len(records)} records")
    lines = []
    for record in records:
        if not _has_kind(record):
            raise ValueError("a record has a kind `k`")
        line = encode_json(record)
        if len(line) > limits.RECORD_BYTES_MAX:
            raise LimitExceeded("record.bytes", f"{record['k']} has {len(line)} bytes")
        lines.append(line + b"\n")
    raw = b"".join(lines)
    if len(raw) > limits.RECORDS_RAW_BYTES_MAX:
        raise LimitExceeded("record.raw", f"{len(raw)} bytes together")
    return raw


def decode_records(raw: bytes) -> list[dict[str, object]]:
    """Return the records of a payload, unknown kinds and keys included.

    Raises:
        BatchDamaged: `record.limit`, `record.json` or `record.kind`; nothing else, on any bytes.
    """
    if len(raw) > limits.RECORDS_RAW_BYTES_MAX:
        raise BatchDamaged("record.limit", f"{len(raw)} bytes of records")
    if raw.count(b"\n") > limits.RECORDS_PER_BATCH_MAX:
        raise BatchDamaged("record.limit", f"more than {limits.RECORDS_PER_BATCH_MAX} records")
    lines = raw.removesuffix(b"\n").split(b"\n")
    if len(lines) > limits.RECORDS_PER_BATCH_MAX:
        raise BatchDamaged("record.limit", f"{len(lines)} records")
    return [_parse_record(line, number) for number, line in enumerate(lines, 1)]


def decode_json(raw: bytes, *, depth: int = limits.RECORD_DEPTH_MAX) -> dict[str, object]:
    """Return one object, read as strictly as a record; its size is the caller's to bound.

    Raises:
        BatchDamaged: `record.json`.
    """
    try:
        value: object = json.loads(
            raw.decode(),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
        if not isinstance(value, dict):
            raise ValueError("not an object")  # noqa: TRY004, TRY301 - one verdict for all bad text
        _check(value, depth)
    except (ValueError, RecursionError) as error:
        raise BatchDamaged("record.json", f"{type(error).__name__}: {error}") from None
    return value


def _parse_record(line: bytes, number: int) -> dict[str, object]:
    if len(line) > limits.RECORD_BYTES_MAX:
        raise BatchDamaged("record.limit", f"record {number} has {len(line)} bytes")
    record = decode_json(line)
    if not _has_kind(record):
        raise BatchDamaged("record.kind", f"record {number} has no kind")
    return record


def _has_kind(record: Mapping[str, object]) -> bool:
    kind = record.get("k")
    return isinstance(kind, str) and 0 < len(kind) <= 64


def _writable(value: object, depth: int) -> object:
    """Return `value` with big integers as strings; enumerations become what they are worth."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= limits.JSON_INTEGER_MAX else str(int(value))
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return value
    if depth == 0:
        raise LimitExceeded("record.depth", f"deeper than {limits.RECORD_DEPTH_MAX}")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("keys are text")
        return {str.__str__(key): _writable(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(inner, depth - 1) for inner in value]
    raise ValueError(f"{type(value).__name__} has no form in JSON")


def _check(value: object, depth: int) -> None:
    """Refuse what is nested too deep, and text that UTF-8 cannot hold."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dict | list):
        if depth == 0:
            raise ValueError("nested too deep")
        for inner in value.values() if isinstance(value, dict) else value:
            _check(inner, depth - 1)
        if isinstance(value, dict):
            for key in value:
                key.encode()


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("duplicate key")
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:32]} is no finite number")
    return value


def _bounded(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > limits.JSON_INTEGER_MAX:
        raise ValueError("an integer beyond 2^53 is written as text")
    return int(text)
