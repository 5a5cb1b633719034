"""One reading of some points straight from their devices, without the daemon.  Shell: drivers."""

import asyncio
from pathlib import Path

from devices.driver import BlockColumns, Driver, Outcome, bad_columns
from devices.failure import failure_of
from edge.acquisition.assess import assess, limits
from edge.acquisition.drivers import make_driver
from edge.points import AxisPlan, LinePlan, Plant
from proto.clock import Clock
from proto.errors import DeviceError
from proto.quality import Quality, Reason

FIRST_REPORT_S = 2.0
"""How long a subscribed point may take to report its first value."""
REFUSALS = 2
"""Further tries of a refused block: as it is, then without padding."""


async def read_once(
    plant: Plant, numbers: list[int], base: Path, clock: Clock
) -> list[dict[str, object]]:
    """Return one row per point, in the order asked; a point that cannot be read is BAD."""
    wanted = {plant.axis_of[number] for number in numbers}
    columns: dict[int, BlockColumns] = {}
    for line in plant.lines:
        missing = wanted - {at for at, one in columns.items() if one.outcome is Outcome.ANSWERED}
        axes = [axis for axis in line.axes if axis.index in missing]
        if axes:
            columns |= await _read_line(line, axes, make_driver(line, base, clock), clock)
    for axis in plant.own:  # link and active member are the running gateway's to say
        columns[axis.index] = bad_columns(1, Reason.INIT, 0, clock.mono_ns())
    return [_row(plant, number, columns[plant.axis_of[number]], clock) for number in numbers]


async def _read(driver: Driver, block_index: int) -> BlockColumns:
    """Return one answer; a refused block is asked again, and then without its padding.

    The running gateway does so slot by slot (`acquisition.md` 3.6); one reading has no next slot.
    """
    columns = await driver.read(driver.blocks[block_index])
    for _ in range(REFUSALS):
        if columns.outcome is not Outcome.REFUSED:
            break
        columns = await driver.read(driver.blocks[block_index])
    return columns


async def _read_line(
    line: LinePlan, axes: list[AxisPlan], driver: Driver, clock: Clock
) -> dict[int, BlockColumns]:
    found: dict[int, BlockColumns] = {}
    try:
        await driver.connect()
        for axis in axes:
            if axis.subscribed:
                continue
            if axis.block.rides_on is not None:  # it is decoded from its host's last answer
                await _read(driver, axis.block.rides_on)
            found[axis.index] = await _read(driver, axis.block_index)
        if any(axis.subscribed for axis in axes):
            await asyncio.sleep(FIRST_REPORT_S)
            for change in driver.changes():
                found[line.axes[change.block_index].index] = change.columns
        failure = (Reason.INIT, 0)
    except DeviceError as error:
        reason, detail = failure_of(error)
        failure = (reason, int(detail))
    finally:
        await driver.close()
    for axis in axes:
        points = axis.block.points
        raw = found.get(axis.index)
        if raw is None:
            raw = bad_columns(len(points), *failure, clock.mono_ns())
        # one reading cannot prove a life signal: its quality is shown as the device gave it
        found[axis.index] = assess(limits(points), raw, None)
    return found


def _row(plant: Plant, number: int, columns: BlockColumns, clock: Clock) -> dict[str, object]:
    point = plant.points[number]
    at = number - plant.axes[plant.axis_of[number]].first_point
    return {
        "point": point.name,
        "tag": point.tag,
        "title": point.title,
        "unit": point.unit,
        "value": None if columns.no_value[at] else float(columns.value[at]),
        "quality": Quality(int(columns.quality[at])).name,
        "reason": Reason(int(columns.reason[at])).name,
        "detail": int(columns.detail[at]),
        "age_ms": (clock.mono_ns() - columns.receive_mono_ns) // 10**6,
        "uncertainty_ms": columns.uncertainty_us / 1000,
        "source_us": int(columns.source_us[at]) or None,
    }
