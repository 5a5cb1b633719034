"""yujing-edge: the gateway's commands; arguments and printing only.  Shell: terminal."""

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from edge.acquisition.load import axis_row, line_load, load_row
from edge.clock import SystemClock
from edge.config import parse_config
from edge.control import ask
from edge.installation import Installation, load
from edge.interlock.scan import initial
from edge.scan.explain import explain_interlock, explain_point, find_interlock
from edge.toml_faults import near
from proto.errors import ConfigError, Fault, NotFound, YujingError
from proto.notice import NOTICE_EN, NOTICE_ZH
from proto.quality import Quality

OK, WRONG, USAGE, CONFIGURATION = 0, 1, 2, 78
INTERRUPTED = 130
STOPPED_FILE = "stopped.json"

Language = Literal["zh", "en"]
Body = Mapping[str, object]
Json = Annotated[bool, Parameter(name="--json", negative="", help="one JSON object a line")]
Lang = Annotated[Language, Parameter(name="--lang", help="zh or en")]

app = App(
    name="yujing-edge",
    help="厂区网关 the gateway at a plant.\n\n" + NOTICE_ZH + "\n\n" + NOTICE_EN,
    version_flags=[],
)

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
    "not_live": ("网关未运行：无实时值", "the gateway is not running: no live values"),
}


def say(key: str, lang: Language) -> str:
    """Return a word in the language of the caller."""
    return TEXT[key][0 if lang == "zh" else 1]


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line (of the process, unless given); end with the command's exit code."""
    try:
        given = sys.argv[1:] if words is None else list(words)
        code = app(given, exit_on_error=True, result_action="return_value")
    except ConfigError as refused:
        show_faults(refused.faults)
        code = CONFIGURATION
    except YujingError as failed:
        print(failed, file=sys.stderr)
        code = WRONG
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = WRONG
    sys.exit(code if isinstance(code, int) else OK)


def show_faults(faults: Iterable[Fault]) -> None:
    """Print every fault, one a line."""
    for fault in faults:
        print(fault, file=sys.stderr)


def emit(body: Body) -> None:
    """Print one JSON object on one line."""
    print(json.dumps(body, ensure_ascii=False, default=str))


@app.command
def check(file: Path, *, as_json: Json = False, lang: Lang = "zh") -> int:
    """检查配置 Every fault of the configuration and of the files that it names, at once."""
    try:
        made = load(file)
    except ConfigError as refused:
        if as_json:
            for fault in refused.faults:
                emit(_fault_body("fault", fault))
        else:
            show_faults(refused.faults)
            count = len(refused.faults)
            print(f"{file}: {count} {say('faults', lang)}", file=sys.stderr)
        return CONFIGURATION
    for warning in made.warnings:
        if as_json:
            emit(_fault_body("warning", warning))
        else:
            print(f"{say('warning', lang)}: {warning}")
    if as_json:
        emit({"schema": "check/1", "ok": True, "config_hash": made.config_hash})
    else:
        print(f"{file}: {say('ok', lang)} ({made.config_hash[:12]})")
    return OK


def _fault_body(kind: str, fault: Fault) -> Body:
    return {
        "schema": f"{kind}/1",
        "place": fault.place,
        "code": fault.code,
        "message": fault.message,
    }


@app.command
def plan(file: Path, *, as_json: Json = False, lang: Lang = "zh") -> int:
    """读取计划 Reads per second, bytes, load and time budgets; nothing is started."""
    made = load(file)
    loads = [line_load(line) for line in made.plant.lines]
    if as_json:
        _plan_json(made)
        return WRONG if any(each.verdict == "too_much" for each in loads) else OK
    console = Console()
    blocks = Table(say("line", lang), say("block", lang), say("period", lang))
    for axis in made.plant.axes:
        blocks.add_row(axis.line, axis.block.describe(), f"{axis.period_ns / 1e6:g} ms")
    console.print(blocks)
    lines = Table(
        *(say(key, lang) for key in ("line", "requests", "bytes")), f"{say('load', lang)} %"
    )
    for each in loads:
        share = f"{100 * each.share:.1f}" + ("" if each.verdict == "ok" else f" {each.verdict}")
        lines.add_row(each.line, f"{each.requests_s:.1f}", f"{each.bytes_s:.0f}", share)
    console.print(lines)
    budget = Table(
        say("interlock", lang),
        "C",
        "E",
        say("total", lang),
        say("half", lang),
        "=",
        title=say("budget", lang),
    )
    for item in made.budgets:
        limit = "-" if item.limit_ns is None else f"{item.limit_ns / 1e9:g} s"
        terms = " + ".join(f"{name} {ns / 1e9:g}" for name, ns in item.terms if ns)
        total = f"{item.total_ns / 1e9:g} s" + ("" if item.fits else " !")
        budget.add_row(item.interlock, item.cause, item.effect, total, limit, terms)
    console.print(budget)
    return WRONG if any(each.verdict == "too_much" for each in loads) else OK


