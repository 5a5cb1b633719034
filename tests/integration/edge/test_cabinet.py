"""The cabinet over libmodbus: read by mbpoll, dropped by its own watchdog when the gateway dies."""

import asyncio
import json
import re
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devices.failure import LinkFailed
from devices.modbus.cabinet import CabinetModule
from devices.modbus.cabinet_list import CabinetList
from devices.modbus.entry import TcpEntry
from devices.modbus.frame import Framing
from devices.modbus.line_settings import TcpEndpoint
from edge.clock import SystemClock
from proto.errors import DeviceRefused
from simulators.demo.pki import issue_gateway, make_authority
from tests.integration.devices.peers import Peer, libmodbus

BIN = Path(sys.executable).parent
GATEWAY = "330000-cab1"
EDGE = """
[gateway]
id = "330000-cab1"
site = "demo"
data_dir = "data"
[central]
address = "127.0.0.1:9"
ca = "root.pem"
cert = "330000-cab1.pem"
key = "330000-cab1.key"
[config]
version = 1
[[line]]
name = "bof1"
kind = "modbus-tcp"
address = "127.0.0.1:{plant}"
[[line]]
name = "cabinet"
kind = "modbus-tcp"
address = "127.0.0.1:{module}"
[[device]]
name = "bof1_plc"
line = "bof1"
unit_id = 1
profile = "bof_lance_plc"
path = "plc"
life = "none"
reason = "a server without a program"
[cabinet]
line = "cabinet"
outputs = {{ sounder = 0, lamp = 1, gateway_healthy = 2 }}
inputs = {{ mains = 0, acknowledge = 4 }}
[alarm]
limits = "limits.toml"
"""
LIMITS = """
schema = "limits/1"
[alarm.POSITION]
title = "枪位 lance position"
on = "bof1_plc/o2_valve_shut"
levels = [{ level = "TRUE", priority = "urgent" }]
consequence = "test"
action = "test"
respond_within = "1min"
basis = "placeholder"
"""


def module(port: int, allowed: CabinetList) -> CabinetModule:
    """A module on a port."""
    entry = TcpEntry(TcpEndpoint("127.0.0.1", (port,)), SystemClock())
    return CabinetModule(allowed, entry, Framing.MBAP, 300 * 10**6, SystemClock())


LIST = CabinetList(1, {"sounder": 0, "lamp": 1, "gateway_healthy": 2}, {"mains": 3, "door": 10})


async def coils(port: int) -> list[int]:
    """The first three coils, as mbpoll reads them."""
    mbpoll = shutil.which("mbpoll")
    if mbpoll is None:
        pytest.skip("no mbpoll: simulators/peers/install")
    words = ["-m", "tcp", "-p", str(port), "-a", "1", "-t", "0", "-r", "1", "-c", "3", "-1"]
    process = await create_subprocess_exec(mbpoll, *words, "127.0.0.1", stdout=PIPE, stderr=PIPE)
    out, _ = await process.communicate()
    return [int(bit) for bit in re.findall(r"\[\d+\]:\s+(\d)", out.decode())]


