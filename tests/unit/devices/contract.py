"""What every driver must do, real or fake; used by unit and integration tests."""

import math

import numpy as np
import pytest

from devices.driver import BlockColumns, Driver
from proto.errors import DeviceError, DeviceUnreachable
from proto.quality import Quality


def check_columns(columns: BlockColumns, n: int) -> None:
    """Every column has one entry a point and its type; times are in order; no value means NaN."""
    shapes = {
        "raw": np.int64,
        "value": np.float64,
        "quality": np.uint8,
        "reason": np.uint8,
        "no_value": np.bool_,
        "detail": np.uint32,
        "source_us": np.int64,
    }
    for name, dtype in shapes.items():
        column = getattr(columns, name)
        assert (column.shape, column.dtype) == ((n,), np.dtype(dtype)), name
    assert len(columns) == n
    assert columns.sent_mono_ns <= columns.mid_mono_ns <= columns.receive_mono_ns
    for at in range(n):
        if columns.no_value[at]:
            assert math.isnan(columns.value[at])
            assert columns.quality[at] == Quality.BAD
        if columns.quality[at] == Quality.GOOD:
            assert math.isfinite(columns.value[at])


async def check_life_cycle(driver: Driver) -> None:
    """Refuses to read while closed; reads every block once open; closes twice; opens again."""
    read = [block for block in driver.blocks if not block.subscribed]
    assert read
    assert not driver.connected
    with pytest.raises(DeviceUnreachable):
        await driver.read(read[0])
    for _ in range(2):
        await driver.connect()
        assert driver.connected
        for block in read:
            check_columns(await driver.read(block), len(block.points))
        assert isinstance(driver.changes(), list)
        await driver.close()
        await driver.close()
        assert not driver.connected
    with pytest.raises(DeviceError):
        await driver.read(read[0])
