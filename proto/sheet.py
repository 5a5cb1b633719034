"""A sheet as bytes: CSV text of any editor to rows of cells, and rows back to CSV.  Pure.

Decoding follows four rules and never statistics: ① a byte order mark (UTF-8, UTF-16) ② strict UTF-8
③ strict GB18030 ④ refuse.  What two rules read differently is refused, and `encoding` asked for.
GBK would not do (𠮷); a mark comes first, for some UTF-8 files with one are GB18030 nonsense
without error.  Everything is bounded before it is looked at.  Source: `acquisition.md` 3.15.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from proto.errors import Fault

Encoding = Literal["utf-8", "gb18030", "utf-16"]

BYTES_MAX = 8 * 1024 * 1024
ROWS_MAX = 20_000
COLUMNS_MAX = 64
CELL_BYTES_MAX = 1024
FAULTS_MAX = 200
"""Faults that one file is told; beyond it a file is not a list but something else."""
PREVIEW_ROWS = 5
SEPARATORS = (",", ";", "\t")
RISKY = ("=", "+", "-", "@", "\t")
"""First characters of a text cell that a spreadsheet would take for a formula."""
REFUSED_STARTS = ("=", "+", "@")

_MARKS: tuple[tuple[bytes, Encoding, str], ...] = (
    (b"\xef\xbb\xbf", "utf-8", "utf-8"),
    (b"\xff\xfe", "utf-16", "utf-16-le"),
    (b"\xfe\xff", "utf-16", "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030", "gb18030"),
)
_CODECS: dict[Encoding, str] = {"utf-8": "utf-8", "gb18030": "gb18030", "utf-16": "utf-16-le"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""All but tab and line ends: a terminal obeys them, nobody sees them."""
_SIGNS = frozenset("°²³")
"""Signs that stand in English lists; as GB18030 they would be 掳, 虏, 鲁, which stand in none."""
_SAVE = "save it as XLSX or as CSV UTF-8"


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its number as a spreadsheet shows it, and its cells without outer blanks."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet.

    Attributes:
        sheet: its name; a file's own name for a CSV.
        lines: rows that are not empty, the header among them.
        encoding, separator: how a CSV was read; empty for a workbook.
    """

    sheet: str
    lines: tuple[Line, ...]
    encoding: str = ""
    separator: str = ""

    def preview(self) -> tuple[Line, ...]:
        """Return the header and the first five rows: a wrong encoding is seen here."""
        return self.lines[: PREVIEW_ROWS + 1]


def read_csv(
    data: bytes, file: str, encoding: Encoding | None = None
) -> tuple[Grid | None, list[Fault]]:
    """Return the rows of a CSV file, or None and what is wrong with it.

    Args:
        data: the whole file; more than 8 MiB are refused unread.
        file: its name, the start of every place.
        encoding: stated by a person; then nothing is guarded but the decoding itself.
    """
    text, used, faults = decode(data, file, encoding)
    if faults:
        return None, faults
    separator, faults = _separator(text, file)
    if faults:
        return None, faults
    lines: list[Line] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            if number > ROWS_MAX + 1:
                faults.append(Fault(file, "point_list.limit", f"more than {ROWS_MAX} rows"))
                break
            line = Line(number, tuple(map(trimmed, cells)))
            faults += line_faults(line, file)
            if any(line.cells):
                lines.append(line)
            if len(faults) >= FAULTS_MAX:
                break
    except csv.Error as error:
        faults.append(Fault(file, "point_list.csv", f"row {len(lines) + 1}: {error}"))
    return (None, faults) if faults else (Grid(file, tuple(lines), used, separator), [])


def line_faults(line: Line, place: str) -> Iterator[Fault]:
    """Yield what no cell of any sheet may be: too many, too long, or a formula."""
    if len(line.cells) > COLUMNS_MAX and any(line.cells[COLUMNS_MAX:]):
        yield Fault(
            f"{place}: row {line.number}", "point_list.limit", f"over {COLUMNS_MAX} columns"
        )
    for at, cell in enumerate(line.cells[:COLUMNS_MAX]):
        where = f"{place}: row {line.number} column {column_letters(at)}"
        if len(cell.encode("utf-8", "surrogatepass")) > CELL_BYTES_MAX:
            yield Fault(where, "point_list.limit", f"more than {CELL_BYTES_MAX} bytes in a cell")
        elif cell.startswith(REFUSED_STARTS):
            message = (
                f"{cell[:20]!r} is a formula to a spreadsheet; write the value, or '{cell[:8]}"
            )
            yield Fault(where, "point_list.formula", message)
        elif _CONTROL.search(cell):
            message = f"{cell[:20]!r} holds a control character: delete it 含控制字符"
            yield Fault(where, "point_list.cell", message)


def decode(data: bytes, file: str, encoding: Encoding | None) -> tuple[str, str, list[Fault]]:
    """Return (text, encoding used, faults); the text is empty when there are faults."""
    if len(data) > BYTES_MAX:
        return "", "", [Fault(file, "point_list.limit", f"more than {BYTES_MAX >> 20} MiB")]
    stranger = foreign_format(data)
    if stranger:
        return "", "", [Fault(file, "point_list.format", stranger)]
    for mark, name, codec in _MARKS:
        if data.startswith(mark):
            if encoding not in (None, name):
                message = f"its byte order mark says {name}, you say {encoding}"
                return "", "", [_undecided(file, message)]
            return _strict(data[len(mark) :], codec, name, file)
    if b"\0" in data and encoding != "utf-16":
        message = "NUL bytes without a byte order mark: UTF-16? " + _SAVE
        return "", "", [_undecided(file, message)]
    if encoding is not None:
        return _strict(data, _CODECS[encoding], encoding, file)
    return _judged(data, file)


def foreign_format(data: bytes) -> str:
    """Return why the bytes are no CSV, whatever the file is called; empty when they may be."""
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data.startswith(b"PK\x03\x04"):
        return "this is a workbook (XLSX): yujing-edge import reads it"
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return f"this is an old workbook (XLS) or an encrypted one: {_SAVE}"
    if head.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<head", b"<meta")):
        return f"this is HTML or XML under another name: {_SAVE}"
    return ""


def _judged(data: bytes, file: str) -> tuple[str, str, list[Fault]]:
    as_utf8, as_gb = _attempt(data, "utf-8"), _attempt(data, "gb18030")
    if as_utf8 is not None:
        if as_gb is not None and _foreign(as_utf8) and _is_chinese_only(as_gb):
            seen = f"{_sample(as_utf8)!r} or {_sample(as_gb)!r}"
            return "", "", [_undecided(file, f"UTF-8 or GB18030? state encoding (preview {seen})")]
        return as_utf8, "utf-8", _nul(as_utf8, file)
    if as_gb is None:
        message = "neither UTF-8 nor GB18030: save it as CSV UTF-8, or state encoding"
        return "", "", [_undecided(file, message)]
    mixed = _utf8_line(data)
    if mixed:
        message = f"line {mixed} is UTF-8, others are GB18030: one file, one encoding"
        return "", "", [_undecided(file, message)]
    return as_gb, "gb18030", _nul(as_gb, file)


def _strict(data: bytes, codec: str, name: str, file: str) -> tuple[str, str, list[Fault]]:
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", "", [_undecided(file, f"no {name} at byte {error.start} (line {line})")]
    return text, name, _nul(text, file)


def _nul(text: str, file: str) -> list[Fault]:
    return [_undecided(file, "NUL characters in the text: " + _SAVE)] if "\0" in text else []


def _attempt(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def _undecided(file: str, message: str) -> Fault:
    return Fault(file, "point_list.encoding", message + " 无法判定编码")


def is_cjk(char: str) -> bool:
    """Return True for a Chinese character and for full-width punctuation."""
    return char >= "\u2e80" and (
        "\u3000" <= char <= "\u303f"
        or "\u3400" <= char <= "\u9fff"
        or "\uf900" <= char <= "\ufaff"
        or "\uff00" <= char <= "\uffef"
        or "\U00020000" <= char <= "\U0003ffff"
    )


def _foreign(text: str) -> bool:
    """True for letters and marks beyond ASCII, and no Chinese character among them.

    Marks and punctuation count as well: "状态" in GBK is U+05F4 U+032C as UTF-8, no letter at all.
    """
    beyond = {char for char in text if char > "\x7f"} - _SIGNS
    return bool(beyond) and not any(map(is_cjk, beyond))


def _is_chinese_only(text: str) -> bool:
    beyond = {char for char in text if char > "\x7f"}
    return bool(beyond) and all(map(is_cjk, beyond))


def _sample(text: str) -> str:
    words = [char for char in text if char > "\x7f"]
    return "".join(words[:6])


def _utf8_line(data: bytes) -> int:
    """Return the number of the first line that is Chinese as UTF-8; 0 when there is none."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.isascii():
            continue
        text = _attempt(line, "utf-8")
        if text is not None and any(map(is_cjk, text)):
            return number
    return 0


