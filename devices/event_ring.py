"""Reads a ring of events that a controller keeps: each record once, or counted as lost.  Pure.

| phase | event | next | effect |
|---|---|---|---|
| IDLE | Due | INDEX | read the index |
| INDEX | index: the running number has not moved | IDLE | nothing new |
| INDEX | index | HEAD | read the last record: its number says what is new |
| HEAD | record; never looked before | CHECK | read it once more |
| CHECK | the same record; never looked before | IDLE | begin here: nothing older was promised |
| HEAD | record: the one handed on last | IDLE | nothing new |
| HEAD | record: behind, too far, or not as the running number says | CHECK | read it once more |
| CHECK | another record than before | IDLE | the next look begins anew |
| HEAD, CHECK | record | CHUNK | read the oldest records, the last one handed on before them |
| CHUNK | records | INDEX_AFTER | read the index again: what has the writer passed? |
| INDEX_AFTER | index; no running number | HEAD_AFTER | read the last record again |
| INDEX_AFTER, HEAD_AFTER | first torn record | CHUNK | read it once more |
| INDEX_AFTER, HEAD_AFTER | another one under the cursor | CHUNK | restarted: from `first_seq` |
| INDEX_AFTER, HEAD_AFTER | otherwise | CHUNK, IDLE | hand on; passed or twice torn ones are lost |
| any | Failed, or an answer that is none | IDLE | the cursor stays; the next look begins anew |

The controller writes a record first and the index after it, so the slot after the last record may
be half written at any moment: of `count` slots `count - 1` can be trusted.  The number of a record
(`seq`) is dense; it alone says which record a slot holds.  The cursor is the last record that was
handed on; the shell keeps it on disk with that record, so that none is ever stored twice.  A
controller that begins anew numbers from `first_seq`; it shows by a number that went back, or by
another record under the cursor's number.  Source: `acquisition.md` 3.20.
"""

from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

from devices.event_look import (
    AskIndex,
    AskRecords,
    Cursor,
    Due,
    Event,
    Failed,
    Head,
    IndexRead,
    Output,
    Phase,
    RecordsRead,
    RingState,
)
from devices.event_record import RingRecord, RingSpec, decode_record, sequence_of

BUSY_MAX = 0.3
"""Share of the line that catching up may take."""
LAPS_MAX = 8
"""Laps of the writer between two reads of one record; more is no lap but a torn number."""

Step = tuple[RingState, Output]
_NOTHING = Output()


def step(spec: RingSpec, state: RingState, event: Event) -> Step:
    """Return the state after `event`, and what is to be done."""
    match event:
        case Due(now):
            if state.phase is not Phase.IDLE:
                return state, _NOTHING
            looking = replace(state, phase=Phase.INDEX, is_checked=False)
            return looking, Output(AskIndex(), now)
        case Failed():
            return _over(state), _NOTHING
        case IndexRead():
            return _on_index(spec, state, event)
        case RecordsRead():
            return _on_records(spec, state, event)


def _over(state: RingState) -> RingState:
    return replace(state, phase=Phase.IDLE, asked=None, head=None, data=b"")


def _later(event: IndexRead | RecordsRead) -> int:
    busy_ns = event.received_ns - event.sent_ns
    return event.received_ns + int(busy_ns * (1 - BUSY_MAX) / BUSY_MAX)


def _on_index(spec: RingSpec, state: RingState, event: IndexRead) -> Step:
    slot, total = spec.last_slot(event.index), spec.running(event.index, event.total)
    if slot is None or state.phase not in (Phase.INDEX, Phase.INDEX_AFTER):
        return _over(state), _NOTHING
    state = replace(state, slot=slot, total=total)
    ask = AskRecords(slot, 1)
    if state.phase is Phase.INDEX:
        is_still = state.cursor is not None and state.cursor.slot == slot
        if total is not None and total == state.settled_total and is_still:
            return _over(state), _NOTHING
        return replace(state, phase=Phase.HEAD, asked=ask), Output(ask, _later(event))
    head = state.head
    if head is None or total is None or head.total is None:
        return replace(state, phase=Phase.HEAD_AFTER), Output(ask, _later(event))
    counted = spec.total_ahead(head.total, total)
    if counted is None:
        return _over(state), _NOTHING
    half = spec.count // 2  # number and index move one after the other: the slot is right
    passed = counted + (slot - head.slot - counted + half) % spec.count - half
    if passed < 0:
        return _over(state), _NOTHING
    return _judge(spec, state, Head(slot, spec.seq_after(head.seq, passed), total), _later(event))


