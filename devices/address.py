"""Where a value stands in a device: a Modbus table, address and type, or an OPC UA node.  Pure.

Modbus addresses are zero-based protocol addresses, never vendor numbering.  OPC UA nodes are named
by namespace URI, because a namespace index may change with each start of a server.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from proto.point import PointType


class Table(StrEnum):
    """One of the four tables of a Modbus device."""

    COIL = "coil"
    DISCRETE = "discrete"
    HOLDING = "holding"
    INPUT = "input"

    @property
    def is_bits(self) -> bool:
        """True for the tables of single bits."""
        return self in (Table.COIL, Table.DISCRETE)

    @property
    def function(self) -> int:
        """The function code that reads this table (Modbus Application Protocol V1.1b3, 6.1-6.4)."""
        return _FUNCTIONS[self]


_FUNCTIONS = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}


class RegisterType(StrEnum):
    """How a value lies in registers or bits.

    The last five are times of the device's own clock; they travel as microseconds since 1970 of the
    time that the device shows, whatever its zone (`device_time.py`).
    """

    BOOL = "bool"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BCD16 = "bcd16"
    BCD32 = "bcd32"
    S7_DTL = "s7_dtl"
    S7_DATE_TIME = "s7_date_time"
    UNIX_MS = "unix_ms"
    CP56 = "cp56"
    YMDHMS_MS = "ymdhms_ms"

    @property
    def registers(self) -> int:
        """16-bit registers that one value takes; a bool takes the register that holds its bit."""
        return _REGISTERS[self]

    @property
    def point_type(self) -> PointType:
        """How the raw code travels."""
        return _POINT_TYPES[self]

    @property
    def is_time(self) -> bool:
        """True for the times of a device's clock."""
        return self in _TIMES

    @property
    def is_bcd(self) -> bool:
        """True for decimal digits, four bits each."""
        return self in (RegisterType.BCD16, RegisterType.BCD32)


_REGISTERS = {
    RegisterType.BOOL: 1,
    RegisterType.INT16: 1,
    RegisterType.UINT16: 1,
    RegisterType.INT32: 2,
    RegisterType.UINT32: 2,
    RegisterType.INT64: 4,
    RegisterType.UINT64: 4,
    RegisterType.FLOAT32: 2,
    RegisterType.FLOAT64: 4,
    RegisterType.BCD16: 1,
    RegisterType.BCD32: 2,
    RegisterType.S7_DTL: 6,
    RegisterType.S7_DATE_TIME: 4,
    RegisterType.UNIX_MS: 4,
    RegisterType.CP56: 4,
    RegisterType.YMDHMS_MS: 7,
}
_TIMES = frozenset(
    (
        RegisterType.S7_DTL,
        RegisterType.S7_DATE_TIME,
        RegisterType.UNIX_MS,
        RegisterType.CP56,
        RegisterType.YMDHMS_MS,
    )
)
_POINT_TYPES = {
    RegisterType.BOOL: PointType.BOOL,
    RegisterType.INT16: PointType.I16,
    RegisterType.UINT16: PointType.U16,
    RegisterType.INT32: PointType.I32,
    RegisterType.UINT32: PointType.U32,
    RegisterType.INT64: PointType.I64,
    RegisterType.UINT64: PointType.U64,
    RegisterType.FLOAT32: PointType.F32,
    RegisterType.FLOAT64: PointType.F64,
    RegisterType.BCD16: PointType.U16,
    RegisterType.BCD32: PointType.U32,
    **dict.fromkeys(_TIMES, PointType.I64),
}


class Order(StrEnum):
    """Order of the bytes of a 32-bit value over two registers; A is the most significant byte.

    For 64 bits the same rule over four registers: ABCD = ABCDEFGH, CDAB = GHEFCDAB,
    BADC = BADCFEHG, DCBA = HGFEDCBA.
    """

    ABCD = "ABCD"
    CDAB = "CDAB"
    BADC = "BADC"
    DCBA = "DCBA"


_ORDERS_64 = {
    "ABCDEFGH": Order.ABCD,
    "GHEFCDAB": Order.CDAB,
    "BADCFEHG": Order.BADC,
    "HGFEDCBA": Order.DCBA,
}


def order_of(name: str) -> Order:
    """Return the order of a name of 32 bits (`CDAB`) or of 64 bits (`GHEFCDAB`).

    Raises:
        ValueError: there is no such order.
    """
    return _ORDERS_64.get(name) or Order(name)


class NodeType(StrEnum):
    """Built-in OPC UA types that a point may have (Part 6, 5.1.2), in lower case."""

    BOOLEAN = "boolean"
    SBYTE = "sbyte"
    BYTE = "byte"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT = "float"
    DOUBLE = "double"

    @property
    def point_type(self) -> PointType:
        """How the raw code travels."""
        return _NODE_POINT_TYPES[self]


_NODE_POINT_TYPES = {
    NodeType.BOOLEAN: PointType.BOOL,
    NodeType.SBYTE: PointType.I16,
    NodeType.BYTE: PointType.U16,
    NodeType.INT16: PointType.I16,
    NodeType.UINT16: PointType.U16,
    NodeType.INT32: PointType.I32,
    NodeType.UINT32: PointType.U32,
    NodeType.INT64: PointType.I64,
    NodeType.UINT64: PointType.U64,
    NodeType.FLOAT: PointType.F32,
    NodeType.DOUBLE: PointType.F64,
}


@dataclass(frozen=True, slots=True)
class ModbusAddress:
    """One value in a Modbus device.

    Attributes:
        table: coil, discrete, holding or input.
        address: zero-based protocol address of the first register or bit, 0-65535.
        type: how the value lies there; `bool` in a register table needs `bit`.
        order: byte order of values of 32 and 64 bits; a single register is never swapped.
        bit: 0 (least significant) to 15 for a bool inside a register; else None.
    """

    table: Table
    address: int
    type: RegisterType
    order: Order = Order.ABCD
    bit: int | None = None

    @property
    def length(self) -> int:
        """Registers, or bits in a bit table, that the value takes."""
        return 1 if self.table.is_bits else self.type.registers

    @property
    def point_type(self) -> PointType:
        """How the raw code travels."""
        return self.type.point_type

    def __str__(self) -> str:
        """Return `holding 4 float32 CDAB` or `holding 7.3 bool`."""
        place = f"{self.table} {self.address}" + ("" if self.bit is None else f".{self.bit}")
        order = f" {self.order}" if self.type.registers > 1 else ""
        return f"{place} {self.type}{order}"


one_address = lru_cache(maxsize=1 << 16)(ModbusAddress)
"""`ModbusAddress`, but equal ones are one object: all devices of a profile share theirs."""


@dataclass(frozen=True, slots=True)
class OpcUaAddress:
    """One variable of a server: `nsu=<namespace URI>;s=<identifier>` and its built-in type."""

    node: str
    type: NodeType

    @property
    def point_type(self) -> PointType:
        """How the raw code travels."""
        return self.type.point_type

    def __str__(self) -> str:
        """Return the node and its type."""
        return f"{self.node} {self.type}"


Address = ModbusAddress | OpcUaAddress
