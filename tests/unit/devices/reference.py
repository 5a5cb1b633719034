"""A slow decoder and encoder of single values, apart from `devices.registers`: the oracle."""

import math
import struct

from devices.address import ModbusAddress, Order, RegisterType

FORMATS = {
    RegisterType.INT16: ">h",
    RegisterType.UINT16: ">H",
    RegisterType.INT32: ">i",
    RegisterType.UINT32: ">I",
    RegisterType.INT64: ">q",
    RegisterType.UINT64: ">Q",
    RegisterType.FLOAT32: ">f",
    RegisterType.FLOAT64: ">d",
}


def arrange(big_endian: bytes, order: Order) -> bytes:
    """Turn the bytes of a value, most significant first, into wire order; its own inverse."""
    words = [big_endian[at : at + 2] for at in range(0, len(big_endian), 2)]
    if len(words) > 1 and order in (Order.CDAB, Order.DCBA):
        words = words[::-1]
    if len(words) > 1 and order in (Order.BADC, Order.DCBA):
        words = [word[::-1] for word in words]
    return b"".join(words)


def encode(address: ModbusAddress, value: float) -> bytes:
    """Return the wire bytes of one value that takes whole registers."""
    return arrange(struct.pack(FORMATS[address.type], value), address.order)


def decode(address: ModbusAddress, data: bytes, start: int) -> tuple[int, float]:
    """Return raw code and number of one value in the data of an answer that begins at `start`."""
    offset = address.address - start
    if address.table.is_bits:
        bit = data[offset // 8] >> (offset % 8) & 1
        return bit, float(bit)
    piece = data[2 * offset : 2 * (offset + address.length)]
    if address.type is RegisterType.BOOL:
        assert address.bit is not None
        bit = int.from_bytes(piece, "big") >> address.bit & 1
        return bit, float(bit)
    piece = arrange(piece, address.order)
    (number,) = struct.unpack(FORMATS[address.type], piece)
    if address.type is RegisterType.FLOAT32:
        return int.from_bytes(piece, "big"), float(number)
    raw = int.from_bytes(piece, "big", signed=len(piece) == 8 or address.type in SIGNED)
    return raw, float(number)


SIGNED = (RegisterType.INT16, RegisterType.INT32)


def same(left: float, right: float) -> bool:
    """Equal, or both not a number."""
    return left == right or (math.isnan(left) and math.isnan(right))
