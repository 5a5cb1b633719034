"""Presets: each maker's numbering read as its row says, written back, refused where it is none."""

import pytest

from devices import catalog
from devices.address import ModbusAddress, Order, RegisterType, Table
from devices.address_notation import PresetNotation
from devices.point_address import BASES, NoBase, unstated
from devices.preset import parse_preset, parse_stated
from proto.errors import ProfileError

C, D, H, INPUT = Table.COIL, Table.DISCRETE, Table.HOLDING, Table.INPUT

# (preset as stated, text, table, address, bit): worked out by hand from the row of the page.
ROWS = [
    ("s7 db=10 y0=0", "DB10.DBW0", H, 0, None),
    ("s7 db=10 y0=0", "DB10.DBW4", H, 2, None),
    ("s7 db=10 y0=2", "DB10.DBD6", H, 2, None),
    ("s7 db=10 y0=0", "DB10.DBX3.7", H, 1, 7),
    ("s7 db=10 y0=0", "DB10.DBX2.0", H, 1, 8),
    ("s7 y0=100", "MW104", H, 2, None),
    ("s7 y0=100", "%MD104", H, 2, None),
    ("s7 y0=100", "M101.3", H, 0, 3),
    ("mx", "%MW0", H, 0, None),
    ("mx", "MW10.15", H, 10, 15),
    ("mx", "%MF20", H, 20, None),
    ("quantum", "%MW1", H, 0, None),
    ("quantum", "%MW65536", H, 65535, None),
    ("hollysys MW=3000", "%MW5", H, 3005, None),
    ("hollysys IX=0 IW=100", "IX2.3", D, 19, None),
    ("hollysys IX=0 IW=100", "IW7", INPUT, 107, None),
    ("hollysys QX=10", "%QX0.7", C, 17, None),
    ("inovance_h", "D100", H, 100, None),
    ("inovance_h", "D100.3", H, 100, 3),
    ("inovance_h", "R5", H, 0x3005, None),
    ("inovance_h", "M8", C, 8, None),
    ("inovance_h", "X10", C, 0xF808, None),
    ("inovance_h", "Y17", C, 0xFC0F, None),
    ("inovance_am", "%MW7", H, 7, None),
    ("inovance_am", "%MD7", H, 14, None),
    ("inovance_am", "%QX2.1", C, 17, None),
    ("inovance_am", "%MX3.7", H, 1, 15),
    ("inovance_am", "%MX2.7", H, 1, 7),
    ("xinje_xc", "D100", H, 100, None),
    ("xinje_xc", "M100", C, 100, None),
    ("xinje_xc", "X17", C, 0x400F, None),
    ("xinje_xc", "Y20", C, 0x4810, None),
    ("xinje_xd", "HD3", H, 0xA083, None),
    ("xinje_xd", "X10", C, 0x5008, None),
    ("xinje_xd", "Y7", C, 0x6007, None),
    ("delta_dvp", "D0", H, 0x1000, None),
    ("delta_dvp", "D4095", H, 0x1FFF, None),
    ("delta_dvp", "D4096", H, 0x9000, None),
    ("delta_dvp", "M1535", C, 0x0DFF, None),
    ("delta_dvp", "M1536", C, 0xB000, None),
    ("delta_dvp", "X20", D, 0x0410, None),
    ("delta_dvp", "Y377", C, 0x05FF, None),
]
REFUSED = [
    ("inovance_h", "X18", "counts in octal"),
    ("xinje_xc", "Y9", "counts in octal"),
    ("quantum", "%MW0", "from 1 to 65536"),
    ("hollysys", "%MW5", 'preset = "hollysys MW='),
    ("s7 db=10 y0=0", "DB11.DBW0", "data block 10"),
    ("s7 db=10 y0=0", "DB10.DBW3", "every second byte"),
    ("s7 db=10 y0=10", "DB10.DBW0", "outside"),
    ("s7 y0=0", "DB10.DBW0", 'preset = "s7 db='),
    ("s7 db=10 y0=0", "DB10.DBX0.8", "bit 0 to 7"),
    ("s7 db=10 y0=0", "DB10.DBX0", "bit 0 to 7"),
    ("s7 db=10 y0=0", "40001", "names: DBW"),
    ("delta_dvp", "D12000", "from 4096 to 11999"),
    ("inovance_am", "%MW3.1", "no bits"),
    ("mx", "%MW3.16", "beyond 15"),
    ("mx", "状态", "not defined in preset mx"),
]


