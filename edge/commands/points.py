"""`yujing-edge points`: a point list as it is read, and what the doctor says.  Shell: terminal."""

import asyncio
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from devices import catalog
from devices.address import ModbusAddress
from devices.point_list import ListOptions, PointList, notation_of, read_point_list
from devices.point_site import site_points
from devices.profile import ModbusProfile, Profile
from edge.acquisition import live
from edge.acquisition.doctor import Subject, Trace, diagnose
from edge.clock import SystemClock
from edge.commands.files import read_bytes
from edge.commands.words import (
    CONFIGURATION,
    OK,
    WRONG,
    Body,
    Json,
    emit,
    fault_body,
    paper,
    show_faults,
)
from edge.config import POLL_DEFAULT_NS, EdgeConfig, load_text
from edge.config_device import Base, DeviceConfig
from edge.control import ask
from edge.installation import load, preset_notation
from edge.point_lists import list_options
from proto.errors import BadRequest, ConfigError, DeviceError, Fault, NotFound
from proto.sheet import BYTES_MAX, Encoding

SECONDS_MAX = 3600.0
PROPOSE = "不会修改文件 proposes only, changes nothing"

ROWS_SHOWN = 200
"""A table of thousands of rows takes seconds to lay out and nobody reads it."""


@dataclass(frozen=True, slots=True)
class _Site:
    """The device of `edge.toml` that the list belongs to."""

    path: Path
    config: EdgeConfig
    device: DeviceConfig
    profile: Profile | None


def points(
    file: Path,
    *,
    config: Annotated[Path | None, Parameter(name="--config", help="edge.toml")] = None,
    device: Annotated[str, Parameter(name="--device", help="of edge.toml")] = "",
    base: Annotated[Base | None, Parameter(name="--base")] = None,
    preset: Annotated[str | None, Parameter(name="--preset")] = None,
    encoding: Annotated[Encoding | None, Parameter(name="--encoding")] = None,
    is_live: Annotated[bool, Parameter(name="--live", negative="", help="read the device")] = False,
    seconds: Annotated[float, Parameter(name="--seconds", help="of --live")] = 30.0,
    panel: Annotated[tuple[str, ...], Parameter(name="--panel", help="TAG=VALUE")] = (),
    as_json: Json = False,
) -> int:
    """测点表 Show a point list as it is read, and test order, base and type (--live, --panel).

    Raises:
        BadRequest: --live without a device of edge.toml, or a panel figure that is none.
    """
    site = _site(file, config, device)
    if is_live and site is None:
        raise BadRequest(
            "points.live", "--live needs --config edge.toml with a device of this list"
        )
    if is_live and not 1 <= seconds <= SECONDS_MAX:  # also not a NaN
        raise BadRequest("points.live", f"--seconds is 1 to {SECONDS_MAX:g}")
    if panel and not is_live:
        raise BadRequest("points.panel", "--panel is compared with the device: give --live too")
    options = _options(file, site, base, preset, encoding)
    if is_live and options.protocol != "modbus":
        message = (
            "order, base and type are tested on Modbus registers only: an OPC UA server names its "
            "types itself; compare with yujing-edge read 仅 Modbus 测点表可诊断"
        )
        raise BadRequest("points.live", message)
    found, faults = read_point_list(read_bytes(file, BYTES_MAX + 1), options)
    if found is None:
        return _refused(faults, as_json=as_json)
    figures = dict(map(_figure, panel))
    _preview(found, as_json=as_json)
    code = _doctor(found, options, site, figures, seconds if is_live else 0.0, as_json=as_json)
    _, faults = site_points(found, options.file, options.protocol, site.profile if site else None)
    wrong = [fault for fault in faults if fault.code.startswith("profile.vector")]
    return _refused(wrong, as_json=as_json) if wrong else code  # what check would refuse


def _site(file: Path, config: Path | None, name: str) -> _Site | None:
    """Return the device that the list belongs to; None without a configuration.

    Raises:
        ConfigError: no device of the configuration names the list.
    """
    if config is None:
        return None
    made = load_text(read_bytes(config), config.name)
    for device in made.device:
        if device.points is None or (name and device.name != name):
            continue
        if name or (config.parent / device.points.file).resolve() == file.resolve():
            wanted = device.profile
            profile = None if wanted is None else catalog.find(wanted, base=config.parent)
            return _Site(config, made, device, profile)
    message = f"no device has points = … {file.name}" if not name else f'no list in "{name}"'
    raise ConfigError([Fault(f"{config.name}: device", "config.unknown_device", message)])


def _options(
    file: Path,
    site: _Site | None,
    base: Base | None,
    preset: str | None,
    encoding: Encoding | None,
) -> ListOptions:
    units = catalog.parameter_units()
    if site is None:
        notation, wrong = notation_of(base, preset, preset_notation)
        options = ListOptions(
            file=file.name, notation=notation, parameters=units, polls=POLL_DEFAULT_NS
        )
    else:
        found, wrong = list_options(site.config, site.device, site.profile, preset_notation, units)
        options = found or ListOptions(file=file.name)
        if base or preset:
            notation, wrong = notation_of(base, preset, preset_notation)
            options = replace(options, notation=notation)
    if wrong:
        raise ConfigError([Fault(file.name, "address.preset", wrong)])
    return replace(options, encoding=encoding) if encoding else options