def _on_records(spec: RingSpec, state: RingState, event: RecordsRead) -> Step:
    asked, size = state.asked, spec.words * 2
    wanted = 1 if state.phase is Phase.HEAD_AFTER or asked is None else asked.count
    if asked is None or len(event.data) != wanted * size:
        return _over(state), _NOTHING
    if state.phase is Phase.CHUNK:
        judging = replace(state, phase=Phase.INDEX_AFTER, data=event.data)
        return judging, Output(AskIndex(), _later(event))
    head = Head(state.slot, sequence_of(spec, event.data), state.total)
    if state.phase is Phase.HEAD_AFTER:
        if not _follows(spec, state.head, head):
            return _over(state), _NOTHING
        return _judge(spec, state, head, _later(event))
    if state.phase in (Phase.HEAD, Phase.CHECK):
        return _on_head(spec, state, head, event)
    return _over(state), _NOTHING


def _on_head(spec: RingSpec, state: RingState, head: Head, event: RecordsRead) -> Step:
    """Compare the last record with the cursor: nothing new, new ones, an overrun, a restart."""
    cursor, seen = state.cursor, crc32(event.data)
    if cursor is None and state.phase is Phase.CHECK and _agree(spec, state.head, head):
        begun = replace(state, cursor=Cursor(head.seq, head.slot, seen), old_left=0)
        return _over(replace(begun, settled_total=head.total)), _NOTHING
    if cursor is None:
        return _check(state, head, _later(event))
    new = spec.ahead(cursor.seq, head.seq)
    is_other = new == 0 and cursor.print not in (None, seen)
    if new == 0 and not is_other:
        return _over(_settled(state, head)), _NOTHING
    is_odd = new is None or is_other or new >= spec.count - 1 or _is_off(spec, state, head)
    if is_odd and state.phase is Phase.HEAD:
        return _check(state, head, _later(event))
    if is_odd and not _agree(spec, state.head, head):
        return _over(state), _NOTHING
    if new is None or is_other:
        return _restart(spec, state, head, _later(event))
    return _next(spec, state, head, _later(event), _NOTHING)


def _check(state: RingState, head: Head, later_ns: int) -> Step:
    """Read the last record once more before anything follows from it; twice is enough."""
    if state.phase is Phase.CHECK:
        return _over(state), _NOTHING
    return replace(state, phase=Phase.CHECK, head=head), Output(state.asked, later_ns)


def _is_off(spec: RingSpec, state: RingState, head: Head) -> bool:
    """Return True when slot or running number say another number of new records than the head."""
    cursor = state.cursor
    if cursor is None or not _is_in_place(
        spec, cursor.slot, spec.distance(cursor.seq, head.seq), head
    ):
        return True
    if state.settled_total is None or head.total is None:
        return False
    written = spec.total_ahead(state.settled_total, head.total)
    return written is None or spec.seq_after(cursor.seq, written) != head.seq


def _is_in_place(spec: RingSpec, slot: int, steps: int, head: Head) -> bool:
    return (slot + steps) % spec.count == head.slot


def _follows(spec: RingSpec, before: Head | None, after: Head) -> bool:
    """Return True when the last record is one that the writer can have reached since `before`."""
    if before is None:
        return False
    passed = spec.distance(before.seq, after.seq)
    return passed <= LAPS_MAX * spec.count and _is_in_place(spec, before.slot, passed, after)


def _agree(spec: RingSpec, first: Head | None, second: Head) -> bool:
    """Return True when a slot that was read twice shows one record, or one a few laps later."""
    if first is None:
        return False
    laps, rest = divmod(spec.distance(first.seq, second.seq), spec.count)
    return rest == 0 and laps <= LAPS_MAX


def _settled(state: RingState, head: Head) -> RingState:
    left = 0 if state.old_left is None else state.old_left
    return replace(state, settled_total=head.total, old_left=left)


def _restart(spec: RingSpec, state: RingState, head: Head, later_ns: int) -> Step:
    """Begin at the first record of a controller that began anew."""
    before = spec.seq_after(spec.first_seq, -1)
    slot = (head.slot - spec.distance(before, head.seq)) % spec.count
    begun = replace(state, cursor=Cursor(before, slot, None), is_checked=True)
    if state.old_left is not None:
        begun = replace(begun, old_left=0)
    return _next(spec, begun, head, later_ns, Output(restarted=True))


