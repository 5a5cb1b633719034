"""Any bytes as a point list, any cells as a workbook, give rows or faults; sheets come back."""

import json
import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.point_address import BASES
from devices.point_list import ListOptions, read_point_list
from edge.matrix.build import matrix_hash
from edge.matrix.file import parse_matrix
from edge.matrix.sheet import export_rows, import_rows, path_of, path_text, toml_text, toml_value
from proto.sheet import FAULTS_MAX, Grid, Line, plain, read_csv, write_csv
from proto.sheet_columns import POINTS
from proto.workbook import read_lines

HEADERS = [column.zh for column in POINTS]
WORDS = st.sampled_from(
    [
        "PT-1",
        "保持寄存器",
        "4",
        "40001",
        "float32",
        "1",
        "-",
        "=1",
        "0x10",
        "℃",
        "1e5",
        "是",
        "44FA 0000",
    ]
)
CELLS = st.one_of(WORDS, st.text(max_size=12))


@given(st.binary(max_size=400))
def test_any_bytes_give_rows_or_faults(data: bytes) -> None:
    found, faults = read_point_list(data, ListOptions(file="x"))
    assert (found is None) == bool(faults)


@given(
    st.lists(st.sampled_from(HEADERS), max_size=8),
    st.lists(st.lists(CELLS, max_size=8), max_size=6),
)
def test_any_cells_give_rows_or_faults(head: list[str], rows: list[list[str]]) -> None:
    data = write_csv([head, *rows])
    found, faults = read_point_list(data, ListOptions(file="x", notation=BASES["protocol"]))
    assert (found is None) == bool(faults)
    assert len(faults) <= FAULTS_MAX


SAFE = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8).filter(
    lambda text: not text.startswith(("'", "=", "+", "@", "⁠"))
)


@given(st.lists(st.lists(SAFE, min_size=2, max_size=5), min_size=1, max_size=5))
def test_what_is_exported_is_read_as_it_was(rows: list[list[str]]) -> None:
    width = min(map(len, rows))
    rows = [["tag", "title", "device"][: max(2, width)], *(row[:width] for row in rows)]
    grid, faults = read_csv(write_csv(rows), "x")
    if grid is None:
        assert {fault.code for fault in faults} == {"point_list.separator"}
        return
    assert [[plain(cell) for cell in line.cells] for line in grid.lines] == rows


FACTS = st.one_of(
    st.none(),
    st.tuples(st.sampled_from("sndbfe"), st.text(max_size=8)).map(list),
)


@given(
    st.sampled_from(["测点", "设备", "企业", "人员", "因果表", "Sheet1"]),
    st.lists(st.lists(FACTS, max_size=6), max_size=6),
    st.lists(st.sampled_from(["A1:A3", "A2:A4", "B2:C2", "A2:A99999", "nonsense", "ZZ1:ZZ2"])),
)
def test_any_workbook_gives_rows_or_faults(
    name: str, rows: list[list[object]], merged: list[str]
) -> None:
    head = {"sheet": name, "state": "hidden", "merged": merged}
    facts = [head | {"hidden_rows": [1], "hidden_columns": ["A-B"]}]
    facts += [{"row": number, "cells": cells} for number, cells in enumerate(rows, 1)]
    found, faults = read_lines("\n".join(json.dumps(fact) for fact in facts), "x")
    assert (found is None) == bool(faults)
    if found is not None and "matrix" in found.grids:
        import_rows(found.grids["matrix"], "x")


TEMPLATES = [
    each.name
    for each in (files("edge.matrix") / "templates").iterdir()
    if each.name.endswith(".toml") and not each.name.startswith("limits")
]


def round_trip(tables: dict[str, object]) -> dict[str, object]:
    rows = export_rows(tables)
    grid = Grid("x", tuple(Line(n, tuple(row)) for n, row in enumerate(rows, 1) if any(row)))
    back, faults = import_rows(grid, "x")
    assert faults == []
    return tomllib.loads(toml_text(back, "x"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_comes_back_with_the_same_hash(name: str) -> None:
    data = (files("edge.matrix") / "templates" / name).read_bytes()
    before = tomllib.loads(data.decode())
    back = round_trip(before)
    assert back == before
    made = toml_text(back, "x").encode()
    assert matrix_hash(made) == matrix_hash(data)
    file, faults = parse_matrix(made, "x")
    assert faults == []
    assert file == parse_matrix(data, "x")[0]
    assert list(file.input) == list(before["input"])  # the order is the numbering


VALUES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**40), 2**40),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=10),
    ),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["A", "B-1", "C_2", "D"])
EFFECTS = st.sampled_from(["E1", "E2", "E3", "RESET"])
ROWS = st.one_of(
    st.lists(EFFECTS, min_size=1, max_size=4, unique=True),
    st.dictionaries(EFFECTS, st.sampled_from("XSPAR"), min_size=1, max_size=3),
)


@given(
    st.dictionaries(NAMES, st.dictionaries(st.sampled_from(["title", "when", "of", "x"]), VALUES)),
    st.dictionaries(NAMES, st.dictionaries(NAMES, ROWS, min_size=1, max_size=3), max_size=2),
    VALUES,
)
def test_any_matrix_comes_back(
    causes: dict[str, object], grids: dict[str, object], other: object
) -> None:
    tables: dict[str, object] = {"schema": "cem/1", "other": other, "cause": causes}
    tables["effect"] = {"E1": {"kind": "stop"}, "E2": {"kind": "alarm"}, "E3": {"kind": "start"}}
    if grids:
        tables["interlock"] = {name: {"title": "t", "matrix": rows} for name, rows in grids.items()}
    back = round_trip(tables)
    assert back == tables
    assert json.dumps(back, sort_keys=True) == json.dumps(tables, sort_keys=True)


@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs",)), min_size=1), min_size=1, max_size=4)
)
def test_a_path_is_read_as_it_was_written(path: list[str]) -> None:
    assert path_of(path_text(path)) == tuple(path)


@given(VALUES)
def test_a_value_is_read_as_it_was_written(value: object) -> None:
    assert tomllib.loads(f"v = {toml_value(value)}")["v"] == value
