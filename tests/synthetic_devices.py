"""Synthetic devices for the doctor of point lists: a true map, registers, a wrong list."""

import random
import struct
from dataclasses import dataclass, replace

import numpy as np

from devices.address import ModbusAddress, Order, RegisterType, Table
from edge.acquisition.doctor import Registers, Subject, Trace

RANGES = (
    (0, 100), (0, 5000), (-50, 150), (0, 1600), (0, 1.6), (0, 25), (0, 250), (0, 60), (-20, 20),
    (0, 2000), (0, 10), (0, 400), (0, 36000), (0, 1), (-100, 100),
)  # fmt: skip
TYPES = (
    (RegisterType.FLOAT32, 45), (RegisterType.INT16, 20), (RegisterType.UINT16, 15),
    (RegisterType.INT32, 10), (RegisterType.UINT32, 5), (RegisterType.FLOAT64, 5),
)  # fmt: skip
_CODE = {
    RegisterType.FLOAT32: ">f", RegisterType.FLOAT64: ">d", RegisterType.INT16: ">h",
    RegisterType.UINT16: ">H", RegisterType.INT32: ">i", RegisterType.UINT32: ">I",
}  # fmt: skip
POLLS = 30


@dataclass(frozen=True, slots=True)
class Device:
    """A list as people wrote it, what the device holds, and the truth."""

    subjects: list[Subject]
    trace: Trace
    order: Order
    shift: int


def device(seed: int, points: int | None = None, panel: bool = False) -> Device:
    """Return a device whose list states a random order and base."""
    rng = random.Random(seed)
    order, stated, shift = rng.choice(list(Order)), rng.choice(list(Order)), rng.choice((-1, 0, 1))
    registers: dict[tuple[Table, int], Registers] = {}
    address = rng.choice((1, 10, 100, 4096))
    _neighbour(rng, registers, address - 1)
    subjects = []
    for i in range(points or rng.randint(8, 40)):
        kind = rng.choices([t for t, _ in TYPES], [w for _, w in TYPES])[0]
        low, high = rng.choice(RANGES)
        if kind is RegisterType.UINT16 or kind is RegisterType.UINT32:
            low = max(0, low)
        scale = 1.0 if kind.point_type.is_float else _scale(rng, high - low, kind)
        values = _series(rng, low, high)
        for at, column in enumerate(_encode(values, kind, order, scale)):
            registers[(Table.HOLDING, address + at)] = column
        listed = ModbusAddress(Table.HOLDING, address - shift, kind, stated)
        shown = float(np.median(values)) if panel and i % 4 == 0 else None
        subjects.append(Subject(f"T-{i}", listed, scale, 0.0, low, high, shown))
        address += kind.registers
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            _neighbour(rng, registers, address)
            address += 1
    _neighbour(rng, registers, address)
    return Device(subjects, Trace(registers), order, shift)


def _neighbour(
    rng: random.Random, registers: dict[tuple[Table, int], Registers], address: int
) -> None:
    """A register that nobody lists: a hole, zero, or something else."""
    what = rng.random()
    if what < 0.3:
        return
    value = 0 if what < 0.8 else rng.randint(0, 0xFFFF)
    registers[(Table.HOLDING, address)] = np.full(POLLS, value, np.int32)


def _scale(rng: random.Random, span: float, kind: RegisterType) -> float:
    fitting = [s for s in (1.0, 0.1, 0.01, 0.001) if span / s < 30_000 and span / s >= 50]
    return rng.choice(fitting or [span / 20_000])


def _series(rng: random.Random, low: float, high: float) -> np.ndarray:
    span = high - low
    if rng.random() < 0.1:
        return np.full(POLLS, 0.0 if low <= 0 else low)
    start = low + span * rng.uniform(0.08, 0.92)
    noise = span * rng.choice((0.0005, 0.002, 0.01))
    walk = np.cumsum([rng.gauss(0, noise) for _ in range(POLLS)])
    return np.clip(start + walk, low, high)


def _encode(values: np.ndarray, kind: RegisterType, order: Order, scale: float) -> list[Registers]:
    rows = []
    for value in values:
        number = float(value) if kind.point_type.is_float else round(value / scale)
        data = struct.pack(_CODE[kind], number)
        words = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
        if len(words) > 1 and order in (Order.CDAB, Order.DCBA):
            words.reverse()
        if len(words) > 1 and order in (Order.BADC, Order.DCBA):
            words = [(w >> 8) | ((w & 255) << 8) for w in words]
        rows.append(words)
    return [np.array(column, np.int32) for column in zip(*rows, strict=True)]


def with_panel(made: Device, tag: str, value: float) -> Device:
    """Return the device with one panel figure."""
    subjects = [replace(s, panel=value) if s.tag == tag else s for s in made.subjects]
    return replace(made, subjects=subjects)
