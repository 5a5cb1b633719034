"""`[event_ring]`: a ring of events that the controller keeps (sequence of events).  Pure.

The controller writes the record first and the index after it.  Rings that want a register written
before each read are refused: nothing is ever written.  Source: `acquisition.md` 3.20.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from devices.address import Order, RegisterType, Table
from devices.profile_values import (
    Duration,
    Finite,
    Model,
    Node,
    OrderName,
    Register,
    Text,
)

WORDS_MAX = 32
RECORDS_MAX = 4096
FIELD_PATTERN = r"^[a-z0-9_]{3,16}@([0-9]|[12][0-9]|3[01])$"
Counter = Literal[RegisterType.UINT16, RegisterType.UINT32]
RegisterTable = Literal[Table.HOLDING, Table.INPUT]


class RingPlace(Model):
    """A number of the ring: in registers (`table`, `address`) or in a node; never both."""

    table: RegisterTable | None = None
    address: Register | None = None
    node: Node | None = None
    type: Counter = RegisterType.UINT16

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        in_registers = self.table is not None and self.address is not None
        if in_registers == (self.node is not None) or (self.table is None) != (
            self.address is None
        ):
            raise ValueError("give table and address, or node")
        return self


class RingIndex(Model):
    """Which slot the controller wrote last, or writes next; `first` = how it numbers slot 0."""

    at: RingPlace
    means: Literal["next", "last"] = "next"
    first: Annotated[int, Field(ge=0, le=1)] = 0


class RingRecords(Model):
    """The records: `count` of `words` registers each from `start`, or a node with their words.

    `wrap` says how the index runs: `index` = it goes round with the slots, `total` = it counts all
    records ever written, the slot is its remainder.
    """

    table: RegisterTable | None = None
    start: Register | None = None
    node: Node | None = None
    words: Annotated[int, Field(ge=2, le=WORDS_MAX)]
    count: Annotated[int, Field(ge=4, le=RECORDS_MAX)]
    wrap: Literal["index", "total"] = "index"

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        in_registers = self.table is not None and self.start is not None
        if in_registers == (self.node is not None) or (self.table is None) != (self.start is None):
            raise ValueError("give table and start, or node")
        return self


RingField = Annotated[str, Field(pattern=FIELD_PATTERN)]


class RingFields(Model):
    """Where each field stands in a record: `type@word`; the type of `time` is its format."""

    seq: RingField
    code: RingField
    time: RingField | None = None
    value: RingField | None = None


class RingStamp(Model):
    """What the time of a record is worth: `interrupt` needs the document that says so."""

    by: Literal["interrupt", "scan"]
    resolution_ns: Annotated[Duration, Field(alias="resolution", ge=10**3, le=60 * 10**9)]
    document: Annotated[str, Field(max_length=400)] = ""


class RingCode(Model):
    """What a code means: its text, and the point and state that it reports."""

    title: Text
    point: Annotated[str, Field(max_length=63)] = ""
    state: bool | None = None


class RingVector(Model):
    """A worked example: one record as on the wire, and what the source says it means."""

    registers: Annotated[tuple[Register, ...], Field(min_length=2, max_length=WORDS_MAX)]
    seq: Annotated[int, Field(ge=0)]
    code: int
    time: Annotated[str, Field(max_length=32)] = ""
    value: Finite | None = None


class EventRing(Model):
    """The ring of one device.

    Attributes:
        index: where the controller stands.
        total: running number of all records, or None; makes an overrun countable without records.
        records: where the records are.
        fields: what a record holds.
        order: byte order of fields of 32 and 64 bits; the device's unless given.
        first_seq: number of the first record after the controller was emptied.
        stamp: what its times are worth.
        codes: meaning of the codes, by decimal number.
        vector: worked example.
        needs_write: True where the maker wants a register written before a read: refused.
    """

    index: RingIndex
    total: RingPlace | None = None
    records: RingRecords
    fields: RingFields
    order: OrderName | None = None
    first_seq: Annotated[int, Field(ge=0, le=1)] = 1
    stamp: RingStamp
    codes: dict[Annotated[str, Field(pattern=r"^-?[0-9]{1,10}$")], RingCode] = Field(
        default_factory=dict
    )
    vector: RingVector
    needs_write: bool = False

    def order_in(self, device: Order) -> Order:
        """Return the byte order of the fields of a device whose own order is `device`."""
        return device if self.order is None else self.order
