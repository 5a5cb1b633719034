"""Builders for everything that touches the spool: a point table, rows, a clock that is set."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from devices.driver import BlockColumns
from edge.spool.batcher import Batcher
from edge.spool.meta import Identity
from edge.spool.model import AxisShape, ClockNote, Closed, Moment
from edge.spool.store import Spool, open_spool
from proto.batch import Kind, Lane
from proto.point import PointType
from proto.records import encode_records
from proto.schema import SchemaAxis, SchemaPart, SchemaPoint

GATEWAY = "610581-bof1a"
WALL_US = 1_790_000_000_000_000
MONO_NS = 5_000_000_000


class SetClock:
    """A clock that moves only when it is told to."""

    def __init__(self, wall_us: int = WALL_US, mono_ns: int = MONO_NS) -> None:
        self._wall_us, self._mono_ns = wall_us, mono_ns

    def wall_us(self) -> int:
        return self._wall_us

    def mono_ns(self) -> int:
        return self._mono_ns

    def advance(self, ns: int) -> None:
        self._wall_us += ns // 1_000
        self._mono_ns += ns

    def step(self, us: int) -> None:
        self._wall_us += us

    def now(self) -> Moment:
        return Moment(self._wall_us, self._mono_ns)


def part(points: int = 3, *, period_us: int = 100_000, device: str = "plc") -> SchemaPart:
    """One axis of float points."""
    names = tuple(
        SchemaPoint(f"{device}/p{i}", f"P-{i}", f"point {i}", PointType.F32, "1")
        for i in range(points)
    )
    return SchemaPart((SchemaAxis(device, "model", "fast", period_us, 0, False, "plc", names),))


def axis(points: int = 3, *, period_us: int = 100_000, part: int = 0, first: int = 0) -> AxisShape:
    return AxisShape(part=part, point_first=first, points=points, period_us=period_us)


def columns(
    values: Sequence[float], mono_ns: int, *, source_us: int = 0, quality: int = 0, reason: int = 0
) -> BlockColumns:
    """A row of float32 values as a driver gives it."""
    floats = np.array(values, np.float32)
    n = len(values)
    return BlockColumns(
        raw=floats.view(np.int32).astype(np.int64) & 0xFFFFFFFF,
        value=floats.astype(np.float64),
        quality=np.full(n, quality, np.uint8),
        reason=np.full(n, reason, np.uint8),
        no_value=np.zeros(n, np.bool_),
        detail=np.zeros(n, np.uint32),
        source_us=np.full(n, source_us, np.int64),
        sent_mono_ns=mono_ns - 2_000_000,
        receive_mono_ns=mono_ns,
    )


def batcher(*, window_ns: int = 5_000_000_000, points: int = 3) -> Batcher:
    return Batcher([part(points)], [axis(points)], window_ns=window_ns)


def bulk(now: Moment, *, rows: int = 10, start: float = 0.0, points: int = 3) -> Closed:
    """A closed batch of `rows` rows."""
    made = batcher(points=points)
    for i in range(rows):
        at = Moment(now.wall_us + i * 100_000, now.mono_ns + i * 100_000_000)
        assert made.offer(0, i, columns([start + i] * points, at.mono_ns), at)
    made.close(now)
    return made.waiting[0]


def record(now: Moment, *, lane: Lane = Lane.ALARM, kind: str = "alarm.raised") -> Closed:
    """A closed batch of one record."""
    body = {"k": kind, "id": f"r-{now.mono_ns}", "t": now.wall_us, "m": now.mono_us}
    return Closed(
        lane,
        Kind.RECORDS,
        1,
        encode_records([body]),
        now.wall_us,
        now.wall_us,
        now,
        ClockNote(),
    )


def identity(*, gateway: str = GATEWAY, machine: str = "m1") -> Identity:
    return Identity(gateway, 12, "boot-uuid", machine, {"yujing": "0.1.0"})


async def spool(
    directory: Path,
    clock: SetClock | None = None,
    *,
    quota: int = 10**9,
    machine: str = "m1",
    gateway: str = GATEWAY,
    boot_floor: int = 0,
) -> Spool:
    return await open_spool(
        directory,
        identity(machine=machine, gateway=gateway),
        clock or SetClock(),
        schema=[part()],
        quota_bytes=quota,
        boot_floor=boot_floor,
    )
