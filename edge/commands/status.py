"""`yujing-edge status`: the running gateway, or its last stop.  Shell: terminal."""

import asyncio
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from edge.commands.words import (
    OK,
    WRONG,
    Body,
    Json,
    Lang,
    Language,
    data_dir_of,
    emit,
    paper,
    rows_of,
    say,
)
from edge.control import ask
from proto.errors import NotFound

STOPPED_FILE = "stopped.json"


def status(
    file: Path | None = None,
    *,
    data_dir: Path | None = None,
    as_json: Json = False,
    lang: Lang = "zh",
) -> int:
    """网关状态 State of the running gateway; of the last stop when none runs."""
    folder = data_dir_of(file, data_dir)
    try:
        body, running = asyncio.run(ask(folder, {"do": "status"})), True
    except NotFound:
        body, running = _stopped(folder), False
    if as_json:
        emit({**body, "running": running})
        return OK if running else WRONG
    if not running:
        print(say("stopped", lang), file=sys.stderr)
    _print_status(body, lang)
    return OK if running else WRONG


def _stopped(folder: Path) -> dict[str, object]:
    """Return the status that the gateway left behind.

    Raises:
        NotFound: it left none.
    """
    try:
        found = json.loads((folder / STOPPED_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        message = "no gateway runs here and none has left its state; yujing-edge run FILE"
        raise NotFound("control.silent", message, place=str(folder)) from error
    return found if isinstance(found, dict) else {}


def _print_status(body: Body, lang: Language) -> None:
    console = paper()
    lines = Table(say("line", lang), say("state", lang), say("since", lang))
    for row in rows_of(body, "lines"):
        lines.add_row(str(row.get("name")), str(row.get("state")), str(row.get("detail", "")))
    console.print(lines)
    _print_units(body, lang, console)
    ilk = Table(*(say(key, lang) for key in ("interlock", "state", "health", "first_out")))
    for row in rows_of(body, "interlocks"):
        reasons = row.get("health_reasons")
        why = ", ".join(map(str, reasons)) if isinstance(reasons, list) else ""
        first = row.get("first_out")
        ilk.add_row(
            str(row.get("interlock")),
            str(row.get("shown")),
            f"{row.get('health')} {why}".strip(),
            ", ".join(map(str, first)) if isinstance(first, list) else "",
        )
    console.print(ilk)
    for row in rows_of(body, "alarms"):
        words = (row.get("priority"), row.get("level"), row.get("tag"), row.get("title"))
        print(say("alarm", lang), *(word for word in words if word), row.get("state"))
    for key in ("samples", "uplink"):
        print(say(key, lang), json.dumps(body.get(key), ensure_ascii=False))


def _print_units(body: Body, lang: Language, console: Console) -> None:
    """Print the units that are not well, and those whose life is not proved."""
    heads = ("line", "unit", "state", "since", "probe", "sources", "skipped")
    table = Table(*(say(key, lang) for key in heads))
    for line in rows_of(body, "lines"):
        for unit in rows_of(line, "units"):
            sources = rows_of(unit, "sources")
            lives = [f"{one.get('source')} {one.get('life')}" for one in sources]
            is_well = all(one.get("life") == "ALIVE" for one in sources)
            if unit.get("state") == "UP" and is_well and not line.get("slots_skipped"):
                continue
            probe = unit.get("next_probe_s")
            table.add_row(
                str(line.get("name")),
                str(unit.get("device")),
                str(unit.get("state")),
                str(unit.get("reason")),
                f"{probe:.0f} s" if isinstance(probe, int | float) else "-",
                ", ".join(lives),
                str(line.get("slots_skipped", 0)),
            )
    if table.row_count:
        console.print(table)