def _plan_json(made: Installation) -> None:
    rows = [axis_row(axis) for axis in made.plant.axes]
    rows += [load_row(line_load(line)) for line in made.plant.lines]
    rows += [budget.to_row() for budget in made.budgets]
    for row in rows:
        emit(row)


@app.command
def run(file: Path) -> int:
    """运行网关 Run the gateway until SIGTERM or Ctrl-C."""
    from edge.gateway import run_gateway  # the other commands start without the whole gateway

    return asyncio.run(run_gateway(file))


@app.command
def status(
    file: Path | None = None,
    *,
    data_dir: Path | None = None,
    as_json: Json = False,
    lang: Lang = "zh",
) -> int:
    """网关状态 State of the running gateway; of the last stop when none runs."""
    folder = _data_dir(file, data_dir)
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


def _data_dir(file: Path | None, data_dir: Path | None) -> Path:
    """Return the gateway's folder: as given, or as the configuration names it.

    Raises:
        ConfigError: neither is given, or the configuration cannot be read.
    """
    if data_dir is not None:
        return data_dir
    path = file or Path("edge.toml")
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError([Fault(str(path), "config.file", reason)]) from error
    config, faults = parse_config(data, path.name)
    if config is None:
        raise ConfigError(faults)
    return path.parent / config.gateway.data_dir


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
    console = Console()
    lines = Table(say("line", lang), say("state", lang), say("since", lang))
    for row in _rows(body, "lines"):
        lines.add_row(str(row.get("name")), str(row.get("state")), str(row.get("detail", "")))
    console.print(lines)
    ilk = Table(*(say(key, lang) for key in ("interlock", "state", "health", "first_out")))
    for row in _rows(body, "interlocks"):
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
    for row in _rows(body, "alarms"):
        words = (row.get("priority"), row.get("level"), row.get("tag"), row.get("title"))
        print(say("alarm", lang), *(word for word in words if word), row.get("state"))
    for key in ("samples", "uplink"):
        print(say(key, lang), json.dumps(body.get(key), ensure_ascii=False))


def _rows(body: Body, key: str) -> list[Body]:
    rows = body.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


@app.command
def explain(file: Path, name: str, /, *, as_json: Json = False, lang: Lang = "zh") -> int:
    """解释 How a tag gets its value, quality and age, or how an interlock decides."""
    made = load(file)
    try:
        body = asyncio.run(ask(made.data_dir, {"do": "explain", "id": name}))
    except NotFound:
        body = _explain_cold(made, name)
        print(say("not_live", lang), file=sys.stderr)
    _refuse(body)
    if as_json:
        emit(body)
    else:
        _tree(body, "")
    return OK


def _explain_cold(made: Installation, name: str) -> dict[str, object]:
    """Return the same from the files alone.

    Raises:
        NotFound: there is no such thing.
    """
    found = find_interlock(made.models, name)
    if found is not None:
        return explain_interlock(initial(found[0], 0), found[1], 0, live=False)
    return explain_point(made.plant, _number(made, name), None, 0)


def _number(made: Installation, name: str) -> int:
    number = made.plant.index_of.get(name)
    if number is None:
        known = [*made.plant.index_of, *(i.id for m in made.models for i in m.interlocks)]
        message = f'no point, tag or interlock "{name}"{near(name, known)}'
        if name in known:
            message = f'"{name}" is an interlock, it has no reading: yujing-edge explain shows it'
        raise NotFound("edge.unknown_id", message, place=made.config.gateway.id)
    return number


def _refuse(body: Body) -> None:
    error = body.get("error")
    if isinstance(error, dict):
        code = str(error.get("code"))
        raise NotFound(code, str(error.get("message")).removeprefix(f"{code} "))


def _tree(body: Body, indent: str) -> None:
    """Print nested data as people read it: keys, then what lies below, indented."""
    for key, value in body.items():
        if key == "schema":
            continue
        if isinstance(value, Mapping):
            print(f"{indent}{key}:")
            _tree(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            print(f"{indent}{key}:")
            for item in value:
                print(f"{indent}  -")
                _tree(item, indent + "    ")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            print(f"{indent}{key}: {'-' if shown is None else shown}")


@app.command
def read(file: Path, *tags: str, as_json: Json = False, lang: Lang = "zh") -> int:
    """读一次 One reading now: from the running gateway, else straight from the device."""
    made = load(file)
    if not tags:
        raise NotFound("edge.unknown_id", "name at least one tag or point")
    numbers = [_number(made, name) for name in tags]
    names = [made.plant.points[number].name for number in numbers]
    from edge.acquisition.once import read_once  # the libraries of the protocols load slowly

    rows: Sequence[Body]
    try:
        rows = _rows(asyncio.run(ask(made.data_dir, {"do": "points", "ids": names})), "points")
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
