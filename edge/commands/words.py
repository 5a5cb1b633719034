"""What commands share: exit codes, options, words in two languages.  Shell: terminal."""

import json
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from edge.commands.files import read_bytes
from edge.config import parse_config
from edge.installation import Installation
from edge.toml_faults import near
from proto.errors import ConfigError, Fault, NotFound
from proto.fault_message import FAULTS, explained

OK, WRONG, USAGE, CONFIGURATION = 0, 1, 2, 78
INTERRUPTED = 130

Language = Literal["zh", "en"]
Body = Mapping[str, object]
Json = Annotated[bool, Parameter(name="--json", negative="", help="one JSON object a line")]
Lang = Annotated[Language, Parameter(name="--lang", help="zh or en")]

TEXT: Mapping[str, tuple[str, str]] = {
    "ok": ("配置无误", "the configuration has no fault"),
    "faults": ("处错误，未启动任何程序", "faults; nothing was started"),
    "warning": ("提示", "warning"),
    "line": ("线路", "line"),
    "block": ("读取块", "block"),
    "period": ("周期", "period"),
    "requests": ("请求/秒", "requests/s"),
    "bytes": ("字节/秒", "bytes/s"),
    "load": ("负荷", "load"),
    "budget": ("联锁时间预算", "time budgets of interlocks"),
    "half": ("安全时间之半", "half the safety time"),
    "total": ("合计", "total"),
    "stopped": (
        "网关未运行；停止时的状态",
        "the gateway is not running; its state when it stopped",
    ),
    "state": ("状态", "state"),
    "since": ("原因", "detail"),
    "interlock": ("联锁", "interlock"),
    "health": ("健康", "health"),
    "first_out": ("首出", "first-out"),
    "alarm": ("报警", "alarm"),
    "samples": ("采样", "samples"),
    "uplink": ("上行", "uplink"),
    "tag": ("位号", "tag"),
    "value": ("数值", "value"),
    "quality": ("质量", "quality"),
    "age": ("时龄", "age"),
    "registers": ("寄存器", "registers"),
    "panel": ("请与面板核对", "compare with the panel"),
    "unit": ("设备", "unit"),
    "probe": ("下次试探", "next probe"),
    "sources": ("生命信号", "life signals"),
    "skipped": ("跳过时隙", "slots skipped"),
    "begun": ("自", "since"),
    "probing": ("探询占线", "probing share"),
    "not_live": ("网关未运行：无实时值", "the gateway is not running: no live values"),
}


def say(key: str, lang: Language) -> str:
    """Return a word in the language of the caller."""
    return TEXT[key][0 if lang == "zh" else 1]


def paper() -> Console:
    """Return what prints tables: texts of a plant stand as written, `[/x]` and `:x:` too."""
    return Console(markup=False, emoji=False, highlight=False)


def show_faults(faults: Iterable[Fault]) -> None:
    """Print every fault, one a line, in both languages."""
    for fault in faults:
        print(explained(fault.code, str(fault)), file=sys.stderr)


def emit(body: Body) -> None:
    """Print one JSON object on one line."""
    print(json.dumps(_finite(body), ensure_ascii=False, default=str, allow_nan=False))


def _finite(value: object) -> object:
    """Return a value with null in the place of what JSON has no number for."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def fault_body(kind: str, fault: Fault) -> Body:
    """Return a fault as a JSON object of schema `<kind>/1`, with what to do in both languages."""
    known = FAULTS.get(fault.code)
    remedy = {} if known is None else {"remedy": {"en": known.en, "zh": known.zh}}
    return {
        "schema": f"{kind}/1",
        "place": fault.place,
        "code": fault.code,
        "message": fault.message,
        **remedy,
    }


def told_rows(body: Body, key: str, place: str) -> list[Body]:
    """Return the objects in the list under `key` of an answer.

    Raises:
        NotFound: there is no such list: what answers is no gateway of this version.
    """
    rows = body.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        message = f'the answer has no list "{key}"; is it our gateway? 应答格式不符'
        raise NotFound("control.answer", message, place=place)
    return rows


def rows_of(body: Body, key: str) -> list[Body]:
    """Return the objects in the list under `key`; empty when there is none."""
    rows = body.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def data_dir_of(file: Path | None, data_dir: Path | None) -> Path:
    """Return the gateway's folder: as given, or as the configuration names it.

    Raises:
        ConfigError: neither is given, or the configuration cannot be read.
    """
    if data_dir is not None:
        return data_dir
    path = file or Path("edge.toml")
    config, faults = parse_config(read_bytes(path), path.name)
    if config is None:
        raise ConfigError(faults)
    return path.parent / config.gateway.data_dir


def number_of(made: Installation, name: str) -> int:
    """Return the number of a point by its name or tag.

    Raises:
        NotFound: there is none.
    """
    number = made.plant.index_of.get(name)
    if number is None:
        known = [*made.plant.index_of, *(i.id for m in made.models for i in m.interlocks)]
        message = f'no point, tag or interlock "{name}"{near(name, known)}'
        if name in known:
            message = f'"{name}" is an interlock, it has no reading: yujing-edge explain shows it'
        raise NotFound("edge.unknown_id", message, place=made.config.gateway.id)
    return number


def refuse(body: Body) -> None:
    """Raise what the running gateway answered with.

    Raises:
        NotFound: it says error.
    """
    error = body.get("error")
    if isinstance(error, dict):
        code = str(error.get("code"))
        raise NotFound(code, str(error.get("message")).removeprefix(f"{code} "))
