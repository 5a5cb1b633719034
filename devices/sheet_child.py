"""Reads and writes XLSX, always in a process of its own.  Shell: stdin, stdout, resource limits.

A workbook is a ZIP of XML from outside: the daemon never opens one.  This process has little memory
and time, no files, no sockets, an empty folder; it prints the cells as JSON lines and decides
nothing.  `read` takes the bytes on stdin; `write` takes sheets as JSON and gives the bytes.
Merged ranges, hidden rows and formulas are read from the XML itself: openpyxl's read-only mode has
none of them.  Source: `acquisition.md` 3.15, `security.md` 3.13.
"""

import encodings.cp437  # noqa: F401 - names in a ZIP; no file can be opened later
import io
import json
import os
import resource
import sys
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import islice
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

import openpyxl
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from defusedxml.sax import parseString
from openpyxl.utils.exceptions import InvalidFileException

BOOK_BYTES_MAX = 20 * 1024 * 1024
MEMBERS_MAX = 1000
EXPANDED_BYTES_MAX = 200 * 1024 * 1024
RATIO_MAX = 100
SHEETS_MAX = 20
ROWS_MAX = 20_000
COLUMNS_MAX = 256
MEMORY_BYTES = 512 * 1024 * 1024
CPU_S = 20
NICE = 10
DIGITS_MAX = 15
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Fact = Mapping[str, object]


class Refused(Exception):
    """The workbook is outside the limits, or is none."""


