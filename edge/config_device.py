"""`[[device]]` of `edge.toml`: one controller, panel or pair, its path, its life.  Pure.

Source: `acquisition.md` 3.11, 3.15, 3.18, 3.20.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from edge.config_line import Probing
from edge.config_values import Duration, FileModel, FilePath, Name
from proto.duration import NS
from proto.errors import Fault

Base = Literal["protocol", "one", "modicon5", "modicon6"]
PresetText = Annotated[
    str, Field(pattern=r"^[a-z0-9_]{1,32}( [A-Za-z][A-Za-z0-9]{0,7}=[0-9]{1,5}){0,8}$")
]
"""Name of a preset and what only the site knows: `s7 db=10 y0=0`."""
Encoding = Literal["utf-8", "gb18030", "utf-16"]
CLOCK_OF_SERVER = "server"
"""In the place of a point: the clock of an OPC UA server itself."""
Reasoned = Annotated[str, Field(min_length=3, max_length=200)]


class PointListConfig(FileModel):
    """`points = { file, base, preset, encoding }`: a list (点表) instead of a profile's points."""

    file: FilePath
    base: Base | None = None
    preset: PresetText | None = None
    encoding: Encoding | None = None


def _point_list(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


class SourceConfig(FileModel):
    """One controller behind a path that is not the controller itself; points name theirs."""

    name: Name
    life: Annotated[str, Field(min_length=1, max_length=64)]
    reason: Reasoned | None = None


class ClockConfig(FileModel):
    """`clock`: the device's own clock, read and never set.

    Attributes:
        zone: of the time that the device shows.
        point: profile point that gives it; `server` = the OPC UA server's own time.
        resolution_ns: smallest step of that time.
    """

    zone: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+/:-]{1,64}$")]
    point: Annotated[str, Field(min_length=1, max_length=64)]
    resolution_ns: Annotated[Duration, Field(alias="resolution", ge=10**6, le=60 * 10**9)] = 10**9


class DeviceConfig(FileModel):
    """`[[device]]`: one controller or panel on a line, or a redundant pair without one.

    Attributes:
        name: of the device.
        line: that it hangs on; None for a pair.
        unit_id: Modbus unit.
        profile: of the package, or a path; not needed beside a point list.
        path: where the values come from.
        life: point that proves that the controller is alive; `none` with `reason`.
        source: the controllers behind another path than `plc`.
        update_ns: how often such a path renews its copy.
        points: point list of this device.
        preset: numbering of the controller's addresses.
        unit: process unit in the register (工艺单元).
        pair: names of the two members.
        active: point by which a member says that it is the active one.
        clock: the device's own clock.
        probing: what may be asked outside the plan; the line's unless given.
        restart_settle_ns: how long values are UNCERTAIN after a restart of the controller.
    """

    name: Name
    line: Name | None = None
    unit_id: Annotated[int, Field(ge=1, le=255)] | None = None
    profile: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    path: Literal["plc", "scada", "historian", "mirror", "logger"]
    life: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    reason: Reasoned | None = None
    source: tuple[SourceConfig, ...] = ()
    update_ns: Annotated[Duration, Field(alias="update", ge=10**6, le=3600 * NS["s"])] = 0
    points: Annotated[PointListConfig | None, BeforeValidator(_point_list)] = None
    preset: PresetText | None = None
    unit: Annotated[str, Field(max_length=64)] = ""
    pair: tuple[Name, ...] = ()
    active: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    clock: ClockConfig | None = None
    probing: Probing | None = None
    restart_settle_ns: Annotated[
        Duration, Field(alias="restart_settle", ge=0, le=3600 * NS["s"])
    ] = 10 * NS["s"]

    @property
    def is_pair(self) -> bool:
        """True for a device that has points, and two members that have connections."""
        return bool(self.pair)


def device_faults(device: DeviceConfig, key: str, *, is_member: bool = False) -> Iterator[Fault]:
    """Yield what is wrong within one device; `key` is its place, such as `edge.toml: device[0]`.

    A member of a pair has connection and address alone: profile and life are those of the pair.
    """
    if device.line is None and not device.is_pair:
        yield Fault(f"{key}.line", "config.missing", "line is required, or pair = [a, b]")
    if device.is_pair:
        yield from _pair_faults(device, key)
    if device.profile is None and device.points is None and not is_member:
        yield Fault(f"{key}.profile", "config.missing", "give profile, or points = a point list")
    if not is_member or device.life is not None or device.source:
        yield from _life_faults(device, key)
    names = [source.name for source in device.source]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(f"{key}.source", "config.duplicate", f'source "{name}" stands twice')


def _pair_faults(device: DeviceConfig, key: str) -> Iterator[Fault]:
    if device.line is not None:
        yield Fault(f"{key}.line", "config.value", "a pair has no line: its members have")
    if len(set(device.pair)) != 2:
        yield Fault(f"{key}.pair", "config.value", "a pair names two different devices")


def _life_faults(device: DeviceConfig, key: str) -> Iterator[Fault]:
    where = [(f"{key}", device.name, device.life, device.reason)] if not device.source else []
    for i, source in enumerate(device.source):
        where.append((f"{key}.source[{i}]", source.name, source.life, source.reason))
    if device.source and device.life is not None:
        yield Fault(f"{key}.life", "config.value", "with source each source has a life of its own")
    if device.source and device.path == "plc":
        message = 'path = "plc" is its own source; name sources behind another path'
        yield Fault(f"{key}.source", "config.value", message)
    for place, name, life, reason in where:
        if life is None:
            message = f'source {name}: state life, or "none" with a reason 未声明生命信号'
            yield Fault(f"{place}.life", "config.life_missing", message)
        elif life == "none" and reason is None:
            message = 'life = "none" needs reason = "…": why can nobody see that it is alive?'
            yield Fault(f"{place}.reason", "config.life_reason", message)
