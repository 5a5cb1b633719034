"""The point list (点表) of one device: rows of a sheet to points, or every fault at once.  Pure.

A list is what the plant has: tags, addresses as its manual writes them, ranges, limits.  Nothing is
guessed: base or preset, unit and type are stated, and what does not fit is named with row, column
and remedy.  Source: `acquisition.md` 3.15.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from devices.address import ModbusAddress, OpcUaAddress, Order, RegisterType
from devices.point_address import BASES, Notation, unstated
from devices.point_row import Row
from proto.errors import Fault
from proto.sheet import FAULTS_MAX, Encoding, Grid, read_csv
from proto.sheet_columns import POINTS, records

LEVELS = ("ll", "l", "h", "hh")


@dataclass(frozen=True, slots=True)
class ListOptions:
    """How a list is to be read; everything that is stated beside it.

    Attributes:
        file: its name, the start of every place.
        protocol: of the line that the device hangs on.
        notation: what its addresses count by.
        encoding: stated by a person, or None.
        order: of values over several registers, where no cell says it.
        polls: poll classes and their periods in ns.
        parameters: id -> unit of the catalogue.
        device: name of the device that the list belongs to; other names in the list are faults.
    """

    file: str
    protocol: str = "modbus"
    notation: Notation = unstated
    encoding: Encoding | None = None
    order: Order = Order.ABCD
    polls: Mapping[str, int] = field(default_factory=lambda: {"normal": 10**9})
    parameters: Mapping[str, str] = field(default_factory=dict)
    device: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of the list: level, value, basis, document number."""

    level: str
    value: float
    basis: str
    document: str

    @property
    def is_armed(self) -> bool:
        """False while a basis that needs a document has none."""
        return self.basis not in ("legal", "standard", "design") or bool(self.document)


@dataclass(frozen=True, slots=True)
class ListedPoint:
    """One row that may be read.

    Attributes:
        row: in the list.
        name: part of the name on the wire, made from the tag.
        tag, title, device, unit_id: as listed; unit_id None where the list says nothing.
        text, rule: the address as written, and how it was read.
        address: None for a row that only says more of a point of the profile.
        scale, offset, unit, low, high, poll, parameter, process_unit, source, moves: as listed.
        limits: in rising order of level.
        vector: registers of the worked example, and the value they mean; empty where none.
        said: every cell of the row by key, for what is only carried along.
    """

    row: int
    name: str
    tag: str
    title: str
    device: str
    unit_id: int | None
    text: str
    rule: str
    address: ModbusAddress | OpcUaAddress | None
    scale: float
    offset: float
    unit: str
    low: float | None
    high: float | None
    poll: str
    parameter: str
    process_unit: str
    source: str
    moves: str
    limits: tuple[Limit, ...]
    vector: tuple[tuple[int, ...], float | None]
    said: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PointList:
    """A list without faults: its points, and how its bytes were read."""

    points: tuple[ListedPoint, ...]
    grid: Grid


def notation_of(
    base: str | None, preset: str | None, presets: Callable[[str], Notation | None]
) -> tuple[Notation, str]:
    """Return the notation that base and preset state, and what is wrong with them.

    Args:
        base: of the list, or None.
        preset: of the list or of its device, or None.
        presets: finds the notation of a preset; None when there is none of that name.
    """
    if base is not None:
        return BASES[base], ""
    if preset is None:
        return unstated, ""
    found = BASES.get(preset) or presets(preset)
    return (unstated, f'no preset "{preset}"') if found is None else (found, "")


def read_point_list(data: bytes, options: ListOptions) -> tuple[PointList | None, list[Fault]]:
    """Return the points of a list, or None and every fault in it."""
    grid, faults = read_csv(data, options.file, options.encoding)
    return (None, faults) if grid is None else read_grid(grid, options)


def read_grid(grid: Grid, options: ListOptions) -> tuple[PointList | None, list[Fault]]:
    """Return the points in the rows of a sheet, or None and every fault in it."""
    found, faults = records(grid, POINTS, options.file, required=("tag",))
    if not found and not faults:
        faults.append(Fault(options.file, "point_list.empty", "a header and no rows below it"))
    if faults and not found:
        return None, faults
    rows = [Row(record, options.file) for record in found]
    points = [_point(row, options) for row in rows]
    faults += [fault for row in rows for fault in row.faults]
    made = [point for point in points if point is not None]
    faults += _duplicates(made, options.file)
    faults += overlaps(made, options.file)
    faults = _one_base_fault(faults)
    if faults:
        return None, faults[:FAULTS_MAX]
    return PointList(tuple(made), grid), []


