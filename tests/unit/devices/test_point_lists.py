"""Point lists: what is read as what, what is refused where, and that nothing is guessed."""

import tomllib
from pathlib import Path

import pytest

from devices.address import ModbusAddress, OpcUaAddress, Order, RegisterType, Table
from devices.catalog import find
from devices.point_address import BASES
from devices.point_list import ListOptions, notation_of, read_point_list
from devices.point_site import SitePoints, site_points
from proto.errors import Fault
from proto.sheet import CELL_BYTES_MAX, ROWS_MAX, write_csv
from tests.house import ROOT

CASES = sorted((ROOT / "tests" / "cases" / "point_lists").iterdir())
HEAD = "位号,名称,寄存器区,地址,数据类型,字节序,单位"


def options(base: str = "protocol", **more: object) -> ListOptions:
    return ListOptions(file="list.csv", notation=BASES[base], **more)  # type: ignore[arg-type]


def read(text: str | bytes, base: str = "protocol", **more: object) -> SitePoints:
    data = text if isinstance(text, bytes) else text.encode()
    stated = options(base, **more)
    found, faults = read_point_list(data, stated)
    assert found is not None, faults
    site, faults = site_points(found, "list.csv", stated.protocol, None)
    assert site is not None, faults
    return site


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_bad_list_is_refused_at_its_place(case: Path) -> None:
    wanted = tomllib.loads((case / "expected.toml").read_text("utf-8"))
    notation, _ = notation_of(wanted.get("base"), None, lambda _: None)
    stated = ListOptions(file="list.csv", notation=notation)
    found, faults = read_point_list((case / "list.csv").read_bytes(), stated)
    if found is not None:
        faults = site_points(found, "list.csv", "modbus", None)[1]
    assert [(fault.code, fault.place) for fault in faults] == [(wanted["code"], wanted["place"])]


ROW = "PT-1,炉顶压力,保持寄存器,10,float32,CDAB,kPa"


@pytest.mark.parametrize(
    "data",
    [
        f"{HEAD}\n{ROW}\n".encode(),
        f"{HEAD}\n{ROW}\n".encode("utf-8-sig"),
        f"{HEAD}\n{ROW}\n".encode("gb18030"),
        f"{HEAD}\n{ROW}\n".encode("utf-16"),
        f"{HEAD}\r\n{ROW}\r\n".replace(",", ";").encode(),
        f"{HEAD}\n{ROW}\n".replace(",", "\t").encode("gb18030"),
        f"{HEAD}\n{ROW}\n".replace("PT-1", "\u3000ＰＴ－１\xa0").encode(),
    ],
    ids=["utf-8", "bom", "gb18030", "utf-16", "semicolon", "tab and gbk", "full width"],
)
def test_one_list_in_every_encoding_is_one_list(data: bytes) -> None:
    [point] = read(data).listed.values()
    assert (point.tag, point.title, point.unit) == ("PT-1", "炉顶压力", "kPa")
    assert point.address == ModbusAddress(Table.HOLDING, 10, RegisterType.FLOAT32, Order.CDAB)


def test_a_character_beyond_gbk_is_read() -> None:
    [point] = read(f"{HEAD}\nT1,𠮷野,4,1,int16,,1\n".encode("gb18030")).listed.values()
    assert point.title == "𠮷野"


def test_a_stated_encoding_settles_what_two_rules_read_differently() -> None:
    data = (ROOT / "tests/cases/point_lists/gbk_or_utf8/list.csv").read_bytes()
    found, faults = read_point_list(data, options(encoding="gb18030"))
    assert found is None
    assert [fault.code for fault in faults] == ["point_list.header"]  # it is read, and is no list


def test_every_fault_comes_at_once() -> None:
    text = f"{HEAD}\nT1,a,4,x,int16,,Pa\nT2,b,9,1,int15,,Pb\n,c,4,2,int16,,Pa\n"
    _, faults = read_point_list(text.encode(), options())
    places = {fault.place.removeprefix("list.csv: ") for fault in faults}
    assert places >= {
        "row 2 column 地址",
        "row 3 column 寄存器区",
        "row 3 column 数据类型",
        "row 3 column 单位",
        "row 4 column 位号",
    }
    assert all(fault.message for fault in faults)


