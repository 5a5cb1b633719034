"""The ring reader in virtual time: each record once, or counted lost, at 30 % of the line."""

import itertools

import pytest

from devices.event_ring import BUSY_MAX
from tests.harness.ring_run import START, WORDS, World, campaign

SECOND = 10**9


def test_a_ring_longer_than_its_bursts_loses_nothing() -> None:
    score = campaign(9_000, count=1000, burst=900, pause_s=4.0)
    assert (score.written, score.delivered) == (9_000, 9_000)
    assert (score.lost, score.doubled, score.out_of_order) == (0, 0, 0)


def test_what_a_shorter_ring_loses_is_counted_to_the_last_record() -> None:
    score = campaign(9_000, count=300, burst=3_000, pause_s=4.0)
    assert score.lost > 0
    assert (score.uncounted, score.doubled, score.out_of_order) == (0, 0, 0)


@pytest.mark.parametrize("has_total", [True, False])
@pytest.mark.parametrize("commit_every", [1, 7])
def test_after_each_crash_every_record_is_there_once(has_total: bool, commit_every: int) -> None:
    score = campaign(
        9_000,
        count=1000,
        burst=700,
        pause_s=12.0,
        crash_every_s=1.5,
        has_total=has_total,
        commit_every=commit_every,
    )
    assert score.crashes > 20
    assert (score.written, score.delivered) == (8_400, 8_400)
    assert (score.lost, score.doubled) == (0, 0)


async def test_catching_up_takes_30_percent_of_the_line_at_most() -> None:
    world = World(4000)
    await world.run_until(world.now.ns + 3 * SECOND)
    for _ in range(3_000):
        world.plc.write(world.now.ns)
    begin_ns, busy_ns = world.now.ns, world.wire.busy_ns
    await world.run_until(begin_ns + 2 * SECOND)
    share = (world.wire.busy_ns - busy_ns) / (world.now.ns - begin_ns)
    assert 0.25 < share <= BUSY_MAX + 0.01
    assert world.ring.describe()["seq"] != 3_000  # it is catching up still


async def test_an_outage_shorter_than_the_ring_loses_nothing_and_says_replayed() -> None:
    world = World(500)
    world.plc.write(world.now.ns)
    await world.run_until(world.now.ns + 3 * SECOND)
    for _ in range(400):
        world.plc.write(world.now.ns)
    world.disk.commit()
    world.restart()
    await world.run_until(world.now.ns + 20 * SECOND)
    world.plc.write(world.now.ns)
    await world.run_until(world.now.ns + 5 * SECOND)
    events = [one for one in world.disk.records if one["k"] == "device.event"]
    assert [one["seq"] for one in events] == list(range(2, 403))
    assert ["replayed" in one for one in events] == [True] * 400 + [False]
    assert world.disk.lost() == 0


async def test_a_torn_record_is_read_once_more_and_then_counted() -> None:
    world = World(100, fence="none")
    world.plc.write(world.now.ns)
    await world.run_until(world.now.ns + 3 * SECOND)
    for _ in range(10):
        world.plc.write(world.now.ns)
    world.wire.keeps_log = True
    at = 2 * (START + WORDS * 4)  # the fifth record is half written for good
    world.plc.memory[at : at + 4] = b"\xff\xff\xff\xff"
    await world.run_until(world.now.ns + 3 * SECOND)
    world.disk.commit()
    assert world.disk.seqs() == [2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert world.disk.lost() == 1
    reads = [ask for ask in world.wire.asked if ask.start <= START + WORDS * 4 < ask.end]
    assert len([ask for ask in reads if ask.quantity > WORDS]) == 2


async def test_records_that_were_passed_while_they_were_read_are_counted() -> None:
    world = World(50)
    await world.run_until(world.now.ns + 3 * SECOND)
    begin_ns = world.now.ns
    world.plc.bursts.append((begin_ns, begin_ns + 4 * SECOND))
    await world.run_until(begin_ns + 20 * SECOND)
    world.disk.commit()
    assert len(world.disk.seqs()) == len(set(world.disk.seqs()))
    assert world.disk.lost() > 1_000
    assert len(world.disk.seqs()) + world.disk.lost() == world.plc.written


async def test_what_waits_for_the_disk_stops_the_reader_and_not_the_ring() -> None:
    world = World(4000, commit_every=10**9)
    await world.run_until(world.now.ns + 3 * SECOND)
    for _ in range(3_000):
        world.plc.write(world.now.ns)
    await world.run_until(world.now.ns + 60 * SECOND)
    taken, settled = world.disk.durable_records()
    assert 1024 < taken - settled < 1100
    world.commit_every = 1
    world.disk.commit()
    await world.run_until(world.now.ns + 60 * SECOND)
    assert world.disk.seqs()[-1] == 3_000
    assert world.disk.lost() == 0


async def test_two_reads_within_four_requests_have_different_counts_where_it_matters() -> None:
    world = World(100)
    world.plc.write(world.now.ns)
    await world.run_until(world.now.ns + 3 * SECOND)
    world.wire.keeps_log = True
    for _ in range(60):
        world.plc.write(world.now.ns)
    await world.run_until(world.now.ns + 5 * SECOND)
    asked = world.wire.asked
    assert min(ask.quantity for ask in asked) >= 4
    assert all(one.quantity != other.quantity for one, other in itertools.pairwise(asked))
    records = [ask for ask in asked if ask.start >= START]
    assert all(ask.end <= START + 100 * WORDS for ask in records)
