"""What follows from a group of new batches: rows beside them, and their decoded form.  Pure.

Source: `batches.md` 3.14(3).  Runs before BEGIN, so that one bad payload never aborts the group.
"""

from collections.abc import Mapping, Sequence

from central.archive.decode import Decoded, decode, number_of, text_of
from central.archive.model import Admitted
from central.archive.rows import (
    AlarmRow,
    Derived,
    EventRow,
    GapRecordRow,
    InterlockRow,
    PartRow,
)
from central.archive.summary import grid_rows, summarise
from proto import records
from proto.batch import Frame, Kind, Lane
from proto.errors import BatchDamaged
from proto.records import ALARM_KINDS, INTERLOCK_KINDS
from proto.schema import SchemaPart

SiteParts = dict[str, dict[bytes, SchemaPart]]


def derive(
    items: Sequence[Admitted], parts: Mapping[str, Mapping[bytes, SchemaPart]]
) -> tuple[Derived, list[Decoded], list[tuple[str, SchemaPart]]]:
    """Decode new batches and return their rows, their decoded form, and the new point tables.

    Args:
        items: batches that are not in the archive yet, each key once.
        parts: point tables known by site; not changed here.
    """
    known = {item.site: dict(parts.get(item.site, {})) for item in items}
    derived = Derived()
    damaged: dict[int, str] = {}
    waits: set[int] = set()
    done: list[Decoded] = []
    fresh: list[tuple[str, SchemaPart]] = []
    for item in sorted(items, key=lambda item: item.header.lane is not Lane.META):
        own = known[item.site]
        try:
            decoded = decode_item(item, own)
        except BatchDamaged as error:
            damaged[item.ref] = error.code
            continue
        if decoded.waits:
            waits.add(item.ref)
        if item.header.kind is Kind.SCHEMA and decoded.part is not None:
            if decoded.part.hash not in own:
                fresh.append((item.site, decoded.part))
            own[decoded.part.hash] = decoded.part
        done.append(decoded)
        add_rows(derived, decoded)
    derived.damaged = damaged
    derived.waits = frozenset(waits)
    return derived, done, fresh


def decode_item(item: Admitted, parts: Mapping[bytes, SchemaPart]) -> Decoded:
    """Decode one admitted batch.

    Raises:
        BatchDamaged: the payload is unusable.
    """
    frame = Frame(item.header, item.block, item.payload)
    return decode(
        item.site, item.gateway, frame, parts, late=item.late, received_us=item.received_us
    )


def add_rows(derived: Derived, decoded: Decoded) -> None:
    """Add the rows of one decoded batch."""
    if decoded.header.kind is Kind.SCHEMA and decoded.part is not None:
        derived.parts.append(
            PartRow(
                decoded.site,
                decoded.part.hash,
                decoded.gateway,
                decoded.received_us,
                decoded.part.raw,
            )
        )
    derived.summaries += summarise(decoded)
    derived.grids += grid_rows(decoded)
    for ordinal, body in enumerate(decoded.records):
        derived.events.append(_event(decoded, ordinal, body))
        kind = text_of(body, "k")
        if kind in ALARM_KINDS:
            derived.alarms.append(_alarm(decoded, body))
        elif kind in INTERLOCK_KINDS:
            derived.interlocks.append(_interlock(decoded, body))
    derived.gaps += [_gap(decoded, ordinal) for ordinal in range(len(decoded.gaps))]


def _json(body: Mapping[str, object]) -> str:
    return records.encode_json(body).decode()


def _event(decoded: Decoded, ordinal: int, body: Mapping[str, object]) -> EventRow:
    header = decoded.header
    return EventRow(
        site=decoded.site,
        epoch=header.epoch,
        lane=int(header.lane),
        seq=header.seq,
        ordinal=ordinal,
        kind=text_of(body, "k"),
        id=text_of(body, "id"),
        t_us=number_of(body, "t") or header.t_first_us,
        m_us=number_of(body, "m"),
        boot_id=header.boot_id,
        late=decoded.late,
        body=_json(body),
    )


def _alarm(decoded: Decoded, body: Mapping[str, object]) -> AlarmRow:
    time_us = number_of(body, "t")
    return AlarmRow(
        site=decoded.site,
        alarm=text_of(body, "alarm"),
        boot_id=decoded.header.boot_id,
        occurrence=number_of(body, "occurrence"),
        m_us=number_of(body, "m"),
        state=text_of(body, "state"),
        level=text_of(body, "level"),
        priority=text_of(body, "priority"),
        raised_us=time_us,
        time_us=time_us,
    )


def _interlock(decoded: Decoded, body: Mapping[str, object]) -> InterlockRow:
    state = body.get("state")
    return InterlockRow(
        site=decoded.site,
        interlock=text_of(body, "interlock"),
        boot_id=decoded.header.boot_id,
        m_us=number_of(body, "m"),
        shown=text_of(state, "shown") if isinstance(state, dict) else "",
        occurrence=number_of(body, "occurrence"),
        time_us=number_of(body, "t"),
        body=_json(body),
    )


def _gap(decoded: Decoded, ordinal: int) -> GapRecordRow:
    entry = decoded.gaps[ordinal]
    return GapRecordRow(
        site=decoded.site,
        epoch=decoded.header.epoch,
        seq=decoded.header.seq,
        ordinal=ordinal,
        of_epoch=entry.epoch,
        cause=entry.cause.value,
        lane=int(entry.lane),
        sample_lo=entry.samples[0] if entry.samples else None,
        sample_hi=entry.samples[1] if entry.samples else None,
        n=entry.n,
        t0_us=entry.t[0],
        t1_us=entry.t[1],
        body=_json(entry.to_record()),
    )
