"""From the lines to the disk: takes rows and records, commits them in time.  Shell: timers, spool.

Rules of this file:
- The callers never wait: rows and records go into bounded memory, two loops commit them.
- ALARM goes at once and on its own file, so that it is never behind a batch of samples.
- Acquired samples are counted here, before the batcher, independently of the spool.

Clause: batches.md 3.2 (closes), 3.7, 3.8.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from devices.driver import BlockColumns
from edge import events
from edge.pulse import Pulse
from edge.spool import meta
from edge.spool.alert import Alert
from edge.spool.batcher import STEP_NS, Batcher
from edge.spool.losses import Losses
from edge.spool.model import AxisShape, ClockNote, Closed, Moment
from edge.spool.store import Spool
from proto import limits, records
from proto.batch import Kind, Lane
from proto.clock import Clock
from proto.errors import LimitExceeded, SpoolFull
from proto.gap import GapCause, GapEntry
from proto.schema import TablePart

LOOK_BEATS = 2  # a look each 100 ms
EVENT_DELAY_S = 0.2
FULL_PAUSE_S = 1.0
MARKS_EVERY_NS = 1_000_000_000
STEP_NOTED_NS = 50_000_000
RECORDS_WAITING_MAX = 8_192
RECORDS_A_BATCH = 256
BATCHES_A_COMMIT = 16
_LOGGED = ("interlock", "alarm", "device", "line", "point", "tag", "level", "cause", "effect")


Cursors = Callable[[Sequence[Closed]], Mapping[str, bytes]]
"""What readers of equipment keep once this group is on disk, by name."""


@dataclass(frozen=True, slots=True)
class _Record:
    lane: Lane
    line: bytes
    t_us: int
    kept: tuple[str, str] | None = None
    is_joined: bool = False  # committed together with the next one


class Recorder:
    """The sink of acquisition, scan and alarms, and the committer behind it.

    Attributes:
        acquired: samples handed over since this start.
        committed: of these, on disk.
        cursors: what is kept in the transaction of the samples; None = nothing.
        losses: what could not be kept.
    """

    def __init__(
        self,
        spool: Spool,
        clock: Clock,
        *,
        parts: Sequence[TablePart],
        axes: Sequence[AxisShape],
        window_ns: int,
        judge: Callable[[Moment], ClockNote],
        stepped: Callable[[int], None],
        pulse: Pulse | None = None,
    ) -> None:
        self._spool, self._clock = spool, clock
        self._judge, self._stepped = judge, stepped
        self._pulse = pulse or Pulse(clock)
        self._batcher = Batcher(parts, axes, window_ns=window_ns)
        self._alert = Alert()
        self.losses = Losses(
            parts,
            axes,
            boot_id=spool.core.boot_id,
            start_ns=spool.t0.mono_ns,
            restart=spool.restart,
        )
        self._waiting: list[_Record] = []
        self._records_lost = 0
        self._records_taken = 0
        self._gaps: list[GapEntry] = []
        self._urgent = asyncio.Event()
        self._stopping = False
        self._running = {"urgent": asyncio.Lock(), "bulk": asyncio.Lock()}
        self._reference = self._now()
        self._step_no = 0
        self._marked_ns = 0
        self.acquired = 0
        self.committed = 0
        self.cursors: Cursors | None = None

    @property
    def samples_in_ram(self) -> int:
        """Samples that are not on disk yet."""
        return self._batcher.samples_in_ram

    def durable(self) -> tuple[int, int]:
        """Return how many samples were handed over, and how many of these are settled.

        A sample is settled when it and all before it are on disk, or named as lost.
        """
        return self._batcher.offered, self._batcher.settled

    def told(self, axis: int) -> int:
        """Return how many rows without a slot were handed over of an axis."""
        return self._batcher.told(axis)

    def durable_records(self) -> tuple[int, int]:
        """Return how many records were taken, and how many of these are on disk, in order."""
        return self._records_taken, self._records_taken - len(self._waiting)

    # The sink: no call waits.

    def offer(self, axis: int, slot: int | None, skipped: int, columns: BlockColumns) -> None:
        """Take one row; `skipped` slots before it were told by `overrun`."""
        now = self._now()
        self.acquired += len(columns)
        if self._batcher.offer(axis, slot, columns, now):
            self.losses.accepted(self._spool.core.epoch, now)
        else:
            self.losses.refused(len(columns), now)

    def overrun(self, axis: int, first_slot: int, count: int) -> None:
        """Note slots that were due and are not read."""
        self.losses.overrun(axis, first_slot, count, self._now())

    def record(self, lane: Lane, body: Mapping[str, object]) -> None:
        """Take one record of ALARM or EVENT."""
        self._take(lane, body, None)

    def record_kept(
        self, lane: Lane, bodies: Sequence[Mapping[str, object]], key: str, value: str
    ) -> None:
        """Take a few records; all of them and `value` are on disk, or nothing of it."""
        if len(self._waiting) + len(bodies) > RECORDS_WAITING_MAX:
            self._records_lost += len(bodies)
            return
        for body in bodies[:-1]:
            self._take(lane, body, None, is_joined=True)
        self._take(lane, bodies[-1], (key, value))

    def kept(self, key: str) -> str | None:
        """Return what is on disk under a key; None where nothing was ever committed."""
        return self._spool.kept.get(key)

    def _take(
        self,
        lane: Lane,
        body: Mapping[str, object],
        kept: tuple[str, str] | None,
        *,
        is_joined: bool = False,
    ) -> None:
        now = self._now()
        self._alert.see(body, now.mono_ns)
        self._log(body)
        if len(self._waiting) >= RECORDS_WAITING_MAX:
            self._records_lost += 1
            return
        record = _encoded(lane, body, now)
        if kept is not None or is_joined:
            record = replace(record, kept=kept, is_joined=is_joined)
        self._waiting.append(record)
        self._records_taken += 1
        if lane is Lane.ALARM:
            self._urgent.set()
        else:
            asyncio.get_running_loop().call_later(EVENT_DELAY_S, self._urgent.set)

    # The two loops.

    async def run_urgent(self) -> None:
        """Commit records as they come, until `stop`."""
        async with self._running["urgent"]:
            while not self._stopping:
                await self._urgent.wait()
                self._urgent.clear()
                await self._commit_records()

    async def run_bulk(self) -> None:
        """Close and commit samples, clock steps, gaps and marks, until `stop`."""
        async with self._running["bulk"]:
            while not self._stopping:
                await self._beat(self._now())
                await self._pulse.until(self._is_due, every=LOOK_BEATS)

    async def stop(self) -> None:
        """End both loops between two commits, then commit everything that is left."""
        self._stopping = True
        self._urgent.set()
        async with self._running["urgent"], self._running["bulk"]:
            now = self._now()
            self._batcher.close(now)
            await self._commit_records()
            while self._batcher.waiting:
                await self._commit_samples()
            await self._commit_gaps(now, everything=True)

    def _is_due(self) -> bool:
        """Look whether `_beat` has anything to do; each look is short, most find nothing."""
        now = self._now()
        if abs(now.wall_us - self._reference.at(now.mono_ns)) * 1_000 > STEP_NOTED_NS:
            return True
        self._reference = now  # what a clock is slewed by adds up to no step
        self._batcher.alert = self._alert.is_on(now.mono_ns)
        return (
            self._stopping
            or bool(self._batcher.waiting or self._gaps or self._records_lost)
            or self._batcher.is_due(now)
            or self.losses.is_due(now)
            or now.mono_ns - self._marked_ns >= MARKS_EVERY_NS
        )

    async def _beat(self, now: Moment) -> None:
        await self._watch_clock(now)
        self._batcher.alert = self._alert.is_on(now.mono_ns)
        while self._batcher.tick(now):  # noqa: ASYNC110 - not awaited for: it does the work
            await asyncio.sleep(0)  # scan and lines run between two parts
        if self._batcher.waiting:
            await self._commit_samples()
        await self._commit_gaps(now)
        if now.mono_ns - self._marked_ns >= MARKS_EVERY_NS:
            self._marked_ns = now.mono_ns
            await self._spool.persist()

    async def _commit_gaps(self, now: Moment, *, everything: bool = False) -> None:
        self._gaps += self.losses.take(self._spool.core.epoch, now, everything=everything)
        self._gaps += self._lost_records(now)
        if self._gaps:
            await self._spool.append_gaps(self._gaps)
            self._gaps = []

    async def _watch_clock(self, now: Moment) -> None:
        """Note a step of the wall clock; what is open closes before it under the old anchor."""
        before, self._reference = self._reference, now
        expected_us = before.at(now.mono_ns)
        step_ns = (now.wall_us - expected_us) * 1_000
        if abs(step_ns) > STEP_NOTED_NS:
            if abs(step_ns) > STEP_NS:
                self._batcher.close(now)
            self._step_no += 1
            self._stepped(now.mono_ns)
            note = replace(self._judge(now), step_no=self._step_no)
            events.clock_stepped(step_ms=step_ns / 1e6, step_no=self._step_no)
            boot_id = self._spool.core.boot_id
            await self._spool.append([meta.clock_body(boot_id, note, expected_us, now)])
        self._batcher.clock = replace(self._judge(now), step_no=self._step_no)

    async def _commit_samples(self) -> None:
        group = [self._batcher.waiting[i] for i in range(self._group_size())]
        try:
            if self.cursors is None:
                await self._spool.append(group)
            else:
                await self._spool.append(group, self.cursors(group))
        except SpoolFull:
            await asyncio.sleep(
                FULL_PAUSE_S
            )  # rows wait in RAM; beyond its limit they become a gap
            return
        self._batcher.committed(len(group))
        self.committed += sum(one.n for one in group)

    def _group_size(self) -> int:
        return min(len(self._batcher.waiting), BATCHES_A_COMMIT)

    async def _commit_records(self) -> None:
        while self._waiting:
            some = self._first_records()
            group = [
                closed
                for lane in (Lane.ALARM, Lane.EVENT)
                if (closed := self._close([one for one in some if one.lane is lane], lane))
            ]
            try:
                kept = dict(one.kept for one in some if one.kept is not None)
                await self._spool.append(group, kept=kept)
            except SpoolFull:
                await asyncio.sleep(FULL_PAUSE_S)
                continue
            del self._waiting[: len(some)]

    def _first_records(self) -> list[_Record]:
        count = min(RECORDS_A_BATCH, len(self._waiting))
        while count < len(self._waiting) and self._waiting[count - 1].is_joined:
            count += 1
        return self._waiting[:count]

    def _close(self, some: Sequence[_Record], lane: Lane) -> Closed | None:
        if not some:
            return None
        now = self._now()
        return Closed(
            lane,
            Kind.RECORDS,
            len(some),
            b"".join(one.line for one in some),
            min(one.t_us for one in some),
            max(one.t_us for one in some),
            now,
            self._batcher.clock,
        )

    def _lost_records(self, now: Moment) -> list[GapEntry]:
        if not self._records_lost:
            return []
        lost, self._records_lost = self._records_lost, 0
        core = self._spool.core
        return [
            GapEntry(
                id=f"gap-{core.boot_id}-records-{now.mono_us}",
                cause=GapCause.INPUT_OVERRUN,
                epoch=core.epoch,
                lane=Lane.ALARM,
                n=lost,
                t=(now.wall_us, now.wall_us),
            )
        ]

    def _log(self, body: Mapping[str, object]) -> None:
        keys = {key: body[key] for key in _LOGGED if body.get(key) is not None}
        events.recorded(str(body.get("k", "")), **keys)

    def _now(self) -> Moment:
        return Moment(self._clock.wall_us(), self._clock.mono_ns())


def _encoded(lane: Lane, body: Mapping[str, object], now: Moment) -> _Record:
    """Return the record as its line; one that JSON cannot hold says so instead of vanishing."""
    t_us = body.get("t")
    wall_us = t_us if isinstance(t_us, int) else now.wall_us
    try:
        line = records.encode_records([body])
    except (ValueError, LimitExceeded) as error:
        named = {key: str(body.get(key, "unknown"))[:64] for key in ("k", "id")}
        reason = f"{type(error).__name__}: {error}"[: limits.KIB]
        kept = {**named, "t": wall_us, "m": now.mono_us, "unencodable": reason}
        line = records.encode_records([kept])
    return _Record(lane, line, wall_us)
