"""The passive tap on a line of others: mbpoll is the master, libmodbus the slave, we only hear."""

import ast
import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from devices.address import RegisterType, Table
from devices.driver import BlockColumns, PointBinding
from devices.modbus import tap_line, tap_source
from devices.modbus.tap import Verdict
from devices.modbus.tap_line import TapDriver
from devices.modbus.tap_source import SerialSource, ServerSource
from proto.quality import Detail, Quality, Reason
from tests.harness.bus import Bus, bus
from tests.harness.coded import code
from tests.harness.frames import adu
from tests.harness.oracle import Tally
from tests.integration.devices.clock import RealClock
from tests.integration.devices.peers import rtu_slave
from tests.unit.devices.builders import modbus_settings, register

MASTER, SLAVE, TAP = 0, 1, 2
BOUND_NS = 300_000_000
BAUD = 115_200


def point(address: int, unit: int = 1, table: Table = Table.HOLDING) -> PointBinding:
    from devices.address import Order

    name = f"u{unit}/r{address}"
    return register(name, address, RegisterType.UINT32, table=table, order=Order.ABCD)


def tap_of(path: str, points: Sequence[PointBinding], unit: int = 1) -> TapDriver:
    settings = modbus_settings(points, unit_id=unit)
    return TapDriver(SerialSource(path, BAUD, "8N1"), [settings], BOUND_NS, RealClock())


@dataclass
class Heard:
    """What the tap said, judged."""

    tally: Tally
    bad: list[BlockColumns]


def collect(driver: TapDriver, heard: Heard) -> None:
    for change in driver.changes():
        block, columns = driver.blocks[change.block_index], change.columns
        heard.tally.reads += 1
        if columns.quality[0] != Quality.GOOD:
            heard.bad.append(columns)
            continue
        request = block.request
        assert isinstance(request, tap_line.TapRead)
        expected = [code(request.function, request.unit, request.start)]
        raws = [(0, int(columns.raw[0]))]
        heard.tally.judge(expected, raws, columns.sent_mono_ns, columns.receive_mono_ns)


