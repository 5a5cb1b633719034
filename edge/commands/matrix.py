"""`yujing-edge matrix`: cause and effect as a sheet, and on paper.  Shell: files, terminal."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from devices.sheet_process import read_book, write_book
from edge.commands.files import read_bytes, write_whole
from edge.commands.words import CONFIGURATION, OK, USAGE, Json, emit, fault_body, show_faults
from edge.installation import load
from edge.matrix.build import compile_matrix, matrix_hash
from edge.matrix.file import parse_matrix
from edge.matrix.print_html import print_html
from edge.matrix.sheet import export_rows, import_rows, toml_text
from edge.toml_faults import read_toml
from proto.catalogue import hazards
from proto.errors import ConfigError, Fault
from proto.workbook import read_lines

matrix = App(name="matrix", help="因果表 A cause-and-effect matrix as a workbook or on paper.")

IMPORTED = "imported from a sheet; comments are lost"
Out = Annotated[
    Path | None, Parameter(name="--out", help="file to write; beside FILE unless given")
]


@matrix.command(name="export")
def export(
    file: Path,
    *,
    xlsx: Annotated[bool, Parameter(name="--xlsx", negative="", help="a workbook")] = False,
    html: Annotated[bool, Parameter(name="--html", negative="", help="pages to sign")] = False,
    config: Annotated[Path, Parameter(name="--config", help="edge.toml, for --html")] = Path(
        "edge.toml"
    ),
    out: Out = None,
    as_json: Json = False,
) -> int:
    """导出 Write a matrix file as a workbook (--xlsx) or as pages for signature (--html).

    Raises:
        ConfigError: the matrix, or for --html the site, has faults.
    """
    if xlsx == html:
        show_faults([Fault("matrix export", "cli.usage", "give --xlsx or --html, one of them")])
        return USAGE
    data = read_bytes(file)
    _, faults = parse_matrix(data, str(file))
    if faults:
        raise ConfigError(faults)
    made = _html(data, file, config) if html else _xlsx(data)
    target = out or file.with_suffix(".html" if html else ".xlsx")
    write_whole(target, made)
    _tell(target, matrix_hash(data), as_json=as_json)
    return OK


def _xlsx(data: bytes) -> bytes:
    tables, _ = read_toml(data, "")
    made, faults = write_book([("因果表", export_rows(tables))])
    if faults:
        raise ConfigError(faults)
    return made


def _html(data: bytes, file: Path, config: Path) -> bytes:
    found = compile_matrix(data, str(file), load(config).plant.facts, hazards().clauses)
    if found.file is None or found.model is None:
        raise ConfigError(found.faults)
    return print_html(found.file, found.model).encode()


@matrix.command(name="import")
def import_(book: Path, *, out: Out = None, as_json: Json = False) -> int:
    """导入 Write the sheet 因果表 of a workbook as a matrix file; comments are lost."""
    text, faults = read_book(read_bytes(book), book.name)
    found, more = (None, faults) if faults else read_lines(text, book.name)
    grid = None if found is None else found.grids.get("matrix")
    if found is not None and grid is None:
        more = [Fault(book.name, "workbook.cell", "there is no sheet 因果表")]
    if grid is None:
        return _refused(more, as_json=as_json)
    tables, wrong = import_rows(grid, f"{book.name}: sheet {grid.sheet}")
    made = toml_text(tables, IMPORTED).encode()
    wrong += [] if wrong else parse_matrix(made, book.name)[1]
    if wrong:
        return _refused(wrong, as_json=as_json)
    target = out or book.with_suffix(".toml")
    write_whole(target, made)
    _tell(target, matrix_hash(made), as_json=as_json)
    return OK


def _refused(faults: list[Fault], *, as_json: bool) -> int:
    if as_json:
        for fault in faults:
            emit(fault_body("fault", fault))
    else:
        show_faults(faults)
    return CONFIGURATION


def _tell(target: Path, digest: str, *, as_json: bool) -> None:
    if as_json:
        emit({"schema": "matrix/1", "file": str(target), "matrix_hash": digest})
    else:
        print(f"{target}  {digest}  注释不随表保存 comments are not carried over")
