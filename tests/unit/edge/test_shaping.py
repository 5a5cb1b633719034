"""What a line's guard demands of its devices."""

import pytest

from devices.driver import DeviceSettings
from edge.config import load_text
from edge.shaping import guard_faults
from tests.unit.devices.builders import modbus_settings, register
from tests.unit.edge.plant import EDGE

CLOSES = "quirks = { tid_zero = true, no_fc8 = true, close_after_each = true }"


def said(text: str, options: str) -> list[tuple[str, str]]:
    made = load_text(text.encode(), "edge.toml")
    settings: dict[str, DeviceSettings] = {}
    for device in made.device:
        point = [register(f"{device.name}/a", 0)]
        unit = device.unit_id or 0
        settings[device.name] = modbus_settings(point, unit_id=unit, options=options)
    found = guard_faults(made.line, made.device, settings, "edge.toml")
    return [(fault.code, fault.place) for fault in found]


@pytest.mark.parametrize(("unit", "refused"), [(1, False), (255, False), (7, True)])
def test_a_device_that_closes_after_each_answer_is_refused_under_the_full_guard(
    unit: int, refused: bool
) -> None:
    text = EDGE.replace("unit_id = 1", f"unit_id = {unit}")
    expected = [("config.close_after_each", "edge.toml: line[0]")] if refused else []
    assert said(text, CLOSES) == expected
    assert said(text, "") == []
