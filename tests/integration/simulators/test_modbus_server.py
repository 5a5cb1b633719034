"""The Modbus server seen by outsiders: mbpoll (libmodbus), and bare sockets that misbehave."""

import asyncio
import re
import shutil
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from devices.address import Table
from simulators.box import Image
from simulators.serve.modbus_tcp import CONNECTIONS_MAX, ModbusTcpServer
from tests.integration.simulators.conftest import Running, running
from tests.unit.simulators.test_modbus_pdu import (
    GOLDEN_DISCRETE,
    GOLDEN_HOLDING,
    GOLDEN_VALUES,
    golden_layout,
)

outsider = pytest.mark.skipif(
    shutil.which("mbpoll") is None, reason="mbpoll is not installed (Debian package mbpoll)"
)


@pytest.fixture
async def server() -> AsyncIterator[ModbusTcpServer]:
    made = ModbusTcpServer(golden_layout(), product="bof_lance_plc")
    await made.publish(Image(GOLDEN_VALUES, 0), 0)
    await made.open()
    yield made
    await made.stop()


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Running]:
    async with running("bof", tmp_path) as found:
        yield found


async def mbpoll(port: int, *arguments: str) -> tuple[int, str]:
    """Return exit code and output of one poll of unit 1, zero-based addresses."""
    process = await asyncio.create_subprocess_exec(
        "mbpoll", "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-1", "-q", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(10):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


def values(text: str) -> dict[int, str]:
    return {int(a): v for a, v in re.findall(r"^\[(\d+)\]:\s+(\S+)", text, re.MULTILINE)}


@outsider
async def test_libmodbus_reads_the_golden_image(server: ModbusTcpServer) -> None:
    code, text = await mbpoll(server.port, "-t", "4:float", "-r", "0", "-c", "5", "127.0.0.1")
    assert code == 0
    assert values(text) == {0: "180", 2: "172.5", 4: "38.25", 6: "38.5", 8: "37.75"}
    _, text = await mbpoll(server.port, "-t", "4", "-r", "10", "-c", "2", "127.0.0.1")
    assert values(text)[10] == "3241"
    assert values(text)[11].split("(")[0] == "40000"
    _, text = await mbpoll(server.port, "-t", "4:hex", "-r", "0", "-c", "16", "127.0.0.1")
    words = [int(word, 16) for word in values(text).values()]
    assert struct.pack(">16H", *words) == GOLDEN_HOLDING
    _, text = await mbpoll(server.port, "-t", "1", "-r", "0", "-c", "6", "127.0.0.1")
    assert [values(text)[n] for n in range(6)] == ["0", "0", "1", "1", "0", "1"]


@outsider
async def test_libmodbus_is_told_that_an_address_does_not_exist(server: ModbusTcpServer) -> None:
    _, text = await mbpoll(server.port, "-t", "4", "-r", "100", "-c", "1", "127.0.0.1")
    assert "Illegal data address" in text


@outsider
async def test_a_write_of_libmodbus_is_refused_and_trips_the_wire(server: ModbusTcpServer) -> None:
    _, text = await mbpoll(server.port, "-t", "4", "-r", "0", "127.0.0.1", "7")
    assert "Illegal function" in text
    assert server.writes_refused == 1


@outsider
async def test_libmodbus_reads_a_running_plant(plant: Running) -> None:
    _, first = await mbpoll(plant.port, "-t", "4", "-r", "11", "-c", "1", "127.0.0.1")
    _, text = await mbpoll(plant.port, "-t", "4:float", "-r", "0", "-c", "3", "127.0.0.1")
    _, second = await mbpoll(plant.port, "-t", "4", "-r", "11", "-c", "1", "127.0.0.1")
    flow_in, flow_out, outlet = (float(v) for v in values(text).values())
    assert flow_in == pytest.approx(180, abs=5)
    assert flow_out == pytest.approx(flow_in, abs=3)
    assert 30 < outlet < 45
    assert int(values(second)[11]) > int(values(first)[11])


async def exchange(port: int, request: bytes, size: int) -> bytes:
    """Return `size` bytes of answer, or fewer where the server closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        async with asyncio.timeout(3):
            return await reader.readexactly(size)
    except asyncio.IncompleteReadError as short:
        return short.partial
    finally:
        writer.close()


async def test_the_bytes_on_the_wire_are_those_written_by_hand(server: ModbusTcpServer) -> None:
    asked = bytes.fromhex("0001 0000 0006 01 03 0000 0010")
    expected = bytes.fromhex("0001 0000 0023 01 03 20") + GOLDEN_HOLDING
    assert await exchange(server.port, asked, len(expected)) == expected
    asked = bytes.fromhex("BEEF 0000 0006 01 02 0000 0006")
    expected = bytes.fromhex("BEEF 0000 0004 01 02 01") + GOLDEN_DISCRETE
    assert await exchange(server.port, asked, len(expected)) == expected


async def test_requests_in_pieces_and_several_at_once_are_answered_in_order(
    server: ModbusTcpServer,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    request = bytes.fromhex("0001 0000 0006 01 03 000B 0001")
    for byte in request:
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(0.001)
    writer.write(bytes.fromhex("0002 0000 0006 01 03 000B 0001 0003 0000 0006 01 03 000B 0001"))
    async with asyncio.timeout(3):
        given_back = await reader.readexactly(3 * 11)
    writer.close()
    assert [given_back[n * 11 + 1] for n in range(3)] == [1, 2, 3]
    assert given_back[9:11] == bytes.fromhex("9C40")


@pytest.mark.parametrize(
    "nonsense", [b"GET / HTTP/1.1\r\n\r\n", bytes.fromhex("0001 0000 00FF 01"), bytes(7)]
)
async def test_what_is_no_modbus_ends_its_connection_and_no_other(
    server: ModbusTcpServer, nonsense: bytes
) -> None:
    with suppress(ConnectionResetError):
        assert await exchange(server.port, nonsense, 1) == b""
    asked = bytes.fromhex("0001 0000 0006 01 03 000B 0001")
    assert (await exchange(server.port, asked, 11))[9:] == bytes.fromhex("9C40")


async def test_the_number_of_connections_is_bounded(server: ModbusTcpServer) -> None:
    held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(CONNECTIONS_MAX)]
    async with asyncio.timeout(3):
        while server.connections < CONNECTIONS_MAX:
            await asyncio.sleep(0.01)
    asked = bytes.fromhex("0001 0000 0006 01 03 000B 0001")
    with suppress(ConnectionResetError):
        assert await exchange(server.port, asked, 11) == b""
    held[0][1].close()
    async with asyncio.timeout(3):
        while server.connections == CONNECTIONS_MAX:
            await asyncio.sleep(0.01)
    assert len(await exchange(server.port, asked, 11)) == 11
    for _, writer in held[1:]:
        writer.close()


async def test_a_cut_line_drops_connections_refuses_new_ones_and_comes_back(plant: Running) -> None:
    port = plant.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await plant.ask(do="fault", kind="cut_line", for_ms=600)
    with suppress(ConnectionResetError):
        async with asyncio.timeout(3):
            assert await reader.read(1) == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await plant.until(lambda s: s["is_serving"])
    asked = bytes.fromhex("0001 0000 0006 01 03 000B 0001")
    assert len(await exchange(port, asked, 11)) == 11


async def test_a_stopped_controller_answers_with_a_dead_counter(plant: Running) -> None:
    asked = bytes.fromhex("0001 0000 0006 01 03 000B 0001")
    await plant.ask(do="fault", kind="plc_stop")
    await plant.until(lambda s: s["plc"] == "STOP")
    first = await exchange(plant.port, asked, 11)
    await asyncio.sleep(0.2)
    assert len(first) == 11
    assert await exchange(plant.port, asked, 11) == first
    await plant.ask(do="clear")
    await plant.until(lambda s: s["plc"] == "RUN")
    assert await exchange(plant.port, asked, 11) != first


async def test_a_server_that_closes_leaves_its_port_to_be_opened_again(
    server: ModbusTcpServer,
) -> None:
    port = server.port
    for _ in range(3):
        await server.close()
        await server.open()
    assert server.port == port
    assert golden_layout().extents[Table.HOLDING].end == 16
