"""Gap records: what could not be kept, why, and how much of it is known exactly.  Pure.

A dead device is not a gap: it is BAD samples.  Data win over a gap; a gap never hides data.

Source: `batches.md` 3.12.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from proto import records
from proto.errors import BatchDamaged
from proto.header import Lane

Span = tuple[int, int]


class GapCause(StrEnum):
    """Why something is missing."""

    RESTART_CLEAN = "RESTART_CLEAN"
    RESTART_UNCLEAN = "RESTART_UNCLEAN"
    DRIVER_OVERRUN = "DRIVER_OVERRUN"
    SUBSCRIPTION_LOST = "SUBSCRIPTION_LOST"
    INPUT_OVERRUN = "INPUT_OVERRUN"
    RING_OVERRUN = "RING_OVERRUN"
    SPOOL_STALL = "SPOOL_STALL"
    REFUSED = "REFUSED"
    DISK_FULL = "DISK_FULL"
    THINNED = "THINNED"
    CORRUPT = "CORRUPT"
    EPOCH_RESET = "EPOCH_RESET"
    CENTRAL_ROLLBACK = "CENTRAL_ROLLBACK"
    UNCONFIRMED = "UNCONFIRMED"
    OPERATOR_PURGE = "OPERATOR_PURGE"


@dataclass(frozen=True, slots=True)
class GapEntry:
    """One gap.  Spans are inclusive at both ends.

    Attributes:
        id: unique text; an amendment names it.
        cause: why.
        epoch: 16 bytes; lane: where the batches stood.
        n: samples, records or grid slots lost; a floor where `n_exact` is False.
        t: first and last gateway time of what is lost, µs.
        seq, samples: batches and sample numbers lost; None where none were ever numbered.
        points: "all", or spans of point numbers in the part `schema`.
        schema: hash of the schema part that `points` speaks of; None for "all".
        hash_before, hash_next_prev: hash of the last batch before, `prev_hash` of the next after.
    """

    id: str
    cause: GapCause
    epoch: bytes
    lane: Lane
    n: int
    t: Span
    n_exact: bool = True
    seq: Span | None = None
    samples: Span | None = None
    points: Literal["all"] | tuple[Span, ...] = "all"
    schema: bytes | None = None
    hash_before: bytes | None = None
    hash_next_prev: bytes | None = None

    def names(self, schema: bytes, point: int) -> bool:
        """True when the gap speaks of this point of this schema part."""
        if self.points == "all":
            return True
        return self.schema == schema and any(low <= point <= high for low, high in self.points)

    def to_record(self) -> dict[str, object]:
        """Return the record for a GAP batch."""
        points = self.points if self.points == "all" else [list(span) for span in self.points]
        return {
            "k": records.GAP,
            "id": self.id,
            "cause": self.cause.value,
            "epoch": self.epoch.hex(),
            "lane": int(self.lane),
            "seq": list(self.seq) if self.seq else None,
            "samples": list(self.samples) if self.samples else None,
            "n": self.n,
            "n_exact": self.n_exact,
            "t": list(self.t),
            "points": points,
            "schema": _hex(self.schema),
            "hash_before": _hex(self.hash_before),
            "hash_next_prev": _hex(self.hash_next_prev),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> "GapEntry":
        """Return the entry of a GAP record; unknown keys are ignored.

        Raises:
            BatchDamaged: `gap.field`, with the field's name.
        """
        epoch = _bytes(record, "epoch", 16)
        points = record.get("points")
        identity, n_exact = record.get("id"), record.get("n_exact")
        if record.get("k") != records.GAP or not isinstance(identity, str) or not identity:
            raise _bad("id")
        if epoch is None or not isinstance(n_exact, bool):
            raise _bad("epoch or n_exact")
        times = _span(record, "t", low=None)
        if times is None:
            raise _bad("t")
        return cls(
            id=identity,
            cause=_cause(record.get("cause")),
            epoch=epoch,
            lane=_lane(record.get("lane")),
            n=_integer(record.get("n"), "n", low=0),
            t=times,
            n_exact=n_exact,
            seq=_span(record, "seq"),
            samples=_span(record, "samples"),
            points="all" if points == "all" else _points(points),
            schema=_bytes(record, "schema", 32),
            hash_before=_bytes(record, "hash_before", 32),
            hash_next_prev=_bytes(record, "hash_next_prev", 32),
        )


def _bad(name: str) -> BatchDamaged:
    return BatchDamaged("gap.field", f"{name} of a gap record is missing or wrong")


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _integer(value: object, name: str, *, low: int | None) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or (low is not None and value < low):
        raise _bad(name)
    return value


def _pair(value: object, name: str, *, low: int | None) -> Span:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise _bad(name)
    first, last = (_integer(item, name, low=low) for item in value)
    if first > last:
        raise _bad(name)
    return first, last


def _span(record: Mapping[str, object], name: str, *, low: int | None = 1) -> Span | None:
    value = record.get(name)
    return None if value is None else _pair(value, name, low=low)


def _points(value: object) -> tuple[Span, ...]:
    if not isinstance(value, list):
        raise _bad("points")
    return tuple(_pair(item, "points", low=0) for item in value)


def _bytes(record: Mapping[str, object], name: str, length: int) -> bytes | None:
    value = record.get(name)
    if value is None:
        return None
    try:
        made = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        raise _bad(name) from None
    if len(made) != length:
        raise _bad(name)
    return made


def _cause(value: object) -> GapCause:
    if not isinstance(value, str) or value not in GapCause.__members__:
        raise _bad("cause")
    return GapCause(value)


def _lane(value: object) -> Lane:
    number = _integer(value, "lane", low=0)
    if number > Lane.RAW:
        raise _bad("lane")
    return Lane(number)
