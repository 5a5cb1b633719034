"""What the columns of a list are called and may hold: headers in two languages to keys.  Pure.

One table a sheet; edge and centre read the same sheets by it.  Columns may stand in any order; an
unknown header is a fault, for a column that nobody reads is a promise that nobody keeps.
Source: `acquisition.md` 3.15.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from proto.errors import Fault
from proto.sheet import FAULTS_MAX, Grid, Line, column_letters, folded, plain

Holds = Literal["code", "number", "text", "date", "flag"]
"""Code and number are NFKC; text stays as written; date is YYYY-MM-DD; flag is 是 or 否."""

_MISSING = frozenset({"", "-", "/", "—", "--", "无", "无数据", "N/A", "n/a"})
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?[eE][+-]?[0-9]+")
_DATE = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_FLAGS = {"是": "1", "否": "0", "yes": "1", "no": "0", "y": "1", "n": "0", "true": "1"}
_FLAGS |= {"false": "0", "1": "1", "0": "0", "√": "1", "×": "0"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key in code, its Chinese header, what it holds, other headers for it."""

    key: str
    zh: str
    holds: Holds
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One row by key: cells as said, missing ones absent."""

    row: int
    cells: Mapping[str, str]

    def get(self, key: str) -> str:
        """Return the cell under `key`; empty when it is missing."""
        return self.cells.get(key, "")

    def number(self, key: str) -> float | None:
        """Return the number under `key`; None when it is missing."""
        text = self.cells.get(key)
        return None if text is None else float(text)


def _limits() -> tuple[Column, ...]:
    rows: list[Column] = []
    for key, zh in (("ll", "低低"), ("l", "低"), ("h", "高"), ("hh", "高高")):
        upper = key.upper()
        rows += [
            Column(key, zh, "number", (upper, f"{zh}限", f"{zh}报", f"{zh}报警")),
            Column(f"{key}_basis", f"{zh}依据", "code", (f"{upper} basis",)),
            Column(f"{key}_document", f"{zh}文件号", "text", (f"{upper} document",)),
        ]
    return tuple(rows)


POINTS: tuple[Column, ...] = (
    Column("tag", "位号", "code"),
    Column("title", "名称", "text", ("测点名称",)),
    Column("device", "设备", "code"),
    Column("unit_id", "站号", "code", ("从站地址",)),
    Column("table", "寄存器区", "code"),
    Column("address", "地址", "code", ("寄存器地址",)),
    Column("type", "数据类型", "code"),
    Column("order", "字节序", "code"),
    Column("bit", "位", "code"),
    Column("scale", "倍率", "number"),
    Column("offset", "偏移", "number"),
    Column("unit", "单位", "code"),
    Column("range_low", "量程下限", "number", ("range low",)),
    Column("range_high", "量程上限", "number", ("range high",)),
    Column("poll", "周期", "code"),
    Column("vector_registers", "样例寄存器", "code", ("vector registers",)),
    Column("vector_value", "样例值", "number", ("vector", "vector value")),
    Column("parameter", "参数编号", "code"),
    Column("process_unit", "工艺单元", "text", ("process unit",)),
    Column("source", "源控制器", "code"),
    Column("moves", "变化方式", "code"),
    *_limits(),
    Column("instrument_model", "仪表型号", "text"),
    Column("ma_low", "毫安下限", "number"),
    Column("ma_high", "毫安上限", "number"),
    Column("verification_no", "检定证书号", "text"),
    Column("verification_due", "检定有效期", "date"),
    Column("location", "位置", "text"),
    Column("interlock", "联锁", "flag"),
    Column("path", "取数路径", "code"),
    Column("share", "共享", "code"),
)
"""测点.  `moves` (变化方式: counter, second, toggle) says how the life signal of a list moves."""

DEVICES: tuple[Column, ...] = (
    Column("device", "设备", "code"),
    Column("model", "品牌型号", "text"),
    Column("preset", "编号预设", "code"),
    Column("base", "地址基准", "code"),
    Column("line", "线路", "code"),
    Column("unit_id", "站号", "code"),
    Column("profile", "模板", "code"),
    Column("path", "取数路径", "code"),
    Column("life", "生命信号", "code"),
    Column("reason", "无生命信号原因", "text"),
    Column("pair", "冗余对", "code"),
    Column("zone", "时区", "code"),
    Column("probing", "探测", "code"),
    Column("process_unit", "工艺单元", "text"),
)
ENTERPRISE: tuple[Column, ...] = (
    Column("enterprise", "企业名称", "text", ("name",)),
    Column("credit_code", "统一社会信用代码", "code"),
    Column("site", "厂区", "text"),
    Column("region", "行政区划代码", "code"),
    Column("address", "地址", "text"),
    Column("industry", "行业", "text"),
    Column("process_unit", "工艺单元", "text"),
    Column("process_kind", "工艺类别", "text"),
    Column("serial", "设备序列号", "text"),
    Column("ex_certificate", "防爆合格证号", "text"),
    Column("design_review", "三同时", "text"),
    Column("standardisation", "标准化等级", "text"),
    Column("phased_out", "淘汰设备", "text"),
    Column("planned_stops", "计划停产", "text"),
    Column("responsible", "包保责任人", "text"),
    Column("level", "责任层级", "text"),
)
PERSONS: tuple[Column, ...] = (
    Column("name", "姓名", "text"),
    Column("post", "岗位", "text"),
    Column("role", "角色", "text"),
    Column("organisation", "单位", "text"),
    Column("phone", "电话", "code"),
    Column("valid_until", "有效期", "date"),
)
SECRET = ("密码", "口令", "password", "passwd", "pin", "pin码")
"""Headers of a column that no sheet may have."""


def records(
    grid: Grid, columns: Sequence[Column], place: str, required: Sequence[str] = ()
) -> tuple[list[Record], list[Fault]]:
    """Return the rows below the header by key, and every fault of header and cells at once."""
    if not grid.lines:
        return [], [Fault(place, "point_list.empty", "no header row")]
    head, *body = grid.lines
    keys, faults = _header(head, columns, place)
    for column in columns:
        if column.key in required and column.key not in keys and not faults:
            message = f"column {column.zh} ({column.key}) is required"
            faults.append(Fault(f"{place}: row {head.number}", "point_list.header", message))
    if faults:
        return [], faults
    by_key = {column.key: column for column in columns}
    found: list[Record] = []
    for line in body:
        record, wrong = _record(line, [by_key.get(key or "") for key in keys], place)
        found.append(record)
        faults += wrong
        if len(faults) >= FAULTS_MAX:
            break
    return found, faults


def _record(line: Line, columns: Sequence[Column | None], place: str) -> tuple[Record, list[Fault]]:
    cells: dict[str, str] = {}
    faults: list[Fault] = []
    for at, text in enumerate(line.cells):
        column = columns[at] if at < len(columns) else None
        if column is None:
            if text:
                where = f"{place}: row {line.number} column {column_letters(at)}"
                faults.append(Fault(where, "point_list.header", "a cell without a header"))
            continue
        value, wrong = _cell(text, column)
        if wrong:
            where = place_of(place, line.number, column)
            faults.append(Fault(where, "point_list.cell", wrong))
        elif value is not None:
            cells[column.key] = value
    return Record(line.number, cells), faults


def place_of(place: str, row: int, column: Column) -> str:
    """Return `list.csv: row 5 column 地址`."""
    return f"{place}: row {row} column {column.zh}"


def _header(
    head: Line, columns: Sequence[Column], place: str
) -> tuple[list[str | None], list[Fault]]:
    words = _words(columns)
    keys: list[str | None] = []
    faults: list[Fault] = []
    for at, text in enumerate(head.cells):
        where = f"{place}: row {head.number} column {column_letters(at)}"
        key = next((words[form] for form in _forms(text) if form in words), None)
        if text and key is None:
            faults.append(Fault(where, "point_list.header", _unknown(text, words)))
        elif key is not None and key in keys:
            faults.append(Fault(where, "point_list.header", f"{text}: this column stands twice"))
        keys.append(key)
    return keys, faults


def _unknown(text: str, words: Mapping[str, str]) -> str:
    if folded(text).lower() in SECRET:
        return f"{text}: no passwords in a sheet; accounts are made at the station"
    found = get_close_matches(folded(text).lower(), list(words), n=1, cutoff=0.6)
    hint = f" - did you mean {found[0]}?" if found else "; docs: the headers of a point list"
    return f'unknown header "{text}"{hint}'


def _words(columns: Sequence[Column]) -> dict[str, str]:
    words: dict[str, str] = {}
    for column in columns:
        for word in (column.zh, column.key, *column.others):
            words[_form(word)] = column.key
    return words


def _form(text: str) -> str:
    return re.sub(r"[\s_]+", " ", folded(text)).strip().lower()


def _forms(text: str) -> Iterator[str]:
    """Yield a header as a whole, and both halves of `位号 tag` and `量程下限(range_low)`."""
    whole = _form(text)
    yield whole
    found = re.fullmatch(r"([^\x00-\x7f]+)\s*\(?([a-z][a-z ]*)\)?", whole)
    if found is not None:
        yield found[1].strip()


def _cell(text: str, column: Column) -> tuple[str | None, str]:
    """Return (value, what is wrong); value None when the cell is empty."""
    if column.holds == "text":
        said = plain(text)
        return (None, "") if said in _MISSING else (said, "")
    said = folded(text)
    if said in _MISSING and not (column.key == "unit" and said == "无"):
        return None, ""
    match column.holds:
        case "number":
            return _number(said)
        case "date":
            return _date(said)
        case "flag":
            flag = _FLAGS.get(said.lower())
            return (flag, "") if flag else (None, f"{said!r}: write 是 or 否")
        case _ if _SCIENTIFIC.fullmatch(said):
            return None, f"{said}: the spreadsheet made a number of it; format the column as text"
        case _:
            return said, ""


def _number(said: str) -> tuple[str | None, str]:
    try:
        value = float(said)
    except ValueError:
        hint = "; no thousands separator" if "," in said else ""
        return None, f"{said!r} is no number{hint}"
    if "_" in said or not abs(value) < 1e300:
        return None, f"{said!r} is no number"
    return repr(value), ""


def _date(said: str) -> tuple[str | None, str]:
    found = _DATE.fullmatch(said.partition(" ")[0])
    if found is None or not (1 <= int(found[2]) <= 12 and 1 <= int(found[3]) <= 31):
        return None, f"{said!r}: write a date as 2027-03-31"
    return f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}", ""
