"""Rings and texts take part in the fences: no count of theirs is that of a block, or 1 to 3."""

import itertools

import pytest

from devices.driver import DeviceSettings
from devices.event_look import AskRecords
from devices.modbus.plan import ModbusRead, Shaping, plan_blocks
from devices.modbus.side_reads import SideReads, cut, side_reads
from tests.integration.edge.guarded import PROFILE, RING, START, TEXT, WORDS, profile_of
from tests.unit.devices.builders import modbus_settings, register

FENCES = ("alternate", "fixed", "none")


def of(fence: str, longest: int = 120) -> tuple[SideReads, set[int]]:
    """Reads beside some far apart blocks of a unit, and the counts of these."""
    text = PROFILE.replace("max_registers = 120", f"max_registers = {longest}")
    profile = profile_of(text + TEXT + RING)
    points = [register(f"u/r{at}", at * 130, poll="fast") for at in range(20)]
    made = modbus_settings(points, poll_ns={"fast": 10**8})
    settings = DeviceSettings("u", 1, profile, made.points, {"fast": 10**8})
    blocks = plan_blocks(settings, Shaping(fence=fence))  # type: ignore[arg-type]
    taken = {
        ask.quantity
        for block in blocks
        if isinstance(block.request, ModbusRead)
        for ask in block.request.asks
    }
    return side_reads(profile, 1, blocks, fence), taken  # type: ignore[arg-type]


@pytest.mark.parametrize("fence", ["alternate", "fixed"])
def test_no_count_beside_the_blocks_is_that_of_a_block_or_of_another_read(fence: str) -> None:
    reads, taken = of(fence)
    assert reads.records is not None
    groups = [{ask.quantity for ask in each.asks} for each in reads.index]
    groups += [{ask.quantity for ask in each.asks} for text in reads.texts for each in text]
    groups += [set(reads.records.one), set(reads.records.many)]
    assert all(len(group) == (2 if fence == "alternate" else 1) for group in groups)
    for one, other in itertools.combinations([*groups, taken, {1, 2, 3}], 2):
        assert one.isdisjoint(other)
    assert not reads.is_partial


@pytest.mark.parametrize("fence", FENCES)
def test_every_request_for_records_stands_in_the_ring_and_holds_what_is_wanted(fence: str) -> None:
    reads, _ = of(fence)
    records = reads.records
    assert records is not None
    memory = b"".join(at.to_bytes(2, "big") for at in range(2000))
    for slot in range(40):
        for count in range(1, min(records.chunk, 40 - slot) + 1):
            read = records.read(AskRecords(slot, count))
            for ask in read.asks:
                assert ask.start >= START
                assert ask.end <= START + WORDS * 40
                assert ask.quantity <= 120
                data = cut(read, ask, memory[2 * ask.start : 2 * ask.end])
                wanted = read.wanted
                assert data == memory[2 * wanted.start : 2 * wanted.end]


def test_without_counts_left_the_reads_are_bare_and_say_so() -> None:
    reads, taken = of("alternate", longest=13)
    assert {4, 8, 13} <= taken
    assert reads.is_partial
    assert all(read.asks for read in reads.index)
