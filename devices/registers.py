"""Compiled layout of one Modbus block: wire bytes to columns in one gather.  Pure.

The bytes of all values are brought into one row by a single permutation, values of one type side by
side and least significant byte first; then each type is one view of its part of the row.  Values
that stand in the wanted order already are never moved again.

Clause: Modbus Application Protocol V1.1b3, 6.1-6.4.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.address import ModbusAddress, Order, RegisterType
from devices.device_time import decode_time
from proto.quality import Quality, Reason

_SIGNED = {RegisterType.INT16: 16, RegisterType.INT32: 32, RegisterType.INT64: 64}
_UNSIGNED = {RegisterType.UINT16: 16, RegisterType.UINT32: 32, RegisterType.UINT64: 64}
_FLOATS = (RegisterType.FLOAT32, RegisterType.FLOAT64)
_DTYPES: dict[
    RegisterType, np.dtype[Any]
] = {  # in the order in which they stand in the row: wide ones first, so that all are aligned
    RegisterType.INT64: np.dtype("<i8"),
    RegisterType.UINT64: np.dtype("<u8"),
    RegisterType.FLOAT64: np.dtype("<f8"),
    RegisterType.INT32: np.dtype("<i4"),
    RegisterType.UINT32: np.dtype("<u4"),
    RegisterType.FLOAT32: np.dtype("<f4"),
    RegisterType.BCD32: np.dtype("<u4"),
    RegisterType.INT16: np.dtype("<i2"),
    RegisterType.UINT16: np.dtype("<u2"),
    RegisterType.BCD16: np.dtype("<u2"),
    RegisterType.BOOL: np.dtype("<u2"),
}
_BITS_OF_FLOAT: dict[RegisterType, np.dtype[Any]] = {
    RegisterType.FLOAT32: np.dtype("<u4"),
    RegisterType.FLOAT64: np.dtype("<i8"),
}
_SCALE_SAFE = 1e280
"""Beyond this a scale can make an infinity of an integer."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One value of a block: where it stands, how it is scaled, and what means "sensor broken".

    `current` holds the raw numbers outside which a current loop is broken, or None.
    """

    address: ModbusAddress
    scale: float = 1.0
    offset: float = 0.0
    fault_values: tuple[float, ...] = ()
    current: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Values of one type: bytes [start, end) of the row, places [first, end_at) of the columns.

    `shift` is, for bits, which bit of its byte or register each value is.
    """

    type: RegisterType
    dtype: np.dtype[Any]
    start: int
    end: int
    first: int
    last: int
    shift: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of the device: its place in the row, bytes [start, end) of the answer, its form."""

    at: int
    type: RegisterType
    start: int
    end: int
    order: Order


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How n values lie in the bytes of one answer; made by `compile_layout`.

    Attributes:
        length: bytes of data in a full answer.
        size: values.
        index: intp[k], which byte of the answer each byte of the row is.
        groups: one per type that occurs.
        clocks: times, decoded one by one.
        order: intp[n], place in the row of each value; None where they already stand in order.
        scale, offset: float64[n]; None where every value is its raw number.
        zero: float64[n] of zeros: its product with the values is a number if they all are; None
            where no value can be anything but a number.
        plain: type of all values where they stand on the wire one behind the other, in order and
            high byte first, and are whole numbers that a float holds; else None.
        fault_int, fault_int_raw: which value, and which raw code of it, is a fault; parallel.
        fault_float, fault_float_value: the same for floats.
        loop, loop_low, loop_high: which values are loop currents, and their raw bounds.
    """

    length: int
    size: int
    index: NDArray[np.intp]
    groups: tuple[Group, ...]
    clocks: tuple[Clock, ...]
    order: NDArray[np.intp] | None
    scale: NDArray[np.float64] | None
    offset: NDArray[np.float64]
    zero: NDArray[np.float64] | None
    plain: np.dtype[Any] | None
    fault_int: NDArray[np.intp]
    fault_int_raw: NDArray[np.int64]
    fault_float: NDArray[np.intp]
    fault_float_value: NDArray[np.float64]
    loop: NDArray[np.intp]
    loop_low: NDArray[np.float64]
    loop_high: NDArray[np.float64]


