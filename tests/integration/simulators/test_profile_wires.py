"""`yujing-sim profile` on each wire, asked by mbpoll: a client that is none of ours."""

import asyncio
import shutil
import struct
import time

import pytest

from simulators.serve.modbus_rtu import ModbusPtyServer, crc16
from simulators.serve.profiled import ProfiledDevice, ProfileOptions, Wire

GAUGE = "filter_bag_dp_gauge"


async def served(wire: Wire) -> ProfiledDevice:
    """The gauge of the design on a wire, at rest."""
    device = ProfiledDevice(ProfileOptions(GAUGE, is_still=True, wire=wire))
    await device.start()
    return device


def test_the_checksum_is_that_of_the_standard() -> None:
    assert crc16(bytes((0x02, 0x07))) == bytes((0x41, 0x12))  # Serial Line V1.02, appendix B
    assert crc16(b"\x01\x03\x00\x00\x00\x02") == b"\xc4\x0b"


async def test_rtu_over_tcp_answers_whole_frames_and_drops_a_wrong_checksum() -> None:
    device = await served("rtu-tcp")
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", device.server.port)
        request = b"\x01\x03\x00\x00\x00\x02"
        writer.write(request + b"\x00\x00")
        writer.write(request + crc16(request))
        async with asyncio.timeout(5):
            frame = await reader.readexactly(9)
        assert frame[:3] == b"\x01\x03\x04"
        assert crc16(frame[:-2]) == frame[-2:]
        low, high = struct.unpack(">HH", frame[3:7])
        assert struct.unpack(">f", struct.pack(">HH", high, low)) == (2000.0,)
        writer.close()
    finally:
        await device.server.stop()


async def test_mbpoll_reads_a_profile_on_a_pseudo_terminal() -> None:
    mbpoll = shutil.which("mbpoll")
    if mbpoll is None:
        pytest.skip("mbpoll is not installed")
    device = await served("pty")
    try:
        assert isinstance(device.server, ModbusPtyServer)
        process = await asyncio.create_subprocess_exec(
            mbpoll, "-m", "rtu", "-b", "9600", "-P", "none", "-a", "1", "-0", "-r", "0", "-c", "2",
            "-t", "4:hex", "-1", "-o", "2", device.server.path,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(10):
            out, _ = await process.communicate()
        assert b"0x0000" in out
        assert b"0x44FA" in out
        assert device.server.writes_refused == 0
    finally:
        begun = time.monotonic()
        await device.server.stop()
        assert time.monotonic() - begun < 1.0
