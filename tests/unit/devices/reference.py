"""A slow decoder and encoder of single values, apart from `devices.registers`: the oracle."""

import math
import struct
from datetime import UTC, datetime

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


BCD = (RegisterType.BCD16, RegisterType.BCD32)
TIMES = (
    RegisterType.S7_DTL,
    RegisterType.S7_DATE_TIME,
    RegisterType.UNIX_MS,
    RegisterType.CP56,
    RegisterType.YMDHMS_MS,
)


def encode(address: ModbusAddress, value: float) -> bytes:
    """Return the wire bytes of one value that takes whole registers."""
    if address.type in BCD:
        digits = 4 * address.type.registers
        return arrange(bytes.fromhex(str(int(value)).zfill(digits)), address.order)
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
    if address.type in TIMES:
        us = microseconds(address, piece)
        return (0, math.nan) if us is None else (us, float(us))
    piece = arrange(piece, address.order)
    if address.type in BCD:
        text = piece.hex()
        is_decimal = text.isdigit()
        return (int(text), float(text)) if is_decimal else (int(text, 16), math.nan)
    (number,) = struct.unpack(FORMATS[address.type], piece)
    if address.type is RegisterType.FLOAT32:
        return int.from_bytes(piece, "big"), float(number)
    raw = int.from_bytes(piece, "big", signed=len(piece) == 8 or address.type in SIGNED)
    return raw, float(number)


def microseconds(address: ModbusAddress, piece: bytes) -> int | None:
    """Return a time of the device in microseconds since 1970, read field by field."""
    year, month, day, hour, minute, second, us = 0, 0, 0, 0, 0, 0, 0
    if address.type is RegisterType.S7_DTL:
        year, month, day, _, hour, minute, second, ns = struct.unpack(">HBBBBBBI", piece)
        us = ns // 1000
    elif address.type is RegisterType.YMDHMS_MS:
        year, month, day, hour, minute, second, ms = struct.unpack(">7H", piece)
        us = ms * 1000
    elif address.type is RegisterType.CP56:
        ms, minute, hour, day, month, year = struct.unpack("<HBBBBB", piece[:7])
        if minute & 0x80 or ms > 59_999:
            return None
        minute, hour, day, month, year = (
            minute & 0x3F, hour & 0x1F, day & 0x1F, month & 0x0F, 2000 + (year & 0x7F),
        )  # fmt: skip
        second, us = ms // 1000, ms % 1000 * 1000
    elif address.type is RegisterType.S7_DATE_TIME:
        text = piece.hex()
        if not text[:15].isdigit():
            return None
        year, month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(0, 12, 2))
        year, us = year + (1900 if year >= 90 else 2000), int(text[12:15]) * 1000
    else:
        us = int.from_bytes(arrange(piece, address.order), "big") * 1000
        return us if us < 9_183_110_400_000_000 else None  # the year 2261
    if not 1970 <= year <= 2261 or us > 999_999:
        return None
    try:
        when = datetime(year, month, day, hour, minute, second, us, UTC)
    except ValueError:
        return None
    return int(when.timestamp()) * 1_000_000 + us


SIGNED = (RegisterType.INT16, RegisterType.INT32)


def same(left: float, right: float) -> bool:
    """Equal, or both not a number."""
    return left == right or (math.isnan(left) and math.isnan(right))
