"""A map whose end is stated: no request leaves it, neither for padding nor for a bridge."""

from dataclasses import replace

import pytest

from devices.address import RegisterType, Table
from devices.modbus.plan import ModbusRead, Shaping, plan_blocks
from devices.profile import ModbusProfile
from devices.profile_check import parse_profile
from devices.profile_options import Extent
from proto.errors import ProfileError
from tests.unit.devices.builders import MODBUS_TEXT, PARAMETERS, modbus_settings, register
from tests.unit.devices.test_profiles import KINDS


def reads(extents: tuple[Extent, ...], points: tuple[int, ...]) -> list[ModbusRead]:
    """What is sent for some holding registers under the full guard."""
    settings = modbus_settings([register(f"plc/p{at}", at, RegisterType.UINT16) for at in points])
    assert isinstance(settings.profile, ModbusProfile)
    options = settings.profile.modbus.model_copy(update={"extents": extents})
    profile = settings.profile.model_copy(update={"modbus": options})
    blocks = plan_blocks(replace(settings, profile=profile), Shaping(fence="alternate"))
    found = [block.request for block in blocks]
    assert all(isinstance(request, ModbusRead) for request in found)
    return [request for request in found if isinstance(request, ModbusRead)]


def holding(first: int, last: int) -> Extent:
    """A stretch of holding registers."""
    return Extent(table=Table.HOLDING, first=first, last=last)


def test_without_a_stated_map_padding_goes_beyond_the_points() -> None:
    (read,) = reads((), (0, 1, 2, 3, 4, 5))
    assert {ask.end for ask in read.asks} == {6, 7}
    assert not read.is_partial


def test_padding_stays_inside_the_stated_map_or_the_fence_is_partial() -> None:
    (read,) = reads((holding(0, 5),), (0, 1, 2, 3, 4, 5))
    assert {(ask.start, ask.end) for ask in read.asks} == {(0, 6)}
    assert read.is_partial
    (read,) = reads((holding(0, 6),), (0, 1, 2, 3, 4, 5))
    assert {ask.end for ask in read.asks} == {6, 7}
    assert not read.is_partial


def test_two_stretches_are_never_bridged() -> None:
    stretches = (holding(0, 9), holding(12, 20))
    asks = [ask for read in reads(stretches, (8, 9, 12, 13)) for ask in read.asks]
    assert len(asks) >= 2
    assert all(ask.end <= 10 or 12 <= ask.start < ask.end <= 21 for ask in asks)


@pytest.mark.parametrize(
    ("extents", "fault"),
    [
        ('[{ table = "holding", from = 90, to = 99 }]', "points[0].at.address: profile.address"),
        ('[{ table = "holding", from = 9, to = 0 }]', "modbus.extents[0].to: profile.range"),
    ],
)
def test_a_point_beyond_the_stated_map_is_refused(extents: str, fault: str) -> None:
    text = MODBUS_TEXT.replace("[modbus]", f"[modbus]\nextents = {extents}", 1)
    assert text != MODBUS_TEXT
    with pytest.raises(ProfileError) as refused:
        parse_profile(text, "p.toml", PARAMETERS, KINDS)
    assert any(fault in str(each) for each in refused.value.faults)
