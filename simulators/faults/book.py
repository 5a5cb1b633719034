"""The faults that are active in one plant: kind, target, end.  Pure.

Faults of the physics are knobs of the plant; all others are the same for every plant.  The same
kind on the same target replaces the older one, so that a new `--for` counts from its own start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CUT_LINE = "cut_line"
FREEZE_SENSOR = "freeze_sensor"
BYPASS = "bypass"
PLC_STOP = "plc_stop"
PLC_RESTART = "plc_restart"
PROTECTION_FAILS = "protection_fails"

GENERAL: Mapping[str, str] = {
    CUT_LINE: "断线 the line is cut, connections are refused",
    FREEZE_SENSOR: "仪表卡死 one transmitter repeats its last value",
    BYPASS: "联锁旁路 the controller's own bypass is set",
    PLC_STOP: "控制器停止 the controller stops, its protocol still answers",
    PLC_RESTART: "控制器重启 the controller restarts once",
    PROTECTION_FAILS: "联锁拒动 the controller ignores its own trip",
}
FAULTS_MAX = 32  # active at once in one plant


class FaultRefused(Exception):
    """A fault that this plant does not have; the message names the valid ones."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One active fault: kind, point where it has one, the plant time (ms) at which it ends."""

    kind: str
    point: str | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FaultBook:
    """All active faults of one plant, oldest first."""

    active: tuple[Fault, ...] = ()

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that are active."""
        return frozenset(fault.kind for fault in self.active)

    @property
    def frozen_points(self) -> frozenset[str]:
        """The points whose transmitters repeat their last value."""
        return frozenset(f.point for f in self.active if f.kind == FREEZE_SENSOR and f.point)


def make_fault(
    kind: str,
    point: str | None,
    for_ms: int | None,
    *,
    now_ms: int,
    knobs: Mapping[str, str],
    points: Sequence[str],
) -> Fault:
    """Return the fault that was asked for.

    Raises:
        FaultRefused: unknown kind or point, a point where none belongs, or a length that is none.
    """
    known = {**GENERAL, **knobs}
    if kind not in known:
        raise FaultRefused(f"unknown fault {kind!r}; valid here: {', '.join(sorted(known))}")
    if kind == FREEZE_SENSOR and point is None:
        raise FaultRefused(f"freeze_sensor needs --on POINT; valid here: {', '.join(points)}")
    if kind == FREEZE_SENSOR and point not in points:
        raise FaultRefused(f"unknown point {point!r}; valid here: {', '.join(points)}")
    if kind != FREEZE_SENSOR and point is not None:
        raise FaultRefused(f"{kind} takes no --on; only freeze_sensor does")
    if for_ms is not None and for_ms <= 0:
        raise FaultRefused("--for must be longer than nothing")
    return Fault(kind, point, None if for_ms is None else now_ms + for_ms)


def with_fault(book: FaultBook, fault: Fault) -> FaultBook:
    """Return the book with one fault more.

    Raises:
        FaultRefused: too many at once.
    """
    kept = tuple(f for f in book.active if (f.kind, f.point) != (fault.kind, fault.point))
    if len(kept) >= FAULTS_MAX:
        raise FaultRefused(f"{FAULTS_MAX} faults are active already; clear some first")
    return FaultBook((*kept, fault))


def without(book: FaultBook, kind: str | None, point: str | None = None) -> FaultBook:
    """Return the book without one kind (on one point, where given); None clears all."""
    return FaultBook(
        tuple(
            f
            for f in book.active
            if kind is not None and (f.kind != kind or (point is not None and f.point != point))
        )
    )


def expired(book: FaultBook, now_ms: int) -> FaultBook:
    """Return the book without the faults whose time is over."""
    if all(f.until_ms is None or f.until_ms > now_ms for f in book.active):
        return book
    return FaultBook(tuple(f for f in book.active if f.until_ms is None or f.until_ms > now_ms))
