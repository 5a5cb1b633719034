"""What a profile says of the whole device: limits, quirks, forbidden ranges, canary, clock.  Pure.

Source: `acquisition.md` 3.5, 3.6, 3.8 (G5), 3.14, 3.19.
"""

from typing import Annotated

from pydantic import Field

from devices.address import Order, Table
from devices.profile_values import Duration, Model, Name, OrderName, Port, Register, Text

REGISTERS_MAX = 125
"""Registers of one read (Modbus Application Protocol V1.1b3, 6.3)."""
BITS_MAX = 2000
"""Bits of one read (Modbus Application Protocol V1.1b3, 6.1)."""
REGISTERS_UNKNOWN_DEVICE = 120
"""Registers of one read where the profile does not say (`acquisition.md` 3.6)."""


class ForbiddenRange(Model):
    """Addresses that no request may touch, first and last included, and why."""

    table: Table
    first: Register = Field(alias="from")
    last: Register = Field(alias="to")
    why: Text


class Quirks(Model):
    """How this model departs from the protocol; each loosened check is named by `plan`.

    Attributes:
        tid_zero: answers with transaction id 0 whatever was asked.
        unit_alias: the unit id that it answers with, where this is not the one that was asked.
        one_point_per_request: refuses a request that covers more than one value.
        no_fc8: has no echo (function 8, sub-function 0).
        local_echo: the line gives back every byte that is sent.
        behind_gateway: units behind a TCP gateway; False = this controller ignores the unit id;
            None = judged by the line.
        close_after_each: closes the connection after each answer.
        write_single_only: takes function 5 and 6 only.
        pause_after_connect_ns: silence that it wants after a connection is made.
        pause_between_ns: silence that it wants between an answer and the next request.
        max_connections: connections that it serves at once.
    """

    tid_zero: bool = False
    unit_alias: Annotated[int, Field(ge=0, le=255)] | None = None
    one_point_per_request: bool = False
    no_fc8: bool = False
    local_echo: bool = False
    behind_gateway: bool | None = None
    close_after_each: bool = False
    write_single_only: bool = False
    pause_after_connect_ns: Annotated[
        Duration, Field(alias="pause_after_connect", ge=0, le=60 * 10**9)
    ] = 0
    pause_between_ns: Annotated[Duration, Field(alias="pause_between", ge=0, le=10 * 10**9)] = 0
    max_connections: Annotated[int, Field(ge=1, le=4)] = 1


class Extent(Model):
    """Addresses that the maker's map has in one table; both ends belong to it.

    Attributes:
        table: the table.
        first, last: addresses, `from` and `to` in the file.
    """

    table: Table
    first: Annotated[Register, Field(alias="from")]
    last: Annotated[Register, Field(alias="to")]


class Canary(Model):
    """A register of known content (`equals`), or a counter that must move: a shifted map shows.

    Attributes:
        table, address: where it stands.
        equals: what it must hold; None for a counter.
        moves: True for a counter: two reads a period apart must differ.
    """

    table: Table
    address: Register
    equals: Register | None = None
    moves: bool = False


class DeviceClock(Model):
    """`clock`: the point that shows the device's own time, and its smallest step.

    The zone is the site's matter (`[[device]] clock`): a model does not know it.
    """

    point: Name
    resolution_ns: Annotated[Duration, Field(alias="resolution", ge=10**5, le=60 * 10**9)] = 10**9


class ModbusOptions(Model):
    """What is true of the whole device.

    Attributes:
        order: byte order of values of 32 and 64 bits.
        max_registers, max_bits: what one request may ask.
        answer_max_ns: longest time that it has ever taken to answer (D of the guard).
        ports: TCP ports of the device, tried in turn while a slot is held.
        quirks: departures from the protocol.
        forbidden: holes that kill a request.
        extents: what the maker's map has, where it says so; no request leaves it, padding neither.
        canary: a register of known content.
    """

    order: OrderName = Order.ABCD
    max_registers: Annotated[int, Field(ge=4, le=REGISTERS_MAX)] = REGISTERS_UNKNOWN_DEVICE
    max_bits: Annotated[int, Field(ge=1, le=BITS_MAX)] = BITS_MAX
    answer_max_ns: Annotated[
        Duration | None, Field(alias="answer_max", ge=10**6, le=10 * 10**9)
    ] = None
    ports: Annotated[tuple[Port, ...], Field(max_length=8)] = ()
    quirks: Quirks = Quirks()
    forbidden: Annotated[tuple[ForbiddenRange, ...], Field(max_length=256)] = ()
    extents: Annotated[tuple[Extent, ...], Field(max_length=64)] = ()
    canary: Canary | None = None
