"""`edge.toml`: what people write about one gateway, as frozen models; every fault at once.  Pure.

Source: `architecture.md` 11.  Durations are text with a unit, in code `_ns`; file names are as
written, relative to the configuration file.  What other files say is checked by
`edge.installation`, which reads them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field, field_validator

from edge.config_cabinet import CabinetConfig, cabinet_faults
from edge.config_device import DeviceConfig, device_faults
from edge.config_line import LineConfig, line_faults
from edge.config_values import Address, Duration, FileModel, FilePath, Size
from edge.toml_faults import near, read_toml, validate
from proto.duration import NS, parse_duration
from proto.errors import ConfigError, Fault

POLL_DEFAULT_NS = {"fast": 10**8, "normal": 10**9, "slow": 10**10, "rare": 6 * 10**10}
POLL_NS_MIN, POLL_NS_MAX, POLL_CLASSES_MAX = 20 * 10**6, 3600 * 10**9, 8  # acquisition.md 3.2, 3.7
LINES_MAX = DEVICES_MAX = 4096  # acquisition.md 3.2

TABLES_LATER = ("output",)


class GatewayConfig(FileModel):
    """`gateway`: who this gateway is and where it keeps its state."""

    id: Annotated[str, Field(pattern=r"^[0-9]{6}-[0-9a-z]{4,26}$")]
    site: Annotated[str, Field(pattern=r"^[a-z0-9-]{3,40}$")]
    data_dir: FilePath


class CentralConfig(FileModel):
    """`central`: where the bureau listens, and the files of mutual TLS."""

    address: Address
    ca: FilePath
    cert: FilePath
    key: FilePath


class VersionConfig(FileModel):
    """`config`: number of this configuration, and the zone that people read."""

    version: Annotated[int, Field(ge=0, lt=2**32)]
    timezone: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+/-]{1,64}$")] = "Asia/Shanghai"


class InterlockConfig(FileModel):
    """`[interlock]`: cause-and-effect files; advisory writes nothing, not even a heartbeat."""

    mode: Literal["advisory"] = "advisory"
    matrices: tuple[FilePath, ...] = ()

    @field_validator("mode", mode="before")
    @classmethod
    def _later(cls, mode: object) -> object:
        if mode == "actuating":
            raise ValueError('"actuating" comes with a later version; now: advisory')
        return mode


class AlarmConfig(FileModel):
    """`[alarm]`: the file with the limits of the plant."""

    limits: FilePath | None = None


class SpoolConfig(FileModel):
    """`[spool]`: how long and how much is kept on site, and the length of one batch of samples."""

    keep_ns: Annotated[Duration, Field(alias="keep", ge=NS["h"], le=3650 * NS["d"])] = 30 * NS["d"]
    quota_bytes: Annotated[Size, Field(alias="quota", ge=16 * 10**6)] = 8 * 10**9
    window_ns: Annotated[Duration, Field(alias="window", ge=10**8, le=NS["min"])] = 5 * NS["s"]


class PageConfig(FileModel):
    """`[page]`: the local read-only listener; absent = off."""

    listen: Address


class EdgeConfig(FileModel):
    """The whole file; see `architecture.md` 11 for each key."""

    gateway: GatewayConfig
    central: CentralConfig
    config: VersionConfig
    line: tuple[LineConfig, ...]
    device: tuple[DeviceConfig, ...]
    poll: Mapping[str, int]
    interlock: InterlockConfig = InterlockConfig()
    alarm: AlarmConfig = AlarmConfig()
    spool: SpoolConfig = SpoolConfig()
    page: PageConfig | None = None
    cabinet: CabinetConfig | None = None

    def line_of(self, device: DeviceConfig) -> LineConfig:
        """Return the line that `device` hangs on."""
        return next(line for line in self.line if line.name == device.line)


M = TypeVar("M", bound=BaseModel)
Rows = list[tuple[int, M]]


@dataclass(slots=True)
class _Reading:
    """What could be read so far; the faults of all tables together."""

    file: str
    faults: list[Fault]

    def table(self, model: type[M], key: str, data: object) -> M | None:
        """Validate one table and keep its faults."""
        found, faults = validate(model, data, f"{self.file}: {key}")
        self.faults += faults
        return found

    def fault(self, key: str, code: str, message: str) -> None:
        """Keep one fault."""
        self.faults.append(Fault(f"{self.file}: {key}", code, message))


_TABLES: tuple[tuple[str, type[BaseModel], bool], ...] = (
    ("gateway", GatewayConfig, True),
    ("central", CentralConfig, True),
    ("config", VersionConfig, True),
    ("interlock", InterlockConfig, False),
    ("alarm", AlarmConfig, False),
    ("spool", SpoolConfig, False),
    ("page", PageConfig, False),
    ("cabinet", CabinetConfig, False),
)


def parse_config(data: bytes, file: str) -> tuple[EdgeConfig | None, list[Fault]]:
    """Return the configuration, or None and every fault that the file itself shows.

    Args:
        data: the bytes of the file.
        file: its name, for the place of a fault.
    """
    tables, faults = read_toml(data, file)
    if faults:
        return None, faults
    reading = _Reading(file, [])
    for key in tables:
        _known_table(reading, key)
    parts: dict[str, object] = {}
    for key, model, required in _TABLES:
        if key in tables or required:
            parts[key] = reading.table(model, key, tables.get(key, {}))
    lines = _rows(reading, LineConfig, "line", tables.get("line"), LINES_MAX)
    devices = _rows(reading, DeviceConfig, "device", tables.get("device"), DEVICES_MAX)
    parts["poll"] = _poll(reading, tables.get("poll", {}))
    _check_lines(reading, lines)
    _check_devices(reading, _named(tables.get("line")), lines, devices)
    cabinet = parts.get("cabinet")
    if isinstance(cabinet, CabinetConfig):
        rows = [line for _, line in lines], [device for _, device in devices]
        reading.faults += cabinet_faults(cabinet, *rows, file)
    if reading.faults:
        return None, reading.faults
    parts["line"] = tuple(line for _, line in lines)
    parts["device"] = tuple(device for _, device in devices)
    return EdgeConfig.model_validate(parts), []


def load_text(data: bytes, file: str) -> EdgeConfig:
    """Return the configuration.

    Raises:
        ConfigError: with every fault of this file.
    """
    config, faults = parse_config(data, file)
    if config is None:
        raise ConfigError(faults)
    return config


def _known_table(reading: _Reading, key: str) -> None:
    if key in TABLES_LATER:
        reading.fault(key, "config.later", f'"{key}" comes with a later version')
    elif key not in EdgeConfig.model_fields:
        hint = near(key, EdgeConfig.model_fields)
        reading.fault(key, "config.unknown_key", f'unknown table "{key}"{hint}')


def _rows(reading: _Reading, model: type[M], key: str, data: object, limit: int) -> Rows[M]:
    if not isinstance(data, list) or not data:
        reading.fault(key, "config.missing", f"at least one [[{key}]] is required")
        return []
    if len(data) > limit:
        reading.fault(key, "config.limit", f"{len(data)} entries, the limit is {limit}")
        return []
    before = len(reading.faults)
    found = [(i, reading.table(model, f"{key}[{i}]", row)) for i, row in enumerate(data)]
    reading.faults[before:] = map(_told, reading.faults[before:])
    return [(i, row) for i, row in found if row is not None]


def _told(fault: Fault) -> Fault:
    """Say of a missing path what it is: a plant hands out data by one of five."""
    if not (fault.code == "config.missing" and fault.place.endswith("].path")):
        return fault
    message = "state path: plc, scada, historian, mirror or logger 未声明取数路径"
    return Fault(fault.place, "config.path_missing", message)


def _poll(reading: _Reading, data: object) -> Mapping[str, int]:
    classes = dict(POLL_DEFAULT_NS)
    if not isinstance(data, dict):
        reading.fault("poll", "config.value", "write a table of classes and periods")
        return classes
    for name, text in data.items():
        try:
            period = parse_duration(text)
        except ValueError as error:
            reading.fault(f"poll.{name}", "config.value", f"{error} (here: {text!r})")
            continue
        if not POLL_NS_MIN <= period <= POLL_NS_MAX:
            reading.fault(f"poll.{name}", "config.limit", "a period is 20 ms to 1 h")
        classes[name] = period
    if len(classes) > POLL_CLASSES_MAX:
        reading.fault("poll", "config.limit", f"at most {POLL_CLASSES_MAX} classes")
    return classes


def _check_lines(reading: _Reading, lines: Rows[LineConfig]) -> None:
    seen: dict[str, int] = {}
    for i, line in lines:
        if line.name in seen:
            message = f'name "{line.name}" stands in line[{seen[line.name]}] already'
            reading.fault(f"line[{i}].name", "config.duplicate", message)
        seen.setdefault(line.name, i)
        reading.faults += line_faults(line, f"{reading.file}: line[{i}]")


def _named(rows: object) -> frozenset[str]:
    """Return the names in a list of tables, faulty ones too: one fault is not told twice."""
    tables = rows if isinstance(rows, list) else []
    found = [row.get("name") for row in tables if isinstance(row, dict)]
    return frozenset(name for name in found if isinstance(name, str))


ASKED_MODBUS = {"modbus-tcp", "modbus-tls", "modbus-rtu", "modbus-rtu-tcp", "modbus-dial-in"}
"""Kinds of lines that two members of one pair may have side by side."""


def _check_devices(
    reading: _Reading,
    named: frozenset[str],
    lines: Rows[LineConfig],
    devices: Rows[DeviceConfig],
) -> None:
    kinds = {line.name: line.kind for _, line in lines}
    names: dict[str, int] = {}
    units: dict[tuple[str, int], str] = {}
    members = {name for _, device in devices for name in device.pair}
    for i, device in devices:
        key = f"device[{i}]"
        if device.name in names:
            message = f'name "{device.name}" stands in device[{names[device.name]}] already'
            reading.fault(f"{key}.name", "config.duplicate", message)
        names.setdefault(device.name, i)
        is_member = device.name in members
        reading.faults += device_faults(device, f"{reading.file}: {key}", is_member=is_member)
        if device.line is None:
            continue
        if device.line not in named:
            message = f'no [[line]] has the name "{device.line}"{near(device.line, named)}'
            reading.fault(f"{key}.line", "config.unknown_line", message)
        _check_unit(reading, key, device, kinds.get(device.line), units)
    _check_pairs(reading, devices, kinds)


def _check_pairs(reading: _Reading, devices: Rows[DeviceConfig], kinds: Mapping[str, str]) -> None:
    owners: dict[str, str] = {}
    by_name = {device.name: device for _, device in devices}
    for i, device in devices:
        for member in device.pair:
            other = by_name.get(member)
            if other is None or other.is_pair:
                message = f'"{member}" is no device with a line{near(member, by_name)}'
                reading.fault(f"device[{i}].pair", "config.unknown_device", message)
            owner = owners.setdefault(member, device.name)
            if owner != device.name:
                message = f'"{member}" belongs to pair "{owner}" already'
                reading.fault(f"device[{i}].pair", "config.duplicate", message)
            if other is not None and other.profile not in (None, device.profile):
                message = f'"{member}" has profile "{other.profile}", the pair another 成员模板不同'
                reading.fault(f"device[{i}].pair", "config.value", message)
        found = {kinds.get(by_name[name].line or "") for name in device.pair if name in by_name}
        if len(found) > 1 and not found <= ASKED_MODBUS:
            kinds_text = ", ".join(sorted(str(kind) for kind in found))
            message = (
                f"both members on Modbus lines that are asked, or both on one kind: {kinds_text}"
            )
            reading.fault(f"device[{i}].pair", "config.protocol", message)


def _check_unit(
    reading: _Reading,
    key: str,
    device: DeviceConfig,
    kind: str | None,
    units: dict[tuple[str, int], str],
) -> None:
    if kind == "opcua" and device.unit_id is not None:
        reading.fault(f"{key}.unit_id", "config.value", "unit_id belongs to Modbus lines only")
    if kind is None or kind == "opcua" or device.line is None:
        return
    if device.unit_id is None:
        reading.fault(f"{key}.unit_id", "config.missing", "unit_id is required on a Modbus line")
        return
    other = units.setdefault((device.line, device.unit_id), device.name)
    if other != device.name:
        message = (
            f'unit {device.unit_id} twice on line "{device.line}": devices "{other}" and '
            f'"{device.name}" 站号重复'
        )
        reading.fault(f"{key}.unit_id", "config.duplicate_unit", message)
