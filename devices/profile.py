"""A device profile: what a model of equipment offers, as people write it in TOML.  Pure.

A profile is data: no templates, no addresses of a site.  It names its source, and every point
carries a worked example of that source (`vector`), so that a wrong map cannot be loaded.  These are
the models; `profile_check.parse_profile` reads text into them and reports every fault at once.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from devices.address import ModbusAddress, NodeType, OpcUaAddress, Order, RegisterType, Table
from proto.point import PointType

REGISTERS_MAX = 125
"""Registers of one read (Modbus Application Protocol V1.1b3, 6.3)."""
BITS_MAX = 2000
"""Bits of one read (Modbus Application Protocol V1.1b3, 6.1)."""
REGISTERS_UNKNOWN_DEVICE = 120
"""Registers of one read where the profile does not say (`acquisition.md` 3.6)."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, Field(min_length=1, max_length=400)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Register = Annotated[int, Field(ge=0, le=0xFFFF)]


class Model(BaseModel):
    """Root of everything people write here: no unknown keys, no coercion, no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Product(Model):
    """One product that the profile describes."""

    vendor: Text
    model: Text


class ModbusAt(Model):
    """Where a value stands: table, zero-based protocol address, type; `order` where it differs."""

    table: Table
    address: Register
    type: RegisterType
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    order: Order | None = None


class ModbusVector(Model):
    """A worked example: the registers (or bits) as on the wire, and the value the source gives."""

    registers: Annotated[tuple[Register, ...], Field(max_length=4)] = ()
    bits: Annotated[tuple[Literal[0, 1], ...], Field(max_length=1)] = ()
    value: bool | Finite


class OpcUaAt(Model):
    """Which node: `nsu=<namespace URI>;s=<identifier>` (or `i=`, `g=`, `b=`), and its type."""

    node: Annotated[str, Field(pattern=r"^nsu=[^;]+;[sigb]=.+$", max_length=400)]
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
        scale, offset: value = raw * scale + offset, in this order; integers only.
        enum: texts of the numbers that the point may take.
        fault_values: raw numbers that mean "sensor broken".
        life: True for the point that proves that the controller is alive; needs `moves`.
        moves: `counter` = changes with each program cycle, modulo its width.
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
    enum: dict[str, str] = {}
    fault_values: tuple[Finite, ...] = ()
    life: bool = False
    moves: Literal["counter"] | None = None


class ModbusPoint(PointModel):
    """A point in a Modbus device; points of one `together` group are always read in one request."""

    at: ModbusAt
    vector: ModbusVector
    together: str = ""


class OpcUaPoint(PointModel):
    """A point of an OPC UA server; causes of interlocks are always read (`acquire = "read"`)."""

    at: OpcUaAt
    vector: OpcUaVector
    acquire: Literal["read", "subscribe"] = "subscribe"


class ForbiddenRange(Model):
    """Addresses that no request may touch, first and last included, and why."""

    table: Table
    first: Register = Field(alias="from")
    last: Register = Field(alias="to")
    why: Text


class ModbusOptions(Model):
    """What is true of the whole device.

    Attributes:
        order: byte order of values of 32 and 64 bits.
        max_registers, max_bits: what one request may ask.
        forbidden: holes that kill a request.
    """

    order: Order = Order.ABCD
    max_registers: Annotated[int, Field(ge=4, le=REGISTERS_MAX)] = REGISTERS_UNKNOWN_DEVICE
    max_bits: Annotated[int, Field(ge=1, le=BITS_MAX)] = BITS_MAX
    forbidden: tuple[ForbiddenRange, ...] = ()


class ProfileModel(Model):
    """What every profile states.

    Attributes:
        profile: its name, and the name of its file.
        version: counts up with each change.
        kind: kind of equipment, a file of `devices/kinds/`.
        grade: bronze = vectors decode; silver = simulated; gold = seen on hardware; platinum =
            certified.
        source: where the map comes from: manual, version, table.
    """

    profile: Name
    version: Annotated[int, Field(ge=1)]
    kind: Name
    grade: Literal["bronze", "silver", "gold", "platinum"]
    source: Text
    products: tuple[Product, ...] = ()


class ModbusProfile(ProfileModel):
    """A model that speaks Modbus."""

    protocol: Literal["modbus"]
    modbus: ModbusOptions = ModbusOptions()
    points: Annotated[tuple[ModbusPoint, ...], Field(max_length=4096)]

    def address(self, point: ModbusPoint) -> ModbusAddress:
        """Return where `point` stands, with the byte order that holds for it."""
        at = point.at
        order = at.order if at.order is not None else self.modbus.order
        return ModbusAddress(at.table, at.address, at.type, order, at.bit)


class OpcUaProfile(ProfileModel):
    """A model that serves OPC UA."""

    protocol: Literal["opcua"]
    points: Annotated[tuple[OpcUaPoint, ...], Field(max_length=4096)]

    def address(self, point: OpcUaPoint) -> OpcUaAddress:
        """Return the node of `point`."""
        return OpcUaAddress(point.at.node, point.at.type)


Profile = ModbusProfile | OpcUaProfile


def point_type(point: ModbusPoint | OpcUaPoint) -> PointType:
    """Return how the raw code of `point` travels."""
    return point.at.type.point_type
