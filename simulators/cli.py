"""yujing-sim: simulated plants, faults, the demo; arguments and printing only.  Shell: terminal."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from proto.errors import ConfigError, YujingError
from proto.notice import NOTICE_EN, NOTICE_ZH
from simulators import events
from simulators.faults.book import FREEZE_SENSOR, GENERAL, FaultRefused, make_fault
from simulators.plants.catalog import PLANTS, points, traits
from simulators.serve.control import NotReachable, ask

OK, WRONG, USAGE, CONFIGURATION = 0, 1, 2, 78
PORT_MAX = 65_535
_UNITS_MS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}

app = App(
    name="yujing-sim",
    help="模拟厂区与演示 simulated plants, faults and the demo.\n\n"
    + NOTICE_ZH
    + "\n\n"
    + NOTICE_EN,
    version_flags=[],
)
Json = Annotated[bool, Parameter(name="--json", negative="", help="one JSON object a line")]


def main() -> None:
    """Run the command line; end with the exit code of the command."""
    try:
        code = app(exit_on_error=True, result_action="return_value")
    except ConfigError as refused:
        for fault in refused.faults:
            print(fault, file=sys.stderr)
        code = CONFIGURATION
    except YujingError as failed:
        print(failed, file=sys.stderr)
        code = WRONG
    except KeyboardInterrupt:
        code = 130
    sys.exit(code if isinstance(code, int) else OK)


@app.command
def plants(*, as_json: Json = False) -> int:
    """列出模拟厂区 List the simulated plants and the faults that each one knows."""
    for each in map(traits, PLANTS):
        faults = {**GENERAL, **each.knobs}
        if as_json:
            print(
                json.dumps(
                    {
                        "schema": "plant/1",
                        "plant": each.name,
                        "title": {"zh": each.title_zh, "en": each.title_en},
                        "protocol": each.protocol,
                        "profile": each.profile,
                        "device": each.device,
                        "faults": sorted(faults),
                        "points": points(each.name),
                    },
                    ensure_ascii=False,
                )
            )
            continue
        table = Table("故障 fault", "含义 meaning", title=_title(each.name))
        for kind, meaning in faults.items():
            table.add_row(kind, meaning)
        Console().print(table)
        Console().print(f"freeze_sensor --on: {', '.join(points(each.name))}\n")
    return OK


def _title(name: str) -> str:
    each = traits(name)
    return f"{each.name}  {each.title_zh} {each.title_en}  ({each.protocol}, {each.profile})"


@app.command
def plant(
    name: str,
    *,
    modbus: Annotated[int, Parameter(help="TCP port of the Modbus server; 0 = any")] = 0,
    opcua: Annotated[int, Parameter(help="TCP port of the OPC UA server; 0 = any")] = 0,
    control: Annotated[Path | None, Parameter(help="control socket")] = None,
    pki: Annotated[Path | None, Parameter(help="own/, trusted/ of the OPC UA server")] = None,
    seed: Annotated[int, Parameter(help="of all noise")] = 1,
) -> int:
    """运行一个模拟厂区 Serve one plant on its protocol, on loopback, until Ctrl-C."""
    if name not in PLANTS:
        return _usage(f"unknown plant {name!r}; valid: {', '.join(PLANTS)}")
    protocol = traits(name).protocol
    if (modbus and protocol != "modbus") or (opcua and protocol != "opcua"):
        return _usage(f"{name} speaks {protocol}; use --{protocol} PORT")
    if not 0 <= (modbus or opcua) <= PORT_MAX:
        return _usage(f"--{protocol} PORT: 0 to {PORT_MAX}")
    from simulators.serve.plants import PlantOptions, run_plant  # asyncua is slow to load

    options = PlantOptions(name, modbus or opcua, seed, control, pki)
    events.configure()
    try:
        asyncio.run(run_plant(options))
    except OSError as failed:
        return _wrong(f"{name}: {failed.strerror or failed}")
    return OK


@app.command
def profile(
    name: Annotated[str, Parameter(help="name of a profile, or a path ending in .toml")],
    *,
    modbus: Annotated[int, Parameter(help="TCP port of the Modbus server; 0 = any")] = 0,
    rtu_over_tcp: Annotated[
        int | None, Parameter(help="TCP port of a serial server: RTU frames; 0 = any")
    ] = None,
    pty: Annotated[
        bool, Parameter(negative="", help="RTU on a pseudo-terminal; its path is printed")
    ] = False,
    opcua: Annotated[int, Parameter(help="TCP port of the OPC UA server; 0 = any")] = 0,
    pki: Annotated[Path | None, Parameter(help="own/, trusted/ of the OPC UA server")] = None,
    seed: Annotated[int, Parameter(help="of all noise")] = 1,
    still: Annotated[
        bool, Parameter(negative="", help="the values of the worked examples, at rest")
    ] = False,
) -> int:
    """按设备模板提供数据 Serve any device profile, values within range, until Ctrl-C."""
    from devices.catalog import find

    protocol = find(name).protocol
    if (modbus and protocol != "modbus") or (opcua and protocol != "opcua"):
        return _usage(f"{name} speaks {protocol}; use --{protocol} PORT")
    is_serial = pty or rtu_over_tcp is not None
    if is_serial and (protocol != "modbus" or modbus or (pty and rtu_over_tcp is not None)):
        return _usage("--modbus, --rtu-over-tcp, --pty: one of them, for a Modbus profile")
    port = modbus or opcua or rtu_over_tcp or 0
    if not 0 <= port <= PORT_MAX:
        return _usage(f"--{protocol} PORT: 0 to {PORT_MAX}")
    from simulators.serve.profiled import ProfileOptions, Wire, run_profile  # slow to load

    wire: Wire = "pty" if pty else "mbap" if rtu_over_tcp is None else "rtu-tcp"
    options = ProfileOptions(name, port, seed, pki, still, wire)
    events.configure()
    try:
        asyncio.run(run_profile(options))
    except OSError as failed:
        return _wrong(f"{name}: {failed.strerror or failed}")
    return OK


@app.command
def fault(
    name: Annotated[str, Parameter(help="plant: bof, dust_dry")],
    kind: Annotated[str | None, Parameter(help="see `yujing-sim plants`")] = None,
    *,
    on: Annotated[str | None, Parameter(help="point, for freeze_sensor")] = None,
    length: Annotated[str | None, Parameter(name="--for", help="10s, 500ms, 2min")] = None,
    clear: Annotated[bool, Parameter(negative="", help="clear this kind, or all")] = False,
    control: Annotated[Path | None, Parameter(help="control socket of the plant")] = None,
    as_json: Json = False,
) -> int:
    """注入或清除故障 Inject a fault into a running plant, or clear it."""
    if name not in PLANTS:
        return _usage(f"unknown plant {name!r}; valid: {', '.join(PLANTS)}")
    knobs = traits(name).knobs
    try:
        for_ms = None if length is None else _duration_ms(length)
        if kind is None and not clear:
            return _usage(f"which fault? valid: {', '.join(sorted({**GENERAL, **knobs}))}")
        if kind is not None and not (clear and kind == FREEZE_SENSOR and on is None):
            make_fault(kind, on, for_ms, now_ms=0, knobs=knobs, points=points(name))
    except FaultRefused as refused:
        return _usage(f"{name}: {refused}")
    request: dict[str, object] = {"do": "clear" if clear else "fault", "kind": kind, "on": on}
    if not clear:
        request["for_ms"] = for_ms
    try:
        answer = asyncio.run(ask(_find_control(name, control), request))
    except NotReachable as gone:
        return _wrong(f"{name}: {gone}")
    if as_json:
        print(json.dumps({"schema": "fault/1", "plant": name, **answer}, ensure_ascii=False))
    elif answer.get("ok"):
        what = kind or "所有故障 all faults"
        how = "已清除 cleared" if clear else f"已注入 injected{' for ' + length if length else ''}"
        print(f"{name}: {what}{' ' + on if on else ''} {how}")
    if not answer.get("ok"):
        return _usage(f"{name}: {answer.get('message')}")
    return OK


def _duration_ms(text: str) -> int:
    found = re.fullmatch(r"(\d{1,9})(ms|s|min|h)", text)
    if found is None:
        raise FaultRefused(f"--for {text!r}: write a number and ms, s, min or h, such as 10s")
    return int(found[1]) * _UNITS_MS[found[2]]


def _find_control(name: str, control: Path | None) -> Path:
    """Return the control socket that was named, or that of the running demo.

    Raises:
        NotReachable: no demo is running.
    """
    if control is not None:
        return control
    folder = Path(os.environ.get("YUJING_DEMO_DIR", "build/demo"))
    try:
        state = json.loads((folder / "demo.json").read_text("utf-8"))
        return Path(state["plants"][name]["control"])
    except (OSError, ValueError, KeyError, TypeError):
        message = f"no demo is running in {folder}; start `make demo`, or name --control SOCKET"
        raise NotReachable(message) from None


@app.command
def demo(
    *,
    seconds: Annotated[float | None, Parameter(help="end by itself; one JSON line")] = None,
    folder: Annotated[Path, Parameter(name="--dir", help="emptied, and removed at the end")] = (
        Path("build/demo")
    ),
    as_json: Json = False,
) -> int:
    """演示 Two plants, two gateways, the centre and the console in one command."""
    if seconds is not None and not 5 <= seconds <= 86_400:
        return _usage("--seconds: between 5 and 86400")
    from simulators.demo.show import show  # asyncua is slow to load

    return show(folder, seconds, as_json=as_json)


def _usage(message: str) -> int:
    print(message, file=sys.stderr)
    return USAGE


def _wrong(message: str) -> int:
    print(message, file=sys.stderr)
    return WRONG
