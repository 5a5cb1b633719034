"""A workbook of a plant to the files of its gateway: lists, devices, limits, matrix.  Pure.

The files are canonical: zero-based addresses, UCUM units, one CSV a device.  They are what the
gateway reads and hashes; the workbook is never opened again.  Either every file comes out or every
fault.  Source: `acquisition.md` 3.15.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from devices.address import ModbusAddress, Order
from devices.point_list import ListedPoint, ListOptions, notation_of, read_grid
from devices.point_row import name_of
from devices.point_site import SitePoints, site_points
from devices.profile import ModbusProfile, Profile
from edge.config import POLL_DEFAULT_NS
from edge.config_device import DeviceConfig, device_faults
from edge.matrix.file import parse_matrix
from edge.matrix.sheet import import_rows, toml_text, toml_value
from edge.point_lists import Presets
from edge.toml_faults import validate
from proto.errors import Fault
from proto.sheet import Grid, write_csv
from proto.sheet_columns import POINTS, Column, Record
from proto.workbook import COLUMNS, Workbook

PRIORITY = {"LL": "high", "L": "medium", "H": "medium", "HH": "high"}
ARMED_NOTE = "not armed: basis {basis} needs a document number"


@dataclass(frozen=True, slots=True)
class Sources:
    """What a workbook refers to: profiles and presets by name, units of the catalogue."""

    profiles: Callable[[str], Profile | None]
    presets: Presets
    parameters: Mapping[str, str]


@dataclass(slots=True)
class BookFiles:
    """What becomes of a workbook.

    Attributes:
        files: bytes by relative name.
        faults: all of them; then no file is to be written.
        notes: what people should know.
        counts: rows by what they are.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def report(self, source: str, digest: str) -> bytes:
        """Return the report: where everything comes from, and the hash of every file."""
        body = {
            "schema": "import/1",
            "source": source,
            "source_hash": digest,
            "counts": self.counts,
            "notes": self.notes,
            "files": {k: hashlib.sha256(v).hexdigest() for k, v in sorted(self.files.items())},
        }
        return (json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode()


def make_files(book: Workbook, file: str, sources: Sources) -> BookFiles:
    """Return the files of a workbook without faults of form, or every fault of sense."""
    made = BookFiles(notes=list(book.notes))
    devices = {row.get("device"): row for row in book.records.get("devices", ())}
    rows = book.records.get("points", ())
    _stray(devices, rows, file, made)
    names = list(dict.fromkeys([*devices, *(row.get("device") for row in rows)]))
    alarms: list[tuple[str, ListedPoint]] = []
    fragments: list[str] = []
    for name in names if not made.faults else ():
        mine = [row.row for row in rows if row.get("device") == name]
        site = _points(book, name, devices.get(name), mine, file, sources, made)
        if name in devices:
            fragments.append(_fragment(devices[name], site, bool(mine), file, made))
        if site is not None:
            alarms += [(f"{name}/{point}", row) for point, row in site.listed.items()]
    if fragments:
        head = "# From a workbook.  Paste into edge.toml; the lines named here stand there.\n\n"
        made.files["devices.toml"] = (head + "\n".join(fragments)).encode()
    _limits(alarms, made)
    _matrix(book.grids.get("matrix"), file, made)
    for kind in ("enterprise", "persons"):
        _canonical(kind, book.records.get(kind, ()), COLUMNS[kind], made)
    made.counts = {kind: len(found) for kind, found in book.records.items()}
    return made


def _stray(
    devices: Mapping[str, Record], rows: Sequence[Record], file: str, made: BookFiles
) -> None:
    for row in rows:
        name = row.get("device")
        if not name or (devices and name not in devices):
            what = f'no device "{name}" in sheet 设备' if name else "name the device"
            where = f"{file}: sheet 测点: row {row.row} column 设备"
            made.faults.append(Fault(where, "workbook.cell", what))


def _points(
    book: Workbook,
    name: str,
    device: Record | None,
    rows: Sequence[int],
    file: str,
    sources: Sources,
    made: BookFiles,
) -> SitePoints | None:
    if not rows:
        return None
    grid = book.grids["points"]
    wanted = set(rows)
    head = grid.lines[0]
    part = Grid(grid.sheet, (head, *(line for line in grid.lines[1:] if line.number in wanted)))
    options, profile = _options(book, name, device, rows, file, sources, made)
    found, faults = read_grid(part, options)
    made.faults += faults
    if found is None:
        return None
    life = "" if device is None else device.get("life")
    site, faults = site_points(
        found, options.file, options.protocol, profile, _life(life, found.points)
    )
    made.faults += faults
    made.files[f"points/{name}.csv"] = write_csv(canonical_rows(found.points))
    return site


def _options(
    book: Workbook,
    name: str,
    device: Record | None,
    rows: Sequence[int],
    file: str,
    sources: Sources,
    made: BookFiles,
) -> tuple[ListOptions, Profile | None]:
    place = f"{file}: sheet 设备: row {device.row if device else 0} column"
    base = (device.get("base") if device else "") or None
    preset = (device.get("preset") if device else "") or None
    if base is not None and base not in ("protocol", "one", "modicon5", "modicon6"):
        message = f'"{base}": write protocol, one, modicon5 or modicon6'
        made.faults.append(Fault(f"{place} 地址基准", "workbook.cell", message))
        base = None
    notation, wrong = notation_of(base, preset, sources.presets)
    if wrong:
        made.faults.append(Fault(f"{place} 编号预设", "address.preset", wrong))
    wanted = device.get("profile") if device else ""
    profile = sources.profiles(wanted) if wanted else None
    if wanted and profile is None:
        made.faults.append(Fault(f"{place} 模板", "profile.unknown", f'no profile "{wanted}"'))
    mine = set(rows)
    texts = [r.get("address") for r in book.records["points"] if r.row in mine]
    order: object = getattr(notation, "order", None)
    if isinstance(profile, ModbusProfile):
        order = profile.modbus.order
    return ListOptions(
        file=f"{file}: sheet {book.grids['points'].sheet}",
        protocol="opcua" if any(text.startswith("nsu=") for text in texts) else "modbus",
        notation=notation,
        order=order if isinstance(order, Order) else Order.ABCD,
        polls=POLL_DEFAULT_NS,
        parameters=sources.parameters,
        device=name,
    ), profile


def canonical_rows(points: Sequence[ListedPoint]) -> list[list[str]]:
    """Return a list in its canonical form: every column, zero-based addresses, UCUM units."""
    used = [c for c in POINTS if any(_canonical_cell(p, c) for p in points)]
    rows = [[column.zh for column in used]]
    rows += [[_canonical_cell(point, column) for column in used] for point in points]
    return rows


def _canonical_cell(point: ListedPoint, column: Column) -> str:
    at = point.address
    if isinstance(at, ModbusAddress):
        own = {
            "table": str(at.table),
            "address": str(at.address),
            "type": str(at.type),
            "order": str(at.order) if at.length > 1 else "",
            "bit": "" if at.bit is None else str(at.bit),
        }
        if column.key in own:
            return own[column.key]
    match column.key:
        case "unit":
            return point.unit
        case "device":
            return point.device
        case "interlock":
            return {"1": "是", "0": "否"}.get(point.said.get("interlock", ""), "")
        case "poll":
            return point.poll
    text = point.said.get(column.key, "")
    if column.holds == "number" and text:
        value = float(text)
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return text


def _life(life: str, points: Sequence[ListedPoint]) -> str:
    """Return the life point by its name, also where the sheet gives its tag."""
    return name_of(life) if any(point.tag == life for point in points) else life


def _fragment(
    device: Record, site: SitePoints | None, has_list: bool, file: str, made: BookFiles
) -> str:
    """Return `[[device]]` of one row, checked like the file that it is pasted into."""
    name = device.get("device")
    points = () if site is None else tuple(site.listed.values())
    table: dict[str, object] = {"name": name}
    for key in ("line", "profile", "path", "reason", "probing", "preset"):
        if device.get(key):
            table[key] = device.get(key)
    if device.get("unit_id").isdigit():
        table["unit_id"] = int(device.get("unit_id"))
    if device.get("life"):
        table["life"] = _life(device.get("life"), points)
    if device.get("pair"):
        table["pair"] = device.get("pair").replace("，", ",").replace(" ", "").split(",")
    if device.get("process_unit"):
        table["unit"] = device.get("process_unit")
    if has_list:
        table["points"] = {"file": f"points/{name}.csv", "base": "protocol"}
    place = f"{file}: sheet 设备: row {device.row}"
    config, faults = validate(DeviceConfig, table, place)
    made.faults += faults
    if config is not None:
        made.faults += device_faults(config, place)
    if device.get("zone"):
        made.notes.append(f"{name}: zone {device.get('zone')}: state clock with its point")
    lines = [f"# {device.get('model')}"] if device.get("model") else []
    lines += ["[[device]]", *(f"{key} = {toml_value(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)


def _limits(alarms: Sequence[tuple[str, ListedPoint]], made: BookFiles) -> None:
    """Write limits.toml; a limit whose basis lacks its document stands there as a comment."""
    tables: dict[str, object] = {}
    idle: list[str] = []
    for on, point in alarms:
        groups: dict[tuple[str, str], list[dict[str, object]]] = {}
        for limit in point.limits:
            if not limit.is_armed:
                why = ARMED_NOTE.format(basis=limit.basis)
                idle.append(f"{point.tag} {limit.level} {limit.value:g}: {why}")
                continue
            row: dict[str, object] = {"level": limit.level, "limit": limit.value}
            row["priority"] = PRIORITY[limit.level]
            groups.setdefault((limit.basis, limit.document), []).append(row)
        for number, ((basis, document), levels) in enumerate(groups.items(), 1):
            key = _alarm_key(point, number, tables)
            tables[key] = {"title": point.title[:200], "on": on, "levels": levels}
            tables[key] |= {"basis": basis} | ({"source": document} if document else {})  # type: ignore[operator]
    if not tables and not idle:
        return
    made.notes += idle
    text = toml_text({"schema": "limits/1", "alarm": tables}, "From the point list.")
    made.files["limits.toml"] = (text + "".join(f"# {line}\n" for line in idle)).encode()


def _alarm_key(point: ListedPoint, number: int, taken: Mapping[str, object]) -> str:
    key = name_of(point.tag).upper().replace("_", "-")[:56]
    key = key if number == 1 else f"{key}-{number}"
    return key if key not in taken else f"{point.device[:40]}-{key}"[:64]


def _matrix(grid: Grid | None, file: str, made: BookFiles) -> None:
    if grid is None:
        return
    tables, faults = import_rows(grid, f"{file}: sheet {grid.sheet}")
    text = toml_text(tables, "From the sheet 因果表; comments are lost.").encode()
    made.faults += faults or parse_matrix(text, f"{file}: sheet {grid.sheet}")[1]
    made.files["matrices/matrix.toml"] = text
    made.notes.append("matrices/matrix.toml: comments of a sheet are not carried over")


def _canonical(
    kind: str, rows: Sequence[Record], columns: Sequence[Column], made: BookFiles
) -> None:
    if rows:
        used = [column for column in columns if any(row.get(column.key) for row in rows)]
        cells = [[row.get(column.key) for column in used] for row in rows]
        made.files[f"{kind}.csv"] = write_csv([[column.zh for column in used], *cells])
