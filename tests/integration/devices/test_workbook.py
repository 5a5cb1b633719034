"""Real workbooks through the real child: what it reads, refuses, and that it stays in bounds."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from devices.sheet_process import read_book, write_book
from edge.cli import main
from proto.errors import Fault
from proto.workbook import Workbook, read_lines

pytestmark = pytest.mark.integration

HEAD = ["位号", "名称", "设备", "寄存器区", "地址", "数据类型", "单位", "高", "高依据", "高文件号"]


def book(fill: Callable[[Worksheet], None], name: str = "测点") -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = name
    sheet.append(HEAD)
    fill(sheet)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def read(data: bytes) -> tuple[Workbook | None, list[Fault]]:
    text, faults = read_book(data, "b.xlsx")
    return (None, faults) if faults else read_lines(text, "b.xlsx")


def told(data: bytes) -> list[str]:
    return [str(fault) for fault in read(data)[1]]


def row(tag: object = "T1", address: object = "40001", device: object = "plc") -> list[object]:
    return [tag, "温度", device, None, address, "int16", "℃", None, None, None]


def test_merged_devices_are_filled_down() -> None:
    def fill(sheet: Worksheet) -> None:
        for number in range(3):
            sheet.append(row(f"T{number}", 40001 + number, "plc" if number == 0 else None))
        sheet.merge_cells("C2:C4")

    found, faults = read(book(fill))
    assert faults == []
    assert found is not None
    assert [r.get("device") for r in found.records["points"]] == ["plc"] * 3
    assert found.records["points"][1].get("address") == "40002"  # a number without a tail


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.merge_cells("B2:B3"), "cell B2:B3: workbook.cell merged cells"),
        (lambda s: s.merge_cells("C2:D2"), "cell C2:D2: workbook.cell merged cells"),
        (lambda s: s.__setitem__("A2", "=B2"), "cell A2: workbook.cell a formula without"),
        (lambda s: s.__setitem__("A2", date(2026, 3, 1)), "cell A2: workbook.cell 2026-03-01"),
        (lambda s: s.__setitem__("E2", date(2026, 3, 1)), "cell E2: workbook.cell 2026-03-01"),
        (
            lambda s: s.__setitem__("A2", 12345678901234567),
            "cell A2: workbook.cell a number beyond",
        ),
        (lambda s: s.__setitem__("K1", "密码"), "column K: point_list.header 密码: no passwords"),
        (lambda s: s.__setitem__("B2", "x" * 1100), "column B: point_list.limit"),
        (lambda s: s.__setitem__("H2", "#N/A"), "cell H2: workbook.cell #N/A"),
    ],
)
def test_a_cell_that_no_list_may_have_is_named(
    change: Callable[[Worksheet], None], said: str
) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(row())
        sheet.append(row("T2", 40002))
        change(sheet)

    faults = told(book(fill))
    assert any(said in text for text in faults), faults


def test_what_is_hidden_is_named_and_read() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(row())
        sheet.row_dimensions[2].hidden = True
        sheet.column_dimensions["B"].hidden = True

    found, _ = read(book(fill))
    assert found is not None
    assert len(found.records["points"]) == 1
    assert [note.split(":")[1].split(",")[0].strip() for note in found.notes] == [
        "1 hidden rows",
        "hidden columns 2-2",
    ]


def far_cell(where: str) -> bytes:
    return book(lambda sheet: sheet.__setitem__(where, "x"))


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"xl/{number}.xml", b"0" * (100 << 20))
    return out.getvalue()


def laughs() -> bytes:
    """An entity bomb in the sheet's XML."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book(lambda s: s.append(row())))) as old,
        zipfile.ZipFile(out, "w") as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                entities = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'">]>'
                data = entities + data.partition(b"?>")[2] if b"?>" in data else entities + data
            new.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 no archive",
        b"\xd0\xcf\x11\xe0" + b"\0" * 100,
        b"<html><table></table></html>",
        book(lambda s: None)[:-200],
    ],
    ids=["empty", "no archive", "xls", "html", "cut off"],
)
def test_what_is_no_workbook_is_refused(data: bytes) -> None:
    assert [fault.code for fault in read(data)[1]] == ["workbook.refused"]