def _next(spec: RingSpec, state: RingState, head: Head, later_ns: int, made: Output) -> Step:
    """Ask for the oldest records after the cursor; those that are gone already are lost."""
    cursor = state.cursor
    assert cursor is not None
    new = spec.distance(cursor.seq, head.seq)
    if state.old_left is None:
        state = replace(state, old_left=new)
    lost = max(new - (spec.count - 1), 0)
    if lost:
        state, new = _advance(spec, state, lost, None), new - lost
        made = replace(made, lost=made.lost + lost)
        cursor = state.cursor
        assert cursor is not None
    if new == 0:
        return _over(_settled(state, head)), made
    leads = not (state.is_checked or lost or cursor.print is None)
    slot = cursor.slot if leads else (cursor.slot + 1) % spec.count
    ask = AskRecords(slot, min(new + leads, spec.chunk, spec.count - slot))
    state = replace(
        state, phase=Phase.CHUNK, asked=ask, head=head, data=b"", leads=leads, is_retried=False
    )
    return state, replace(made, ask=ask, not_before_ns=later_ns)


def _advance(spec: RingSpec, state: RingState, steps: int, last: bytes | None) -> RingState:
    """Return the state whose cursor stands `steps` records later; `last` = that record's bytes."""
    cursor = state.cursor
    assert cursor is not None
    moved = Cursor(
        spec.seq_after(cursor.seq, steps),
        (cursor.slot + steps) % spec.count,
        None if last is None else crc32(last),
    )
    return replace(state, cursor=moved, old_left=max((state.old_left or 0) - steps, 0))


def _judge(spec: RingSpec, state: RingState, after: Head, later_ns: int) -> Step:
    """Hand on what was whole while it was read; what the writer has passed meanwhile is lost."""
    cursor, size = state.cursor, spec.words * 2
    assert cursor is not None
    pieces = [state.data[at : at + size] for at in range(0, len(state.data), size)]
    if state.leads:
        seen, is_there = crc32(pieces[0]), not _is_passed(spec, cursor.seq, after)
        if is_there and seen != cursor.print:
            if not state.is_retried:
                return _again(replace(state, suspect=seen), state.asked, later_ns, _NOTHING)
            if seen != state.suspect:
                return _over(state), _NOTHING
            return _restart(spec, state, after, later_ns)
        pieces = pieces[1:]
    state = replace(state, is_checked=True, leads=False)
    torn = _first_torn(spec, cursor, pieces, after)
    if torn is not None and not state.is_retried:
        asked = state.asked
        assert asked is not None
        skipped = asked.count - len(pieces) + torn
        rest = AskRecords(asked.slot + skipped, asked.count - skipped)
        state, made = _hand_on(spec, state, pieces[:torn], after)
        return _again(state, rest, later_ns, made)
    state, made = _hand_on(spec, state, pieces, after)
    return _next(spec, state, after, later_ns, made)


def _is_passed(spec: RingSpec, seq: int, after: Head) -> bool:
    """Return True for a record that is written over, or stands where the next one is written."""
    return spec.distance(seq, after.seq) > spec.count - 2


def _first_torn(spec: RingSpec, cursor: Cursor, pieces: Sequence[bytes], after: Head) -> int | None:
    for at, data in enumerate(pieces):
        seq = spec.seq_after(cursor.seq, at + 1)
        if not _is_passed(spec, seq, after) and sequence_of(spec, data) != seq:
            return at
    return None


def _again(state: RingState, ask: AskRecords | None, later_ns: int, made: Output) -> Step:
    state = replace(state, phase=Phase.CHUNK, asked=ask, is_retried=True, data=b"")
    return state, replace(made, ask=ask, not_before_ns=later_ns)


def _hand_on(spec: RingSpec, state: RingState, pieces: Sequence[bytes], after: Head) -> Step:
    """Return the cursor after these pieces, the whole records among them, and the lost ones."""
    cursor, old = state.cursor, state.old_left or 0
    assert cursor is not None
    whole: list[RingRecord] = []
    last: bytes | None = None
    for at, data in enumerate(pieces):
        seq, slot = spec.seq_after(cursor.seq, at + 1), (cursor.slot + at + 1) % spec.count
        is_whole = not _is_passed(spec, seq, after) and sequence_of(spec, data) == seq
        last = data if is_whole else None
        if is_whole:
            whole.append(decode_record(spec, data, slot, replayed=at < old))
    if pieces:
        state = _advance(spec, state, len(pieces), last)
    return state, Output(records=tuple(whole), lost=len(pieces) - len(whole))
