"""The controller's image as its protocols show it: registers and bits, or nodes.  Pure.

Addresses and types come from the device profile that the driver reads, so that the simulator cannot
drift from it; the encoder here is our own and shares no code with the driver's decoder.
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from devices.address import ModbusAddress, OpcUaAddress, Order, RegisterType, Table
from devices.profile import ModbusProfile, OpcUaProfile
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
class Cell:
    """One point in the register map: value = raw * scale + offset."""

    name: str
    address: ModbusAddress
    scale: float = 1.0
    offset: float = 0.0


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


@dataclass(frozen=True, slots=True)
class Registers:
    """One image, encoded: registers as bytes on the wire, bits as one byte each (0 or 1)."""

    extents: Mapping[Table, Extent]
    words: Mapping[Table, bytes]

    def read(self, table: Table, address: int, count: int) -> bytes | None:
        """Return the content of `count` addresses, or None where one of them does not answer."""
        extent = self.extents.get(table)
        if extent is None or address < extent.first or address + count > extent.end:
            return None
        width = 1 if table.is_bits else 2
        start = (address - extent.first) * width
        return self.words[table][start : start + count * width]


def map_cells(cells: Sequence[Cell]) -> RegisterMap:
    """Return the map of the cells; a hole between two points answers with zeros."""
    extents: dict[Table, Extent] = {}
    for cell in cells:
        first, end = cell.address.address, cell.address.address + cell.address.length
        known = extents.get(cell.address.table, Extent(first, end))
        extents[cell.address.table] = Extent(min(known.first, first), max(known.end, end))
    return RegisterMap(tuple(cells), extents)


def register_map(profile: ModbusProfile, published: Collection[str]) -> RegisterMap:
    """Return the register map of a profile.

    Raises:
        ProfileError: the profile has points that the plant does not publish.
    """
    _check(profile.profile, [point.name for point in profile.points], published)
    return map_cells([Cell(p.name, profile.address(p), p.scale, p.offset) for p in profile.points])


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
    return Registers(layout.extents, {table: bytes(content) for table, content in words.items()})


def encode_value(cell: Cell, value: Value) -> bytes:
    """Return the bytes of one value in its address's order; integers clamp at their range."""
    kind = cell.address.type
    number = (float(value) - cell.offset) / cell.scale
    if kind in _FLOATS:
        return reorder(struct.pack(_CODES[kind], number), cell.address.order)
    bits = kind.registers * 16
    signed = kind in (RegisterType.INT16, RegisterType.INT32, RegisterType.INT64)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    whole = min(max(round(number), low), high)
    return reorder(struct.pack(_CODES[kind], whole), cell.address.order)


def reorder(raw: bytes, order: Order) -> bytes:
    """Return big-endian bytes in a device's order: words swapped, bytes swapped, or both."""
    pairs = [raw[i : i + 2] for i in range(0, len(raw), 2)]
    if order in (Order.CDAB, Order.DCBA):
        pairs.reverse()
    if order in (Order.BADC, Order.DCBA):
        pairs = [pair[::-1] for pair in pairs]
    return b"".join(pairs)


def _set_bit(content: bytearray, register: int, bit: int, on: bool) -> None:
    word = int.from_bytes(content[register * 2 : register * 2 + 2], "big")
    word = word | (1 << bit) if on else word & ~(1 << bit)
    content[register * 2 : register * 2 + 2] = word.to_bytes(2, "big")
