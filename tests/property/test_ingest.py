"""Ingest into a real archive: any order, split and repetition leave the same archive and board."""

import asyncio
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.archive.blocks import Archive
from central.archive.lanes import Announced
from central.archive.model import Admitted, Outcome
from central.archive.query import ArchiveReader
from central.clock import SystemClock
from central.ingest.writer import Writer
from central.status.model import Accounting, SiteStatus
from central.status.service import StatusService
from central.store.database import Database
from proto.batch import Frame, Lane
from proto.gap import GapCause, GapEntry
from proto.site import Site
from proto.v1 import uplink_pb2 as wire
from tests.builders import WALL_US
from tests.central_builders import Plant, alarm, interlock

SITE = Site("hancheng-steel", "韩城", "610581", ("610581-bof1a",), simulated=True)
Rows = dict[str, list[tuple[object, ...]]]
# What the archive says, without when and in which order it arrived.
TABLES = {
    "block": "SELECT site_id, epoch, lane, seq, n, decoded, hash, header, payload FROM block",
    "event": "SELECT epoch, lane, seq, ordinal, kind, id, t_us, body FROM event",
    "gap": "SELECT epoch, seq, ordinal, cause, sample_lo, sample_hi, n FROM gap",
    "alarm": "SELECT alarm_id, boot_id, occurrence, m_us, state, raised_us FROM alarm",
    "interlock": "SELECT interlock_id, boot_id, m_us, shown FROM interlock",
    "grid": "SELECT epoch, boot_id, point_first, slot_lo, slot_hi, stored, skipped"
    " FROM axis_ledger",
    "summary": """SELECT p.name, hour_us, sum(n), sum(n_good), min(v_min), max(v_max), sum(n_value)
                  FROM series_summary s JOIN point p USING (site_id, point_id)
                  GROUP BY p.name, hour_us""",
    "schema": "SELECT hash, body FROM schema_part",
}


