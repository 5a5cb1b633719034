"""Rings and texts under the full guard, against libmodbus: once each, with counts of their own."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from devices.modbus.traffic import Contract, Wanted, allows
from edge.acquisition.contract import contract_of
from edge.plant import Plant
from proto.quality import Detail
from tests.integration.devices.peers import libmodbus
from tests.integration.edge.guarded import (
    LEVEL,
    LIFE,
    PROFILE,
    RING,
    TEXT,
    OneAtATime,
    Sink,
    lines_of,
    plant_of,
    profile_of,
    write_event,
    write_text,
)
from tests.integration.edge.test_line_units import until

DEVICE = """
[[line]]
name = "behind"
kind = "modbus-tcp"
address = "127.0.0.1:{port}"
timeout = "500ms"
behind_gateway = true
[[device]]
name = "plc"
line = "behind"
unit_id = 1
profile = "half_plc"
path = "plc"
life = "life"
"""


def site(port: int) -> Plant:
    """One device behind a gateway."""
    return plant_of(DEVICE.format(port=port), profile_of(PROFILE + TEXT + RING))


async def moving(peer: OneAtATime) -> None:
    """Move the life counter for ever."""
    count = 0
    while True:
        count = (count + 1) % 65_536
        await peer.tell(f"holding {LIFE} {count}")
        await asyncio.sleep(0.05)


async def watched(port: int, sink: Sink, folder: Path, enough: Callable[[Detail], bool]) -> None:
    """Run the site until it is enough, by records or by the detail of the level's newest value."""
    plant = site(port)
    lines, image = lines_of(plant, sink, folder)
    at = plant.index_of["plc/level"]
    tasks = [asyncio.create_task(run()) for run in lines.tasks().values()]
    try:
        await until(lambda: enough(Detail(int(image.freeze().detail[at]))), 20.0)
        await asyncio.sleep(0.3)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_events_behind_a_gateway_come_once_each_and_every_request_is_in_the_contract(
    tmp_path: Path,
) -> None:
    async with libmodbus() as peer:
        sink = Sink()
        await peer.tell(f"holding {LEVEL} 7")
        await write_text(peer, "V1")
        await write_event(peer, 1)
        await watched(peer.port, sink, tmp_path, lambda _: "ring/plc" in sink.keeps)
        for seq in range(2, 32):
            await write_event(peer, seq)
        await watched(peer.port, sink, tmp_path, lambda _: len(sink.of("device.event")) >= 30)
        assert [one["seq"] for one in sink.of("device.event")] == list(range(2, 32))
        for seq in range(32, 132):
            await write_event(peer, seq)  # more than the ring holds
        await watched(
            peer.port, sink, tmp_path, lambda _: sink.of("device.event")[-1]["seq"] == 131
        )
        seqs = [one["seq"] for one in sink.of("device.event")]
        lost = sum(int(str(one["lost"])) for one in sink.of("device.ring_overran"))
        assert len(seqs) == len(set(seqs))
        assert len(seqs) + lost == 130

        plant = site(peer.port)
        contract = contract_of(plant.lines[0], plant)
        assert isinstance(contract, Contract)
        asked = [tuple(map(int, one.split(":"))) for one in (await peer.ask("log")).split()]
        assert len(asked) > 20
        outside = [a for a in asked if not allows(contract, Wanted(1, *a))]
        assert outside == []
        ring = {quantity for _, start, quantity in asked if start >= 300}
        blocks = {ask.quantity for each in contract.planned for ask in each.asks}
        assert ring.isdisjoint(blocks | {1, 2, 3}), (ring, blocks)


async def test_a_text_that_changed_while_we_were_away_puts_the_map_in_doubt(
    tmp_path: Path,
) -> None:
    async with libmodbus() as peer:
        sink = Sink()
        told = OneAtATime(peer)
        mover = asyncio.create_task(moving(told))
        try:
            await write_text(told, "V1")
            await watched(peer.port, sink, tmp_path, lambda _: bool(sink.of("device.text_read")))
            assert sink.of("device.text_read")[0]["value"] == "V1"
            assert not sink.of("plant.program_changed")
            await write_text(told, "V2")
            changes = "plant.program_changed"
            await watched(peer.port, sink, tmp_path, lambda _: bool(sink.of(changes)))
            [changed] = sink.of("plant.program_changed")
            assert (changed["before"], changed["after"]) == ("V1", "V2")
            assert (changed["what"], changed["change_number"]) == ("program", "")
            sink.records.clear()  # a second start: nothing has changed, the doubt is there still
            await watched(peer.port, sink, tmp_path, lambda why: why == Detail.MAP_UNPROVEN)
            assert not sink.of("plant.program_changed")
        finally:
            mover.cancel()
