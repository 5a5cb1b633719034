"""The product's driver on the harness: whatever the wire does, no wrong value is called GOOD."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import pytest

from devices.modbus.desk import Desk
from tests.harness.campaign import HOLES, WIRES, campaign, open_run
from tests.harness.coded import Unit
from tests.harness.equipment import Equipment
from tests.harness.oracle import Tally
from tests.harness.script import Fault, Hit, Script

pytestmark = pytest.mark.alone

READS = 1_200
LINES = 3


@pytest.mark.parametrize("name", WIRES)
async def test_a_short_campaign_has_no_wrong_and_no_restamped_value(name: str) -> None:
    runs = await asyncio.gather(*(campaign(name, READS, seed, 0.02) for seed in range(LINES)))
    tally, suffered = Tally(), Counter[Fault]()
    for one, equipment, _ in runs:
        tally.add(one)
        suffered += equipment.suffered
        assert equipment.forbidden == []
    assert tally.is_clean, tally
    assert suffered.total() > 40
    assert tally.outcomes["answered"] > 0.8 * READS * LINES, tally


@pytest.mark.parametrize("fault", list(Fault))
async def test_each_fault_at_each_place_of_a_round_gives_no_wrong_value(fault: Fault) -> None:
    async def one(name: str, at: int) -> tuple[Tally, Equipment]:
        script = Script({at: Hit(fault, 1.0 + at % 3, at * 0x9E3779B1 & 0xFFFFFFFF)})
        async with open_run(name, script) as run:
            return await run.read(64), run.equipment

    names = [name for name, wire in WIRES.items() if fault in wire.faults and name != "rtu"]
    runs = await asyncio.gather(*(one(name, at) for name in names for at in range(3, 9)))
    for tally, equipment in runs:
        assert tally.is_clean, tally
        assert equipment.suffered[fault] == 1
        assert tally.outcomes["answered"] >= 36, tally


async def test_an_answer_cut_at_each_byte_is_the_same_answer() -> None:
    """Two pieces, 3 ms apart: the time-out is longer, so that each one is an answer."""

    class Cuts(Script):
        def hit(self, index: int) -> Hit | None:
            return Hit(Fault.SPLIT, word=index)

    async with open_run("rtu-tcp", Cuts({}), timeout_ns=200_000_000) as run:
        tally = await run.read(120)
    assert tally.is_clean
    assert tally.outcomes["answered"] == 120


MAPS: Mapping[str, Unit] = {
    "a hole within a block": Unit(holes={3: frozenset({33})}),
    "no more than 10 registers": Unit(registers_max=10),
    "the map ends at 50": Unit(end=50),
    "slow": Unit(service_s=0.008),
}


@pytest.mark.parametrize("kind", MAPS)
async def test_a_unit_that_refuses_part_of_its_map_gives_the_rest_and_nothing_wrong(
    kind: str,
) -> None:
    async with open_run("rtu-tcp", units={1: MAPS[kind]}) as run:
        tally = await run.read(60)
    assert tally.is_clean, tally
    assert tally.good >= 60


async def test_a_unit_that_is_not_there_costs_its_own_values_only() -> None:
    async with open_run("rtu-tcp") as run:
        del run.equipment.units[2]
        of_first = sum(block.device == "u1" for block in run.driver.blocks)
        tally = await run.read(of_first + 3)
    assert tally.is_clean
    assert tally.outcomes["answered"] == of_first
    assert tally.outcomes["timed_out"] + tally.outcomes["not_synced"] == 3


async def test_without_probing_nothing_but_planned_reads_is_sent() -> None:
    script = Script({}, 7, 0.05, (Fault.LATE, Fault.LOST, Fault.SHORT, Fault.FLIP))
    async with open_run("rtu-tcp", script, probing="never", bound_ns=120_000_000) as run:
        tally = await run.read(400)
        seen = run.equipment.seen
        asked = {(e.unit, e.function, e.start, e.quantity) for e in run.equipment.log}
    assert tally.is_clean, tally
    sent = [block for block in run.driver.blocks if block.rides_on is None]
    assert {function for _, function in seen} == {1, 3}
    assert len(asked) == len(sent), "the same requests, whatever the device answered"


@pytest.mark.parametrize("name", ["rtu-tcp", "mbap", "mbap-tls"])
async def test_bytes_that_no_request_covered_are_caught_when_they_are_handed_out(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault of 2026-11: a rider in a hole of its host's split read was 0 and GOOD.

    Mutant `filler-is-good`: the map of the campaigns has riders and holes so that it cannot live.
    """
    calm, _, _ = await campaign(name, 400, 1, 0.0)
    assert calm.is_clean, calm
    assert calm.bits > 100, "bits are judged too"
    monkeypatch.setattr(Desk, "unasked", lambda _desk, _spans: [])
    tally, _, _ = await campaign(name, 400, 1, 0.0)
    assert tally.wrong > 0, "a register or coil that was never read came back as GOOD"


async def test_riders_beside_a_hole_keep_their_own_registers() -> None:
    """Riders of a split block are BAD, or they are right; the host's own points are all right."""
    async with open_run("rtu-tcp", probing="auto", units={1: Unit(holes=HOLES)}) as run:
        await run.read(300)
        hosts = {block.rides_on for block in run.driver.blocks} - {None}
        assert len(hosts) >= 3, "riders on several hosts"
        for block in run.driver.blocks:
            columns = await run.driver.read(block)
            lost = {point.name for point, q in zip(block.points, columns.quality, strict=True) if q}
            if block.rides_on is None:
                assert lost == set(), block.request.describe()
            elif block.rides_on in hosts:
                assert lost <= {"u1/r36", "u1/r38", "u1/r40", "u1/r38.11", "u1/c30", "u1/c36"}
    assert run.tally.is_clean
