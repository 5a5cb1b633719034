"""`yujing-edge read`: one reading now.  Shell: terminal."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from devices.address import ModbusAddress
from edge.clock import SystemClock
from edge.commands.word_orders import in_each_order, registers_of
from edge.commands.words import (
    OK,
    WRONG,
    Body,
    Json,
    Lang,
    Language,
    emit,
    number_of,
    paper,
    refuse,
    rows_of,
    say,
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
    table = Table(*(say(key, lang) for key in ("tag", "value", "quality", "age")))
    for row in rows:
        if as_json:
            emit({"schema": "point-value/1", **row})
            continue
        age = row.get("age_ms")
        table.add_row(
            f"{row.get('tag')} {row.get('title')}",
            f"{row.get('value')} {row.get('unit')}",
            f"{row.get('quality')} {row.get('reason')}",
            "-" if age is None else f"{age} ms",
        )
    if not as_json:
        paper().print(table)
        for row in rows:
            _print_orders(row, lang)
    return OK if all(row.get("quality") != Quality.BAD.name for row in rows) else WRONG


def _with_registers(plant: Plant, number: int, row: Body) -> Body:
    """Return a row with its registers and what they say in each word order."""
    value = row.get("value")
    address = plant.bindings[number].address if number < len(plant.bindings) else None
    if not isinstance(address, ModbusAddress) or not isinstance(value, float):
        return row
    point = plant.points[number]
    registers = registers_of(point, address, value)
    if not registers:
        return {**row, "register": str(address)}
    orders = in_each_order(point, address, registers)
    return {
        **row,
        "register": str(address),
        "registers": [f"{register:04X}" for register in registers],
        "orders": {order.value: shown for order, shown in orders.items()},
    }


def _print_orders(row: Body, lang: Language) -> None:
    """Print registers and the four word orders of a value: the panel decides which is right."""
    orders, registers = row.get("orders"), row.get("registers")
    if not isinstance(orders, dict) or not isinstance(registers, list):
        return
    shown = "   ".join(f"{order} {value:.6g}" for order, value in orders.items())
    text = f"{row.get('tag')}  {row.get('register')}  {say('registers', lang)} "
    print(f"{text}{' '.join(registers)}   {shown}   {say('panel', lang)}")
