"""One reading without the daemon: what one answer cannot say is asked again."""

import pytest

from devices.driver import Outcome
from devices.fake import FakeDriver
from edge.acquisition import once
from tests.unit.edge.plant import plant


@pytest.mark.parametrize(("refusals", "found"), [(2, Outcome.ANSWERED), (3, Outcome.REFUSED)])
async def test_a_reading_refused_with_its_padding_is_asked_again_without_it(
    refusals: int, found: Outcome
) -> None:
    line = plant().lines[0]
    driver = FakeDriver(line.blocks, lambda: 10**9)
    await driver.connect()
    driver.script.extend([Outcome.REFUSED] * refusals)
    columns = await once._read(driver, 0)
    assert columns.outcome is found
    assert driver.reads[0] == 3
