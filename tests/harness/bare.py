"""The bare library on the same harness: what an acquisition without a guard would store.

Shell: sockets.  Not ours and not the product: the baseline that must fail.
"""

import logging
import time

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.client.base import ModbusBaseClient
from pymodbus.exceptions import ModbusException

from tests.harness.coded import code
from tests.harness.oracle import Tally

Read = tuple[int, int, int]
"""Unit, first address, quantity of holding registers."""


def tcp_client(port: int, timeout_s: float, *, rtu: bool) -> ModbusBaseClient:
    """Return a client as most programs make it, but for the time-out."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    framer = FramerType.RTU if rtu else FramerType.SOCKET
    return AsyncModbusTcpClient(
        "127.0.0.1", port=port, timeout=timeout_s, retries=0, framer=framer, reconnect_delay=0.01
    )


def serial_client(path: str, baud: int, timeout_s: float) -> ModbusBaseClient:
    """Return a client of a serial line."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    return AsyncModbusSerialClient(
        path, baudrate=baud, timeout=timeout_s, retries=0, reconnect_delay=0.01
    )


async def run(client: ModbusBaseClient, reads: list[Read], count: int) -> Tally:
    """Read in a tight loop; every value that comes back without an error counts as GOOD."""
    tally = Tally()
    await client.connect()
    client.ctx.max_until_disconnect = 1 << 30
    try:
        for at in range(count):
            unit, start, quantity = reads[at % len(reads)]
            sent = time.monotonic_ns()
            try:
                answer = await client.read_holding_registers(start, count=quantity, device_id=unit)
            except ModbusException:
                if not client.connected:
                    await client.connect()
                tally.outcomes["failed"] += 1
                continue
            finally:
                tally.reads += 1
            received = time.monotonic_ns()
            if answer.isError():
                tally.outcomes["refused"] += 1
                continue
            tally.outcomes["answered"] += 1
            words = answer.registers
            if len(words) != quantity:
                tally.wrong += 1  # accepted, although it is no answer to this question
                continue
            expected = [code(3, unit, place) for place in range(start, start + quantity, 2)]
            raws = [(i, words[2 * i] << 16 | words[2 * i + 1]) for i in range(len(words) // 2)]
            tally.judge(expected, raws, sent, received)
    finally:
        client.close()
    return tally