async def listen(driver: TapDriver, heard: Heard, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(0.05)
        collect(driver, heard)


@asynccontextmanager
async def mbpoll(path: str, *arguments: str) -> AsyncIterator[None]:
    """A foreign master that polls every 100 ms."""
    found = shutil.which("mbpoll")
    if found is None:
        pytest.skip("no mbpoll: simulators/peers/install")
    serial = ["-m", "rtu", "-b", str(BAUD), "-d", "8", "-P", "none", "-s", "1"]
    process = await asyncio.create_subprocess_exec(
        found, *serial, "-l", "100", "-q", *arguments, path,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        await process.wait()


POLL = ("-a", "1", "-0", "-r", "10", "-c", "20", "-t", "4")


@asynccontextmanager
async def line(points: Sequence[PointBinding]) -> AsyncIterator[tuple[Bus, TapDriver]]:
    async with bus(3) as ends, rtu_slave(ends.paths[SLAVE], BAUD, 1):
        ends.listener = TAP
        driver = tap_of(ends.paths[TAP], points)
        try:
            yield ends, driver
        finally:
            await driver.close()
        assert ends.said[TAP] == 0, "the trip-wire: a tap sent something"


async def test_a_master_and_a_slave_of_others_are_overheard_and_every_value_is_right() -> None:
    points = [point(10), point(20), point(28), point(40)]
    async with line(points) as (ends, driver):
        await driver.connect()
        heard = Heard(Tally(), [])
        async with mbpoll(ends.paths[MASTER], *POLL):
            await listen(driver, heard, 2.5)
        assert heard.tally.is_clean, heard.tally
        assert heard.tally.good >= 30
        assert driver.verdicts[Verdict.PAIRED] >= 10
        refused = [bad for bad in heard.bad if bad.reason[0] != Reason.COMM_LOSS]
        assert len(refused) <= 4 * 4, "only while requests from before our start may be open"
        silent = [note.body["point"] for note in driver.notes() if note.code == "device.not_heard"]
        assert silent == ["u1/r40"], "declared, and nobody asks for it"


async def test_a_point_that_is_no_longer_asked_for_is_not_heard_after_three_periods() -> None:
    async with line([point(10)]) as (ends, driver):
        await driver.connect()
        heard = Heard(Tally(), [])
        async with mbpoll(ends.paths[MASTER], *POLL):
            await listen(driver, heard, 1.5)
        heard.bad.clear()
        await listen(driver, heard, 1.0)
        [bad] = heard.bad
        assert (bad.reason[0], bad.detail[0]) == (Reason.COMM_LOSS, Detail.NOT_HEARD)


async def test_values_that_only_the_tap_hears_wrongly_are_refused() -> None:
    async with line([point(10)]) as (ends, driver):
        await driver.connect()
        counter = 0

        def noisy(_: int, data: bytes) -> bytes:
            nonlocal counter
            counter += 1
            return data[:4] + bytes([data[4] ^ 0x10]) + data[5:] if counter % 7 == 0 else data

        ends.wire = noisy
        heard = Heard(Tally(), [])
        async with mbpoll(ends.paths[MASTER], *POLL):
            await listen(driver, heard, 2.5)
        assert heard.tally.is_clean, heard.tally
        assert driver.heard.noise_bytes > 0


async def test_a_second_master_is_overheard_as_well() -> None:
    async with bus(4) as ends, rtu_slave(ends.paths[SLAVE], BAUD, 1):
        driver = tap_of(ends.paths[TAP], [point(10), point(100)])
        await driver.connect()
        heard = Heard(Tally(), [])
        second = ("-a", "1", "-0", "-r", "100", "-c", "30", "-t", "4")
        async with mbpoll(ends.paths[MASTER], *POLL):
            await asyncio.sleep(0.05)
            async with mbpoll(ends.paths[3], *second):
                await listen(driver, heard, 2.0)
        assert heard.tally.is_clean, heard.tally
        assert heard.tally.good > 5
        assert ends.said[TAP] == 0
        await driver.close()


async def test_a_write_of_the_other_master_is_a_note_with_its_time() -> None:
    async with line([point(10)]) as (ends, driver):
        await driver.connect()
        async with mbpoll(ends.paths[MASTER], *POLL):
            await asyncio.sleep(0.6)
        found = shutil.which("mbpoll")
        assert found is not None
        write = await asyncio.create_subprocess_exec(
            found, "-m", "rtu", "-b", str(BAUD), "-d", "8", "-P", "none", "-a", "1", "-0",
            "-r", "77", "-t", "4", "-1", ends.paths[MASTER], "1234",
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(10):
            await write.wait()
        await asyncio.sleep(0.2)
        notes = [note for note in driver.notes() if note.code == "device.write_overheard"]
        assert [(n.body["address"], n.body["values"], n.body["confirmed"]) for n in notes] == [
            (77, [1234], True)
        ]


async def test_a_line_of_another_speed_is_noise_and_said_so_and_gives_no_value() -> None:
    async with line([point(10)]) as (ends, driver):
        ends.wire = lambda _, data: bytes((byte * 37 + 11) & 0xFF for byte in data * 6)
        await driver.connect()
        heard = Heard(Tally(), [])
        async with mbpoll(ends.paths[MASTER], *POLL):
            await listen(driver, heard, 2.0)
        assert heard.tally.good == 0
        assert [n.code for n in driver.notes() if n.code != "device.not_heard"] == [
            "device.line_babbled"
        ]


async def test_a_start_in_the_middle_of_a_frame_gives_no_wrong_value() -> None:
    async with bus(2) as ends:
        driver = tap_of(ends.paths[1], [point(10)])
        await driver.connect()
        ask = adu("rtu", 0, 1, bytes.fromhex("03000a0014"))
        data = b"".join(code(3, 1, at).to_bytes(2, "big") for at in range(50, 70))
        answer = adu("rtu", 0, 1, b"\x03\x28" + data)
        import os

        for piece in (answer[17:], ask, answer):
            os.write(ends.slaves[0], piece)
            await asyncio.sleep(0.02)
        assert [c.columns.quality[0] for c in driver.changes()] == [Quality.BAD]
        await driver.close()


async def test_a_serial_server_is_heard_and_never_told_anything() -> None:
    said: list[bytes] = []
    ask = adu("rtu", 0, 1, bytes.fromhex("03000a0002"))
    answer = adu("rtu", 0, 1, b"\x03\x04" + bytes.fromhex("840a0001"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for at in range(12):
            writer.write(ask)
            await asyncio.sleep(0.01)
            writer.write(answer)
            await asyncio.sleep(0.05 + 0.01 * at)
        writer.write_eof()
        said.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = modbus_settings([point(10)])
    source = ServerSource("127.0.0.1", port)
    driver = TapDriver(source, [settings], BOUND_NS, RealClock())
    await driver.connect()
    good = 0
    async with asyncio.timeout(10):
        while driver.connected:
            await asyncio.sleep(0.05)
            good += sum(c.columns.quality[0] == Quality.GOOD for c in driver.changes())
    server.close()
    await asyncio.sleep(0.05)
    assert good >= 5
    assert said == [b""]


def test_no_file_of_the_tap_has_a_call_that_sends() -> None:
    sending = {
        "write", "writelines", "send", "sendall", "sendto", "sendmsg", "sock_sendall", "pwrite",
        "tcsendbreak", "sendfile", "writev", "execute", "open_connection",
    }  # fmt: skip
    for module in (tap_line, tap_source):
        tree = ast.parse(Path(module.__file__ or "").read_text("utf-8"))
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = {f.attr if isinstance(f, ast.Attribute) else ast.unparse(f) for f in calls}
        assert not names & sending
        assert not {"O_RDWR", "O_WRONLY"} & {
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
        }


async def test_points_kept_together_are_one_row_and_only_from_a_pair_that_covers_them() -> None:
    points = [replace(point(at), together="a") for at in (10, 12, 14)]
    async with line(points) as (ends, driver):
        assert [len(block.points) for block in driver.blocks] == [3]
        await driver.connect()
        async with mbpoll(ends.paths[MASTER], *POLL):
            await asyncio.sleep(1.2)
        rows = [c.columns for c in driver.changes() if c.columns.quality[0] == Quality.GOOD]
        assert rows
        assert [int(raw) >> 16 for raw in rows[-1].raw] == [code(3, 1, at) for at in (10, 12, 14)]
