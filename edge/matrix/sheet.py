"""Cause and effect as a sheet (因果表): a matrix file to rows that people read, and back.  Pure.

Blocks `#输入 #派生 #原因 #结果 #报警` hold one table a row; `#联锁 ID` is the grid, causes down and
effects across, X S P A R; `#其他` holds path and TOML value of whatever a grid cannot say.  Import
of an export is the same matrix with the same hash; comments are lost, TOML stays the master.
Source: `acquisition.md` 3.15, IEC 62881.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edge.matrix.build import CODE_OF_KIND
from proto.errors import Fault
from proto.sheet import Grid, Line, column_letters, folded, plain

Value = object
Table = dict[str, object]
Row = list[str]

NOTE = "#说明"
NOTE_TEXT = "由矩阵文件导出；注释不随表保存，以 TOML 为准 exported; comments are lost, TOML rules"
OTHER = "#其他"
INTERLOCK = "#联锁"
CODES = frozenset("XSPAR")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NEEDS_QUOTE = re.compile(r"^\s|\s$|[\x00-\x1f\x7f]|^'|^$")


@dataclass(frozen=True, slots=True)
class Block:
    """One kind of table: its mark, its key in the file, its columns (key, header, is a text)."""

    mark: str
    key: str
    columns: tuple[tuple[str, str, bool], ...]


BLOCKS = (
    Block("#输入", "input", (
        ("point", "测点", True), ("unit", "单位", True), ("range", "量程", False),
        ("max_age", "最大时龄", True), ("sensor_lag", "仪表滞后", True),
        ("plc_scan", "扫描周期", True),
    )),
    Block("#派生", "derived", (("expr", "算式", True), ("unit", "单位", True))),
    Block("#原因", "cause", (
        ("title", "说明", True), ("when", "条件", True), ("vote", "表决", True),
        ("of", "通道", False), ("deadband", "回差", False), ("on_delay", "延时动作", True),
        ("off_delay", "延时复位", True), ("on_bad", "坏值处理", True), ("basis", "依据", True),
        ("source", "文件号", True),
    )),
    Block("#结果", "effect", (
        ("title", "说明", True), ("kind", "类型", True), ("output", "输出", True),
        ("safe", "安全值", False), ("feedback", "反馈", True),
        ("feedback_within", "反馈时限", True), ("basis", "依据", True), ("source", "文件号", True),
    )),
    Block("#报警", "alarm", (
        ("title", "说明", True), ("on", "测点", True), ("levels", "级别", False),
        ("deadband", "回差", False), ("on_delay", "延时动作", True), ("basis", "依据", True),
        ("source", "文件号", True),
    )),
)  # fmt: skip
_BY_MARK = {block.mark: block for block in BLOCKS}


def export_rows(tables: Mapping[str, Value]) -> list[Row]:
    """Return the rows of a matrix file whose form is right.

    Args:
        tables: as `tomllib` gives them.
    """
    rows: list[Row] = [[NOTE, NOTE_TEXT]]
    rest: list[tuple[tuple[str, ...], Value]] = []
    shaped = {block.key for block in BLOCKS} | {"interlock"}
    rest += [((key,), value) for key, value in tables.items() if key not in shaped]
    for block in BLOCKS:
        found = tables.get(block.key)
        if isinstance(found, dict):
            rows += [[], [block.mark], ["名称", *(zh for _, zh, _ in block.columns)]]
            for name, table in found.items():
                rows.append(_row(block, name, table, rest))
    interlocks = tables.get("interlock")
    for name, table in interlocks.items() if isinstance(interlocks, dict) else ():
        rows += _grid_rows(name, table, tables, rest)
    rows += [[], [OTHER], ["路径", "TOML 值"]]
    rows += [[path_text(path), toml_value(value)] for path, value in rest]
    return rows


def _row(
    block: Block, name: str, table: Mapping[str, Value], rest: list[tuple[tuple[str, ...], Value]]
) -> Row:
    cells = [name]
    shown: set[str] = set()
    for key, _, is_text in block.columns:
        value = table.get(key)
        text = _cell_text(value, is_text=is_text) if key in table else ""
        cells.append(text)
        if text:
            shown.add(key)
    rest += [((block.key, name, key), value) for key, value in table.items() if key not in shown]
    return cells


def _cell_text(value: Value, *, is_text: bool) -> str:
    """Return a value as a cell; empty when only `#其他` can say it."""
    if not is_text:
        return "" if isinstance(value, (str, dict)) else toml_value(value)
    if not isinstance(value, str) or _NEEDS_QUOTE.search(value):
        return ""
    return value if folded_safe(value) else ""


def folded_safe(text: str) -> bool:
    """Return True when a text comes out of a cell as it went in."""
    return plain(text) == text and text.strip("\u200b\u200c\u200d\ufeff\u2060\u3000\xa0") == text


def _grid_rows(
    name: str,
    table: Mapping[str, Value],
    tables: Mapping[str, Value],
    rest: list[tuple[tuple[str, ...], Value]],
) -> list[Row]:
    title = _cell_text(table.get("title"), is_text=True)
    matrix = table.get("matrix")
    cells = matrix if isinstance(matrix, dict) else {}
    natural = _natural(tables)
    columns = _columns([row for row in cells.values() if isinstance(row, list)], cells)
    rows: list[Row] = [[], [f"{INTERLOCK} {name}", title], ["原因", *columns]]
    for cause, row in cells.items():
        codes = _codes(row, columns, natural)
        if codes is None:
            rest.append((("interlock", name, "matrix", cause), row))
        else:
            rows.append([cause, *codes])
    if not cells:
        rest.append((("interlock", name, "matrix"), matrix if matrix is not None else {}))
    skipped = {"matrix", *(("title",) if title else ())}
    rest += [
        (("interlock", name, key), value) for key, value in table.items() if key not in skipped
    ]
    return rows


def _natural(tables: Mapping[str, Value]) -> dict[str, str]:
    """Return the code that follows from the kind of each effect."""
    found = {"RESET": "R"}
    effects = tables.get("effect")
    for name, effect in effects.items() if isinstance(effects, dict) else ():
        code = CODE_OF_KIND.get(effect.get("kind", "")) if isinstance(effect, dict) else None
        if code is not None:
            found[name] = str(code)
    return found


def _columns(lists: Sequence[Sequence[str]], cells: Mapping[str, Value]) -> list[str]:
    """Return the effects so that as many rows as can be keep their own order."""
    columns: list[str] = []
    for row in [*lists, *(row for row in cells.values() if isinstance(row, dict))]:
        at = 0
        for effect in row:
            if effect in columns:
                at = columns.index(effect) + 1
            else:
                columns.insert(at, effect)
                at += 1
    return columns


def _codes(row: Value, columns: Sequence[str], natural: Mapping[str, str]) -> Row | None:
    """Return one code a column; None where a grid would not come back as it went."""
    if isinstance(row, list):
        if [c for c in columns if c in row] != row or any(e not in natural for e in row):
            return None
        return [natural[column] if column in row else "" for column in columns]
    if not isinstance(row, dict) or not row:
        return None
    if all(natural.get(effect) == code for effect, code in row.items()):
        return None  # written out although it follows from the kind
    return [str(row.get(column, "")) for column in columns]


@dataclass(slots=True)
class _Import:
    """Rows as they become tables."""

    place: str
    tables: Table = field(default_factory=dict)
    grid_rows: list[tuple[Table, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, row: int, column: int, message: str) -> None:
        where = f"{self.place} cell {column_letters(column)}{row}"
        self.faults.append(Fault(where, "workbook.cell", message))


def import_rows(grid: Grid, place: str) -> tuple[Table, list[Fault]]:
    """Return the tables of a sheet, and every fault in its form."""
    made = _Import(place)
    for mark, head, body in _blocks(grid, made):
        word, _, name = mark.cells[0].partition(" ")
        if word == INTERLOCK:
            _take_grid(made, mark, name.strip(), head, body)
        elif word == OTHER:
            for line in body:
                _take_other(made, line)
        elif word in _BY_MARK:
            _take_block(made, _BY_MARK[word], head, body)
        else:
            known = ", ".join([*_BY_MARK, f"{INTERLOCK} ID", OTHER])
            made.fault(mark.number, 0, f"unknown block {word}; there are {known}")
    _forms(made)
    return made.tables, made.faults


def _blocks(grid: Grid, made: _Import) -> Iterator[tuple[Line, Line, list[Line]]]:
    """Yield (mark, header, rows) of every block."""
    current: list[Line] = []
    for line in [*grid.lines, Line(0, ("#",))]:
        first = plain(line.cells[0]) if line.cells else ""
        if first.startswith("#"):
            if current and not current[0].cells[0].startswith(NOTE):
                head = current[1] if len(current) > 1 else Line(current[0].number, ())
                yield current[0], head, current[2:]
            current = [line]
        elif current:
            current.append(line)
        else:
            made.fault(line.number, 0, "a row before the first block")


def _take_block(made: _Import, block: Block, head: Line, body: Sequence[Line]) -> None:
    keys: list[tuple[str, bool] | None] = []
    words = {zh: (key, is_text) for key, zh, is_text in block.columns}
    words |= {key: (key, is_text) for key, _, is_text in block.columns}
    for at, text in enumerate(head.cells[1:], 1):
        found = words.get(folded(text))
        if text and found is None:
            made.fault(head.number, at, f'unknown column "{text}"; there are {", ".join(words)}')
        keys.append(found)
    rows = made.tables.setdefault(block.key, {})
    assert isinstance(rows, dict)
    for line in body:
        name = folded(line.cells[0])
        if not name or name in rows:
            made.fault(line.number, 0, f"{name} stands twice" if name else "a row without a name")
            continue
        table: Table = {}
        for at, text in enumerate(line.cells[1:], 1):
            key = keys[at - 1] if at <= len(keys) else None
            if text and key is not None:
                _set(made, table, key, line.number, at, text)
            elif text:
                made.fault(line.number, at, "a cell without a header")
        rows[name] = table


def _set(made: _Import, table: Table, key: tuple[str, bool], row: int, at: int, text: str) -> None:
    if key[1]:
        table[key[0]] = plain(text)
        return
    try:
        table[key[0]] = tomllib.loads(f"v = {plain(text)}")["v"]
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        made.fault(row, at, f"{text} is no TOML value: {error}")


def _take_grid(made: _Import, mark: Line, name: str, head: Line, body: Sequence[Line]) -> None:
    interlocks = made.tables.setdefault("interlock", {})
    assert isinstance(interlocks, dict)
    if not name or name in interlocks:
        made.fault(mark.number, 0, "write #联锁 ID, each ID once")
        return
    matrix: Table = {}
    interlocks[name] = {"matrix": matrix}
    if len(mark.cells) > 1 and mark.cells[1]:
        interlocks[name]["title"] = plain(mark.cells[1])
    effects = [folded(cell) for cell in head.cells[1:]]
    for line in body:
        cause = folded(line.cells[0])
        row: dict[str, str] = {}
        for at, text in enumerate(line.cells[1:], 1):
            code = folded(text).upper()
            if not code:
                continue
            if code not in CODES or at > len(effects) or not effects[at - 1]:
                made.fault(line.number, at, f'"{text}": a cell is X, S, P, A, R or empty')
                continue
            row[effects[at - 1]] = code
        if not cause or cause in matrix:
            made.fault(line.number, 0, f"{cause} stands twice" if cause else "no cause")
            continue
        matrix[cause] = row
        made.grid_rows.append((matrix, cause))


def _take_other(made: _Import, line: Line) -> None:
    if len(line.cells) < 2 or not line.cells[0]:
        made.fault(line.number, 0, "write a path and a TOML value")
        return
    try:
        path = path_of(plain(line.cells[0]))
        value = tomllib.loads(f"v = {plain(line.cells[1])}")["v"]
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        made.fault(line.number, 1, f"no path or no TOML value: {error}")
        return
    here: Table = made.tables
    for key in path[:-1]:
        below = here.setdefault(key, {})
        if not isinstance(below, dict):
            made.fault(line.number, 0, f"{key} is a value already")
            return
        here = below
    if path[-1] in here:
        made.fault(line.number, 0, f"{path_text(path)} is said above already")
        return
    here[path[-1]] = value


def _forms(made: _Import) -> None:
    """Turn grid rows whose codes all follow from the kinds into the short form."""
    natural = _natural(made.tables)
    for matrix, cause in made.grid_rows:
        row = matrix[cause]
        if isinstance(row, dict) and all(natural.get(e) == code for e, code in row.items()):
            matrix[cause] = list(row)


def path_text(path: Sequence[str]) -> str:
    """Return a key path as TOML writes it: `interlock."a b".mode`."""
    return ".".join(key if _BARE.fullmatch(key) else toml_value(key) for key in path)


def path_of(text: str) -> tuple[str, ...]:
    """Return the keys of a path.

    Raises:
        ValueError: it is none.
    """
    here: Value = tomllib.loads(f"{text} = 0")
    keys: list[str] = []
    while isinstance(here, dict):
        [(key, here)] = here.items()
        keys.append(key)
    return tuple(keys)


def toml_value(value: Value) -> str:
    """Return a value in TOML on one line; types survive: 70 stays an integer, 70.0 a float."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case list() | tuple():
            return "[" + ", ".join(map(toml_value, value)) + "]"
        case dict():
            pairs = (f"{path_text([k])} = {toml_value(v)}" for k, v in value.items())
            return "{ " + ", ".join(pairs) + " }" if value else "{}"
        case _:
            return str(value)


def toml_text(tables: Mapping[str, Value], comment: str) -> str:
    """Return tables as a TOML file: plain keys first, then one table an entry."""
    lines = [f"# {comment}"]
    lines += [f"{path_text([k])} = {toml_value(v)}" for k, v in tables.items() if not _deep(v)]
    for key, rows in tables.items():
        if not isinstance(rows, dict):
            continue
        for name, table in rows.items():
            if isinstance(table, dict):
                lines += ["", f"[{path_text([key, name])}]"]
                lines += [f"{path_text([k])} = {toml_value(v)}" for k, v in table.items()]
        plain_keys = {k: v for k, v in rows.items() if not isinstance(v, dict)}
        if plain_keys or not rows:
            lines += ["", f"[{path_text([key])}]"]
            lines += [f"{path_text([k])} = {toml_value(v)}" for k, v in plain_keys.items()]
    return "\n".join(lines) + "\n"


def _deep(value: Value) -> bool:
    return isinstance(value, dict)
