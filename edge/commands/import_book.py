"""`yujing-edge import`: a workbook of the plant to canonical files.  Shell: files, terminal.

Nothing is written while one fault stands; a second import of the same book writes nothing; a file
that people have changed since is not overwritten.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from devices import catalog
from devices.profile import Profile
from devices.sheet_process import read_book
from edge.commands.book_files import BookFiles, Sources, make_files
from edge.commands.files import read_bytes, write_whole
from edge.commands.words import CONFIGURATION, OK, Json, emit, fault_body, show_faults
from edge.installation import preset_notation
from proto.errors import Fault, ProfileError
from proto.sheet import Encoding, Grid, read_csv
from proto.workbook import Workbook, kind_of, read_grids, read_lines

REPORT = "import.json"


def import_book(
    book: Path,
    *sheets: Path,
    out: Annotated[Path, Parameter(name="--out", help="folder for the files")],
    dry_run: Annotated[
        bool, Parameter(name="--dry-run", negative="", help="write nothing")
    ] = False,
    encoding: Annotated[Encoding | None, Parameter(name="--encoding")] = None,
    as_json: Json = False,
) -> int:
    """导入 Read a workbook (企业 设备 测点 因果表 人员), or one CSV a sheet, into files."""
    paths = (book, *sheets)
    data = [read_bytes(path) for path in paths]
    _progress(f"reading {', '.join(path.name for path in paths)}", as_json=as_json)
    found, faults = _workbook(paths, data, encoding)
    if found is None:
        return _refused(faults, as_json=as_json)
    for kind, rows in found.records.items():
        _progress(f"{found.grids[kind].sheet}: {len(rows)} rows", as_json=as_json)
    made = make_files(found, book.name, _sources())
    if made.faults:
        return _refused(made.faults, as_json=as_json)
    digest = hashlib.sha256(b"".join(data)).hexdigest()
    made.files[REPORT] = made.report(", ".join(path.name for path in paths), digest)
    changed = _changed_by_hand(out, made)
    if changed:
        return _refused(changed, as_json=as_json)
    states = _write(out, made, dry_run=dry_run)
    _tell(made, states, out, dry_run=dry_run, as_json=as_json)
    return OK


def _workbook(
    paths: tuple[Path, ...], data: list[bytes], encoding: Encoding | None
) -> tuple[Workbook | None, list[Fault]]:
    if len(paths) == 1 and kind_of(paths[0].stem) is None:
        text, faults = read_book(data[0], paths[0].name)
        return (None, faults) if faults else read_lines(text, paths[0].name)
    grids: dict[str, Grid] = {}
    found: list[Fault] = []
    for path, content in zip(paths, data, strict=True):
        kind = kind_of(path.stem)
        if kind is None:
            message = "name a CSV like its sheet: 企业, 设备, 测点, 因果表, 人员"
            found.append(Fault(path.name, "workbook.cell", message))
            continue
        grid, faults = read_csv(content, path.name, encoding)
        found += faults
        if grid is not None:
            grids[kind] = grid
    return read_grids(grids, paths[0].name, faults=found)


def _sources() -> Sources:
    def profile(name: str) -> Profile | None:
        try:
            return catalog.find(name)
        except ProfileError:
            return None

    return Sources(profile, preset_notation, catalog.parameter_units())


def _changed_by_hand(out: Path, made: BookFiles) -> list[Fault]:
    """Return files in the way that no import has written, or that were changed since."""
    try:
        before = json.loads((out / REPORT).read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        before = {}
    faults: list[Fault] = []
    for name, data in made.files.items():
        path = out / name
        if name == REPORT or not path.exists():
            continue
        there = hashlib.sha256(read_bytes(path)).hexdigest()
        if there not in (before.get(name), hashlib.sha256(data).hexdigest()):
            message = "changed since the last import: move it away, or import into another folder"
            faults.append(Fault(str(path), "import.changed", message))
    return faults


def _write(out: Path, made: BookFiles, *, dry_run: bool) -> dict[str, str]:
    states: dict[str, str] = {}
    for name, data in sorted(made.files.items(), key=lambda each: each[0] == REPORT):
        path = out / name
        before = read_bytes(path) if path.exists() else None
        states[name] = "unchanged" if before == data else "new" if before is None else "changed"
        if not dry_run and before != data:
            write_whole(path, data)
    return states


def _tell(
    made: BookFiles, states: dict[str, str], out: Path, *, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        body = {"schema": "import/1", "out": str(out), "written": not dry_run, "files": states}
        emit({**body, "counts": made.counts, "notes": made.notes})
        return
    for name, state in states.items():
        print(f"{state:10} {out / name}")
    for note in made.notes:
        print(f"提示 note: {note}")
    if dry_run:
        print("试运行，未写入任何文件 dry run: nothing was written")


def _progress(text: str, *, as_json: bool) -> None:
    if not as_json:
        print(text, file=sys.stderr)


def _refused(faults: list[Fault], *, as_json: bool) -> int:
    if as_json:
        for fault in faults:
            emit(fault_body("fault", fault))
    else:
        show_faults(faults)
        print(f"{len(faults)} 处错误，未写入任何文件 faults; nothing was written", file=sys.stderr)
    return CONFIGURATION
