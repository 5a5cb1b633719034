"""Whatever a preset writes it reads back; texts that presets read differently need one."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import catalog
from devices.address import ModbusAddress, Order, RegisterType, Table
from devices.address_notation import PresetNotation
from devices.point_address import NoBase, unstated

STATED = (
    "hex", "s7 db=10 y0=20", "s7 y0=0", "mx", "quantum", "inovance_h", "inovance_am", "xinje_xc",
    "hollysys IX=0 IW=5 QX=100 QW=7 MX=3000 MW=3000", "xinje_xd", "delta_dvp",
)  # fmt: skip


def made(stated: str) -> PresetNotation:
    found = catalog.notation(stated)
    assert found is not None
    return found


@st.composite
def addresses(draw: st.DrawFn) -> ModbusAddress:
    table = draw(st.sampled_from(list(Table)))
    at = draw(st.integers(0, 65_535))
    if table.is_bits:
        return ModbusAddress(table, at, RegisterType.BOOL)
    kind = draw(st.sampled_from(list(RegisterType)))
    bit = draw(st.integers(0, 15)) if kind is RegisterType.BOOL else None
    return ModbusAddress(table, at, kind, Order.CDAB, bit)


@given(st.sampled_from(STATED), addresses())
def test_what_a_preset_writes_it_reads_back(stated: str, address: ModbusAddress) -> None:
    notation = made(stated)
    text = notation.write(address)
    if text is not None:
        place = notation(text, address.table)
        assert (place.table, place.address, place.bit) == (
            address.table, address.address, address.bit
        )  # fmt: skip


TEXTS = st.from_regex(
    r"%?(DB[0-9]{1,2}\.DB[WDX]|[DRMXYHQIW]{1,2})[0-9]{1,5}(\.[0-9])?", fullmatch=True
)


@given(TEXTS | st.text(max_size=12))
def test_a_text_without_a_stated_preset_is_never_read(text: str) -> None:
    with pytest.raises(NoBase):
        unstated(text, Table.HOLDING)
    for stated in STATED:
        with contextlib.suppress(ValueError):
            place = made(stated)(text, Table.HOLDING)
            assert 0 <= place.address <= 65_535
