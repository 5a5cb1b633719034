"""`yujing-edge mark`: work marks of the running gateway, with reason and end.  Shell: terminal."""

import asyncio
import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from edge.commands.words import (
    OK,
    Body,
    Json,
    Lang,
    Language,
    data_dir_of,
    emit,
    refuse,
    told_rows,
)
from edge.control import ask
from proto.duration import parse_duration
from proto.errors import BadRequest

Kind = Annotated[
    Literal["MAINTENANCE", "CALIBRATION"],
    Parameter(name="--kind", help="MAINTENANCE 检修 (probing), CALIBRATION 校验 (loop sheets)"),
]
File = Annotated[Path | None, Parameter(name="--file", help="edge.toml")]
DataDir = Annotated[Path | None, Parameter(name="--data-dir", help="the gateway's folder")]

mark = App(
    name="mark",
    help="检修标记 Work marks: what is being worked on, why, and until when.",
    version_flags=[],
)

_TEXT = {
    "open": ("已打开，至", "open until"),
    "closed": ("已结束", "closed"),
    "none": ("没有未结束的标记", "no mark is open"),
}


@mark.command(name="open")
def open_(
    device: str,
    *,
    reason: Annotated[str, Parameter(name="--reason", help="why, 3 to 200 characters 原因")],
    duration: Annotated[str, Parameter(name="--for", help="1min to 24h 时长")],
    kind: Kind = "MAINTENANCE",
    file: File = None,
    data_dir: DataDir = None,
    as_json: Json = False,
    lang: Lang = "zh",
) -> int:
    """打开标记 Open a mark for a device; it ends by itself."""
    try:
        for_us = parse_duration(duration) // 1000
    except ValueError as error:
        raise BadRequest("mark.duration", str(error)) from error
    request = {
        "do": "mark.open",
        "kind": kind,
        "device": device,
        "reason": reason,
        "for_us": for_us,
        "by": getpass.getuser(),
    }
    body = _answer(request, file, data_dir)
    return _show([body], "open", as_json=as_json, lang=lang)


@mark.command(name="close")
def close(
    device: str,
    *,
    kind: Kind = "MAINTENANCE",
    file: File = None,
    data_dir: DataDir = None,
    as_json: Json = False,
    lang: Lang = "zh",
) -> int:
    """结束标记 End a mark before its time."""
    body = _answer({"do": "mark.close", "kind": kind, "device": device}, file, data_dir)
    return _show([body], "closed", as_json=as_json, lang=lang)


@mark.command(name="list")
def list_(
    *,
    file: File = None,
    data_dir: DataDir = None,
    as_json: Json = False,
    lang: Lang = "zh",
) -> int:
    """列出标记 Every open mark."""
    body = _answer({"do": "mark.list"}, file, data_dir)
    rows = told_rows(body, "marks", str(data_dir_of(file, data_dir)))
    if not rows and not as_json:
        print(_TEXT["none"][0 if lang == "zh" else 1])
    return _show(rows, "open", as_json=as_json, lang=lang)


def _answer(request: Body, file: Path | None, data_dir: Path | None) -> Body:
    body = asyncio.run(ask(data_dir_of(file, data_dir), request))
    refuse(body)
    return body


def _moment(wall_us: object) -> str:
    """Return a time in UTC; what no calendar holds as it came."""
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(str(wall_us)))
    except (ValueError, OverflowError):
        return f"{wall_us!s:.40}?"
    return moment.isoformat(timespec="seconds")


def _show(rows: list[Body], word: str, *, as_json: bool, lang: Language) -> int:
    for row in rows:
        if as_json:
            emit({**row, "schema": "mark/1"})
            continue
        text = _TEXT[word][0 if lang == "zh" else 1]
        until_us = row.get("until_us")
        until = ""
        if word == "open":
            until = " " + _moment(until_us)
        print(f"{row.get('device')} {row.get('kind')}: {text}{until}  {row.get('reason')}")
    return OK
