"""The controller's image as its protocols show it: registers and bits, or nodes.  Pure.

Addresses and types come from the device profile that the driver reads, so that the simulator cannot
drift from it; the encoder here is our own and shares no code with the driver's decoder.
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from devices.address import ModbusAddress, OpcUaAddress, Order, RegisterType, Table
from devices.profile import ModbusPoint, ModbusProfile, OpcUaProfile
from proto.errors import Fault, ProfileError
from simulators.plants.model import Value, Values

_CODES = {
    RegisterType.INT16: ">h",
    RegisterType.UINT16: ">H",
    RegisterType.INT32: ">i",
    RegisterType.UINT32: ">I",
    RegisterType.INT64: ">q",
    RegisterType.UINT64: ">Q",
    RegisterType.FLOAT32: ">f",
    RegisterType.FLOAT64: ">d",
}
_FLOATS = (RegisterType.FLOAT32, RegisterType.FLOAT64)


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop current: `low` to `high` mA stand for `bottom` to `top` in the point's unit."""

    low: float
    high: float
    bottom: float
    top: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One point in the register map: value = raw * scale + offset; `loop` turns it to mA first."""

    name: str
    address: ModbusAddress
    scale: float = 1.0
    offset: float = 0.0
    loop: Loop | None = None


@dataclass(frozen=True, slots=True)
class NodeCell:
    """One point as a node of a server."""

    name: str
    address: OpcUaAddress


@dataclass(frozen=True, slots=True)
class Extent:
    """The addresses of one table that answer: [first, end)."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """All cells, and which addresses answer in each table."""

    cells: tuple[Cell, ...]
    extents: Mapping[Table, Extent]
    holes: Mapping[Table, tuple[Extent, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registers:
    """One image, encoded: registers as bytes on the wire, bits as one byte each (0 or 1)."""

    extents: Mapping[Table, Extent]
    words: Mapping[Table, bytes]
    holes: Mapping[Table, tuple[Extent, ...]] = field(default_factory=dict)

    def read(self, table: Table, address: int, count: int) -> bytes | None:
        """Return the content of `count` addresses, or None where one of them does not answer."""
        extent = self.extents.get(table)
        if extent is None or address < extent.first or address + count > extent.end:
            return None
        for hole in self.holes.get(table, ()):
            if address < hole.end and hole.first < address + count:
                return None
        width = 1 if table.is_bits else 2
        start = (address - extent.first) * width
        return self.words[table][start : start + count * width]


def map_cells(cells: Sequence[Cell], more: Sequence[tuple[Table, Extent]] = ()) -> RegisterMap:
    """Return the map of the cells and of `more`; a hole between two of them answers with zeros."""
    extents: dict[Table, Extent] = {}
    mine = [
        (at.table, Extent(at.address, at.address + at.length))
        for at in (cell.address for cell in cells)
    ]
    for table, extent in (*mine, *more):
        known = extents.get(table, extent)
        extents[table] = Extent(min(known.first, extent.first), max(known.end, extent.end))
    return RegisterMap(tuple(cells), extents)


def register_map(profile: ModbusProfile, published: Collection[str]) -> RegisterMap:
    """Return the register map of a profile.

    Raises:
        ProfileError: the profile has points that the plant does not publish.
    """
    _check(profile.profile, [point.name for point in profile.points], published)
    return map_cells(profile_cells(profile))


def profile_cells(profile: ModbusProfile) -> list[Cell]:
    """Return one cell per point of a profile."""
    return [
        Cell(point.name, profile.address(point), point.scale, point.offset, _loop(point))
        for point in profile.points
    ]


def _loop(point: ModbusPoint) -> Loop | None:
    """Return the loop behind a point that shows an engineering value of it."""
    signal = point.signal
    if signal is None or point.range is None or point.unit == "mA":
        return None
    return Loop(signal.low, signal.high, *point.range)


def node_cells(profile: OpcUaProfile, published: Collection[str]) -> tuple[NodeCell, ...]:
    """Return the nodes of a profile.

    Raises:
        ProfileError: the profile has points that the plant does not publish.
    """
    _check(profile.profile, [point.name for point in profile.points], published)
    return tuple(NodeCell(p.name, profile.address(p)) for p in profile.points)


def _check(profile: str, names: Sequence[str], published: Collection[str]) -> None:
    missing = [name for name in names if name not in published]
    if missing:
        raise ProfileError(
            [Fault(f"{profile}/{name}", "plant.point_missing", "not published") for name in missing]
        )


def encode(layout: RegisterMap, values: Values) -> Registers:
    """Return the registers that show `values`.

    Raises:
        KeyError: the plant publishes no value for a cell.
    """
    words = {
        table: bytearray((extent.end - extent.first) * (1 if table.is_bits else 2))
        for table, extent in layout.extents.items()
    }
    for cell in layout.cells:
        table = cell.address.table
        offset = cell.address.address - layout.extents[table].first
        if table.is_bits:
            words[table][offset] = 1 if values[cell.name] else 0
            continue
        if cell.address.bit is not None:
            _set_bit(words[table], offset, cell.address.bit, bool(values[cell.name]))
            continue
        raw = encode_value(cell, values[cell.name])
        words[table][offset * 2 : offset * 2 + len(raw)] = raw
    shown = {table: bytes(content) for table, content in words.items()}
    return Registers(layout.extents, shown, layout.holes)


def encode_value(cell: Cell, value: Value) -> bytes:
    """Return the bytes of one value in its address's order; integers clamp at their range."""
    kind = cell.address.type
    if kind.is_time:
        return encode_time(kind, int(value), cell.address.order)
    shown = float(value)
    if cell.loop is not None:
        loop = cell.loop
        share = (shown - loop.bottom) / (loop.top - loop.bottom)
        shown = loop.low + share * (loop.high - loop.low)
    number = (shown - cell.offset) / cell.scale
    if kind in _FLOATS:
        return reorder(struct.pack(_CODES[kind], number), cell.address.order)
    bits = kind.registers * 16
    if kind.is_bcd:
        digits = kind.registers * 4
        decimal = min(max(round(number), 0), 10**digits - 1)
        return reorder(bytes.fromhex(f"{decimal:0{digits}d}"), cell.address.order)
    signed = kind in (RegisterType.INT16, RegisterType.INT32, RegisterType.INT64)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    whole = min(max(round(number), low), high)
    return reorder(struct.pack(_CODES[kind], whole), cell.address.order)


