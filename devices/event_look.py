"""Shapes of a look at an event ring: what is asked, what comes back, what is remembered.  Pure."""

from dataclasses import dataclass
from enum import StrEnum

from devices.event_record import RingRecord


class Phase(StrEnum):
    """What the ring is waiting for."""

    IDLE = "idle"
    INDEX = "index"
    HEAD = "head"
    CHECK = "check"
    CHUNK = "chunk"
    INDEX_AFTER = "index_after"
    HEAD_AFTER = "head_after"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last record that was handed on: number, slot, check sum (None = not known)."""

    seq: int
    slot: int
    print: int | None


@dataclass(frozen=True, slots=True)
class AskIndex:
    """Read the index, and the running number where the ring has one."""


@dataclass(frozen=True, slots=True)
class AskRecords:
    """Read `count` records from `slot`; they never reach beyond the end of the ring."""

    slot: int
    count: int


@dataclass(frozen=True, slots=True)
class Due:
    """It is time to look (poll class normal); ignored while a look is under way."""

    now_ns: int


@dataclass(frozen=True, slots=True)
class IndexRead:
    """The index as the controller writes it, the running number or None, times of the request."""

    index: int
    total: int | None
    sent_ns: int
    received_ns: int


@dataclass(frozen=True, slots=True)
class RecordsRead:
    """The bytes of the records that were asked, high byte first; times of the request."""

    data: bytes
    sent_ns: int
    received_ns: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The request that was asked has no answer, or an exception."""


Event = Due | IndexRead | RecordsRead | Failed


@dataclass(frozen=True, slots=True)
class Head:
    """Where the writer stands: slot and number of the last record, running number if known."""

    slot: int
    seq: int
    total: int | None


@dataclass(frozen=True, slots=True)
class RingState:
    """What is remembered between two events; start with the cursor from disk, or None.

    Attributes:
        cursor: last record that was handed on; None = never looked.
        old_left: records that stood in the ring when we started and are still to come; None = the
            first look is not over.
        phase: what is awaited.
        asked: records that were asked.
        slot, total: of the index read last.
        head: where the writer stood when the last record was read.
        data: bytes of the chunk that is to be judged.
        leads: True when the chunk begins with the cursor's own record.
        is_checked: True when that record has been compared in this look.
        is_retried: True when the chunk has been read twice.
        suspect: check sum of another record that was found in the cursor's place, once.
        settled_total: running number at the end of the last whole look.
    """

    cursor: Cursor | None = None
    old_left: int | None = None
    phase: Phase = Phase.IDLE
    asked: AskRecords | None = None
    slot: int = 0
    total: int | None = None
    head: Head | None = None
    data: bytes = b""
    leads: bool = False
    is_checked: bool = False
    is_retried: bool = False
    suspect: int | None = None
    settled_total: int | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """What one event led to.

    Attributes:
        ask: the next request, or None when the look is over.
        not_before_ns: earliest time for it, so that the line stays free for others.
        records: whole new records, oldest first; to be committed with the new cursor.
        lost: records that were overwritten unread, or torn twice (`device.ring_overran`).
        restarted: True when the controller began anew: what it had not shown before is unknown.
    """

    ask: AskIndex | AskRecords | None = None
    not_before_ns: int = 0
    records: tuple[RingRecord, ...] = ()
    lost: int = 0
    restarted: bool = False
