"""`yujing-edge status`: the running gateway, or its last stop.  Shell: terminal."""

import asyncio
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from edge.clock import SystemClock
from edge.commands.quantities import moment_text
from edge.commands.status_words import Row, link_rows, process_rows, sample_rows, state
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
    refuse,
    rows_of,
    say,
    told_rows,
)
from edge.control import ask
from edge.health.summary import SCHEMA
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
        _is_status(body, folder)
    except NotFound as error:
        if error.code != "control.silent":
            raise
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
    except (OSError, ValueError, RecursionError) as error:
        message = (
            "no gateway runs here and none has left its state; yujing-edge run FILE "
            "此处没有运行中的网关，也没有停止时的状态"
        )
        raise NotFound("control.silent", message, place=str(folder)) from error
    body = found if isinstance(found, dict) else {}
    _is_status(body, folder / STOPPED_FILE)
    return body


def _is_status(body: Body, place: Path) -> None:
    """Refuse what is no status: an empty table would look like a plant without a fault.

    Raises:
        NotFound: it has no schema of ours, or no lines.
    """
    refuse(body)
    told_rows(body, "lines", str(place))
    if body.get("schema") != SCHEMA:
        message = f"this is no {SCHEMA}; is it our gateway? 应答格式不符"
        raise NotFound("control.answer", message, place=str(place))


def _print_status(body: Body, lang: Language) -> None:
    console = paper()
    now_us = SystemClock().wall_us()
    zone = datetime.fromtimestamp(now_us / 1e6, UTC).astimezone().tzinfo
    assert zone is not None, "an aware moment has a zone"
    _print_rows(process_rows(body, lang), console)
    heads = ("line", "state", "begun", "since", "skipped", "probing")
    lines = Table(*(say(key, lang) for key in heads))
    for row in rows_of(body, "lines"):
        share = row.get("probing_share")
        lines.add_row(
            str(row.get("name")),
            state(row.get("state"), lang),
            moment_text(row.get("since_us"), zone),
            str(row.get("detail", "")),
            str(row.get("slots_skipped", 0)),
            f"{100 * share:.1f} %" if isinstance(share, float) else "-",
        )
    console.print(lines)
    _print_units(body, lang, console)
    _print_interlocks(body, lang, console)
    _print_rows(sample_rows(body, lang), console)
    _print_rows(link_rows(body, now_us, lang, zone), console)


def _print_rows(rows: Iterable[Row], console: Console) -> None:
    """Print pairs of word and text, aligned, without a frame."""
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        console.print(table)


def _print_interlocks(body: Body, lang: Language, console: Console) -> None:
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
    if ilk.row_count:
        console.print(ilk)
    for row in rows_of(body, "alarms"):
        words = (row.get("priority"), row.get("level"), row.get("tag"), row.get("title"))
        print(say("alarm", lang), *(word for word in words if word), row.get("state"))


def _print_units(body: Body, lang: Language, console: Console) -> None:
    """Print the units that are not well, and those whose life is not proved."""
    heads = ("line", "unit", "state", "since", "probe", "sources", "skipped")
    table = Table(*(say(key, lang) for key in heads))
    for line in rows_of(body, "lines"):
        for unit in rows_of(line, "units"):
            sources = rows_of(unit, "sources")
            lives = [f"{one.get('source')} {state(one.get('life'), lang)}" for one in sources]
            is_well = all(one.get("life") == "ALIVE" for one in sources)
            if unit.get("state") == "UP" and is_well and not line.get("slots_skipped"):
                continue
            probe = unit.get("next_probe_s")
            table.add_row(
                str(line.get("name")),
                str(unit.get("device")),
                state(unit.get("state"), lang),
                str(unit.get("reason")),
                f"{probe:.0f} s" if isinstance(probe, int | float) else "-",
                ", ".join(lives),
                str(line.get("slots_skipped", 0)),
            )
    if table.row_count:
        console.print(table)
