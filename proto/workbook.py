"""Cells of a workbook, as the child prints them, to the five sheets of a plant.  Pure.

Edge and centre share this.  Merged cells are filled down where a column repeats by nature, and are
faults elsewhere; a formula without a stored value, a date in place of a tag, a number whose digits
the spreadsheet has lost are faults; what is hidden is named.  Source: `acquisition.md` 3.15.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from proto.errors import Fault
from proto.sheet import Grid, Line, column_letters, folded, line_faults, trimmed
from proto.sheet_columns import DEVICES, ENTERPRISE, PERSONS, POINTS, Column, Record, records

LINES_BYTES_MAX = 256 * 1024 * 1024
SHEETS: Mapping[str, str] = {
    "企业": "enterprise",
    "设备": "devices",
    "测点": "points",
    "因果表": "matrix",
    "人员": "persons",
}
"""The five sheets; English names are taken as well."""
COLUMNS: Mapping[str, Sequence[Column]] = {
    "enterprise": ENTERPRISE, "devices": DEVICES, "points": POINTS, "persons": PERSONS,
}  # fmt: skip
REQUIRED: Mapping[str, Sequence[str]] = {
    "enterprise": ("enterprise",), "devices": ("device",), "points": ("tag",), "persons": ("name",),
}  # fmt: skip
FILLED_DOWN = frozenset({"设备", "device", "站号", "unit_id", "工艺单元", "process_unit"})
FILLED_DOWN |= {"源控制器", "source", "process unit", "unit id"}
_RANGE = re.compile(r"([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)")

Cell = tuple[str, str]


@dataclass(slots=True)
class RawSheet:
    """One sheet as the child printed it: cells by row, each (kind, text) or None."""

    name: str
    state: str
    merged: tuple[str, ...]
    hidden_rows: int
    hidden_columns: tuple[str, ...]
    rows: dict[int, list[Cell | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workbook:
    """What a workbook says.

    Attributes:
        records: rows by key, by sheet (enterprise, devices, points, persons).
        grids: rows as cells, by sheet; the matrix among them.
        notes: what is hidden or not read, one sentence each.
    """

    records: Mapping[str, tuple[Record, ...]]
    grids: Mapping[str, Grid]
    notes: tuple[str, ...]


def read_lines(text: str, file: str) -> tuple[Workbook | None, list[Fault]]:
    """Return what the lines of the child say, or None and every fault in it."""
    faults: list[Fault] = []
    notes: list[str] = []
    grids: dict[str, Grid] = {}
    for raw in _sheets(text):
        notes += _hidden(raw)
        kind = kind_of(raw.name)
        if kind is None:
            notes.append(f"sheet {raw.name}: not read; known are {', '.join(SHEETS)}")
            continue
        if kind in grids:
            faults.append(Fault(file, "workbook.cell", f"sheet {raw.name} stands twice"))
        grid, wrong = _grid(raw, file, is_free=kind == "matrix")
        grids[kind] = grid
        faults += wrong
    if not grids:
        faults.append(Fault(file, "workbook.cell", f"none of the sheets {', '.join(SHEETS)}"))
    return read_grids(grids, file, notes, faults)


def read_grids(
    grids: Mapping[str, Grid], file: str, notes: Sequence[str] = (), faults: Sequence[Fault] = ()
) -> tuple[Workbook | None, list[Fault]]:
    """Return what the sheets say, or None and every fault; one CSV per sheet comes here too."""
    found = list(faults)
    rows: dict[str, tuple[Record, ...]] = {}
    for kind, grid in grids.items():
        if kind in COLUMNS:
            place = f"{file}: sheet {grid.sheet}"
            made, wrong = records(grid, COLUMNS[kind], place, REQUIRED[kind])
            rows[kind] = tuple(made)
            found += wrong
    return (None, found) if found else (Workbook(rows, dict(grids), tuple(notes)), [])


def kind_of(name: str) -> str | None:
    """Return which of the five sheets a name means; None when it is another one."""
    plain = folded(name).lower()
    return SHEETS.get(plain) or (plain if plain in SHEETS.values() else None)


def _sheets(text: str) -> Iterator[RawSheet]:
    current: RawSheet | None = None
    for line in text.splitlines():
        fact = json.loads(line)
        if "sheet" in fact:
            if current is not None:
                yield current
            current = RawSheet(
                name=fact["sheet"],
                state=fact["state"],
                merged=tuple(fact["merged"]),
                hidden_rows=len(fact["hidden_rows"]),
                hidden_columns=tuple(fact["hidden_columns"]),
            )
        elif "row" in fact and current is not None:
            cells = [None if cell is None else (cell[0], cell[1]) for cell in fact["cells"]]
            current.rows[fact["row"]] = cells
    if current is not None:
        yield current


def _hidden(raw: RawSheet) -> Iterator[str]:
    if raw.state != "visible":
        yield f"sheet {raw.name} is hidden"
    if raw.hidden_rows:
        yield f"sheet {raw.name}: {raw.hidden_rows} hidden rows, read like the others"
    if raw.hidden_columns:
        columns = ", ".join(raw.hidden_columns)
        yield f"sheet {raw.name}: hidden columns {columns}, read like the others"


def _grid(raw: RawSheet, file: str, *, is_free: bool) -> tuple[Grid, list[Fault]]:
    """Return the texts of a sheet; `is_free` = the matrix: wider cells, but nothing merged."""
    place = f"{file}: sheet {raw.name}"
    header = raw.rows.get(min(raw.rows, default=0), [])
    faults = _merge(raw, header, place, is_free=is_free)
    date_columns = {at for at, cell in enumerate(header) if cell and "期" in cell[1][-2:]}
    lines: list[Line] = []
    for number in sorted(raw.rows):
        texts: list[str] = []
        for at, cell in enumerate(raw.rows[number]):
            text, wrong = _text(cell, is_date_column=at in date_columns)
            if wrong:
                where = f"{place} cell {column_letters(at)}{number}"
                faults.append(Fault(where, "workbook.cell", wrong))
            texts.append(text)
        line = Line(number, tuple(texts))
        faults += () if is_free else line_faults(line, place)
        if any(texts):
            lines.append(line)
    return Grid(raw.name, tuple(lines)), faults


def _text(cell: Cell | None, *, is_date_column: bool) -> tuple[str, str]:
    """Return (text, what is wrong)."""
    if cell is None:
        return "", ""
    match cell:
        case ("f", _):
            return (
                "",
                "a formula without a stored value: open the book, save it, or write the value",
            )
        case ("e", text):
            return "", f"{text}: the formula failed"
        case ("d", text):
            if is_date_column:
                return text[:10], ""
            return "", f"{text[:10]}: the spreadsheet made a date of it; format the column as text"
        case ("n", "long"):
            return "", "a number beyond 15 digits lost its end: format the column as text"
        case (_, text):
            return trimmed(text), ""


def _merge(
    raw: RawSheet, header: Sequence[Cell | None], place: str, *, is_free: bool
) -> list[Fault]:
    """Fill merged cells down where that is allowed; anything else is a fault."""
    faults: list[Fault] = []
    top = min(raw.rows, default=0)
    for text in raw.merged:
        found = _RANGE.fullmatch(text)
        if found is None:
            faults.append(Fault(f"{place} cell {text}", "workbook.cell", "no range of cells"))
            continue
        left, right = _column(found[1]), _column(found[3])
        first, last = int(found[2]), int(found[4])
        cell = header[left] if left < len(header) else None
        name = folded(cell[1]).lower() if cell else ""
        may = left == right and name in FILLED_DOWN and first > top and last - first <= 20_000
        if is_free or not may:
            message = "merged cells: only 设备, 站号, 工艺单元, 源控制器 may be merged, downwards"
            faults.append(Fault(f"{place} cell {text}", "workbook.cell", message))
            continue
        _fill(raw, left, first, last)
    return faults


def _fill(raw: RawSheet, column: int, first: int, last: int) -> None:
    row = raw.rows.get(first, [])
    value = row[column] if column < len(row) else None
    for number in range(first + 1, last + 1):
        cells = raw.rows.get(number)
        if cells is not None and column < len(cells):
            cells[column] = value


def _column(letters: str) -> int:
    at = 0
    for letter in letters:
        at = at * 26 + ord(letter) - 64
    return at - 1
