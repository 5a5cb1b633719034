"""A map with holes on libmodbus: what is asked, counted on the wire, and what is found."""

from dataclasses import replace
from pathlib import Path

import pytest

from devices.driver import BlockColumns
from devices.modbus.entry import TcpEntry
from devices.modbus.frame import Framing
from devices.modbus.guard_model import Rules
from devices.modbus.holes_model import FactKind
from devices.modbus.inquiry import Asked, inquire
from devices.modbus.line_settings import TcpEndpoint
from devices.modbus.survey import draft
from edge.acquisition.learnt import LearntBook, read_learnt
from proto.quality import Quality
from tests.integration.devices.clock import RealClock
from tests.integration.devices.lines import tcp_driver
from tests.integration.devices.peers import Peer, libmodbus
from tests.unit.devices.builders import modbus_settings, register

TIMEOUT_NS = 10**9


async def log(peer: Peer) -> list[tuple[int, int, int]]:
    """The reads that the server has seen since the last look."""
    words = (await peer.ask("log")).split()
    return [tuple(int(part) for part in word.split(":")) for word in words]  # type: ignore[misc]


def good(columns: BlockColumns) -> list[int]:
    return [at for at, quality in enumerate(columns.quality) if quality == Quality.GOOD]


async def test_a_hole_is_found_in_fifteen_requests_and_read_around() -> None:
    async with libmodbus() as peer:
        await peer.tell("hole 37 2")
        device = modbus_settings([register(f"plc/r{at}", at) for at in range(100)])
        driver = tcp_driver(peer.port, [device], TIMEOUT_NS, probing="auto")
        await driver.connect()
        [block] = driver.blocks
        assert good(await driver.read(block)) == []
        assert good(await driver.read(block)) == []
        assert await log(peer) == [(3, 0, 100)] * 2
        while driver.errand_ns is not None and driver.errand_ns <= RealClock().mono_ns():
            await driver.run_errand()
        asked = await log(peer)
        assert 0 < len(asked) <= 15
        assert good(await driver.read(block)) == [at for at in range(100) if at != 37]
        assert await log(peer) == [(3, 0, 37), (3, 38, 62)]
        codes = [note.code for note in driver.notes()]
        assert codes.count("device.hole_found") == 1
        await driver.close()


@pytest.mark.parametrize(("hole", "quality"), [(12, Quality.BAD), (15, Quality.GOOD)])
async def test_a_slow_point_that_rides_into_a_hole_is_bad_and_never_zero(
    hole: int, quality: Quality
) -> None:
    async with libmodbus() as peer:
        await peer.tell("holding 12 1234")
        await peer.tell(f"hole {hole} 2")
        fast = [register(f"plc/f{at}", at) for at in (*range(10), *range(20, 30))]
        rider = register("plc/rider", 12)
        rider = replace(rider, point=replace(rider.point, poll="slow"))
        device = modbus_settings([*fast, rider])
        device = replace(device, poll_ns={**device.poll_ns, "slow": 10**11})
        driver = tcp_driver(peer.port, [device], TIMEOUT_NS, probing="auto")
        await driver.connect()
        host, guest = driver.blocks
        assert guest.rides_on == 0
        for _ in range(3):
            await driver.read(host)
            while driver.errand_ns is not None and driver.errand_ns <= RealClock().mono_ns():
                await driver.run_errand()
        assert len(good(await driver.read(host))) == len(fast)
        found = await driver.read(guest)
        assert found.quality[0] == quality
        assert found.no_value[0] or found.value[0] == 1234
        await driver.close()


async def test_without_a_mark_not_one_request_leaves_the_plan() -> None:
    async with libmodbus() as peer:
        await peer.tell("hole 5 2")
        device = modbus_settings([register(f"plc/r{at}", at) for at in range(10)])
        driver = tcp_driver(peer.port, [device], TIMEOUT_NS)
        await driver.connect()
        [block] = driver.blocks
        for _ in range(5):
            await driver.read(block)
        assert driver.errand_ns is None
        assert set(await log(peer)) == {(3, 0, 10)}
        assert [n.code for n in driver.notes()].count("device.probing_requested") == 1
        driver.permit("plc", is_open=True)
        while driver.errand_ns is not None and driver.errand_ns <= RealClock().mono_ns():
            await driver.run_errand()
        assert good(await driver.read(block)) == [at for at in range(10) if at != 5]
        await driver.close()


async def test_what_was_found_is_kept_in_a_file(tmp_path: Path) -> None:
    async with libmodbus() as peer:
        await peer.tell("limit 40 3")
        device = modbus_settings([register(f"plc/r{at}", at) for at in range(100)])
        driver = tcp_driver(peer.port, [device], TIMEOUT_NS, probing="auto")
        await driver.connect()
        [block] = driver.blocks
        await driver.read(block)
        await driver.read(block)
        while driver.errand_ns is not None and driver.errand_ns <= RealClock().mono_ns():
            await driver.run_errand()
        assert len(good(await driver.read(block))) == 100
        book = LearntBook(tmp_path, {}, [driver], RealClock())
        assert book.write()
        assert not book.write(), "nothing new"
        found, wrong = read_learnt(tmp_path)
        assert wrong == []
        [fact] = found["plc"].facts
        assert (fact.kind, fact.last) == (FactKind.LIMIT, 40)
        assert fact.date
        await driver.close()


async def test_a_survey_finds_functions_limit_and_holes_by_reads_alone() -> None:
    async with libmodbus() as peer:
        await peer.tell("limit 64 3")
        for at in (50, 51):
            await peer.tell(f"hole {at} 2")
        clock = RealClock()
        asked = Asked(1, Rules(Framing.MBAP, False, 50_000_000), TIMEOUT_NS)
        told: list[int] = []
        found = await inquire(
            TcpEntry(TcpEndpoint("127.0.0.1", (peer.port,)), clock),
            asked,
            0,
            199,
            clock,
            lambda number, _: told.append(number),
        )
        assert {code: found.functions[code] for code in (1, 2, 3, 4)} == dict.fromkeys(
            range(1, 5), 0
        )
        assert found.functions[8] != 0
        tables = {table.function: table for table in found.tables}
        for function in (3, 4):
            assert tables[function].longest == 64
            assert tables[function].forbidden == ((50, 51),)
        assert tables[1].forbidden == ()
        seen = await log(peer)
        assert {fc for fc, _, _ in seen} <= {1, 2, 3, 4, 8, 43}
        assert len(seen) == found.questions == told[-1]
        assert found.questions < 120
        text = draft(found, name="probe_1", source="a test")
        assert "max_registers = 64" in text
        assert 'table = "holding", from = 50, to = 51' in text
        assert 'table = "input"' in text