def encode_time(kind: RegisterType, us: int, order: Order) -> bytes:
    """Return a time as controllers of that kind write it; `us` since 1970 of their own clock."""
    when = datetime(1970, 1, 1) + timedelta(microseconds=us)  # noqa: DTZ001 - a clock without zone
    ms, weekday = when.microsecond // 1000, when.isoweekday() % 7 + 1
    day = (when.year, when.month, when.day, when.hour, when.minute, when.second)
    match kind:
        case RegisterType.S7_DTL:
            return struct.pack(">H6BI", *day[:3], weekday, *day[3:], when.microsecond * 1000)
        case RegisterType.S7_DATE_TIME:
            text = f"{day[0] % 100:02d}" + "".join(f"{each:02d}" for each in day[1:])
            return bytes.fromhex(f"{text}{ms:03d}{weekday}")
        case RegisterType.UNIX_MS:
            return reorder(struct.pack(">Q", us // 1000), order)
        case RegisterType.CP56:
            return struct.pack(
                "<HBBBBBx",
                day[5] * 1000 + ms, day[4], day[3], day[2], day[1], day[0] % 100,
            )  # fmt: skip
        case _:
            return struct.pack(">7H", *day, ms)


def reorder(raw: bytes, order: Order) -> bytes:
    """Return big-endian bytes in a device's order: words swapped, bytes swapped, or both.

    An order is one of values over several registers: a single register is never swapped.
    """
    pairs = [raw[i : i + 2] for i in range(0, len(raw), 2)]
    if len(pairs) == 1:
        return raw
    if order in (Order.CDAB, Order.DCBA):
        pairs.reverse()
    if order in (Order.BADC, Order.DCBA):
        pairs = [pair[::-1] for pair in pairs]
    return b"".join(pairs)


def _set_bit(content: bytearray, register: int, bit: int, on: bool) -> None:
    word = int.from_bytes(content[register * 2 : register * 2 + 2], "big")
    word = word | (1 << bit) if on else word & ~(1 << bit)
    content[register * 2 : register * 2 + 2] = word.to_bytes(2, "big")