def main() -> int:
    """Run `read` or `write`; what is refused is one JSON line with `refused`."""
    doing = sys.argv[1] if len(sys.argv) > 1 else "read"
    confine(files=doing == "write")
    try:
        if doing == "write":
            sys.stdout.buffer.write(write(json.load(sys.stdin)))
        else:
            for fact in read(sys.stdin.buffer.read(BOOK_BYTES_MAX + 1)):
                sys.stdout.write(json.dumps(fact, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    except Refused as refused:
        _refuse(str(refused))
    except (MemoryError, RecursionError):
        _refuse("more memory than a workbook of this size needs")
    return 0


def _refuse(reason: str) -> None:
    sys.stdout.write(json.dumps({"refused": reason}) + "\n")
    sys.stdout.flush()


def confine(*, files: bool) -> None:
    """Take away what parsing does not need: memory, time, files, and with them sockets."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    os.nice(NICE)
    if not files:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def read(data: bytes) -> Iterator[Fact]:
    """Yield facts of a workbook: sheets, what is hidden, merged ranges, then rows of cells.

    Raises:
        Refused: it is no workbook, or outside the limits.
    """
    try:
        archive = _archive(data)
        outlines = {name: _outline(archive, path) for name, path in _sheets(archive)}
        book = openpyxl.load_workbook(
            io.BytesIO(data), read_only=True, data_only=True, keep_links=False
        )
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, InvalidFileException) as error:
        raise Refused(f"no readable workbook: {error}") from error
    except (ParseError, SAXException, DefusedXmlException) as error:
        raise Refused(f"its XML is refused: {type(error).__name__}") from error
    for sheet in book.worksheets:
        outline = outlines[sheet.title]
        yield {
            "sheet": sheet.title,
            "state": sheet.sheet_state,
            "merged": outline.merged,
            "hidden_rows": outline.hidden_rows[:100],
            "hidden_columns": outline.hidden_columns[:100],
        }
        rows = islice(sheet.iter_rows(max_col=max(1, outline.columns)), ROWS_MAX + 1)
        for number, row in enumerate(rows, 1):
            cells = [
                ["f", ""] if (number, at) in outline.empty_formulas else _cell(cell)
                for at, cell in enumerate(row, 1)
            ]
            if any(cells):
                yield {"row": number, "cells": cells}
    yield {"end": len(book.worksheets)}


def _archive(data: bytes) -> zipfile.ZipFile:
    if len(data) > BOOK_BYTES_MAX:
        raise Refused(f"more than {BOOK_BYTES_MAX >> 20} MiB")
    archive = zipfile.ZipFile(io.BytesIO(data))
    members = archive.infolist()
    if len(members) > MEMBERS_MAX:
        raise Refused(f"more than {MEMBERS_MAX} members")
    expanded = sum(member.file_size for member in members)
    if expanded > EXPANDED_BYTES_MAX or expanded > RATIO_MAX * max(len(data), 10_000):
        raise Refused("it expands beyond all measure")
    for member in members:
        if ".." in member.filename.split("/") or member.filename.startswith("/"):
            raise Refused(f"a member named {member.filename!r}")
        if (member.external_attr >> 28) == 0xA:
            raise Refused(f"a link: {member.filename!r}")
    return archive


def _sheets(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return (name, path of its XML) of every sheet."""
    book = fromstring(archive.read("xl/workbook.xml"))
    related = fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    paths = {each.get("Id"): each.get("Target", "") for each in related}
    found: list[tuple[str, str]] = []
    for sheet in book.iter(f"{_MAIN}sheet"):
        target = paths.get(sheet.get(_REL), "")
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if "worksheets/" in path:
            found.append((sheet.get("name", ""), path))
    if not 1 <= len(found) <= SHEETS_MAX:
        raise Refused(f"{len(found)} sheets, at most {SHEETS_MAX}")
    return found


class _Outline(ContentHandler):
    """What only the XML says of one sheet; it stops at the first row beyond the limit."""

    def __init__(self) -> None:
        super().__init__()
        self.merged: list[str] = []
        self.hidden_rows: list[int] = []
        self.hidden_columns: list[str] = []
        self.empty_formulas: set[tuple[int, int]] = set()
        self.columns = 0
        self._cell, self._formula, self._value, self._within = "", False, False, False

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX
        """Take one element."""
        if name == "c":
            self._cell, self._formula, self._value = attrs.get("r", ""), False, False
            self._widen(self._cell)
        elif name == "f":
            self._formula = True
        elif name in ("v", "t"):
            self._within = True
        elif name == "row":
            self._row(attrs)
        elif name == "col" and attrs.get("hidden") in ("1", "true"):
            self.hidden_columns.append(f"{attrs.get('min')}-{attrs.get('max')}")
        elif name == "mergeCell":
            self.merged.append(attrs.get("ref", ""))
            if len(self.merged) > ROWS_MAX:
                raise Refused("too many merged ranges")

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX
        """Note a formula that nobody has calculated."""
        if name == "c" and self._formula and not self._value:
            self.empty_formulas.add(_position(self._cell))
        self._within = False

    def characters(self, content: str) -> None:
        """A stored value is there when it has any character: an empty `<v/>` is none."""
        if self._within and content:
            self._value = True

    def _row(self, attrs: AttributesImpl) -> None:
        number = int(attrs.get("r", "0"))
        if number > ROWS_MAX + 1:
            raise Refused(f"a cell in row {number}: more than {ROWS_MAX} rows")
        if attrs.get("hidden") in ("1", "true"):
            self.hidden_rows.append(number)

    def _widen(self, where: str) -> None:
        column = _position(where)[1]
        if column > COLUMNS_MAX:
            raise Refused(f"a cell in column {where}: more than {COLUMNS_MAX} columns")
        self.columns = max(self.columns, column)


def _position(where: str) -> tuple[int, int]:
    """Return (row, column) of `B3`, both from 1; 0 where the text has none."""
    letters = where.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(where[len(letters) :] or 0), column


def _outline(archive: zipfile.ZipFile, path: str) -> _Outline:
    outline = _Outline()
    parseString(archive.read(path), outline)
    return outline


def _cell(cell: object) -> list[str] | None:
    """Return [kind, text]: s text, n number, d date, b switch, e error; f stands for a formula."""
    value: object = getattr(cell, "value", None)
    if value is None:
        return None
    if getattr(cell, "data_type", "") == "e":
        return ["e", str(value)]
    if isinstance(value, bool):
        return ["b", "1" if value else "0"]
    if isinstance(value, (datetime, date, time, timedelta)):
        return ["d", value.isoformat() if not isinstance(value, timedelta) else str(value)]
    if isinstance(value, (int, float)):
        return ["n", _number(value)]
    return ["s", str(value)]


def _number(value: float) -> str:
    """Return a number as people typed it; `long` stands for digits that the sheet has lost."""
    if abs(value) >= 10**DIGITS_MAX:
        return "long"
    return str(int(value)) if value == int(value) else f"{value:.15g}"


def write(sheets: list[dict[str, object]]) -> bytes:
    """Return a workbook of `[{"name": …, "rows": [[…]], "widths": […]}]`; every cell is text."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for each in sheets:
        sheet = book.create_sheet(str(each["name"]))
        rows = each["rows"]
        assert isinstance(rows, list)
        for number, row in enumerate(rows, 1):
            for at, text in enumerate(row, 1):
                if text != "":
                    cell = sheet.cell(number, at)
                    cell.value = text
                    cell.data_type = "s"  # a text that begins with = stays a text
                    cell.number_format = "@"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
