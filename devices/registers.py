"""Compiled layout of one Modbus block: wire bytes to columns in one gather.  Pure.

Every value, whatever its type, is gathered as eight bytes, most significant first, padded with
zeros in front: one fancy index, one view, then shifts that are arrays as well.  Floats are read out
of the same 64-bit words.

Clause: Modbus Application Protocol V1.1b3, 6.1-6.4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.address import ModbusAddress, Order, RegisterType
from proto.quality import Quality, Reason

_SIGNED = {RegisterType.INT16: 16, RegisterType.INT32: 32, RegisterType.INT64: 64}
_UNSIGNED = {RegisterType.UINT16: 16, RegisterType.UINT32: 32, RegisterType.UINT64: 64}


@dataclass(frozen=True, slots=True)
class Slot:
    """One value of a block: where it stands, how it is scaled, and what means "sensor broken"."""

    address: ModbusAddress
    scale: float = 1.0
    offset: float = 0.0
    fault_values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How n values lie in the bytes of one answer; made by `compile_layout`.

    Attributes:
        length: bytes of data in a full answer.
        index: intp[n, 8], positions of the bytes, most significant first; `length` = a zero byte.
        shift, mask: uint64[n], which bit of a word a bool is; 0 and all ones otherwise.
        extend: int64[n], shift left and back that carries the sign; 0 where there is none.
        float32, float64, unsigned64: intp[k], which values are of these types.
        scale, offset: float64[n].
        fault_int, fault_int_raw: which value, and which raw code of it, is a fault; parallel.
        fault_float, fault_float_value: the same for floats.
    """

    length: int
    index: NDArray[np.intp]
    shift: NDArray[np.uint64]
    mask: NDArray[np.uint64]
    extend: NDArray[np.int64]
    float32: NDArray[np.intp]
    float64: NDArray[np.intp]
    unsigned64: NDArray[np.intp]
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    fault_int: NDArray[np.intp]
    fault_int_raw: NDArray[np.int64]
    fault_float: NDArray[np.intp]
    fault_float_value: NDArray[np.float64]


@dataclass(slots=True, eq=False)
class Decoded:
    """Values of one answer: raw int64[n], value float64[n], quality uint8[n], reason uint8[n]."""

    raw: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    reason: NDArray[np.uint8]


def compile_layout(slots: Sequence[Slot], start: int, quantity: int) -> Layout:
    """Compile the gather for `slots` in an answer to "`quantity` from `start`".

    All slots are of one table and lie whole inside the request.
    """
    is_bits = slots[0].address.table.is_bits
    length = -(-quantity // 8) if is_bits else 2 * quantity
    types = [slot.address.type for slot in slots]
    bit_of = [_bit(slot.address, start) for slot in slots]
    fault_int, fault_float = _faults(slots)
    return Layout(
        length=length,
        index=np.array([_bytes(slot.address, start, length) for slot in slots], np.intp),
        shift=np.array([bit or 0 for bit in bit_of], np.uint64),
        mask=np.array([1 if bit is not None else 2**64 - 1 for bit in bit_of], np.uint64),
        extend=np.array([64 - _SIGNED.get(kind, 64) for kind in types], np.int64),
        float32=_where(types, RegisterType.FLOAT32),
        float64=_where(types, RegisterType.FLOAT64),
        unsigned64=_where(types, RegisterType.UINT64),
        scale=np.array([slot.scale for slot in slots], np.float64),
        offset=np.array([slot.offset for slot in slots], np.float64),
        fault_int=np.array([at for at, _ in fault_int], np.intp),
        fault_int_raw=np.array([raw for _, raw in fault_int], np.int64),
        fault_float=np.array([at for at, _ in fault_float], np.intp),
        fault_float_value=np.array([value for _, value in fault_float], np.float64),
    )


def gather(data: bytes, layout: Layout) -> Decoded:
    """Decode the data bytes of one answer.

    Args:
        data: as on the wire, `layout.length` bytes; the guard has counted them.
        layout: compiled for this request.

    Returns:
        columns in the order of the slots.  NaN and infinity are BAD (NOT_A_NUMBER), fault values
        BAD (SENSOR_FAULT); raw keeps what the device said.
    """
    assert len(data) == layout.length
    padded = np.frombuffer(data + b"\0", np.uint8)
    words = padded[layout.index].view(">u8")[:, 0].astype(np.uint64)
    bits = (words >> layout.shift) & layout.mask
    raw = (bits.view(np.int64) << layout.extend) >> layout.extend
    number = raw.astype(np.float64)
    if layout.unsigned64.size:
        number[layout.unsigned64] = bits[layout.unsigned64].astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        number[layout.float32] = bits[layout.float32].astype(np.uint32).view(np.float32)
        number[layout.float64] = bits[layout.float64].view(np.float64)
        value = number * layout.scale + layout.offset
    quality = np.zeros(len(raw), np.uint8)
    reason = np.zeros(len(raw), np.uint8)
    finite = np.isfinite(value)
    if not finite.all():
        _mark(quality, reason, np.flatnonzero(~finite), Reason.NOT_A_NUMBER)
    if layout.fault_int.size:
        hits = layout.fault_int[raw[layout.fault_int] == layout.fault_int_raw]
        _mark(quality, reason, hits, Reason.SENSOR_FAULT)
    if layout.fault_float.size:
        hits = layout.fault_float[number[layout.fault_float] == layout.fault_float_value]
        _mark(quality, reason, hits, Reason.SENSOR_FAULT)
    return Decoded(raw, value, quality, reason)


def _mark(
    quality: NDArray[np.uint8], reason: NDArray[np.uint8], at: NDArray[np.intp], why: Reason
) -> None:
    quality[at] = Quality.BAD
    reason[at] = why


def _bit(address: ModbusAddress, start: int) -> int | None:
    """Return which bit of its byte or register a bool is; None for other types."""
    if address.table.is_bits:
        return (address.address - start) % 8
    return address.bit if address.type is RegisterType.BOOL else None


def _bytes(address: ModbusAddress, start: int, length: int) -> list[int]:
    """Return eight byte positions, most significant first; `length` stands for a zero."""
    offset = address.address - start
    if address.table.is_bits:
        return [length] * 7 + [offset // 8]
    words = [[2 * (offset + word), 2 * (offset + word) + 1] for word in range(address.length)]
    if address.length > 1 and address.order in (Order.CDAB, Order.DCBA):
        words.reverse()
    if address.length > 1 and address.order in (Order.BADC, Order.DCBA):
        words = [[low, high] for high, low in words]
    order = [position for word in words for position in word]
    return [length] * (8 - len(order)) + order


def _where(types: Sequence[RegisterType], kind: RegisterType) -> NDArray[np.intp]:
    return np.array([at for at, found in enumerate(types) if found is kind], np.intp)


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
    width = _SIGNED.get(kind) or _UNSIGNED.get(kind) or 1
    code = int(value)
    if code != value or not -(1 << (width - 1)) <= code < 1 << width:
        raise ValueError(f"{value:g} is no {kind}")
    code &= (1 << width) - 1
    is_negative = (kind in _SIGNED or width == 64) and code >= 1 << (width - 1)
    return code - (1 << width) if is_negative else code
