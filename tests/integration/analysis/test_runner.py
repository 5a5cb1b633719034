"""The runner over a real database: incremental, re-runnable, bounded, fair to late data."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from central.analysis.book import LeadBook
from central.analysis.executor import LocalExecutor
from central.analysis.runner import Runner
from central.archive.model import ArchivedPoint, Bucket, GapRow, PointColumns, Record
from central.status.model import SiteStatus
from central.store.database import Database
from proto.point import PointType
from proto.quality import Quality
from tests.integration.console.bureau import Bureau
from tests.unit.central.analysis.plant import DEMO, T0, S

W = DEMO.window_us
SITE = "hancheng-steel"
NAMES = {
    "bof1_plc/lance_out_t_a": "bof.lance.cw_outlet_temp",
    "bof1_plc/lance_in_flow": "bof.lance.cw_inlet_flow",
    "bof1_plc/o2_blowing": "sys.proc.process_state",
    "bof1_plc/ilk_bypassed": "sys.ilk.bypass_active",
}


class Plant:
    """A site whose archive is made when asked; `frozen` and `bypassed` are spans of faults."""

    def __init__(self) -> None:
        self.newest_us = T0
        self.frozen = (0, 0)
        self.bypassed = (0, 0)
        self.missing = (0, 0)
        self.reads = 0
        self.bodies: list[dict[str, object]] = []

    def sites(self) -> Sequence[SiteStatus]:
        status = Bureau().sites()[0]
        return [replace(status, newest_us=self.newest_us)]

    async def points(self, site: str) -> Sequence[ArchivedPoint]:
        return [
            ArchivedPoint(
                point=name, tag=name, title=name,
                type=PointType.F32 if "lance" in name else PointType.BOOL,
                unit="Cel" if "lance" in name else "bool", scale=1.0, offset=0.0,
                range_low=0.0, range_high=500.0, parameter=parameter, process_unit="BOF-1",
                life=False, device="bof1_plc", profile="p", poll="fast",
                period_us=0 if "bypassed" in name else 500_000,
                subscribed="bypassed" in name, path="plc", gateway="g",
            )
            for name, parameter in NAMES.items()
        ]  # fmt: skip

    async def columns(self, site: str, point: str, t0_us: int, t1_us: int) -> PointColumns:
        self.reads += 1
        start, end = max(t0_us, T0), min(t1_us, self.newest_us)
        if "bypassed" in point:
            times = np.array([at for at in (T0, *self.bypassed) if start <= at < end], np.int64)
            value = (times == self.bypassed[0]).astype(float)
        else:
            times = np.arange(start - start % 500_000, end, 500_000, dtype=np.int64)
            times = times[(times < self.missing[0]) | (times >= self.missing[1])]
            value = 38.0 + np.sin(times / 7e5)
            if "t_a" in point:
                held = (times >= self.frozen[0]) & (times < self.frozen[1])
                value = np.where(held, 38.25, value)
            if "blowing" in point:
                value = np.ones(times.shape)
        zeros = np.zeros(times.shape, np.uint8)
        return PointColumns(times, value, zeros, zeros, np.zeros(times.shape, np.bool_))

    async def records(
        self, site: str, t0_us: int, t1_us: int, kinds: Sequence[str] | None
    ) -> Sequence[Record]:
        return [
            Record(SITE, "g", 0, at, at, 1, False, body)
            for body in self.bodies
            if isinstance(at := body["t"], int) and t0_us <= at < t1_us
        ]

    async def gaps(self, site: str, t0_us: int, t1_us: int) -> Sequence[GapRow]:
        return []

    async def history(
        self, site: str, point: str, t0_us: int, t1_us: int, buckets: int
    ) -> Sequence[Bucket]:
        step = (t1_us - t0_us) // buckets
        starts = [t0_us + number * step for number in range(buckets)]
        return [Bucket(at, int(at >= T0), 0, 1.0, 1.0, 1.0, 1.0, Quality.GOOD) for at in starts]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(tmp_path)
    made.open()
    yield made
    made.close()


class Bench:
    """A runner, its plant and its book."""

    def __init__(self, database: Database) -> None:
        self.plant = Plant()
        self.book = LeadBook(database)
        self.executor = LocalExecutor(1)
        self.runner = self.fresh()

    def fresh(self) -> Runner:
        return Runner(self.plant, self.plant, self.book, self.executor, DEMO)

    async def run_to(self, newest_us: int) -> int:
        self.plant.newest_us = newest_us
        judged = 0
        while found := await self.runner.tick():
            judged += found
            if judged > 2_000:
                break
        return judged

    async def leads(self) -> list[tuple[str, str, int]]:
        found = await self.book.leads(SITE)
        return [(each.newest.subject, each.newest.symptom, each.windows) for each in found]


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    made = Bench(database)
    yield made
    made.executor.close()


async def test_a_healthy_site_is_judged_and_gives_no_lead(bench: Bench) -> None:
    assert await bench.run_to(T0 + 20 * W) >= 19
    assert await bench.leads() == []
    horizons = await bench.book.horizons()
    assert horizons[SITE] > T0 + 18 * W


async def test_a_frozen_channel_becomes_one_lead_that_grows(bench: Bench) -> None:
    bench.plant.frozen = (T0 + 3 * W, T0 + 7 * W)
    await bench.run_to(T0 + 5 * W + DEMO.grace_us)
    assert await bench.leads() == [("bof1_plc/lance_out_t_a", "flat", 2)]
    await bench.run_to(T0 + 12 * W)
    [lead] = await bench.book.leads()
    assert (lead.windows, lead.first_us, lead.last_us) == (4, T0 + 3 * W, T0 + 7 * W)
    assert lead.simulated


async def test_a_window_waits_for_its_grace(bench: Bench) -> None:
    bench.plant.frozen = (T0 + 2 * W, T0 + 3 * W)
    await bench.run_to(T0 + 3 * W + DEMO.grace_us - 1)
    assert await bench.leads() == []
    await bench.run_to(T0 + 3 * W + DEMO.grace_us)
    assert len(await bench.leads()) == 1


async def test_a_rerun_from_the_start_changes_nothing(bench: Bench, database: Database) -> None:
    bench.plant.frozen = (T0 + 3 * W, T0 + 7 * W)
    bench.plant.bypassed = (T0 + 5 * W, T0 + 9 * W)
    await bench.run_to(T0 + 12 * W)
    before = await bench.book.leads()
    assert len(before) == 2
    await database.write(lambda db: db.execute("DELETE FROM analysis_cursor"))
    bench.runner = bench.fresh()
    changes = await database.write(lambda db: db.total_changes)
    await bench.run_to(T0 + 12 * W)
    assert await bench.book.leads() == before
    written = await database.write(lambda db: db.total_changes) - changes
    assert written <= 2 * 12  # cursors only: one row a window (a replace counts twice at most)


async def test_a_restart_goes_on_where_it_stopped(bench: Bench) -> None:
    await bench.run_to(T0 + 10 * W)
    bench.runner = bench.fresh()
    assert await bench.run_to(T0 + 11 * W) == 1


async def test_the_work_of_one_tick_is_bounded(bench: Bench) -> None:
    bench.plant.newest_us = T0 + 300 * W
    assert await bench.runner.tick() <= 30


async def test_late_data_are_judged_when_they_come(bench: Bench) -> None:
    bench.plant.frozen = (T0 + 3 * W, T0 + 5 * W)
    bench.plant.missing = (T0 + 3 * W, T0 + 5 * W)
    await bench.run_to(T0 + 8 * W)
    assert await bench.leads() == []
    bench.plant.missing = (0, 0)
    for _ in range(12):
        await bench.runner.tick()
    assert await bench.leads() == [("bof1_plc/lance_out_t_a", "flat", 2)]


async def test_a_bypass_that_was_sent_once_holds_in_every_window_after(bench: Bench) -> None:
    bench.plant.bypassed = (T0 + 2 * W, T0 + 6 * W)
    await bench.run_to(T0 + 9 * W)
    assert await bench.leads() == [("bof1_plc/ilk_bypassed", "bypassed", 4)]


async def test_what_stood_before_is_looked_up_once(bench: Bench) -> None:
    await bench.run_to(T0 + 5 * W)
    before = bench.plant.reads
    await bench.run_to(T0 + 6 * W)
    assert bench.plant.reads - before == len(NAMES)


async def test_a_judgement_in_the_records_is_a_lead(bench: Bench) -> None:
    bench.plant.bodies.append(JUDGED)
    await bench.run_to(T0 + 5 * W)
    assert await bench.leads() == [("BOF1-LANCE/raise_lance", "not_acted", 1)]


JUDGED: dict[str, object] = {
    "k": "interlock.judged",
    "id": "1",
    "t": T0 + 2 * W + S,
    "m": 1,
    "interlock": "BOF1-LANCE",
    "title": "氧枪联锁",
    "clauses": ["O10-4.4"],
    "mode": "advisory",
    "occurrence": 1,
    "cause": "leak_hh",
    "inputs": [
        {"name": "flow_in", "point": "p", "value": 240.0, "unit": "m3/h", "quality": "GOOD"}
    ],
    "state": {"service": "ARMED", "running": "TRUE", "plant": {"bypassed": False}},
    "effect": "raise_lance",
    "verdict": "NOT_ACTED",
    "response_ms": None,
}


async def test_a_window_judged_anew_withdraws_what_no_longer_holds(bench: Bench) -> None:
    bench.plant.frozen = (T0 + 3 * W, T0 + 5 * W)
    await bench.run_to(T0 + 8 * W)
    [lead] = await bench.book.leads()
    cursor = await bench.book.cursor(SITE, DEMO)
    assert cursor is not None
    assert await bench.book.keep(SITE, DEMO, lead.newest.t0_us, [lead.newest], cursor) == 0
    assert await bench.book.keep(SITE, DEMO, lead.newest.t0_us, [], cursor) == 1
    assert await bench.leads() == [("bof1_plc/lance_out_t_a", "flat", 1)]
