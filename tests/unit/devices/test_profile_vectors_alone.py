"""Every worked example of the package, decoded by `struct` and `tomllib` alone: none of our code.

A vector that our own decoder made, or explains, proves nothing of it; this file shares no line
with it.
"""

import math
import struct
import tomllib
from pathlib import Path

import pytest

PROFILES = sorted((Path(__file__).parents[3] / "devices" / "profiles").glob("*/*.toml"))
FORMATS = {
    "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "uint64": ">Q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip
TIMES = ("s7_dtl", "s7_date_time", "unix_ms", "cp56", "ymdhms_ms")

Row = dict[str, object]


def examples() -> list[tuple[str, str, str, Row]]:
    """Profile, point, order of the profile, and the table of the point."""
    found: list[tuple[str, str, str, Row]] = []
    for path in PROFILES:
        body = tomllib.loads(path.read_text("utf-8"))
        if body["protocol"] == "modbus":
            order = body.get("modbus", {}).get("order", "ABCD")
            found += [(path.stem, point["name"], order, point) for point in body["points"]]
    return [row for row in found if row[3]["at"]["type"] not in TIMES]  # type: ignore[index]


def big_endian(registers: list[int], order: str) -> bytes:
    """Return the bytes, most significant first."""
    words = [struct.pack(">H", word) for word in registers]
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    return b"".join(words)


def decoded(point: Row, order: str) -> float:
    """Return what the registers or bits of the example say in engineering units."""
    at, vector = point["at"], point["vector"]
    assert isinstance(at, dict)
    assert isinstance(vector, dict)
    kind, order = at["type"], at.get("order", order)
    if kind == "bool":
        bits = vector.get("bits")
        return float(bits[0] if bits else vector["registers"][0] >> at["bit"] & 1)
    registers = vector["registers"]
    data = big_endian(registers, order if len(registers) > 1 else "ABCD")
    if kind.startswith("bcd"):
        raw: float = int(data.hex())
    else:
        (raw,) = struct.unpack(FORMATS[kind], data)
    scale, offset = point.get("scale", 1.0), point.get("offset", 0.0)
    assert isinstance(scale, int | float)
    assert isinstance(offset, int | float)
    said = raw * scale + offset
    return _of_current(point, said) if "signal" in point and point["unit"] != "mA" else said


def _of_current(point: Row, current_ma: float) -> float:
    """Return what a loop current says: its live span is the range."""
    signal, span = point["signal"], point["range"]
    assert isinstance(signal, dict)
    assert isinstance(span, list)
    share = (current_ma - signal["low"]) / (signal["high"] - signal["low"])
    return float(span[0] + share * (span[1] - span[0]))


@pytest.mark.parametrize(
    ("profile", "name", "order", "point"), examples(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_the_example_says_the_value_that_its_source_says(
    profile: str, name: str, order: str, point: Row
) -> None:
    vector = point["vector"]
    assert isinstance(vector, dict)
    wanted = float(vector["value"])
    assert math.isclose(decoded(point, order), wanted, rel_tol=1e-6, abs_tol=1e-9), (profile, name)


def test_a_wrong_order_is_seen() -> None:
    point: Row = {"at": {"type": "float32"}, "vector": {"registers": [0x0000, 0x44FA]}}
    assert decoded(point, "CDAB") == 2000.0
    assert decoded(point, "ABCD") != 2000.0
