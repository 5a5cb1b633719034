"""`yujing-edge browse`: what a server offers, as a draft point list.  Shell: terminal, sockets."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from devices.opcua.browsing import NODES_MAX, Walk, walk
from devices.opcua.known_servers import load_profiles
from devices.opcua.session import OpcUaSecurity
from edge.acquisition.opcua_session import read_password
from edge.clock import SystemClock
from edge.commands.browse_rows import HEADERS, point_rows
from edge.commands.files import write_whole
from edge.commands.quantities import reading_text
from edge.commands.words import OK, WRONG, Json, Lang, emit
from edge.config_line import LoginConfig
from edge.trust.deferrals import judge_of
from proto.errors import NotFound
from proto.quality import Quality
from proto.sheet import write_csv

_VALUE_SHOWN = 40

TEXT = {
    "trusted": ("服务器已受信任", "server trusted"),
    "per_call": ("个节点/次", "a call"),
    "sampling": ("采样 ≥", "sampling >="),
    "history": ("有历史", "history"),
    "no_history": ("无历史", "no history"),
    "nodes": ("个节点", "nodes"),
    "readable": ("个可读", "readable"),
    "refused": ("个被拒", "refused"),
    "cut": ("已达上限，其余未浏览；用 --under 缩小范围", "limit reached; narrow with --under"),
    "saved": ("已写入", "written to"),
    "left_out": (
        "个测点类型不支持，未写入",
        "left out: arrays, texts and types that no point has",
    ),
}


def browse(
    endpoint: str,
    *,
    under: Annotated[str, Parameter(help="nsu=URI;s=NAME")] = "",
    pki: Annotated[Path, Parameter(help="own/, trusted/, rejected/")] = Path("pki"),
    save: Annotated[Path | None, Parameter(help="point list (点表) to write")] = None,
    limit: int = NODES_MAX,
    user: str | None = None,
    password_file: Path | None = None,
    as_json: Json = False,
    lang: Lang = "zh",
) -> int:
    """浏览服务器 The variables of an OPC UA server; it is only read."""
    if not 1 <= limit <= NODES_MAX:
        raise NotFound("edge.limit", f"--limit is 1 to {NODES_MAX}")
    password = None
    if user is not None:
        if password_file is None:
            raise NotFound("edge.option", "--user needs --password-file (mode 600)")
        login = LoginConfig(user=user, password_file=str(password_file))
        password = read_password(login, Path(), "browse")
    security = OpcUaSecurity(pki, judge=judge_of(pki), user=user, password=password)
    found = asyncio.run(
        walk(
            endpoint,
            security,
            now_us=SystemClock().wall_us(),
            under=under,
            limit=limit,
            profiles=load_profiles(),
            progress=_progress,
        )
    )
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if as_json:
        _show_json(found)
    else:
        _show(found, lang)
    if save is not None:
        _save(found, save, lang, is_silent=as_json)
    return WRONG if found.is_cut else OK


def _progress(done: int, waiting: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:>7} … {waiting:<7}", end="", file=sys.stderr, flush=True)


def _say(key: str, lang: Lang) -> str:
    return TEXT[key][0 if lang == "zh" else 1]


def _show(found: Walk, lang: Lang) -> None:
    shown = found.found.presented
    thumbprint = ":".join(re.findall("..", shown.thumbprint[:6].upper())) if shown else "-"
    mode = "None" if found.found.policy_name == "None" else "SignAndEncrypt"
    print(
        f"{found.found.policy_name} {mode}   {_say('trusted', lang)} {thumbprint}:…   "
        f"{found.per_call} {_say('per_call', lang)} (profile {found.profile.name})"
    )
    wide = max((len(one.path) for one in found.variables), default=0)
    for one in found.variables:
        past = _say("history" if one.has_history else "no_history", lang)
        sampling = ""
        if one.sampling_ms > 0:
            sampling = f"{_say('sampling', lang)} {one.sampling_ms:g} ms   "
        quality = Quality(one.quality).name
        status = "" if quality == "GOOD" else f" ({one.status})"
        value = _value(one.value)[:_VALUE_SHOWN]
        print(
            f"{_one_line(one.path):<{wide}}  {one.type:<8} {one.unit:<8} {value:>12}  "
            f"{quality}{status}   {sampling}{past}"
        )
    refused = [one for one in found.variables if not one.is_readable]
    why = ", ".join(sorted({one.status for one in refused if one.status}))
    readable = len(found.variables) - len(refused)
    print(
        f"{found.nodes} {_say('nodes', lang)}, {readable} {_say('readable', lang)}, "
        f"{len(refused)} {_say('refused', lang)}" + (f" ({why})" if why else "")
    )
    if found.is_cut:
        print(_say("cut", lang), file=sys.stderr)


def _value(text: str) -> str:
    """Return a value on one line, a float without digits that nobody measured."""
    try:
        return reading_text(float(text)) if "." in text else _one_line(text)
    except ValueError:
        return _one_line(text)


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _show_json(found: Walk) -> None:
    shown = found.found.presented
    emit(
        {
            "schema": "browse/1",
            "policy": found.found.policy_name,
            "thumbprint": shown.thumbprint if shown else None,
            "profile": found.profile.name,
            "per_call": found.per_call,
            "nodes": found.nodes,
            "cut": found.is_cut,
        }
    )
    for one in found.variables:
        emit(
            {
                "schema": "variable/1",
                "path": one.path,
                "node": one.node,
                "type": one.type,
                "unit": one.unit,
                "low": one.low,
                "high": one.high,
                "value": one.value,
                "quality": Quality(one.quality).name,
                "status": one.status,
                "sampling_ms": one.sampling_ms,
                "readable": one.is_readable,
                "history": one.has_history,
            }
        )


def _save(found: Walk, path: Path, lang: Lang, *, is_silent: bool) -> None:
    rows, left_out = point_rows(found.variables)
    write_whole(path, write_csv([HEADERS, *rows]))
    if not is_silent:
        print(f"{len(rows)} -> {path}")
        if left_out:
            print(f"{left_out} {_say('left_out', lang)}")