class Centre:
    """Archive, board and writer over one folder."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder)
        self.database.open()
        self.archive = Archive(self.database)
        self.reader = ArchiveReader(self.database, self.archive)
        self.status = StatusService([SITE], self.archive, self.reader, SystemClock())

    async def start(self) -> None:
        await self.archive.open()
        await self.status.open()
        parts = {SITE.id: await self.reader.parts(SITE.id)}
        self.writer = Writer(self.archive, self.status, parts)
        self.task = asyncio.create_task(self.writer.run())

    async def submit(self, frames: Sequence[Frame]) -> list[Outcome]:
        items = [
            Admitted(SITE.id, "610581-bof1a", "", f.header, f.block, f.payload, 0, False, 0)
            for f in frames
        ]
        return await self.writer.submit(items)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})
        self.database.close()

    async def rows(self) -> Rows:
        return await self.database.read(
            lambda db: {name: sorted(db.execute(query), key=repr) for name, query in TABLES.items()}
        )

    def board(self) -> tuple[object, ...]:
        return fixed(self.status.site(SITE.id))


def fixed(status: SiteStatus) -> tuple[object, ...]:
    """Return what does not depend on the instant of looking."""
    values = tuple(replace(value, max_age_us=0) for value in status.values)
    return (values, status.interlocks, status.alarms, status.accounting, status.newest_us)


def run(work: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(work(Path(folder)))  # type: ignore[arg-type]


def story() -> list[Frame]:
    """Return a short life of a plant."""
    plant = Plant()
    frames = [plant.frames[0], plant.schema()]
    frames += [plant.samples(7), plant.samples(5, bad=[0]), plant.samples(3, bad=[0, 2])]
    frames += [plant.records(interlock("I", "TRIPPED", m=5), alarm("A", "UNACKED", m=6))]
    frames += [plant.records(interlock("I", "NORMAL", m=9), alarm("A", "NORMAL", m=8))]
    frames += [plant.records({"k": "config.loaded"}, lane=Lane.EVENT)]
    lost = GapEntry("g", GapCause.DISK_FULL, plant.epoch, Lane.BULK, 9, (WALL_US, WALL_US + 9))
    frames += [plant.gap(lost), plant.samples(4)]
    return frames


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False), st.integers(1, 5))
def test_any_order_split_and_repetition_leave_the_same_archive_and_board(
    rng: random.Random, size: int
) -> None:
    frames = story()

    async def work(folder: Path) -> None:
        reference = Centre(folder / "reference")
        await reference.start()
        await reference.submit(frames)
        wanted, board = await reference.rows(), reference.board()
        await reference.stop()

        mixed = frames + rng.choices(frames, k=6)
        rng.shuffle(mixed)
        other = Centre(folder / "other")
        await other.start()
        for at in range(0, len(mixed), size):
            await other.submit(mixed[at : at + size])
        assert await other.rows() == wanted
        assert other.board() == board
        await other.stop()

    run(work)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10), st.booleans())
def test_the_board_recomputed_from_the_archive_is_the_live_board(at: int, save: bool) -> None:
    frames = story()

    async def work(folder: Path) -> None:
        live = Centre(folder)
        await live.start()
        await live.submit(frames[:at]) if at else None
        if save:
            await live.status.save()
        await live.submit(frames[at:]) if frames[at:] else None
        wanted = live.board()
        await live.stop()
        again = Centre(folder)
        await again.start()
        assert again.board() == wanted
        await again.stop()

    run(work)


def test_outcomes_come_in_the_order_of_the_frames() -> None:
    async def work(folder: Path) -> None:
        centre = Centre(folder)
        await centre.start()
        frames = story()
        stored = await centre.submit(frames)
        again = await centre.submit([frames[2], frames[1]])
        await centre.stop()
        assert {outcome.status for outcome in stored} == {wire.STORED}
        assert [o.stored_hash for o in stored] == [f.header.hash for f in frames]
        assert [o.status for o in again] == [wire.DUPLICATE, wire.DUPLICATE]
        assert [o.stored_hash for o in again] == [frames[2].header.hash, frames[1].header.hash]

    run(work)


def test_samples_wait_for_their_table_and_are_folded_when_it_comes() -> None:
    async def work(folder: Path) -> None:
        centre = Centre(folder)
        await centre.start()
        plant = Plant()
        schema, samples = plant.schema(), plant.samples(6)
        await centre.submit([samples])
        assert centre.status.site(SITE.id).values == ()
        assert centre.status.site(SITE.id).accounting.stored == 18
        await centre.submit([schema])
        assert centre.status.site(SITE.id).points_good == 3
        columns = await centre.reader.columns(SITE.id, "FT-0", WALL_US, WALL_US + 10**9)
        assert len(columns.time_us) == 6
        await centre.stop()

    run(work)


def test_a_batch_that_comes_after_a_later_one_is_late_and_the_first_is_not() -> None:
    async def work(folder: Path) -> None:
        centre = Centre(folder)
        await centre.start()
        plant = Plant()
        first, second, third = (plant.samples(1) for _ in range(3))
        await centre.submit([first])
        await centre.submit([third])
        await centre.submit([second])
        rows = await centre.database.read(
            lambda db: db.execute("SELECT seq, late FROM block ORDER BY seq").fetchall()
        )
        await centre.stop()
        assert rows == [(1, 0), (2, 1), (3, 0)]

    run(work)


def test_a_restarted_archive_knows_what_it_holds_and_what_it_was_told() -> None:
    async def work(folder: Path) -> None:
        centre = Centre(folder)
        await centre.start()
        plant = Plant()
        frames = [plant.schema(), plant.samples(2), plant.samples(2), plant.samples(2)]
        await centre.submit([frames[0], frames[1], frames[3]])
        await centre.archive.announce(SITE.id, [(plant.epoch, 2, Announced(1, 4, 24))])
        before = centre.status.site(SITE.id).accounting
        await centre.stop()
        again = Centre(folder)
        await again.start()
        assert again.status.site(SITE.id).accounting == before
        assert before == Accounting(expected=24, stored=12, pending=12)
        assert await again.submit([frames[1]]) == [
            Outcome(0, wire.DUPLICATE, frames[1].header.hash, 0)
        ]
        await again.stop()

    run(work)
