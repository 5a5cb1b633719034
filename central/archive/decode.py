"""A batch taken apart: columns, records, gaps, point table.  Pure.

A batch whose point table is not known yet waits: its bytes are stored, and it is folded when the
table has come.  A later version, and a kind that this program does not know, is kept undecoded.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proto import records
from proto.axis import Axis
from proto.batch import Frame, Header, Kind, decompress
from proto.columns import decode_samples
from proto.errors import BatchDamaged
from proto.gap import GapEntry
from proto.schema import SchemaPart

# Kinds of META that carry JSON, one object a batch (GAP: up to 1,024).
_JSON_KINDS = frozenset({Kind.RECORDS, Kind.EPOCH, Kind.BOOT, Kind.CLOCK, Kind.GAP})
_INTEGER = re.compile("-?[0-9]{1,19}")


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """One batch, decoded.

    Attributes:
        part: the point table of SAMPLES, or the one that a SCHEMA batch brings.
        waits: True while the point table of SAMPLES is unknown.
    """

    site: str
    gateway: str
    header: Header
    late: bool
    received_us: int
    axes: tuple[Axis, ...] = ()
    part: SchemaPart | None = None
    records: tuple[Mapping[str, object], ...] = ()
    gaps: tuple[GapEntry, ...] = ()
    waits: bool = False


def decode(
    site: str,
    gateway: str,
    frame: Frame,
    parts: Mapping[bytes, SchemaPart],
    *,
    late: bool,
    received_us: int,
) -> Decoded:
    """Decode one batch with the point tables known for its site.

    Raises:
        BatchDamaged: the payload is not what its header says.
    """
    header = frame.header
    empty = Decoded(site, gateway, header, late, received_us)
    if header.version != 1 or frame.is_stub:
        return empty
    if header.kind is Kind.SAMPLES:
        part = parts.get(header.schema_hash)
        if part is None:
            return Decoded(site, gateway, header, late, received_us, waits=True)
        axes = decode_samples(decompress(frame), header.n, header.t_first_us, part.types)
        _check_times(header, axes)
        return Decoded(site, gateway, header, late, received_us, tuple(axes), part)
    if header.kind is Kind.SCHEMA:
        part = SchemaPart.parse(decompress(frame))
        return Decoded(site, gateway, header, late, received_us, part=part)
    if header.kind in _JSON_KINDS:
        found = tuple(records.decode_records(decompress(frame)))
        if len(found) != header.n:
            raise BatchDamaged("batch.count", f"{len(found)} records, the header says {header.n}")
        told = found if header.kind is Kind.GAP else ()  # what stands elsewhere is no gap
        gaps = tuple(GapEntry.from_record(body) for body in told if body["k"] == records.GAP)
        return Decoded(site, gateway, header, late, received_us, records=found, gaps=gaps)
    return empty


def _check_times(header: Header, axes: Sequence[Axis]) -> None:
    """Refuse a header whose times are not those of its samples: questions find it by them."""
    first = min(int(axis.time_us[0]) for axis in axes)
    last = max(int(axis.time_us[-1]) for axis in axes)
    if (first, last) != (header.t_first_us, header.t_last_us):
        raise BatchDamaged("batch.times", "the header's times are not those of its samples")


def number_of(body: Mapping[str, object], key: str) -> int:
    """Return an integer of 64 bits of a record, also one written as text; 0 when there is none."""
    value = body.get(key)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return max(min(value, 2**63 - 1), -(2**63))


def text_of(body: Mapping[str, object], key: str) -> str:
    """Return a text of a record; empty when there is none."""
    value = body.get(key)
    return value if isinstance(value, str) else ""