def _figure(text: str) -> tuple[str, float]:
    tag, equals, value = text.rpartition("=")
    try:
        figure = float(value) if equals else math.nan
    except ValueError:
        figure = math.nan
    return (tag, figure) if math.isfinite(figure) else _no_figure(text)


def _no_figure(text: str) -> tuple[str, float]:
    raise BadRequest("points.panel", f'"{text}": write --panel TAG=VALUE')


def _refused(faults: list[Fault], *, as_json: bool) -> int:
    if as_json:
        for fault in faults:
            emit(fault_body("fault", fault))
    else:
        show_faults(faults)
    return CONFIGURATION


def _preview(found: PointList, *, as_json: bool) -> None:
    if as_json:
        for point in found.points:
            emit(
                {
                    "schema": "listed-point/1",
                    "row": point.row,
                    "tag": point.tag,
                    "name": point.name,
                    "address": str(point.address) if point.address else None,
                    "text": point.text,
                    "rule": point.rule,
                    "unit": point.unit,
                    "armed": [limit.is_armed for limit in point.limits],
                }
            )
        return
    console = paper()
    grid = found.grid
    print(f"{grid.sheet}  {grid.encoding}  {grid.separator!r}  {len(found.points)} 点 points")
    for line in grid.preview():
        print("  " + " | ".join(cell for cell in line.cells[:8]))
    table = Table(
        "行 row", "位号 tag", "地址 text", "→", "规则 rule", "单位", "量程", "限值 limits"
    )
    for point in found.points[:ROWS_SHOWN]:
        span = "" if point.low is None else f"{point.low:g}…{point.high:g}"
        limits = " ".join(
            f"{limit.level} {limit.value:g}{'' if limit.is_armed else ' (not armed)'}"
            for limit in point.limits
        )
        table.add_row(
            str(point.row), f"{point.tag} {point.title}", point.text,
            str(point.address or "profile"), point.rule, point.unit, span, limits,
        )  # fmt: skip
    console.print(table)
    hidden = len(found.points) - ROWS_SHOWN
    if hidden > 0:
        print(f"… 另有 {hidden} 行 {hidden} rows more: --json 全部列出 shows all")


def _doctor(
    found: PointList,
    options: ListOptions,
    site: _Site | None,
    panel: dict[str, float],
    seconds: float,
    *,
    as_json: bool,
) -> int:
    subjects = [
        Subject(p.tag, p.address, p.scale, p.offset, p.low, p.high, panel.get(p.tag), p.vector)
        for p in found.points
        if isinstance(p.address, ModbusAddress)
    ]
    unknown = sorted(set(panel) - {p.tag for p in found.points})
    if unknown:
        raise BadRequest("points.panel", f"no tag {', '.join(unknown)} in the list")
    trace = Trace({})
    if seconds and site is not None and options.protocol == "modbus":
        trace = asyncio.run(_watch(found, options, site, seconds))
    if not subjects or (not seconds and not any(s.vector[1] is not None for s in subjects)):
        return OK
    said = diagnose(subjects, trace)
    body = {
        "schema": "doctor/1",
        "agrees": said.agrees,
        "stated": _fit(said.stated),
        "best": _fit(said.best),
        "findings": [{"tag": f.tag, "what": f.what, "detail": f.detail} for f in said.findings],
    }
    if as_json:
        emit(body)
    else:
        best = said.best
        verdict = "list fits best" if said.agrees else f"order {best.order}, base {best.shift:+d}"
        print(
            f"诊断 doctor: {verdict}, types as {best.reading}; fits {best.share:.0%} of "
            f"{best.telling} telling points (list as it is {said.stated.share:.0%}); {PROPOSE}"
        )
        for finding in said.findings:
            print(f"  {finding.tag}: {finding.what} {finding.detail}")
    return OK if said.agrees else WRONG


def _fit(fit: object) -> dict[str, object]:
    names = ("order", "shift", "reading", "share", "telling", "score")
    return {name: getattr(fit, name) for name in names}


async def _watch(found: PointList, options: ListOptions, site: _Site, seconds: float) -> Trace:
    """Return live registers: of the running gateway, else of the device itself."""
    base = site.path.parent
    data_dir = base / site.config.gateway.data_dir
    try:
        await ask(data_dir, {"do": "status"})
    except NotFound:
        return await _watch_device(found, options, site, seconds)
    try:
        bindings = load(site.path).plant.bindings
    except ConfigError:
        message = "the gateway runs with another list: no second master; stop it, or mend the list"
        show_faults([Fault(site.device.name, "points.live", message)])
        return Trace({})
    mine = [b for b in bindings if b.point.name.startswith(f"{site.device.name}/")]

    async def values(names: list[str]) -> Body:
        return await ask(data_dir, {"do": "points", "ids": names})

    return await live.watch_gateway(values, mine, seconds) or Trace({})


async def _watch_device(
    found: PointList, options: ListOptions, site: _Site, seconds: float
) -> Trace:
    made, _ = site_points(found, options.file, "modbus", site.profile)
    if made is None or not isinstance(made.profile, ModbusProfile):
        return Trace({})
    places = live.places(p.address for p in found.points if isinstance(p.address, ModbusAddress))
    try:
        return await live.watch_line(
            site.config,
            site.device.name,
            made.profile,
            places,
            site.path.parent,
            SystemClock(),
            seconds,
        )
    except DeviceError as error:
        show_faults([Fault(site.device.name, error.code, live.unreachable(error))])
        return Trace({})
