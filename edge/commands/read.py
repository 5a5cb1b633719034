"""`yujing-edge read`: one reading now.  Shell: terminal."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from devices.address import ModbusAddress
from edge.clock import SystemClock
from edge.commands.read_words import reading_lines, zone_of
from edge.commands.word_orders import in_each_order, registers_of
from edge.commands.words import (
    OK,
    WRONG,
    Body,
    Json,
    Lang,
    emit,
    number_of,
    refuse,
    rows_of,
)
from edge.control import ask
from edge.installation import load
from edge.plant import Plant
from proto.errors import NotFound
from proto.quality import Quality


def read(file: Path, *tags: str, as_json: Json = False, lang: Lang = "zh") -> int:
    """读一次 One reading now: from the running gateway, else straight from the device."""
    made = load(file)
    if not tags:
        raise NotFound("edge.unknown_id", "name at least one tag or point")
    numbers = [number_of(made, name) for name in tags]
    names = [made.plant.points[number].name for number in numbers]
    from edge.acquisition.once import read_once  # the libraries of the protocols load slowly

    rows: Sequence[Body]
    try:
        answer = asyncio.run(ask(made.data_dir, {"do": "points", "ids": names}))
    except NotFound:
        rows = asyncio.run(read_once(made.plant, numbers, made.base, SystemClock()))
    else:
        refuse(answer)  # it runs with another configuration: its word, never a second master
        rows = rows_of(answer, "points")
        if len(rows) != len(names):
            raise NotFound("control.silent", "the running gateway answered for other points")
    rows = [_with_registers(made.plant, n, row) for n, row in zip(numbers, rows, strict=True)]
    zone = zone_of(made.config.config.timezone)
    now_us = SystemClock().wall_us()
    for row in rows:
        if as_json:
            emit({"schema": "point-value/1", **row})
        else:
            print(*reading_lines(row, now_us, lang, zone), sep="\n")
    return OK if all(row.get("quality") != Quality.BAD.name for row in rows) else WRONG


def _with_registers(plant: Plant, number: int, row: Body) -> Body:
    """Return a row with its registers and what they say in each word order."""
    value = row.get("value")
    address = plant.bindings[number].address if number < len(plant.bindings) else None
    if address is None:
        return row
    point = plant.points[number]
    row = {**row, "register": str(address), "type": str(point.type)}
    if not isinstance(address, ModbusAddress) or not isinstance(value, float):
        return row
    registers = registers_of(point, address, value)
    if not registers:
        return row
    orders = in_each_order(point, address, registers)
    return {
        **row,
        "registers": [f"{register:04X}" for register in registers],
        "orders": {order.value: shown for order, shown in orders.items()},
    }
