"""Figures of time: polls a second on a paced line, a dead unit of 32, a hung PLC of 200.

Shell: ptys, sockets, time.  The driver and the owner are the product's; the far end is ours.
"""

import asyncio
from contextlib import AsyncExitStack

import numpy as np

from devices.modbus.driver import ModbusDriver
from devices.modbus.frame import Framing
from devices.modbus.line_settings import ModbusLine, SerialEndpoint
from proto.quality import Quality
from tests.harness.coded import Unit
from tests.harness.equipment import Equipment
from tests.harness.site import Site, profile_of, running
from tests.harness.wires import pty, tcp
from tests.integration.devices.clock import RealClock
from tests.unit.devices.builders import modbus_settings, register

BITS = 10
DEVICE = """
[[device]]
name = "{name}"
line = "{line}"
unit_id = {unit}
profile = "p"
path = "plc"
life = "none"
reason = "the harness has no program of its own"
"""
POLLS = """
[poll]
normal = "1s"
"""


async def poll_times(baud: int, registers: int, reads: int) -> tuple[list[float], float]:
    """Return how long each read took on a paced line, and the least that the wire allows (s)."""
    equipment = Equipment("rtu", {1: Unit()})
    async with pty(equipment, baud=baud, bits=BITS) as port:
        endpoint = SerialEndpoint(port.path, baud, parity="N")
        line = ModbusLine("wire", endpoint, Framing.RTU, answer_max_ns=100_000_000)
        points = [register(f"plc/r{at}", at) for at in range(registers)]
        device = modbus_settings(points, options="max_registers = 125")
        driver = ModbusDriver(line, [device], RealClock())
        await driver.connect()
        [block] = driver.blocks
        await driver.read(block)
        loop, took = asyncio.get_running_loop(), []
        for _ in range(reads):
            began = loop.time()
            columns = await driver.read(block)
            took.append(loop.time() - began)
            assert columns.quality[0] == Quality.GOOD
        await driver.close()
    char = BITS / baud
    return took, (8 + 5 + 2 * registers) * char + 2 * max(3.5 * char, 0.00175)


def jitter_ms(site: Site, since: int, share: float, without: str) -> float:
    """Return a quantile of how far the time between two good reads is off its period."""
    axes = {a.index: a for line in site.plant.lines for a in line.axes if a.block.device != without}
    last: dict[int, tuple[int, int]] = {}
    off = []
    for row in site.sink.rows[since:]:
        axis = axes.get(row.axis)
        if axis is None or row.slot is None or not row.is_good or axis.block_index < 0:
            continue
        sent = row.columns.sent_mono_ns
        if row.axis in last:
            slot, before = last[row.axis]
            off.append(abs(sent - before - (row.slot - slot) * axis.period_ns))
        last[row.axis] = (row.slot, sent)
    return float(np.quantile(off, share)) / 1e6


async def hung_plc(count: int, seconds: float) -> dict[str, float]:
    """Return the p99 jitter of all lines before one PLC hangs, and of the others after it."""
    async with AsyncExitStack() as stack:
        lines, equipment = [], []
        for at in range(count):
            equipment.append(Equipment("mbap", {1: Unit()}, is_shared=False))
            port = await stack.enter_async_context(tcp(equipment[-1]))
            lines.append(
                f'[[line]]\nname = "l{at}"\nkind = "modbus-tcp"\naddress = "127.0.0.1:{port}"\n'
                + DEVICE.format(name=f"p{at}", line=f"l{at}", unit=1)
            )
        profiles = {"p": profile_of("p", range(0, 20, 2))}
        async with running("".join(lines) + POLLS, profiles) as site:
            await asyncio.sleep(6.0)
            start = len(site.sink.rows)
            await asyncio.sleep(seconds)
            calm = jitter_ms(site, start, 0.99, "p7")
            mark = len(site.sink.rows)
            equipment[7].deaf = True
            await asyncio.sleep(seconds)
            hung = jitter_ms(site, mark, 0.99, "p7")
        assert site.judge().is_clean
    return {"calm_p99_ms": round(calm, 1), "hung_p99_ms": round(hung, 1)}


async def dead_unit(count: int, seconds: float) -> dict[str, float]:
    """Return the share of the other units' slots that were not read once one unit has died."""
    equipment = Equipment("rtu", {unit: Unit(service_s=0.006) for unit in range(1, count + 1)})
    async with tcp(equipment) as port:
        text = (
            f'[[line]]\nname = "bus"\nkind = "modbus-rtu-tcp"\naddress = "127.0.0.1:{port}"\n'
            'timeout = "60ms"\nanswer_max = "80ms"\n'
        )
        text += "".join(
            DEVICE.format(name=f"d{unit}", line="bus", unit=unit) for unit in equipment.units
        )
        profiles = {"p": profile_of("p", range(0, 40, 2))}
        async with running(text + POLLS, profiles) as site:
            await asyncio.sleep(8.0)  # every unit is proved once
            mark = len(site.sink.rows)
            del equipment.units[5]
            await asyncio.sleep(seconds)
            rows = site.sink.rows[mark:]
        assert site.judge().is_clean
    axes = {
        a.index for a in site.plant.lines[0].axes if a.block.device != "d5" and a.block_index >= 0
    }
    good = sum(row.is_good for row in rows if row.axis in axes)
    return {"lost_share": round(max(0.0, 1 - good / (len(axes) * seconds)), 4)}
