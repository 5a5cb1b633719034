"""One unit on a line: breaker, sources, what all its blocks say at once.  Shell: image, records.

`Unit` decides by the pure tables of `breaker` and `life`, and tells image and records of each
change once: down once, back once.  A unit that is silent never touches another one.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from devices.driver import BlockColumns, DeviceSettings, Outcome
from edge.acquisition import breaker, life
from edge.acquisition.assess import Limits, Memory, assess, limits, memory, two_masters
from edge.acquisition.breaker import Breaker, Pace, Trip
from edge.acquisition.life import Life, LifeEvent, LifeState, Overlay
from edge.acquisition.pair import Member
from edge.acquisition.pair_desk import Seat
from edge.acquisition.reports import Reports
from edge.acquisition.sources import BlockSources, Source, block_sources, plan_sources
from edge.config_device import DeviceConfig
from edge.image import Link
from edge.plant import AxisPlan
from proto.clock import Clock
from proto.quality import Detail, Quality, Reason

LINK_DOWN, LINK_UP, LINK_SUSPENDED = 0, 1, 2
"""Values of the point `<device>.link`."""


class UnitState(StrEnum):
    """What a unit is to people: not heard yet, up, its line lost, suspended."""

    INIT = "INIT"
    UP = "UP"
    LOST = "LOST"
    SUSPENDED = "SUSPENDED"


class Unit:
    """One connection of a line, with everything that is remembered of it.

    Attributes:
        name: of the device that has the connection.
        axes: its blocks, in the driver's order.
        state: what it is to people; `since_us` wall time of its last change.
        why: reason and detail while it is not up.
        breaker: see there.
        lives: per source, see `life`.
        sources: the controllers behind it.
        last_good_ns: when it last gave a well-formed answer; 0 = never.
        seat: its place in a redundant pair; None without one.
        restarts: how often a controller behind it was seen to begin anew.
        texts: what its texts say, by name.
    """

    def __init__(
        self,
        device: DeviceSettings,
        owner: DeviceConfig,
        numbers: tuple[int, int],
        axes: Sequence[AxisPlan],
        reports: Reports,
        clock: Clock,
        pace: Pace,
        seat: Seat | None = None,
    ) -> None:
        """Begin unheard; `numbers` in the plant: of the connection, of who owns the points."""
        self.name = device.name
        self.axes = tuple(axes)
        self.state = UnitState.INIT
        self.since_us = clock.wall_us()
        self.why: tuple[Reason, int] = (Reason.INIT, int(Detail.NONE))
        self.breaker = Breaker()
        self.sources: tuple[Source, ...] = plan_sources(owner, device, axes)
        self.lives = [LifeState() for _ in self.sources]
        self.last_good_ns = 0
        self.seat = seat
        self._number, self._owner = numbers
        self._reports, self._clock = reports, clock
        has_fast = any(axis.block.poll == "fast" for axis in axes)
        self._pace = pace.with_fast_points() if has_fast else pace
        by_name = {binding.point.name: binding for binding in device.points}
        self._blocks = {a.index: block_sources(owner, device, a, self.sources) for a in axes}
        self._limits: dict[int, Limits] = {}
        self._memory: dict[int, Memory | None] = {}
        for axis in axes:
            found = limits(axis.block.points, [by_name[p.name] for p in axis.block.points])
            self._limits[axis.index] = found
            self._memory[axis.index] = memory(len(axis.block.points)) if found.has_memory else None
        self._digests: dict[tuple[int, int], int] = {}
        self._busy: tuple[int, int] = (0, 0)
        self._active: bool | None = None
        self._calm = False
        self.restarts = 0
        self.texts: dict[str, str] = {}

    # What a slot may do.

    def trouble(self, due_ns: int, now_ns: int) -> tuple[Reason, int] | None:
        """Return why a slot that was due at `due_ns` is not asked; None when it is."""
        state = self.breaker
        if state.trip is Trip.CLOSED and not state.strikes and not self._busy[0]:
            return None
        if state.is_suspended:
            return Reason.COMM_LOSS, Detail.UNIT_SUSPENDED
        if not breaker.is_asked(state, due_ns):
            return Reason.COMM_LOSS, Detail.SKIPPED_AFTER_FAILURE
        until_ns, code = self._busy
        if now_ns < until_ns:
            return Reason.DEVICE_ERROR, code
        self._busy = (0, 0)
        return None

    @property
    def link_value(self) -> int:
        """What the point `<device>.link` says now."""
        if self.state is UnitState.SUSPENDED:
            return LINK_SUSPENDED
        return LINK_UP if self.state is UnitState.UP else LINK_DOWN

    def watches(self, axis: AxisPlan) -> bool:
        """Return True for a block that a standby reads too: life signal or flag."""
        block = self._blocks[axis.index]
        return bool(block.lives) or block.active is not None

    # What an answer does.

    def answer(self, axis: AxisPlan, columns: BlockColumns, fraction: float) -> None:
        """Take what became of a request: the breaker goes by it."""
        now_ns = columns.receive_mono_ns
        outcome = columns.outcome
        if outcome is Outcome.ANSWERED or outcome is Outcome.REFUSED:
            self.heard(now_ns)
        elif outcome is Outcome.BUSY:
            self.heard(now_ns)
            self._busy = (now_ns + axis.period_ns, int(columns.detail[0]) if len(columns) else 6)
        elif outcome.is_failure:
            self.failed(fraction, (Reason(int(columns.reason[0])), int(columns.detail[0])))

    def heard(self, now_ns: int) -> None:
        """Take a well-formed answer: the unit is up; one record if it was not."""
        self.last_good_ns = now_ns
        if self.state is UnitState.UP:
            if self.breaker.strikes:
                self.breaker = breaker.answered(self.breaker, now_ns)
            return
        before, self.state = self.state, UnitState.UP
        self.breaker = breaker.answered(self.breaker, now_ns)
        self.since_us = self._clock.wall_us()
        self._set_link(Link.STOPPED if self._all_stopped() else Link.UP)
        if before is UnitState.LOST:
            self._reports.record("device.link_restored", self.name, {"reason": "NONE", "detail": 0})
        elif before is UnitState.SUSPENDED:
            self._reports.record("device.unit_resumed", self.name)
        self._tell_seat()

    def failed(self, fraction: float, why: tuple[Reason, int]) -> None:
        """Take a failure; the third in a row suspends the unit."""
        now_ns = self._clock.mono_ns()
        was = self.breaker.is_suspended
        self.breaker = breaker.failed(self.breaker, now_ns, fraction, self._pace)
        if was or not self.breaker.is_suspended:
            return
        self.why = (Reason.COMM_LOSS, int(Detail.UNIT_SUSPENDED))
        self._down(UnitState.SUSPENDED, "device.unit_suspended", why)

    def begin_probe(self) -> None:
        """Go to HALF_OPEN."""
        self.breaker = breaker.probing(self.breaker)

    def cut(self, why: tuple[Reason, int]) -> None:
        """Take the loss of the connection: the pace is the connection's now."""
        self.breaker = Breaker(since_ns=self._clock.mono_ns())
        self.why = why
        self._down(UnitState.LOST, "device.link_lost", why)

    def _down(self, state: UnitState, code: str, why: tuple[Reason, int]) -> None:
        """Make everything BAD at detection; say so once until it is heard again."""
        told = self.state in (UnitState.LOST, UnitState.SUSPENDED)
        self.state = state
        for i, one in enumerate(self.lives):
            self.lives[i], _ = life.step(one, None, self._clock.mono_ns(), self.sources[i].spec)
        self._calm = False
        self._active = None
        if self._is_shown():
            for axis in self.axes:
                self._reports.lose(axis, Reason.COMM_LOSS, self.why[1])
                if axis.subscribed and not told:  # reported values have no slot that would say so
                    now_ns = self._clock.mono_ns()
                    self._reports.bad_row(axis, None, Reason.COMM_LOSS, self.why[1], now_ns)
        self._set_link(Link.LOST)
        if not told:
            self.since_us = self._clock.wall_us()
            body = {"reason": why[0].name, "detail": int(why[1])}
            self._reports.record(code, self.name, body)
        self._tell_seat()

    # What the values say.

    def judge(self, axis: AxisPlan, columns: BlockColumns) -> tuple[BlockColumns, bool]:
        """Return assessed columns, and whether all of them are GOOD; sources are fed on the way."""
        block = self._blocks[axis.index]
        if block.lives or block.digests or block.active is not None:
            self._observe(axis, block, columns)
        number = axis.index
        overlays = None if self._calm else self._overlays(block)
        found = assess(self._limits[number], columns, overlays, self._memory[number])
        return found, found is columns and columns.outcome is Outcome.ANSWERED

    def watch(self, axis: AxisPlan, columns: BlockColumns) -> None:
        """Feed the sources from a block that only a standby reads."""
        self._observe(axis, self._blocks[axis.index], columns)

    def tick(self, now_ns: int) -> None:
        """Judge what needs no answer: proof of life does not outlive its time."""
        for i, before in enumerate(self.lives):
            after = life.expire(before, now_ns, self.sources[i].spec)
            if after is not before:
                self.lives[i] = after
                self._calm = False
                self._doubt(i, life.UNPROVEN)
                self._tell_seat()

    def prove_map(self) -> bool:
        """Take the word of a canary or a person that the map holds; True when it was in doubt."""
        doubted = any(one.map_unproven for one in self.lives)
        self.lives = [life.map_proved(one) for one in self.lives]
        return doubted

    def doubt_map(self) -> None:
        """Take the news that the program or its set-points changed."""
        for i, one in enumerate(self.lives):
            self.lives[i] = life.program_changed(one)
            self._doubt(i, life.MAP_UNPROVEN)
        self._calm = False

    def reprogrammed(self) -> None:
        """Take the news that a text shows another program or other set-points than before."""
        for number in range(len(self.sources)):
            self._reprogrammed(number)

    @property
    def is_map_doubted(self) -> bool:
        """True while a changed program is not proved to have left the map as it was."""
        return any(one.map_unproven for one in self.lives)

    @property
    def digest_axes(self) -> tuple[AxisPlan, ...]:
        """The blocks that hold numbers which identify device, program or set-points."""
        return tuple(
            axis for axis in self.axes if self._blocks[axis.index].digests and not axis.subscribed
        )

    def member(self) -> Member:
        """Return what the pair sees of this member."""
        declared = [i for i, source in enumerate(self.sources) if source.binding is not None]
        worst: Life | None = None
        for i in declared:
            if worst is None or self.lives[i].life is not Life.ALIVE:
                worst = self.lives[i].life
        level = 255 if self.seat is None else self.seat.level
        return Member(self.state is UnitState.UP, worst, self._active, level)

    def describe(self, now_ns: int) -> Mapping[str, object]:
        """Return the unit as JSON values, for status and explain."""
        probe_ns = self.breaker.retry_ns if self.breaker.trip is Trip.OPEN else None
        return {
            "device": self.name,
            "state": self.state.value,
            "since_us": self.since_us,
            "reason": self.why[0].name if self.state is not UnitState.UP else "",
            "detail": self.why[1] if self.state is not UnitState.UP else 0,
            "breaker": self.breaker.trip.value,
            "failures": self.breaker.strikes,
            "next_probe_s": None if probe_ns is None else max(0, probe_ns - now_ns) / 1e9,
            "in_use": None if self.seat is None else self.seat.is_in_use,
            "texts": dict(self.texts),
            "sources": [
                {
                    "source": source.name,
                    "life": one.life.value,
                    "signal": source.life,
                    "moves": source.spec.moves if source.binding is not None else None,
                    "moved_s": (now_ns - one.moved_ns) / 1e9 if one.moved_ns else None,
                    "map_unproven": one.map_unproven,
                }
                for source, one in zip(self.sources, self.lives, strict=True)
            ],
        }

    def _observe(self, axis: AxisPlan, block: BlockSources, columns: BlockColumns) -> None:
        for column, source in block.lives:
            raw = None if columns.quality[column] == Quality.BAD else int(columns.raw[column])
            self._live(source, raw, columns.receive_mono_ns)
        for column, source, what in block.digests:
            if columns.quality[column] == Quality.GOOD:
                self._digest((axis.index, column), source, what, int(columns.raw[column]))
        if block.active is not None:
            bad = columns.quality[block.active] == Quality.BAD
            flag = None if bad else bool(columns.raw[block.active])
            if flag is not self._active:
                self._active = flag
                self._tell_seat()

    def _live(self, number: int, raw: int | None, now_ns: int) -> None:
        source, before = self.sources[number], self.lives[number]
        after, event = life.step(before, raw, now_ns, source.spec)
        self.lives[number] = after
        if after.life is before.life and event is None:
            return
        self._calm = False
        if event is not None:
            body: dict[str, object] = {"source": source.name, "signal": source.life}
            if event is LifeEvent.STOPPED:
                body |= {"reason": "STALE", "detail": int(Detail.LIFE_STOPPED)}
            self._reports.record(event.value, self.name, body)
        if event is LifeEvent.STOPPED:
            for axis, points in self._points_of(number):
                stopped = life.STOPPED
                self._reports.lose_points(axis, points, stopped.reason, stopped.detail)
        elif event is LifeEvent.RESTARTED:
            self.restarts += 1
            self._doubt(number, life.RESTARTING)
        elif before.life is Life.ALIVE:
            self._doubt(number, life.UNPROVEN)
        self._set_link(Link.STOPPED if self._all_stopped() else Link.UP)
        self._tell_seat()

    def _digest(self, key: tuple[int, int], number: int, what: str, raw: int) -> None:
        before = self._digests.get(key)
        self._digests[key] = raw
        if before is None or before == raw:
            return
        body = {"source": self.sources[number].name, "what": what, "before": before, "after": raw}
        if what == "identity":
            self._reports.record("device.identity_changed", self.name, body)
            return
        self._reports.record("plant.program_changed", self.name, body | {"change_number": ""})
        self._reprogrammed(number)

    def _reprogrammed(self, number: int) -> None:
        spec = self.sources[number].spec
        changed = life.program_changed(self.lives[number])
        self.lives[number], _ = life.restarted(changed, self._clock.mono_ns(), spec)
        self._calm = False
        self._doubt(number, life.RESTARTING)

    def _overlays(
        self, block: BlockSources
    ) -> Overlay | Sequence[tuple[NDArray[np.bool_], Overlay]] | None:
        """Return what the sources say of a block; finds out whether there is nothing to say."""
        now_ns = self._clock.mono_ns()
        found = [life.overlay(one, now_ns) for one in self.lives]
        masters = self.seat is not None and self.seat.has_two_masters
        self._calm = not any(found) and self.seat is None
        extra = [(np.ones(len(block.of), np.bool_), two_masters())] if masters else []
        if block.only is not None and not extra:
            return found[block.only]
        own = [(block.of == i, one) for i, one in enumerate(found) if one is not None]
        return [*own, *extra]

    def _points_of(self, number: int) -> list[tuple[AxisPlan, list[int]]]:
        """Return the points of a source, block by block; none while a standby."""
        if not self._is_shown():
            return []
        return [
            (axis, [axis.first_point + int(i) for i in np.flatnonzero(block.of == number)])
            for axis in self.axes
            if len((block := self._blocks[axis.index]).of)
        ]

    def _doubt(self, number: int, overlay: Overlay) -> None:
        for _, points in self._points_of(number):
            self._reports.doubt_points(points, overlay.reason, overlay.detail)

    def _all_stopped(self) -> bool:
        return all(one.life is Life.STOPPED for one in self.lives)

    def _is_shown(self) -> bool:
        return self.seat is None or self.seat.is_in_use

    def _set_link(self, link: Link) -> None:
        if link is Link.UP and self.state is not UnitState.UP:
            return
        self._reports.set_link(self._number, link)
        if self._owner != self._number and self._is_shown():
            self._reports.set_link(self._owner, link)

    def _tell_seat(self) -> None:
        if self.seat is not None:
            self.seat.update(self.member())
