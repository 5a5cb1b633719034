"""Registers of one device for some seconds, for the doctor.  Shell: drivers, control socket.

Without a gateway the line is opened, read and closed; with one running its own values are asked and
turned back into registers: there is never a second master on a line.  Nothing is written.
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from devices.address import ModbusAddress, Order, RegisterType, Table
from devices.driver import PointBinding
from devices.point_site import SitePoints
from devices.profile import ModbusPoint, ModbusProfile
from edge.acquisition.doctor import Registers, Trace
from edge.acquisition.drivers import make_driver
from edge.config import EdgeConfig
from edge.points import LinePlan, build
from proto.clock import Clock
from proto.errors import ConfigError, DeviceError, NotFound

POLL_S = 1.0
_CODE = {
    RegisterType.INT16: ">h", RegisterType.UINT16: ">H", RegisterType.INT32: ">i",
    RegisterType.UINT32: ">I", RegisterType.FLOAT32: ">f", RegisterType.FLOAT64: ">d",
    RegisterType.INT64: ">q", RegisterType.UINT64: ">Q",
}  # fmt: skip

Values = Callable[[list[str]], Awaitable[Mapping[str, object]]]
"""Asks the running gateway for the values of some points; NotFound when none runs."""
Places = set[tuple[Table, int]]


def places(addresses: Iterable[ModbusAddress]) -> Places:
    """Return the registers of some points, and one more at either end of each."""
    found: Places = set()
    for at in addresses:
        if not at.table.is_bits:
            reach = range(max(0, at.address - 1), min(0xFFFF, at.address + at.length) + 1)
            found |= {(at.table, address) for address in reach}
    return found


async def watch_line(
    config: EdgeConfig, device: str, profile: ModbusProfile, wanted: Places,
    base: Path, clock: Clock, seconds: float,
) -> Trace:  # fmt: skip
    """Return what the registers of one device held, asked once a second.

    Raises:
        ConfigError: the device cannot be planned alone.
        DeviceUnreachable: nobody answers.
    """
    line, order = _line(config, device, profile, wanted)
    driver = make_driver(line, base, clock)
    rows: dict[tuple[Table, int], list[int]] = {place: [] for place in order}
    polls = max(1, round(seconds / POLL_S))
    try:
        await driver.connect()
        for poll in range(polls):
            for block in driver.blocks:
                columns = await driver.read(block)
                for at, point in enumerate(block.points):
                    value = -1 if columns.no_value[at] else int(columns.raw[at]) & 0xFFFF
                    rows[_place(point.name)].append(value)
            await asyncio.sleep(POLL_S if poll + 1 < polls else 0)
    finally:
        await driver.close()
    return _trace(rows)


def _line(
    config: EdgeConfig, name: str, profile: ModbusProfile, wanted: Places
) -> tuple[LinePlan, list[tuple[Table, int]]]:
    stated = next(device for device in config.device if device.name == name)
    order = sorted(wanted)
    points = tuple(_register(table, address) for table, address in order)
    raw = profile.model_copy(update={"points": points, "clock": None, "event_ring": None})
    update = {"life": "none", "reason": "registers for the doctor", "points": None, "source": ()}
    alone = stated.model_copy(update=update | {"clock": None, "path": "plc", "active": None})
    line = config.line_of(stated)
    only = config.model_copy(update={"line": (line,), "device": (alone,)})
    plant, faults = build(only, {}, listed={name: SitePoints(raw, {}, {}, {})})
    if plant is None:
        raise ConfigError(faults)
    return plant.lines[0], order


def _register(table: Table, address: int) -> ModbusPoint:
    at = {"table": table, "address": address, "type": RegisterType.UINT16}
    return ModbusPoint.model_validate(
        {
            "name": f"{table}_{address}",
            "title": "register",
            "parameter": "none",
            "unit": "1",
            "poll": "normal",
            "at": at,
            "vector": {"registers": (0,), "value": 0.0},
        }
    )


def _place(name: str) -> tuple[Table, int]:
    table, _, address = name.rpartition("/")[2].rpartition("_")
    return Table(table), int(address)


def _trace(rows: Mapping[tuple[Table, int], Sequence[int]]) -> Trace:
    arrays: dict[tuple[Table, int], Registers] = {
        place: np.array(values, np.int32) for place, values in rows.items()
    }
    return Trace({place: a for place, a in arrays.items() if len(a) and (a >= 0).any()})


async def watch_gateway(
    values: Values, bindings: Sequence[PointBinding], seconds: float
) -> Trace | None:
    """Return registers as the running gateway's own values imply them; None when none runs."""
    known = {b.point.name: b for b in bindings if isinstance(b.address, ModbusAddress)}
    rows: dict[tuple[Table, int], list[int]] = {}
    polls = max(1, round(seconds / POLL_S))
    for poll in range(polls):
        try:
            body = await values(list(known))
        except NotFound:
            return None
        found = body.get("points")
        for row in found if isinstance(found, list) else ():
            binding = known.get(str(row.get("point")))
            if binding is not None and isinstance(row.get("value"), (int, float)):
                _add(rows, binding, float(row["value"]), poll)
        await asyncio.sleep(POLL_S if poll + 1 < polls else 0)
    width = max((len(values) for values in rows.values()), default=0)
    return _trace({p: v + [-1] * (width - len(v)) for p, v in rows.items()})


def _add(
    rows: dict[tuple[Table, int], list[int]], binding: PointBinding, value: float, poll: int
) -> None:
    at = binding.address
    assert isinstance(at, ModbusAddress)
    if at.type not in _CODE:
        return
    raw = (value - binding.point.offset) / binding.point.scale
    try:
        words = encode(raw, at.type, at.order)
    except (struct.error, OverflowError):
        return
    for i, word in enumerate(words):
        column = rows.setdefault((at.table, at.address + i), [])
        column += [-1] * (poll - len(column))
        column.append(word)


def encode(value: float, kind: RegisterType, order: Order) -> list[int]:
    """Return the registers that hold a value.

    Raises:
        struct.error: the type cannot hold it.
    """
    data = struct.pack(_CODE[kind], value if kind.point_type.is_float else round(value))
    words = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
    if len(words) > 1 and order in (Order.CDAB, Order.DCBA):
        words.reverse()
    if len(words) > 1 and order in (Order.BADC, Order.DCBA):
        words = [(word >> 8) | ((word & 0xFF) << 8) for word in words]
    return words


def unreachable(error: DeviceError) -> str:
    """Return what to tell a person when the device did not answer."""
    return f"{error}; the list is shown without live values"
