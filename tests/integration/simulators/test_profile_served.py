"""Every profile as the simulator serves it: read by libmodbus and asyncua, and by our driver.

The worked examples are the judge: simulator and driver share the profile, never the codec.
"""

import asyncio
import re
import shutil
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from asyncua.client.client import Client
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

from devices import catalog
from devices.address import Table
from devices.binding import bind
from devices.driver import DeviceSettings
from devices.event_look import AskIndex, Due, IndexRead, RecordsRead, RingState
from devices.event_record import RingRecord, ring_spec
from devices.event_ring import step
from devices.profile import ModbusProfile, OpcUaProfile
from devices.profile_number import conversion
from proto.quality import Quality
from simulators.serve.modbus_tcp import ModbusTcpServer
from simulators.serve.profiled import ProfiledDevice, ProfileOptions
from tests.integration.devices.lines import tcp_driver
from tests.integration.simulators.conftest import CLIENT_URI, make_pki

MODBUS = [name for name in catalog.names() if isinstance(catalog.find(name), ModbusProfile)]
OPCUA = [name for name in catalog.names() if name not in MODBUS]
POLL_NS = {"fast": 10**8, "normal": 10**9, "slow": 10**10, "rare": 6 * 10**10}
KINDS = {Table.COIL: "0", Table.DISCRETE: "1", Table.INPUT: "3:hex", Table.HOLDING: "4:hex"}
outsider = pytest.mark.skipif(
    shutil.which("mbpoll") is None, reason="mbpoll is not installed (Debian package mbpoll)"
)


def modbus(name: str) -> ModbusProfile:
    profile = catalog.find(name)
    assert isinstance(profile, ModbusProfile)
    return profile


@asynccontextmanager
async def served(options: ProfileOptions) -> AsyncIterator[ProfiledDevice]:
    device = ProfiledDevice(options)
    await device.start()
    try:
        yield device
    finally:
        await device.server.stop()


async def poll(port: int, table: Table, address: int, count: int) -> list[int]:
    """Return registers or bits as mbpoll shows them."""
    process = await asyncio.create_subprocess_exec(
        "mbpoll", "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-1", "-q",
        "-t", KINDS[table], "-r", str(address), "-c", str(count), "127.0.0.1",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(10):
        out, _ = await process.communicate()
    found = re.findall(r"^\[\d+\]:\s+(\S+)", out.decode(), re.MULTILINE)
    assert len(found) == count, out.decode()
    return [int(text, 0) for text in found]


# libmodbus refuses an answer with transaction id 0, as it should: read by bare bytes below
STRICT = [name for name in MODBUS if not modbus(name).modbus.quirks.tid_zero]


@outsider
@pytest.mark.parametrize("name", STRICT)
async def test_libmodbus_reads_the_worked_examples(name: str) -> None:
    profile = modbus(name)
    async with served(ProfileOptions(name, is_still=True)) as device:
        for point in profile.points:
            at = profile.address(point)
            got = await poll(device.server.port, at.table, at.address, at.length)
            if at.bit is not None:
                assert got[0] >> at.bit & 1 == point.vector.value
            else:
                assert tuple(got) == (point.vector.registers or point.vector.bits), point.name


@pytest.mark.parametrize("name", MODBUS)
async def test_our_driver_reads_the_values_of_the_worked_examples(name: str) -> None:
    profile = modbus(name)
    settings = DeviceSettings("d", 1, profile, bind("d", profile), POLL_NS)
    said = {f"d/{point.name}": point.vector.value for point in profile.points}
    seen = set()
    async with served(ProfileOptions(name, is_still=True)) as device:
        driver = tcp_driver(device.server.port, [settings], 10**9)
        await driver.connect()
        for block in driver.blocks:
            columns = await driver.read(block)
            for at, point in enumerate(block.points):
                assert columns.quality[at] == Quality.GOOD, point.name
                wanted = said[point.name]
                if not isinstance(wanted, str):
                    assert columns.value[at] == pytest.approx(float(wanted), rel=1e-6), point.name
                seen.add(point.name)
        await driver.close()
    assert seen == set(said)


@pytest.mark.parametrize("name", OPCUA)
async def test_an_outside_client_reads_the_nodes_of_a_profile(name: str, tmp_path: Path) -> None:
    make_pki(tmp_path)
    own = tmp_path / "client"
    options = ProfileOptions(name, pki=tmp_path / "pki", is_still=True)
    async with served(options) as device:
        client = Client(f"opc.tcp://127.0.0.1:{device.server.port}", timeout=4)
        client.application_uri = CLIENT_URI
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            certificate=own / "own" / "cert.pem",
            private_key=own / "own" / "key.pem",
            server_certificate=str(own / "trusted" / "server.der"),
        )
        async with client:
            profile = catalog.find(name)
            assert isinstance(profile, OpcUaProfile)
            for point in profile.points:
                uri, _, identifier = point.at.node.removeprefix("nsu=").partition(";")
                index = await client.get_namespace_index(uri)
                value = await client.get_node(f"ns={index};{identifier}").read_value()
                assert conversion(point).scale * float(value) == pytest.approx(
                    float(point.vector.value), rel=1e-6
                )