@pytest.mark.parametrize(
    "make",
    [lambda: far_cell("A1048576"), lambda: far_cell("XFD2"), bomb, laughs],
    ids=["far row", "far column", "bomb", "entities"],
)
def test_what_costs_too_much_is_refused_quickly(make: Callable[[], bytes]) -> None:
    data = make()
    begun = time.monotonic()
    assert [fault.code for fault in read(data)[1]] == ["workbook.refused"]
    assert time.monotonic() - begun < 10


def test_a_child_that_does_not_end_is_ended() -> None:
    text, faults = read_book(book(lambda s: s.append(row())), "b.xlsx", deadline_s=0.01)
    assert text == ""
    assert [fault.code for fault in faults] == ["workbook.refused"]


def test_what_is_written_is_text_and_comes_back() -> None:
    data, faults = write_book([("因果表", [["#输入", "=1+1"], ["", "中文", "2026-01-01"]])])
    assert faults == []
    text, faults = read_book(data, "b.xlsx")
    assert faults == []
    rows = [json.loads(line) for line in text.splitlines() if '"row"' in line]
    assert [fact["cells"] for fact in rows] == [
        [["s", "#输入"], ["s", "=1+1"], None],
        [None, ["s", "中文"], ["s", "2026-01-01"]],
    ]


def site_book(path: Path, *, high: object = 70) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    devices = made.create_sheet("设备")
    devices.append(["设备", "品牌型号", "地址基准", "线路", "站号", "取数路径", "生命信号"])
    devices.append(["dust1", "DP-100", "modicon5", "l1", 1, "plc", "LIFE-1"])
    points = made.create_sheet("测点")
    points.append(HEAD)
    points.append(["TT-1", "灰斗温度", "dust1", None, 40001, "int16", "℃", high, "设计", "D-12"])
    points.append(["TT-2", "轴承温度", "dust1", None, 40002, "int16", "℃", 80, "设计", None])
    points.append(["LIFE-1", "心跳", "dust1", None, 40003, "uint16", 1, None, None, None])
    persons = made.create_sheet("人员")
    persons.append(["姓名", "岗位", "电话"])
    persons.append(["张三", "班长", "13800000000"])
    made.save(path)
    return path


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_an_import_writes_canonical_files_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = site_book(tmp_path / "b.xlsx"), tmp_path / "out"
    assert run("import", str(path), "--out", str(out), "--dry-run") == 0
    assert not out.exists()
    assert run("import", str(path), "--out", str(out)) == 0
    text = (out / "points" / "dust1.csv").read_bytes().decode("utf-8-sig")
    assert text.splitlines()[1].startswith("TT-1,灰斗温度,dust1,holding,0,int16,Cel")
    limits = (out / "limits.toml").read_text("utf-8")
    assert 'on = "dust1/tt_1"' in limits
    assert "# TT-2 H 80: not armed" in limits
    fragment = (out / "devices.toml").read_text("utf-8")
    assert 'points = { file = "points/dust1.csv", base = "protocol" }' in fragment
    assert 'life = "life_1"' in fragment
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
    capsys.readouterr()
    assert run("import", str(path), "--out", str(out), "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said["files"].values()) == {"unchanged"}
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()} == before


def test_with_a_fault_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = site_book(tmp_path / "b.xlsx", high="viel")
    assert run("import", str(path), "--out", str(tmp_path / "out")) == 78
    assert not (tmp_path / "out").exists()
    assert "row 2 column 高" in capsys.readouterr().err


def test_a_file_that_people_have_changed_is_not_overwritten(tmp_path: Path) -> None:
    path, out = site_book(tmp_path / "b.xlsx"), tmp_path / "out"
    assert run("import", str(path), "--out", str(out)) == 0
    (out / "limits.toml").write_text("schema = 'limits/1'\n")
    site_book(path, high=75)
    assert run("import", str(path), "--out", str(out)) == 78
    assert (out / "limits.toml").read_text() == "schema = 'limits/1'\n"


def test_a_matrix_goes_through_a_workbook_and_onto_paper(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = Path("edge/matrix/templates/dust_dry.toml")
    book_path, back = tmp_path / "m.xlsx", tmp_path / "m.toml"
    assert run("matrix", "export", str(template), "--xlsx", "--out", str(book_path), "--json") == 0
    assert run("matrix", "import", str(book_path), "--out", str(back), "--json") == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["matrix_hash"] == second["matrix_hash"]
