"""A batch taken apart: columns, records, gaps, point table.  Pure.

A batch whose point table is not known yet waits: its bytes are stored, and it is folded when the
table has come.  A later version, and a kind that this program does not know, is kept undecoded.
"""

from collections.abc import Mapping
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
        return Decoded(site, gateway, header, late, received_us, tuple(axes), part)
    if header.kind is Kind.SCHEMA:
        part = SchemaPart.parse(decompress(frame))
        return Decoded(site, gateway, header, late, received_us, part=part)
    if header.kind in _JSON_KINDS:
        found = tuple(records.decode_records(decompress(frame)))
        if len(found) != header.n:
            raise BatchDamaged("batch.count", f"{len(found)} records, the header says {header.n}")
        gaps = tuple(GapEntry.from_record(body) for body in found if body["k"] == records.GAP)
        return Decoded(site, gateway, header, late, received_us, records=found, gaps=gaps)
    return empty


def number_of(body: Mapping[str, object], key: str) -> int:
    """Return an integer of a record, also one written as text; 0 when there is none."""
    value = body.get(key)
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) <= 20:
        return max(min(int(value), 2**63 - 1), -(2**63))
    return 0


def text_of(body: Mapping[str, object], key: str) -> str:
    """Return a text of a record; empty when there is none."""
    value = body.get(key)
    return value if isinstance(value, str) else ""
