"""Configuration to rows on the harness: a tap, a dead unit, a hung PLC, a paced line."""

import asyncio
from contextlib import AsyncExitStack

import numpy as np
import pytest

from proto.quality import Detail, Reason
from tests.harness.bus import bus
from tests.harness.coded import Unit
from tests.harness.equipment import Equipment
from tests.harness.pace import jitter_ms, poll_times
from tests.harness.script import Fault, Script
from tests.harness.site import Site, profile_of, running
from tests.harness.wires import tcp
from tests.integration.devices.peers import rtu_slave
from tests.integration.devices.test_modbus_tap import POLL, mbpoll

pytestmark = pytest.mark.alone

DEVICE = """
[[device]]
name = "{name}"
line = "{line}"
unit_id = {unit}
profile = "{profile}"
path = "plc"
life = "none"
reason = "the harness has no program of its own"
"""
POLLS = """
[poll]
fast = "100ms"
normal = "500ms"
"""


async def test_a_tap_of_the_configuration_gives_rows_without_slots_and_sends_nothing() -> None:
    async with bus(3) as ends, rtu_slave(ends.paths[1], 115_200, 1):
        text = (
            f"""
[[line]]
name = "dcs"
kind = "modbus-tap"
address = "{ends.paths[2]}"
answer_max = "300ms"
serial = {{ baud = 115200, mode = "8N1" }}
"""
            + DEVICE.format(name="press", line="dcs", unit=1, profile="p")
            + POLLS
        )
        profiles = {"p": profile_of("p", range(10, 20, 2))}
        async with running(text, profiles) as site, mbpoll(ends.paths[0], *POLL):
            await asyncio.sleep(2.5)
        assert ends.said[2] == 0
        rows = site.rows_of("press")
        assert {row.slot for row in rows} == {None}
        good = [row for row in rows if row.is_good]
        assert len(good) > 30
        assert site.judge().is_clean


async def test_a_dead_unit_costs_the_others_of_its_line_no_slot_once_it_is_suspended() -> None:
    units = {unit: Unit(service_s=0.004) for unit in range(1, 9)}
    equipment = Equipment("rtu", units)
    async with tcp(equipment) as port:
        devices = "".join(
            DEVICE.format(name=f"d{unit}", line="bus", unit=unit, profile="p") for unit in units
        )
        text = (
            f"""
[[line]]
name = "bus"
kind = "modbus-rtu-tcp"
address = "127.0.0.1:{port}"
timeout = "60ms"
answer_max = "80ms"
"""
            + devices
            + POLLS
        )
        profiles = {"p": profile_of("p", range(0, 20, 2))}
        async with running(text, profiles) as site:
            await asyncio.sleep(1.0)
            del equipment.units[5]
            await asyncio.sleep(3.0)
            before = len(site.sink.rows)
            await asyncio.sleep(2.0)
            later = site.sink.rows[before:]
        assert site.judge().is_clean
        axes = {a.index: a.block.device for a in site.plant.lines[0].axes}
        dead = [row for row in later if axes.get(row.axis) == "d5"]
        assert dead
        assert not any(row.is_good for row in dead)
        assert {int(row.columns.reason[0]) for row in dead} == {Reason.COMM_LOSS}
        others = [row for row in later if axes.get(row.axis) not in (None, "d5")]
        assert np.mean([row.is_good for row in others]) > 0.95


async def test_a_hung_plc_among_forty_moves_no_other_ones_reads() -> None:
    async with AsyncExitStack() as stack:
        lines, equipment = [], []
        for at in range(40):
            one = Equipment("mbap", {1: Unit()}, is_shared=False)
            port = await stack.enter_async_context(tcp(one))
            equipment.append(one)
            lines.append(
                f'[[line]]\nname = "l{at}"\nkind = "modbus-tcp"\naddress = "127.0.0.1:{port}"\n'
                'timeout = "1s"\n'
                + DEVICE.format(name=f"p{at}", line=f"l{at}", unit=1, profile="p")
            )
        profiles = {"p": profile_of("p", range(0, 20, 2))}
        async with running("".join(lines) + POLLS, profiles) as site:
            await asyncio.sleep(2.0)
            calm = jitter_ms(site, 0, 0.5, "p7")
            mark = len(site.sink.rows)
            equipment[7].deaf = True
            await asyncio.sleep(2.0)
            hung = jitter_ms(site, mark, 0.5, "p7")
        assert site.judge().is_clean
        mine = _axes_of_others(site, "p7")
        others = [row for row in site.sink.rows[mark:] if row.axis in mine]
        # the middle, not the tail: the machine that runs the tests is not idle (figures: soak)
        assert hung < calm + 20, (calm, hung)
        assert len(others) > 39 * 3
        assert all(row.is_good for row in others)


def _axes_of_others(site: Site, name: str) -> set[int]:
    return {
        axis.index
        for line in site.plant.lines
        for axis in line.axes
        if axis.block.device != name and axis.block_index >= 0
    }


async def test_a_paced_serial_line_is_read_at_nine_tenths_of_what_the_wire_can_carry() -> None:
    """60 registers at 38,400 baud: question, answer, two silences, and no more.

    The fastest quarter counts: the machine that runs the tests is not idle (figures: soak).
    """
    took, wire = await poll_times(38_400, 60, 24)
    fast = sorted(took)[6]
    assert wire / fast > 0.9, f"{wire * 1000:.1f} ms of {fast * 1000:.1f} ms"


async def test_values_under_the_owner_stay_right_while_the_wire_fails() -> None:
    faults = (Fault.LATE, Fault.LOST, Fault.SHORT, Fault.DUPLICATE, Fault.FLIP, Fault.RST)
    equipment = Equipment(
        "rtu", {1: Unit(), 2: Unit(echo=False)}, script=Script({}, 3, 0.05, faults)
    )
    async with tcp(equipment) as port:
        text = (
            f"""
[[line]]
name = "bus"
kind = "modbus-rtu-tcp"
address = "127.0.0.1:{port}"
timeout = "20ms"
answer_max = "60ms"
"""
            + "".join(DEVICE.format(name=f"d{u}", line="bus", unit=u, profile="p") for u in (1, 2))
            + """
[poll]
fast = "50ms"
normal = "100ms"
"""
        )
        polls = {at: "fast" if at < 20 else "normal" for at in range(0, 60, 2)}
        profiles = {"p": profile_of("p", polls, options="max_registers = 28")}
        async with running(text, profiles) as site:
            await asyncio.sleep(5.0)
    tally = site.judge()
    assert tally.is_clean, tally
    assert tally.good > 500
    assert equipment.forbidden == []
    missing = [
        row.columns.detail[0]
        for row in site.sink.rows
        if row.columns.detail[0] == Detail.ALIVENESS_UNPROVEN
    ]
    assert missing, "a source without life signal is never plainly GOOD"
