"""`yujing-edge loop`: test a loop and sign its sheet; which points are proven.  Shell: terminal."""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from cyclopts import Parameter
from rich.table import Table

from edge.acquisition.loop_sheet import ALLOWED_BASIS, SCHEMA, allowed_error, levels
from edge.acquisition.loop_store import LoopStore
from edge.acquisition.once import read_once
from edge.clock import SystemClock
from edge.commands.files import read_bytes
from edge.commands.words import OK, WRONG, Body, Json, emit, paper, refuse, rows_of
from edge.control import ask
from edge.installation import Installation, load
from edge.mark_store import calibrating
from proto.errors import BadRequest, NotFound

Reading = Callable[[], Body]


def loop(
    tag: str = "",
    *,
    file: Annotated[Path, Parameter(name="--file", help="edge.toml")] = Path("edge.toml"),
    show_list: Annotated[bool, Parameter(name="--list", negative="")] = False,
    sheet: Annotated[Path | None, Parameter(name="--sheet", help="figures as JSON")] = None,
    by: Annotated[str, Parameter(name="--by", help="who applies")] = "",
    watched: Annotated[str, Parameter(name="--watched", help="who watches")] = "",
    instrument: Annotated[str, Parameter(name="--instrument", help="MODEL")] = "",
    certificate: Annotated[str, Parameter(name="--certificate", help="its number")] = "",
    due: Annotated[str, Parameter(name="--due", help="YYYY-MM-DD")] = "",
    allowed: Annotated[float | None, Parameter(name="--allowed", help="in the unit")] = None,
    basis: Annotated[str, Parameter(name="--basis", help="of the allowed error")] = ALLOWED_BASIS,
    as_json: Json = False,
) -> int:
    """回路测试 Test a loop at 0, 25, 50, 75, 100 % under a CALIBRATION mark, or --list.

    Raises:
        BadRequest: neither a tag nor --list.
    """
    made = load(file)
    clock = SystemClock()
    store = LoopStore(made.data_dir, made.plant, clock, calibrating(made.data_dir, clock))
    if show_list:
        return _list(_asked(made, {"do": "loop.list"}) or store.listed(), as_json=as_json)
    if not tag:
        raise BadRequest("loop.unknown_point", "name a tag, or --list")
    binding = store.binding(tag)
    if sheet is not None:
        body = _figures(sheet)
    else:
        body = _dialogue(made, tag, levels(binding))
        body["persons"] = [by, watched]
        body["instrument"] = {"model": instrument, "certificate": certificate, "due": due}
        body["allowed"] = allowed_error(binding) if allowed is None else allowed
        body["basis"] = basis
    zone = ZoneInfo(made.config.config.timezone)
    today = datetime.fromtimestamp(SystemClock().wall_us() / 1e6, zone).date().isoformat()
    body |= {"schema": SCHEMA, "point": binding.point.name, "date": today}
    request: Body = {"do": "loop.sign", "sheet": body}
    signed = _asked(made, request) or store.sign(request)
    refuse(signed)
    _show(signed, as_json=as_json)
    return OK if signed.get("verdict") == "PASS" else WRONG


def _asked(made: Installation, request: Body) -> Body | None:
    """Return the answer of the running gateway; None when none runs."""
    try:
        return asyncio.run(ask(made.data_dir, request))
    except NotFound:
        return None


def _figures(path: Path) -> dict[str, object]:
    try:
        body = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise BadRequest("loop.sheet", f"{path}: no JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("loop.sheet", f"{path}: write an object of schema {SCHEMA}")
    return body


def _dialogue(
    made: Installation, tag: str, wanted: tuple[tuple[int, float], ...]
) -> dict[str, object]:
    """Ask step by step: apply, wait, type what the panel shows; ours is read at that moment."""
    found = [_step(made, tag, percent, value) for percent, value in wanted]
    _say("是否调整过? adjusted since, repeat as left? [y/N]")
    is_adjusted = sys.stdin.readline().strip().lower() in ("y", "yes", "是")
    left = [_step(made, tag, percent, value) for percent, value in wanted] if is_adjusted else found
    return {"as_found": found, "as_left": left}


def _step(made: Installation, tag: str, percent: int, value: float) -> dict[str, object]:
    _say(f"{percent} %: 施加 apply {value:g}; 面板读数 panel reading, Enter = none:")
    text = sys.stdin.readline().strip()
    try:
        panel = float(text) if text else None
    except ValueError as error:
        raise BadRequest("loop.sheet", f"{text!r} is no number") from error
    row = _reading(made, tag)
    ours = row.get("value") if row.get("quality") != "BAD" else None
    _say(f"      本系统 ours {ours} {row.get('unit', '')} {row.get('quality')}")
    return {
        "pct": percent,
        "applied": value,
        "raw": row.get("raw"),
        "gateway": ours,
        "panel": panel,
        "centre": None,
    }


def _reading(made: Installation, tag: str) -> Body:
    answer = _asked(made, {"do": "points", "ids": [tag]})
    if answer is not None:
        refuse(answer)
        return rows_of(answer, "points")[0]
    number = made.plant.index_of[tag]
    return asyncio.run(read_once(made.plant, [number], made.base, SystemClock()))[0]


def _list(body: Body, *, as_json: bool) -> int:
    refuse(body)
    rows = rows_of(body, "loops")
    if as_json:
        for row in rows:
            emit({"schema": "loop-state/1", **row})
    else:
        table = Table("位号 tag", "已验证 proven", "日期 date", "原因 why")
        for row in rows:
            proven = "是 yes" if row.get("proven") else "未验证 not proven"
            table.add_row(
                str(row.get("tag")), proven, str(row.get("date") or "-"), str(row.get("why"))
            )
        paper().print(table)
    return OK if all(row.get("proven") for row in rows) else WRONG


def _show(body: Body, *, as_json: bool) -> None:
    if as_json:
        emit(body)
        return
    print(f"{body.get('tag')}  {body.get('date')}  {body.get('verdict')}")
    for step in rows_of(body, "as_left"):
        figures = "  ".join(f"{key} {step.get(key)}" for key in ("applied", "gateway", "panel"))
        print(f"  {step.get('pct')} %  {figures}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