def made(stated: str) -> PresetNotation:
    found = catalog.notation(stated)
    assert found is not None
    return found


@pytest.mark.parametrize(("stated", "text", "table", "address", "bit"), ROWS)
def test_a_text_leads_where_its_row_says(
    stated: str, text: str, table: Table, address: int, bit: int | None
) -> None:
    place = made(stated)(text, None)
    assert (place.table, place.address, place.bit) == (table, address, bit)
    assert stated.split()[0] in place.rule


@pytest.mark.parametrize(("stated", "text", "why"), REFUSED)
def test_what_a_preset_does_not_define_is_refused_with_its_reason(
    stated: str, text: str, why: str
) -> None:
    with pytest.raises(ValueError, match="地址写法不符") as refused:
        made(stated)(text, None)
    assert why in str(refused.value)


@pytest.mark.parametrize(("stated", "text", "table", "address", "bit"), ROWS)
def test_what_is_written_is_read_back(
    stated: str, text: str, table: Table, address: int, bit: int | None
) -> None:
    notation = made(stated)
    kind = notation(text, None).type or RegisterType.UINT16
    if text.startswith("%MD") or "DBD" in text:
        kind = RegisterType.FLOAT32
    if table.is_bits:
        kind = RegisterType.BOOL
    where = ModbusAddress(table, address, kind, Order.CDAB, bit)
    written = notation.write(where)
    assert written is not None
    assert written.lstrip("%") == text.lstrip("%")


@pytest.mark.parametrize(("stated", "text", "table", "address", "bit"), ROWS)
def test_no_makers_text_is_read_without_its_preset(
    stated: str, text: str, table: Table, address: int, bit: int | None
) -> None:
    with pytest.raises(NoBase):
        unstated(text, table)


@pytest.mark.parametrize("text", ["0x10", "10H", "16#10", "0X0010"])
def test_hexadecimal_addresses_are_taken_as_given(text: str) -> None:
    assert made("hex")(text, H).address == 16
    with pytest.raises(ValueError, match="寄存器区"):
        made("hex")(text, None)


def test_the_table_of_a_list_must_agree_with_the_name() -> None:
    with pytest.raises(ValueError, match="it is coil, the list says holding"):
        made("inovance_h")("X0", H)


def test_every_row_of_the_page_has_its_preset() -> None:
    assert set(catalog.presets()) | set(BASES) >= {
        "modicon5", "modicon6", "hex", "s7", "mx", "quantum", "hollysys", "inovance_h",
        "inovance_am", "xinje_xc", "xinje_xd", "delta_dvp",
    }  # fmt: skip
    for preset in catalog.presets().values():
        assert preset.grade == "bronze"
        assert preset.source


def test_site_data_stand_behind_the_name() -> None:
    assert parse_stated("s7  db=10 y0=0").site == {"db": 10, "y0": 0}
    assert catalog.notation("s7 db=x") is None
    assert catalog.notation("siemens") is None


def test_a_preset_that_leads_beyond_the_last_address_is_refused() -> None:
    text = 'preset = "p"\ntitle = "t"\nsource = "s"\n[[rules]]\nname = "D"\n'
    text += 'table = "holding"\nbase = 1\n'
    with pytest.raises(ProfileError) as refused:
        parse_preset(text, "p.toml")
    assert "beyond address 65535" in str(refused.value.faults[0])