def _separator(text: str, file: str) -> tuple[str, list[Fault]]:
    head = next((line for line in text.splitlines() if line.strip()), "")
    outside = "".join(head.split('"')[::2])
    counts = {each: outside.count(each) for each in SEPARATORS}
    best = max(SEPARATORS, key=lambda each: counts[each])
    if "，" in outside or "；" in outside:
        message = "full-width ， or ； as separator: write a comma, a semicolon or a tab"
        return "", [Fault(f"{file}: row 1", "point_list.separator", message)]
    if not head:
        return "", [Fault(file, "point_list.empty", "no header row: the file is empty")]
    if sorted(counts.values())[-2] == counts[best] > 0:
        message = f"two separators in the header, {counts[best]} times each: use one"
        return "", [Fault(f"{file}: row 1", "point_list.separator", message)]
    return best, []


def trimmed(cell: str) -> str:
    """Return a cell without outer blanks (U+3000, NBSP, zero width) and the `'` of an export."""
    text = cell.strip().strip("\u200b\u200c\u200d\ufeff\u2060").strip()
    if text.startswith("'") and text[1:].startswith(RISKY):
        return _KEPT + text[1:]
    return text


_KEPT = "\u2060"
"""Stands (word joiner) before a text that was quoted with `'`, so that it is no formula; `folded`
and `plain` drop it."""


def plain(cell: str) -> str:
    """Return what a text cell says: only outer blanks are gone."""
    return cell.removeprefix(_KEPT)


def folded(cell: str) -> str:
    """Return what a code, number, unit or header says: NFKC, without outer blanks."""
    return unicodedata.normalize("NFKC", plain(cell)).strip()


def column_letters(at: int) -> str:
    """Return `A` for 0, `AA` for 26, as spreadsheets name their columns."""
    name = ""
    at += 1
    while at:
        at, digit = divmod(at - 1, 26)
        name = chr(65 + digit) + name
    return name


def write_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as CSV that every spreadsheet opens: UTF-8 with mark, CRLF.

    Text that a spreadsheet would take for a formula gets a `'` in front; numbers do not.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_guarded(cell) for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _guarded(cell: str) -> str:
    if not cell.startswith(RISKY):
        return cell
    try:
        float(cell)
    except ValueError:
        return "'" + cell
    return cell if cell[0] == "-" else "'" + cell