async def until_coils(port: int, wanted: list[int], within_s: float) -> float:
    """Wait until mbpoll reads these; return how long it took."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while (found := await coils(port)) != wanted:
        assert loop.time() - begun < within_s, found
        await asyncio.sleep(0.05)
    return loop.time() - begun


async def test_outputs_are_what_mbpoll_reads() -> None:
    async with libmodbus() as peer:
        made = module(peer.port, LIST)
        await made.write({"lamp": True, "gateway_healthy": True})
        assert await coils(peer.port) == [0, 1, 1]
        await made.write({"sounder": True})
        assert await coils(peer.port) == [1, 0, 0]
        made.close()


async def test_inputs_are_read_by_name() -> None:
    async with libmodbus() as peer:
        await peer.tell("discrete 3 1")
        made = module(peer.port, LIST)
        assert await made.read() == {"mains": True, "door": False}
        made.close()


async def test_only_listed_coils_are_ever_written() -> None:
    async with libmodbus() as peer:
        await peer.tell("coil 1 1")
        await peer.tell("coil 3 1")
        apart = CabinetList(1, {"sounder": 0, "lamp": 2}, {"mains": 3})
        made = module(peer.port, apart)
        await made.write({"sounder": True, "lamp": True})
        await made.read()
        made.close()
        assert set((await peer.ask("log")).split()) == {"5:0:65280", "5:2:65280", "2:3:1"}
        assert await coils(peer.port) == [1, 1, 1]


async def test_a_refusal_and_a_silence_are_told_apart() -> None:
    async with libmodbus() as peer:
        beyond = module(peer.port, CabinetList(1, {"lamp": 5000}, {}))
        with pytest.raises(DeviceRefused, match="exception 2"):
            await beyond.write({"lamp": True})
        beyond.close()
        made = module(peer.port, LIST)
        await made.write({})
        peer.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(LinkFailed):
                await made.write({"lamp": True})
        finally:
            peer.process.send_signal(signal.SIGCONT)
        await made.write({"lamp": True})
        assert await coils(peer.port) == [0, 1, 0]
        made.close()


def site(folder: Path, plant: int, module_port: int) -> Path:
    """Write one gateway's files."""
    authority = make_authority(folder, SystemClock().wall_us())
    issue_gateway(authority, folder, GATEWAY)
    (folder / "limits.toml").write_text(LIMITS, "utf-8")
    path = folder / "edge.toml"
    path.write_text(EDGE.format(plant=plant, module=module_port), "utf-8")
    return path


@asynccontextmanager
async def gateway(path: Path) -> AsyncIterator[Process]:
    """Run the gateway; told to stop at the end."""
    with (path.parent / "gateway.log").open("ab") as log:
        process = await create_subprocess_exec(
            str(BIN / "yujing-edge"), "run", str(path), stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await process.wait()


async def status(path: Path, *words: str) -> object:
    """Run a reading command of the gateway."""
    command = [str(BIN / "yujing-edge"), *words]
    process = await create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    out, _ = await process.communicate()
    return json.loads(out.decode().splitlines()[0])


async def reads_only(plant: Peer) -> None:
    """The trip-wire: nothing but reads has come to plant equipment."""
    functions = {int(word.partition(":")[0]) for word in (await plant.ask("log")).split()}
    assert functions
    assert functions <= {1, 2, 3, 4, 8}


async def test_a_gateway_says_that_it_lives_sounds_for_an_alarm_and_hears_the_button(
    tmp_path: Path,
) -> None:
    async with libmodbus() as plant, libmodbus() as box:
        await box.tell("discrete 0 1")
        path = site(tmp_path, plant.port, box.port)
        async with gateway(path):
            await until_coils(box.port, [0, 0, 1], 20)
            await plant.tell("discrete 0 1")  # the valve is shut: an urgent alarm
            await until_coils(box.port, [1, 1, 1], 10)
            await box.tell("discrete 4 1")  # somebody presses the button
            await until_coils(box.port, [0, 1, 1], 10)
            await plant.tell("discrete 0 0")
            await until_coils(box.port, [0, 0, 1], 10)
            await reads_only(plant)


async def test_a_gateway_that_is_killed_is_seen_by_the_modules_own_watchdog(
    tmp_path: Path,
) -> None:
    async with libmodbus() as plant, libmodbus() as box:
        await box.tell("watchdog 3 0")
        path = site(tmp_path, plant.port, box.port)
        async with gateway(path) as process:
            await until_coils(box.port, [0, 0, 1], 20)
            await asyncio.sleep(4)
            assert await coils(box.port) == [0, 0, 1]  # refreshed in time, again and again
            process.kill()
            await process.wait()
            await until_coils(box.port, [0, 0, 0], 4)
