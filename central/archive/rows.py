"""Rows that are written beside the batches, in the same transaction.  Pure.

The archive knows no fold: whoever appends passes a `Derive`, and the archive writes what it
returns.  Field order is column order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from central.archive.model import Admitted


class PartRow(NamedTuple):
    """A point table that a gateway has sent."""

    site: str
    hash: bytes
    gateway: str
    received_us: int
    body: bytes


class EventRow(NamedTuple):
    """One record of ALARM, EVENT or META."""

    site: str
    epoch: bytes
    lane: int
    seq: int
    ordinal: int
    kind: str
    id: str
    t_us: int
    m_us: int
    boot_id: int
    late: bool
    body: str


class GapRecordRow(NamedTuple):
    """One gap entry; the key is that of the META batch that brings it, `of_epoch` what it names."""

    site: str
    epoch: bytes
    seq: int
    ordinal: int
    of_epoch: bytes
    cause: str
    lane: int
    sample_lo: int | None
    sample_hi: int | None
    n: int
    t0_us: int
    t1_us: int
    body: str


class AlarmRow(NamedTuple):
    """One occurrence of an alarm, at its newest state."""

    site: str
    alarm: str
    boot_id: int
    occurrence: int
    m_us: int
    state: str
    level: str
    priority: str
    raised_us: int
    time_us: int


class InterlockRow(NamedTuple):
    """An interlock at its newest state."""

    site: str
    interlock: str
    boot_id: int
    m_us: int
    shown: str
    occurrence: int
    time_us: int
    body: str


class SummaryRow(NamedTuple):
    """What one batch says of one point in one hour; `point` is its name."""

    site: str
    point: str
    hour_us: int
    late: bool
    n: int
    n_good: int
    v_min: float | None
    v_max: float | None
    v_first: float | None
    v_last: float | None
    t_first_us: int
    t_last_us: int
    v_sum: float
    n_value: int
    quality: int


class GridRow(NamedTuple):
    """Grid slots that one batch covers on one axis."""

    site: str
    epoch: bytes
    boot_id: int
    schema_hash: bytes
    point_first: int
    period_us: int
    slot_lo: int
    slot_hi: int
    stored: int
    skipped: int


@dataclass(slots=True)
class Derived:
    """Everything that follows from a group of new batches.

    Attributes:
        damaged: ref of an item whose payload is unusable -> code; it is quarantined, not stored.
        waits: refs of SAMPLES whose point table is unknown yet.
    """

    parts: list[PartRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    gaps: list[GapRecordRow] = field(default_factory=list)
    alarms: list[AlarmRow] = field(default_factory=list)
    interlocks: list[InterlockRow] = field(default_factory=list)
    summaries: list[SummaryRow] = field(default_factory=list)
    grids: list[GridRow] = field(default_factory=list)
    damaged: Mapping[int, str] = field(default_factory=dict)
    waits: frozenset[int] = frozenset()


Derive = Callable[[Sequence[Admitted]], Derived]