async def test_a_ring_that_is_served_is_read_record_by_record() -> None:
    profile = modbus("gas_holder_plc")
    ring = profile.event_ring
    assert ring is not None
    spec = ring_spec(ring, profile.modbus.order, 120)
    async with served(ProfileOptions("gas_holder_plc")) as device:
        reader = _Reader(device.server)
        state = RingState()
        taken: list[RingRecord] = []
        for tick in range(0, 1001, 50):
            await device.step(tick)
            state, output = step(spec, state, Due(0))
            while output.ask is not None:
                if isinstance(output.ask, AskIndex):
                    index, high, low = await reader.words(100, 3)
                    answer: IndexRead | RecordsRead = IndexRead(index, high << 16 | low, 0, 1)
                else:
                    at, count = 110 + output.ask.slot * 12, output.ask.count * 12
                    words = await reader.words(at, count)
                    answer = RecordsRead(struct.pack(f">{count}H", *words), 0, 1)
                state, output = step(spec, state, answer)
                taken += output.records
                assert (output.lost, output.restarted) == (0, False)
        assert [record.seq for record in taken] == list(range(1, 21))
        assert [record.code for record in taken][:5] == [1, 2, 3, 4, 1]
        assert all(record.time_us is not None for record in taken)


async def test_a_device_has_the_limits_and_quirks_of_its_profile() -> None:
    async with served(ProfileOptions("chlorine_panel", is_still=True)) as device:
        reader, writer = await asyncio.open_connection("127.0.0.1", device.server.port)
        writer.write(struct.pack(">HHHBBHH", 700, 0, 6, 1, 3, 0, 1))
        async with asyncio.timeout(3):
            answer = await reader.readexactly(11)
            assert answer == bytes.fromhex("0000 0000 0005 01 03 02 0003")
            writer.write(struct.pack(">HHHBBHH", 701, 0, 6, 1, 3, 0, 17))
            assert (await reader.readexactly(9))[-2:] == bytes((0x83, 3))
            writer.write(struct.pack(">HHHBBHH", 702, 0, 6, 1, 8, 0, 17))
            assert (await reader.readexactly(9))[-2:] == bytes((0x88, 1))
        writer.close()
    async with served(ProfileOptions("power_meter_3p", is_still=True)) as device:
        reader, writer = await asyncio.open_connection("127.0.0.1", device.server.port)
        writer.write(struct.pack(">HHHBBHH", 700, 0, 6, 1, 3, 0, 2))
        async with asyncio.timeout(3):
            answer = await reader.read()  # until the device closes
        assert answer == bytes.fromhex("02BC 0000 0007 01 03 04 0443 0080")
        writer.close()


class _Reader:
    """A client of few lines that asks function 3 for registers."""

    def __init__(self, server: object) -> None:
        assert isinstance(server, ModbusTcpServer)
        self._port = server.port

    async def words(self, address: int, count: int) -> tuple[int, ...]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, address, count))
        async with asyncio.timeout(3):
            answer = await reader.readexactly(9 + 2 * count)
        writer.close()
        return struct.unpack(f">{count}H", answer[9:])
