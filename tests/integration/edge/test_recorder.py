"""Rows and records reach the disk in time, and what cannot is named."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.spool.model import ClockNote
from edge.spool.recorder import Recorder
from edge.spool.store import Spool, open_spool
from proto import records
from proto.batch import Kind, Lane, decompress
from proto.errors import SpoolFull
from proto.gap import GapCause, GapEntry
from tests.spool_builders import axis, columns, identity, part


@asynccontextmanager
async def _recording(
    directory: Path, *, window_ns: int = 200_000_000, clock: SystemClock | None = None
) -> AsyncIterator[tuple[Recorder, Spool]]:
    clock = clock or SystemClock()
    spool = await open_spool(directory, identity(), clock, schema=[part()], quota_bytes=10**9)
    recorder = Recorder(
        spool,
        clock,
        parts=[part()],
        axes=[axis()],
        window_ns=window_ns,
        judge=lambda _: ClockNote(),
        stepped=lambda _: None,
    )
    tasks = [asyncio.create_task(run()) for run in (recorder.run_urgent, recorder.run_bulk)]
    try:
        yield recorder, spool
    finally:
        async with asyncio.timeout(5):
            await recorder.stop()
            await asyncio.gather(*tasks)
        await spool.close(clean=True)


def _alarm(number: int = 1) -> dict[str, object]:
    return {"k": "alarm.raised", "id": f"a{number}", "t": 5, "m": 5, "alarm": "A", "state": "X"}


async def _gaps(spool: Spool) -> list[GapEntry]:
    log = spool.lanes()[Lane.META]
    frames = await spool.read(log, 1, log.tip.tip_seq, frames=1000, size=2**22)
    bodies = [
        body
        for frame in frames
        if frame.header.kind is Kind.GAP
        for body in records.decode_records(decompress(frame))
    ]
    return [GapEntry.from_record(body) for body in bodies]


async def _tip_moves(spool: Spool, lane: Lane, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while spool.lanes()[lane].tip.tip_seq == 0:
            await asyncio.sleep(0.005)


async def test_an_alarm_is_on_disk_at_once(tmp_path: Path) -> None:
    async with _recording(tmp_path) as (recorder, spool):
        await asyncio.sleep(0.05)
        recorder.record(Lane.ALARM, _alarm())
        await _tip_moves(spool, Lane.ALARM, 0.15)


async def test_an_event_waits_200_ms_for_company(tmp_path: Path) -> None:
    async with _recording(tmp_path) as (recorder, spool):
        for number in range(3):
            recorder.record(Lane.EVENT, {"k": "x", "id": str(number), "t": 5, "m": 5})
            await asyncio.sleep(0.02)
        early = spool.lanes()[Lane.EVENT].tip.tip_seq
        await _tip_moves(spool, Lane.EVENT, 0.5)
        tip = spool.lanes()[Lane.EVENT].tip

    assert early == 0
    assert (tip.tip_seq, tip.tip_sample) == (1, 3)


async def test_rows_are_on_disk_after_their_window(tmp_path: Path) -> None:
    clock = SystemClock()
    async with _recording(tmp_path) as (recorder, spool):
        for slot in range(4):
            recorder.offer(0, slot, 0, columns([1, 2, 3], clock.mono_ns()))
        await _tip_moves(spool, Lane.BULK, 1.0)

    assert recorder.acquired == recorder.committed == 12


async def test_a_clean_stop_commits_everything_that_was_handed_over(tmp_path: Path) -> None:
    clock = SystemClock()
    async with _recording(tmp_path, window_ns=10**12) as (recorder, spool):
        recorder.offer(0, 0, 0, columns([1, 2, 3], clock.mono_ns()))
        recorder.record(Lane.EVENT, {"k": "x", "id": "1", "t": 5, "m": 5})
        recorder.overrun(0, 1, 4)

    assert recorder.committed == 3
    assert recorder.samples_in_ram == 0
    assert spool.lanes()[Lane.EVENT].tip.tip_seq == 1
    again = await open_spool(tmp_path, identity(), clock, schema=[part()], quota_bytes=10**9)
    gaps = await _gaps(again)
    await again.close(clean=True)
    assert [(gap.cause, gap.n) for gap in gaps] == [(GapCause.DRIVER_OVERRUN, 12)]
    assert again.restart is not None
    assert again.restart.clean is True


async def test_the_gap_of_a_restart_ends_with_the_first_row(tmp_path: Path) -> None:
    clock = SystemClock()
    async with _recording(tmp_path) as (recorder, _):
        recorder.offer(0, 0, 0, columns([1, 2, 3], clock.mono_ns()))
    last_us = clock.wall_us()
    async with _recording(tmp_path) as (recorder, spool):
        await asyncio.sleep(0.3)
        before = await _gaps(spool)
        recorder.offer(0, 0, 0, columns([1, 2, 3], clock.mono_ns()))
        await asyncio.sleep(0.3)
        gaps = await _gaps(spool)

    assert before == []
    [gap] = gaps
    assert gap.cause is GapCause.RESTART_CLEAN
    assert gap.t[0] <= last_us
    assert gap.t[1] >= last_us + 250_000


async def test_many_alarms_go_in_order_and_none_is_lost(tmp_path: Path) -> None:
    async with _recording(tmp_path) as (recorder, _spool):
        for number in range(1000):
            recorder.record(Lane.ALARM, _alarm(number))
        await asyncio.sleep(0.01)
    again = await open_spool(
        tmp_path, identity(), SystemClock(), schema=[part()], quota_bytes=10**9
    )
    log = again.lanes()[Lane.ALARM]
    frames = await again.read(log, 1, log.tip.tip_seq, frames=1000, size=2**22)
    ids = [body["id"] for f in frames for body in records.decode_records(decompress(f))]
    await again.close(clean=True)

    assert ids == [f"a{number}" for number in range(1000)]
    assert all(frame.header.n <= 256 for frame in frames)


async def test_a_record_that_json_cannot_hold_says_so_instead_of_vanishing(tmp_path: Path) -> None:
    async with _recording(tmp_path) as (recorder, spool):
        recorder.record(Lane.ALARM, {**_alarm(), "value": float("nan")})
        await _tip_moves(spool, Lane.ALARM, 1.0)
        [frame] = await spool.read(spool.lanes()[Lane.ALARM], 1, 1, frames=1, size=2**20)

    [body] = records.decode_records(decompress(frame))
    assert (body["k"], body["id"]) == ("alarm.raised", "a1")
    assert "ValueError" in str(body["unencodable"])


async def test_a_full_disk_keeps_rows_in_ram_and_loses_none_while_they_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.spool.recorder.FULL_PAUSE_S", 0.05)
    clock = SystemClock()
    async with _recording(tmp_path, window_ns=10**8) as (recorder, spool):
        real = spool.append

        async def full(_: object) -> None:
            raise SpoolFull("spool.full", "no room on the disk")

        monkeypatch.setattr(spool, "append", full)
        for slot in range(5):
            recorder.offer(0, slot, 0, columns([1, 2, 3], clock.mono_ns()))
            await asyncio.sleep(0.1)
        waiting = recorder.samples_in_ram
        monkeypatch.setattr(spool, "append", real)
        await _tip_moves(spool, Lane.BULK, 2.0)

    assert waiting == 15
    assert recorder.committed == 15


async def test_what_ram_cannot_hold_is_counted_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SystemClock()
    async with _recording(tmp_path) as (recorder, spool):
        with monkeypatch.context() as full:
            full.setattr("proto.limits.RAM_BYTES_MAX", 0)
            for slot in range(4):
                recorder.offer(0, slot, 0, columns([1, 2, 3], clock.mono_ns()))
        recorder.offer(0, 4, 0, columns([1, 2, 3], clock.mono_ns()))
        await _tip_moves(spool, Lane.BULK, 1.0)
        await asyncio.sleep(0.15)
        [gap] = await _gaps(spool)

    assert (gap.cause, gap.n, gap.samples) == (GapCause.SPOOL_STALL, 12, None)
    assert recorder.acquired == recorder.committed + recorder.losses.stalled == 15


async def test_a_clock_step_is_recorded_and_no_batch_spans_it(tmp_path: Path) -> None:
    class Stepping(SystemClock):
        __slots__ = ("step_us",)

        def __init__(self) -> None:
            self.step_us = 0

        def wall_us(self) -> int:
            return super().wall_us() + self.step_us

    clock = Stepping()
    async with _recording(tmp_path, window_ns=10**12, clock=clock) as (recorder, _spool):
        recorder.offer(0, 0, 0, columns([1, 2, 3], clock.mono_ns()))
        await asyncio.sleep(0.15)
        clock.step_us = 7_200_000_000
        await asyncio.sleep(0.25)
        recorder.offer(0, 1, 0, columns([1, 2, 3], clock.mono_ns()))
    again = await open_spool(tmp_path, identity(), clock, schema=[part()], quota_bytes=10**9)
    log = again.lanes()[Lane.META]
    meta = await again.read(log, 1, log.tip.tip_seq, frames=100, size=2**22)
    bulk = await again.read(again.lanes()[Lane.BULK], 1, 2, frames=2, size=2**20)
    await again.close(clean=True)

    steps = [f for f in meta if f.header.kind is Kind.CLOCK]
    [body] = records.decode_records(decompress(steps[0]))
    assert int(str(body["wall_after_us"])) - int(str(body["wall_before_us"])) > 7_100_000_000
    assert [f.header.step_no for f in bulk] == [0, 1]