@dataclass(slots=True, eq=False)
class Decoded:
    """Values of one answer: raw int64[n], value float64[n], quality uint8[n], reason uint8[n].

    `no_value` is bool[n] where raw and value may be filler (decimal digits or times that are none),
    else None.
    """

    raw: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    no_value: NDArray[np.bool_] | None = None


def compile_layout(slots: Sequence[Slot], start: int, quantity: int) -> Layout:
    """Compile the gather for `slots` in an answer to "`quantity` from `start`".

    All slots are of one table and lie whole inside the request.  Equal devices share one layout.
    """
    return _compiled(tuple(slots), start, quantity)


@lru_cache(maxsize=4096)
def _compiled(slots: tuple[Slot, ...], start: int, quantity: int) -> Layout:
    is_bits = slots[0].address.table.is_bits
    row = [at for kind in _DTYPES for at, slot in enumerate(slots) if slot.address.type is kind]
    clocks = [at for at, slot in enumerate(slots) if slot.address.type.is_time]
    place = {at: number for number, at in enumerate([*row, *clocks])}
    order = np.array([place[at] for at in range(len(slots))], np.intp)
    length = -(-quantity // 8) if is_bits else 2 * quantity
    fault_int, fault_float = _faults(slots)
    loops = [(at, slot.current) for at, slot in enumerate(slots) if slot.current is not None]
    is_plain = all(slot.scale == 1 and slot.offset == 0 for slot in slots)
    return Layout(
        length=length,
        size=len(slots),
        index=np.array([b for at in row for b in _bytes(slots[at].address, start)], np.intp),
        groups=_groups([slots[at].address for at in row], start),
        clocks=tuple(_clock(slots[at].address, place[at], start) for at in clocks),
        order=None if bool((order == np.arange(len(slots))).all()) else order,
        scale=None if is_plain else np.array([slot.scale for slot in slots], np.float64),
        offset=np.array([slot.offset for slot in slots], np.float64),
        zero=np.zeros(len(slots)) if any(_may_be_no_number(slot) for slot in slots) else None,
        plain=_plain([slot.address for slot in slots], start),
        fault_int=np.array([at for at, _ in fault_int], np.intp),
        fault_int_raw=np.array([raw for _, raw in fault_int], np.int64),
        fault_float=np.array([at for at, _ in fault_float], np.intp),
        fault_float_value=np.array([value for _, value in fault_float], np.float64),
        loop=np.array([at for at, _ in loops], np.intp),
        loop_low=np.array([low for _, (low, _) in loops], np.float64),
        loop_high=np.array([high for _, (_, high) in loops], np.float64),
    )


def gather(data: bytes, layout: Layout) -> Decoded:
    """Decode the data bytes of one answer.

    Args:
        data: as on the wire, `layout.length` bytes; the guard has counted them.
        layout: compiled for this request.

    Returns:
        columns in the order of the slots.  NaN and infinity, digits beyond 9 and times that are
        none are BAD (NOT_A_NUMBER), fault values and currents outside their loop BAD
        (SENSOR_FAULT); raw keeps what the device said.
    """
    assert len(data) == layout.length
    if layout.zero is None:
        return _decode(data, layout)
    with np.errstate(invalid="ignore", over="ignore"):  # no number is looked for, not feared
        return _decode(data, layout)


def _decode(data: bytes, layout: Layout) -> Decoded:
    raw, number = _numbers(data, layout)
    if layout.order is not None:
        raw, number = raw.take(layout.order), number.take(layout.order)
    value = number if layout.scale is None else number * layout.scale + layout.offset
    decoded = Decoded(raw, value, np.zeros(layout.size, np.uint8), np.zeros(layout.size, np.uint8))
    if layout.zero is not None and not math.isfinite(value.dot(layout.zero)):
        broken = ~np.isfinite(value)
        _mark(decoded, np.flatnonzero(broken), Reason.NOT_A_NUMBER)
        decoded.no_value = broken & ~_is_said(layout, raw, number)
    _judge(decoded, number, layout)
    return decoded


def _numbers(data: bytes, layout: Layout) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return raw codes and numbers in the order of the row."""
    if layout.plain is not None:
        words = np.frombuffer(data, layout.plain, layout.size).astype(np.int64)
        return words, words.astype(np.float64)
    row = np.frombuffer(data, np.uint8).take(layout.index)
    raw, number = np.empty(layout.size, np.int64), np.empty(layout.size, np.float64)
    for group in layout.groups:
        part, places = (
            row[group.start : group.end].view(group.dtype),
            slice(group.first, group.last),
        )
        kind = group.type
        if kind in _BITS_OF_FLOAT:
            raw[places] = part.view(_BITS_OF_FLOAT[kind])
            number[places] = part
        elif kind is RegisterType.BOOL:
            raw[places] = number[places] = (part >> group.shift) & 1
        elif kind.is_bcd:
            raw[places], number[places] = _digits(part, kind)
        else:
            raw[places] = part if kind is not RegisterType.UINT64 else part.view(np.int64)
            number[places] = part
    for clock in layout.clocks:
        us = decode_time(clock.type, data[clock.start : clock.end], clock.order)
        raw[clock.at], number[clock.at] = (0, math.nan) if us is None else (us, us)
    return raw, number


_POWERS = np.array([1, 10, 100, 1000, 10**4, 10**5, 10**6, 10**7])
_NIBBLES = np.arange(0, 32, 4)


def _digits(
    part: NDArray[np.generic], kind: RegisterType
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return decimal numbers; where a digit is beyond 9 the raw code stays, without a number."""
    words = part.astype(np.int64)
    places = 4 * kind.registers
    digits = (words[:, None] >> _NIBBLES[:places]) & 15
    decimal = digits @ _POWERS[:places]
    is_wrong = (digits > 9).any(axis=1)
    return np.where(is_wrong, words, decimal), np.where(is_wrong, math.nan, decimal)


def _is_said(
    layout: Layout, raw: NDArray[np.int64], number: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which values are what the device said, floats without a number included."""
    said = np.isfinite(number)
    place = np.arange(layout.size) if layout.order is None else layout.order
    for group in layout.groups:
        if group.type in _BITS_OF_FLOAT:
            said |= (place >= group.first) & (place < group.last)
    return said


def _judge(decoded: Decoded, number: NDArray[np.float64], layout: Layout) -> None:
    if layout.fault_int.size:
        found = decoded.raw.take(layout.fault_int) == layout.fault_int_raw
        if found.any():
            _mark(decoded, layout.fault_int[found], Reason.SENSOR_FAULT)
    if layout.fault_float.size:
        found = number.take(layout.fault_float) == layout.fault_float_value
        if found.any():
            _mark(decoded, layout.fault_float[found], Reason.SENSOR_FAULT)
    if layout.loop.size:
        current = number.take(layout.loop)
        found = (current < layout.loop_low) | (current > layout.loop_high)
        if found.any():
            _mark(decoded, layout.loop[found], Reason.SENSOR_FAULT)


def _mark(decoded: Decoded, at: NDArray[np.intp], why: Reason) -> None:
    decoded.quality[at] = Quality.BAD
    decoded.reason[at] = why


def _groups(addresses: Sequence[ModbusAddress], start: int) -> tuple[Group, ...]:
    """Return the types of a row of addresses, which are sorted by type."""
    groups: list[Group] = []
    byte = first = 0
    for kind, dtype in _DTYPES.items():
        mine = [address for address in addresses if address.type is kind]
        if mine:
            end, last = byte + dtype.itemsize * len(mine), first + len(mine)
            shift = np.array([_bit(address, start) for address in mine], np.uint16)
            groups.append(Group(kind, dtype, byte, end, first, last, shift))
            byte, first = end, last
    return tuple(groups)


_PLAIN: dict[RegisterType, np.dtype[Any]] = {
    RegisterType.INT16: np.dtype(">i2"),
    RegisterType.UINT16: np.dtype(">u2"),
    RegisterType.INT32: np.dtype(">i4"),
    RegisterType.UINT32: np.dtype(">u4"),
}


def _plain(addresses: Sequence[ModbusAddress], start: int) -> np.dtype[Any] | None:
    """Return the one type of values that need no gather, as those of a range of registers."""
    kind = addresses[0].type
    dtype = _PLAIN.get(kind)
    if dtype is None or any(address.type is not kind for address in addresses):
        return None
    wanted = range(dtype.itemsize * len(addresses))
    stands = [byte for address in addresses for byte in _bytes(address, start)[::-1]]
    return dtype if stands == list(wanted) else None


def _clock(address: ModbusAddress, at: int, start: int) -> Clock:
    first = 2 * (address.address - start)
    return Clock(at, address.type, first, first + 2 * address.length, address.order)


def _bit(address: ModbusAddress, start: int) -> int:
    """Return which bit of its byte or register a bool is; 0 for other types."""
    if address.table.is_bits:
        return (address.address - start) % 8
    return address.bit or 0


def _bytes(address: ModbusAddress, start: int) -> list[int]:
    """Return the positions of the bytes of one value, least significant first.

    A bit of a bit table takes its byte twice: the upper half of that pair is never looked at.
    """
    offset = address.address - start
    if address.table.is_bits:
        return [offset // 8] * 2
    words = [[2 * (offset + word), 2 * (offset + word) + 1] for word in range(address.length)]
    if address.length > 1 and address.order in (Order.CDAB, Order.DCBA):
        words.reverse()
    if address.length > 1 and address.order in (Order.BADC, Order.DCBA):
        words = [[low, high] for high, low in words]
    return [position for word in words for position in word][::-1]


def _may_be_no_number(slot: Slot) -> bool:
    kind = slot.address.type
    is_safe = abs(slot.scale) < _SCALE_SAFE and abs(slot.offset) < _SCALE_SAFE
    return kind in _FLOATS or kind.is_bcd or kind.is_time or not is_safe


def _faults(slots: Sequence[Slot]) -> tuple[list[tuple[int, int]], list[tuple[int, float]]]:
    """Split fault values by type: raw codes of integers, values of floats."""
    whole: list[tuple[int, int]] = []
    real: list[tuple[int, float]] = []
    for at, slot in enumerate(slots):
        kind = slot.address.type
        for value in slot.fault_values:
            if kind is RegisterType.FLOAT32:
                real.append((at, float(np.float32(value))))
            elif kind is RegisterType.FLOAT64:
                real.append((at, value))
            else:
                whole.append((at, fault_code(kind, value)))
    return whole, real


def fault_code(kind: RegisterType, value: float) -> int:
    """Return the raw code that a fault value means: 0xFFFF of an int16 is -1.

    Raises:
        ValueError: `value` is no whole number, or does not fit the type.
    """
    width = 64 if kind.is_time else _SIGNED.get(kind) or _UNSIGNED.get(kind) or 16 * kind.registers
    width = 1 if kind is RegisterType.BOOL else width
    code = int(value)
    if code != value or not -(1 << (width - 1)) <= code < 1 << width:
        raise ValueError(f"{value:g} is no {kind}")
    code &= (1 << width) - 1
    is_negative = (kind in _SIGNED or width == 64) and code >= 1 << (width - 1)
    return code - (1 << width) if is_negative else code
