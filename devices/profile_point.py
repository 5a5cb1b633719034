"""Points and texts of a device profile: where each stands, what it means, its example.  Pure.

Numbers travel as samples; a text (serial number, program digest) is read seldom and becomes an
event when it changes, never a number.  Source: `acquisition.md` 3.14.
"""

from typing import Annotated, Literal

from pydantic import Field

from devices.address import NodeType, RegisterType, Table
from devices.profile_values import Duration, Finite, Model, Name, Node, OrderName, Register, Text
from devices.text import TEXT_BYTES_MAX, Encoding

Moves = Literal["counter", "second", "toggle"]
Digest = Literal["identity", "program", "setpoint"]
TIME_PATTERN = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$"


class ModbusAt(Model):
    """Where a value stands: table, zero-based protocol address, type; `order` where it differs."""

    table: Table
    address: Register
    type: RegisterType
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    order: OrderName | None = None


class ModbusVector(Model):
    """A worked example: the registers (or bits) as on the wire, and the value the source gives.

    The value of a time is written `"2026-11-23 16:30:05.5"`, as the device shows it.
    """

    registers: Annotated[tuple[Register, ...], Field(max_length=8)] = ()
    bits: Annotated[tuple[Literal[0, 1], ...], Field(max_length=1)] = ()
    value: bool | Finite | Annotated[str, Field(pattern=TIME_PATTERN)]


class OpcUaAt(Model):
    """Which node: `nsu=<namespace URI>;s=<identifier>` (or `i=`, `g=`, `b=`), and its type."""

    node: Node
    type: NodeType


class OpcUaVariant(Model):
    """What the server sends in the worked example."""

    type: Text
    value: bool | int | Finite
    status: Text = "Good"


class OpcUaVector(Model):
    """A worked example: a variant with its status, and the value and quality that follow."""

    variant: OpcUaVariant
    value: bool | Finite
    quality: Literal["GOOD", "UNCERTAIN", "BAD"] = "GOOD"


class Signal(Model):
    """`signal`: the number is a loop current; NE43 says which currents mean a broken loop.

    `scale` and `offset` of the point give milliamperes, `range` belongs to `low` and `high`.  A
    point in the unit mA stays mA: it is only judged.  The figures of NAMUR NE43 are data, not
    checked against the standard.

    Attributes:
        low, high: current in mA at the lower and upper end of the range.
        fault_low, fault_high: below and above these the loop is broken: BAD (SENSOR_FAULT).
        standard: where the fault currents come from.
    """

    low: Finite = 4.0
    high: Finite = 20.0
    fault_low: Finite = 3.6
    fault_high: Finite = 21.0
    standard: Text = "NE43"


class PointModel(Model):
    """What every point states, whatever the protocol.

    Attributes:
        name: the site's name of it is `<device>/<name>`.
        title: what people read.
        tag: ISA-5.1 identifier on the maker's drawing; the site may give its own.
        parameter: id of the catalogue, or `none` with `parameter_reason`.
        unit: UCUM code; `bool` for switches, `1` for no unit.
        range: engineering range, low and high.
        poll: poll class that suits it.
        scale, offset: value = raw * scale + offset, in this order.
        enum: texts of the numbers that the point may take.
        fault_values: raw numbers that mean "sensor broken".
        signal: the number is a loop current.
        rate_max: fastest believable change, in units a second; faster is UNCERTAIN.
        stuck_after_ns: a value that repeats exactly for so long is UNCERTAIN (STUCK).
        clamped: values at which the instrument saturates, low and high; at or beyond UNCERTAIN.
        life: True for the point that proves that the controller is alive; needs `moves`.
        moves: `counter` = changes with each program cycle, modulo its width; `second` = the second
            of the controller's clock; `toggle` = a bit that changes each half `period`.
        period_ns: of a toggle, from edge to same edge.
        active: True for the flag by which one of a redundant pair says that it leads.
        digest: the number identifies the device, its program or its settings: a change is an event.
    """

    name: Name
    title: Text
    tag: Annotated[str, Field(max_length=40)] = ""
    parameter: Text
    parameter_reason: str = ""
    unit: Text
    range: tuple[Finite, Finite] | None = None
    poll: Name
    scale: Finite = 1.0
    offset: Finite = 0.0
    enum: dict[str, str] = Field(default_factory=dict)
    fault_values: Annotated[tuple[Finite, ...], Field(max_length=16)] = ()
    signal: Signal | None = None
    rate_max: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    stuck_after_ns: Annotated[
        Duration | None, Field(alias="stuck_after", ge=10**9, le=31 * 86_400 * 10**9)
    ] = None
    clamped: tuple[Finite, Finite] | None = None
    life: bool = False
    moves: Moves | None = None
    period_ns: Annotated[Duration | None, Field(alias="period", ge=10**7, le=3600 * 10**9)] = None
    active: bool = False
    digest: Digest | None = None


class ModbusPoint(PointModel):
    """A point in a Modbus device; points of one `together` group are always read in one request."""

    at: ModbusAt
    vector: ModbusVector
    together: str = ""


class OpcUaPoint(PointModel):
    """A point of an OPC UA server; causes of interlocks are always read (`acquire = "read"`).

    Attributes:
        at: its node.
        vector: its worked example.
        acquire: read each period, or subscribed.
        sampling_ns: sampling interval asked of the server; the rule of the page unless given.
    """

    at: OpcUaAt
    vector: OpcUaVector
    acquire: Literal["read", "subscribe"] = "subscribe"
    sampling_ns: Annotated[Duration | None, Field(alias="sampling", ge=10**6, le=3600 * 10**9)] = (
        None
    )


class TextAt(Model):
    """Where a text stands: `bytes` characters from `address`, which byte of a register first."""

    table: Literal[Table.HOLDING, Table.INPUT]
    address: Register
    bytes: Annotated[int, Field(ge=1, le=TEXT_BYTES_MAX)]
    first: Literal["high", "low"] = "high"
    encoding: Encoding = "ascii"


class TextVector(Model):
    """A worked example of a text: the registers as on the wire, and what the panel shows."""

    registers: Annotated[tuple[Register, ...], Field(min_length=1, max_length=TEXT_BYTES_MAX)]
    text: Annotated[str, Field(max_length=TEXT_BYTES_MAX)]


class TextModel(Model):
    """`[[texts]]`: a text of the device, read at the start, after a restart and once an hour.

    Attributes:
        name: of the text, beside the names of points.
        title: what people read.
        digest: what it identifies; a change is an event, of `program` a notice of a change.
    """

    name: Name
    title: Text
    digest: Digest = "identity"


class ModbusText(TextModel):
    """A text in registers."""

    at: TextAt
    vector: TextVector


class OpcUaText(TextModel):
    """A text in a node of type String."""

    at: Node