@pytest.mark.parametrize(
    ("base", "table", "text", "want"),
    [
        ("protocol", "4", "0", (Table.HOLDING, 0)),
        ("protocol", "3", "0x10", (Table.INPUT, 16)),
        ("protocol", "4", "10H", (Table.HOLDING, 16)),
        ("protocol", "4", "16#FF", (Table.HOLDING, 255)),
        ("one", "4", "1", (Table.HOLDING, 0)),
        ("modicon5", "", "40001", (Table.HOLDING, 0)),
        ("modicon5", "", "30010", (Table.INPUT, 9)),
        ("modicon6", "", "400001", (Table.HOLDING, 0)),
        ("modicon6", "", "465536", (Table.HOLDING, 65535)),
    ],
)
def test_an_address_counts_from_the_stated_base(
    base: str, table: str, text: str, want: tuple[Table, int]
) -> None:
    [point] = read(f"{HEAD}\nT1,a,{table},{text},int16,,1\n", base).listed.values()
    assert isinstance(point.address, ModbusAddress)
    assert (point.address.table, point.address.address) == want


def test_bits_of_one_register_and_the_register_itself_may_stand_side_by_side() -> None:
    text = "位号,寄存器区,地址,位,数据类型,单位\nA,4,7,,uint16,1\nB,4,7,3,,\nC,4,7.4,,bool,\n"
    points = read(text).listed
    assert [str(each.address) for each in points.values()] == [
        "holding 7 uint16",
        "holding 7.3 bool",
        "holding 7.4 bool",
    ]


def test_a_limit_of_the_design_without_document_is_not_armed() -> None:
    text = "位号,寄存器区,地址,数据类型,单位,高,高依据,高高,高高依据,高高文件号\n"
    [point] = read(text + "T,4,1,int16,℃,60,设计,70,设计,D-12\n").listed.values()
    assert [limit.is_armed for limit in point.limits] == [False, True]


def test_nodes_of_opc_ua_are_named_by_namespace() -> None:
    text = '位号,地址,数据类型,单位\nTT-1,"nsu=urn:plc;s=Furnace/T1",double,℃\n'
    [point] = read(text, protocol="opcua").listed.values()
    assert point.address == OpcUaAddress("nsu=urn:plc;s=Furnace/T1", "double")  # type: ignore[arg-type]


def merged(text: str) -> tuple[SitePoints | None, list[Fault]]:
    found, faults = read_point_list(text.encode(), options())
    assert found is not None, faults
    return site_points(found, "list.csv", "modbus", find("bof_lance_plc"))


def test_a_row_without_address_names_the_point_of_the_profile() -> None:
    profile = find("bof_lance_plc")
    name = profile.points[0].name
    site, faults = merged(f"位号,名称\n{name},一号枪位\n")
    assert faults == []
    assert site is not None
    assert len(site.profile.points) == len(profile.points)
    assert site.profile.points[0].title == "一号枪位"


def test_a_row_at_the_address_of_a_profiles_point_keeps_its_name() -> None:
    profile = find("bof_lance_plc")
    point = profile.points[0]
    at = profile.address(point)  # type: ignore[arg-type]
    assert isinstance(at, ModbusAddress)
    bit = "" if at.bit is None else str(at.bit)
    unit = "" if at.type is RegisterType.BOOL else point.unit
    site, faults = merged(
        f"位号,寄存器区,地址,位,数据类型,单位\nX-99,{at.table},{at.address},{bit},{at.type},{unit}\n"
    )
    assert faults == []
    assert site is not None
    assert (site.profile.points[0].name, site.profile.points[0].tag) == (point.name, "X-99")


def test_a_row_without_address_and_without_profile_is_a_fault() -> None:
    found, _ = read_point_list(b"tag,title\nT1,a\n", options())
    assert found is not None
    _, faults = site_points(found, "list.csv", "modbus", None)
    assert [fault.code for fault in faults] == ["point_list.profile"]


def test_limits_of_size_hold() -> None:
    rows = b"tag\n" + b"T\n" * (ROWS_MAX + 1)
    assert {f.code for f in read_point_list(rows, options())[1]} == {"point_list.limit"}
    wide = b"tag,title\nT," + b"x" * (CELL_BYTES_MAX + 1) + b"\n"
    assert [f.code for f in read_point_list(wide, options())[1]] == ["point_list.limit"]
    assert [f.code for f in read_point_list(b"x" * (9 << 20), options())[1]] == ["point_list.limit"]


def test_an_export_quotes_what_a_spreadsheet_would_calculate_and_comes_back() -> None:
    data = write_csv([["位号", "名称", "地址"], ["T1", "=1+1", "-5"], ["T2", "@x", "+x"]])
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.decode("utf-8-sig") == "位号,名称,地址\r\nT1,'=1+1,-5\r\nT2,'@x,'+x\r\n"
    text = write_csv([["位号", "名称"], ["PDT", "=1+1"]])
    found, faults = read_point_list(text, options())
    assert faults == []
    assert found is not None
    assert found.points[0].title == "=1+1"