def _one_base_fault(faults: list[Fault]) -> list[Fault]:
    """Keep the first fault of a missing base: one key mends them all."""
    bases = [fault for fault in faults if fault.code == "point_list.base"]
    if len(bases) < 2:
        return faults
    first = bases[0]
    said = Fault(first.place, first.code, f"{first.message} ({len(bases)} rows)")
    return [said, *(fault for fault in faults if fault.code != "point_list.base")]


def _point(row: Row, options: ListOptions) -> ListedPoint | None:
    tag = row.tag()
    address, text, rule = _address(row, options)
    is_bool = address is not None and str(address.type) in ("bool", "boolean")
    is_float = address is not None and address.point_type.is_float
    low, high = row.range()
    unit = row.unit(is_bool=is_bool, known_elsewhere=address is None)
    point = ListedPoint(
        row=row.number,
        name=row.name(),
        tag=tag,
        title=row.title(),
        device=row.device(options.device),
        unit_id=row.integer("unit_id", 1, 255),
        text=text,
        rule=rule,
        address=address,
        scale=row.scale(is_plain=is_bool or is_float),
        offset=row.number_of("offset", 0.0),
        unit=unit,
        low=low,
        high=high,
        poll=row.poll(options.polls),
        parameter=row.parameter(options.parameters, unit),
        process_unit=row.get("process_unit"),
        source=row.get("source"),
        moves=row.choice("moves", ("counter", "second", "toggle")),
        limits=_limits(row, low, high, is_bool=is_bool),
        vector=row.vector(),
        said=row.record.cells,
    )
    return None if row.faults else point


def _address(
    row: Row, options: ListOptions
) -> tuple[ModbusAddress | OpcUaAddress | None, str, str]:
    text = row.get("address")
    if not text:
        return None, "", ""
    if options.protocol == "opcua":
        return row.node(text), text, "node"
    return row.modbus(text, options.notation, options.order)


def _limits(row: Row, low: float | None, high: float | None, *, is_bool: bool) -> tuple[Limit, ...]:
    found: list[Limit] = []
    for level in LEVELS:
        value = row.record.number(level)
        if value is None:
            continue
        if is_bool:
            row.fault(level, "point_list.limit_order", "a switch has no limits")
        if (low is not None and value < low) or (high is not None and value > high):
            row.fault(level, "point_list.range", f"{value:g} is outside the range {low} to {high}")
        if found and found[-1].value >= value:
            row.fault(level, "point_list.limit_order", "limits must rise from 低低 to 高高")
        basis = row.basis(f"{level}_basis")
        found.append(Limit(level.upper(), value, basis, row.get(f"{level}_document")))
    return tuple(found)


def _duplicates(points: Sequence[ListedPoint], file: str) -> list[Fault]:
    faults: list[Fault] = []
    tags: dict[tuple[str, str], int] = {}
    names: dict[tuple[str, str], ListedPoint] = {}
    for point in points:
        where = f"{file}: row {point.row} column 位号"
        first = tags.setdefault((point.device, point.tag), point.row)
        other = names.setdefault((point.device, point.name), point)
        if first != point.row:
            message = f"tag {point.tag} stands in row {first} already 位号重复"
            faults.append(Fault(where, "point_list.duplicate", message))
        elif other is not point:
            message = f"{point.tag} and {other.tag} (row {other.row}) make one name {point.name}"
            faults.append(Fault(where, "point_list.duplicate", message))
    return faults


def overlaps(points: Sequence[ListedPoint], file: str) -> list[Fault]:
    """Return registers that two rows read as two types; bits of one register may share it."""
    faults: list[Fault] = []
    by_unit: dict[tuple[str, int | None, str], list[tuple[ModbusAddress, ListedPoint]]] = {}
    for point in points:
        at = point.address
        if isinstance(at, ModbusAddress) and at.type is not RegisterType.BOOL:
            key = (point.device, point.unit_id, str(at.table))
            by_unit.setdefault(key, []).append((at, point))
    for rows in by_unit.values():
        rows.sort(key=lambda row: (row[0].address, row[0].length))
        a, one = rows[0]  # of the rows so far the one that reaches farthest
        for b, two in rows[1:]:
            same = (a.address, a.type, a.order) == (b.address, b.type, b.order)
            if b.address < a.address + a.length and not same:
                message = (
                    f"{one.tag} (row {one.row}) and {two.tag} read one register as "
                    f"{a.type} and {b.type} 地址重叠且类型不同"
                )
                where = f"{file}: row {two.row} column 地址"
                faults.append(Fault(where, "config.overlap", message))
            if b.address + b.length > a.address + a.length:
                a, one = b, two
    return faults
