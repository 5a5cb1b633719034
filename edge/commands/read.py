"""`yujing-edge read`: one reading now.  Shell: terminal."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from edge.clock import SystemClock
from edge.commands.words import (
    OK,
    WRONG,
    Body,
    Json,
    Lang,
    emit,
    number_of,
    rows_of,
    say,
)
from edge.control import ask
from edge.installation import load
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
        rows = rows_of(asyncio.run(ask(made.data_dir, {"do": "points", "ids": names})), "points")
    except NotFound:
        rows = asyncio.run(read_once(made.plant, numbers, made.base, SystemClock()))
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
        Console().print(table)
    return OK if all(row.get("quality") != Quality.BAD.name for row in rows) else WRONG
