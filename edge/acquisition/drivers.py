"""The driver that speaks a line's protocol.  Shell: makes drivers, connects nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devices.driver import Driver
from devices.modbus.cost import Wire
from devices.modbus.dial_in import Hall
from devices.modbus.dial_in_frames import Registration
from devices.modbus.driver import ModbusDriver
from devices.modbus.entry import Entry, SerialEntry, TcpEntry
from devices.modbus.facts import Learnt
from devices.modbus.frame import Framing
from devices.modbus.line_settings import (
    DialInEndpoint,
    Endpoint,
    ModbusLine,
    SerialEndpoint,
    TcpEndpoint,
    Tls,
    modbus_profile,
)
from devices.modbus.slot import Record
from edge import platform
from edge.acquisition.opcua_session import JudgeOf, by_key, make_opcua_driver
from edge.acquisition.tap_driver import tap_driver
from edge.config_line import LineConfig, SerialConfig, TlsConfig, packet_bytes
from edge.config_values import parse_address
from edge.plant import LinePlan
from edge.shaping import probing_of, wire_of
from proto.clock import Clock

SLOTS = "slots"
RECORD_BYTES_MAX = 4096


@dataclass
class Shared:
    """What the drivers of one gateway share.

    Attributes:
        hall: where devices dial in; made with the first line that needs it.
        data_dir: the gateway's folder, for the local ports in use; None = not kept.
        learnt: what earlier runs have found, by device.
        judge_of: the verdict on OPC UA servers, by pki folder.
        cursors: what OPC UA sessions kept for this start, by line; None = they keep nothing.
    """

    hall: Hall | None = None
    data_dir: Path | None = None
    learnt: Mapping[str, Learnt] = field(default_factory=dict)
    judge_of: JudgeOf = by_key
    cursors: Mapping[str, bytes] | None = None

    def seats(self, clock: Clock) -> Hall:
        """Return the hall, made once."""
        if self.hall is None:
            self.hall = Hall(clock)
        return self.hall


class SlotFile:
    """Which local port a line uses, in a small file: read after a power cut, never relied on."""

    def __init__(self, data_dir: Path, line: str) -> None:
        self._path = data_dir / SLOTS / f"{line}.json"

    def load(self) -> Record:
        """Return what was kept; an empty record where there is nothing to read."""
        try:
            with self._path.open("rb") as file:
                row = json.loads(file.read(RECORD_BYTES_MAX))
            port, is_clean, answered = row["local_port"], row["is_clean"], row["answered"]
            return Record(int(port), is_clean is True, tuple(int(one) for one in answered))
        except (OSError, ValueError, KeyError, TypeError):
            return Record()

    def save(self, record: Record) -> None:
        """Write it whole; a full disk only makes the way back longer."""
        row = {
            "local_port": record.local_port,
            "is_clean": record.is_clean,
            "answered": list(record.answered),
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            platform.write_whole(self._path, json.dumps(row).encode())
        except OSError:
            return


def make_driver(line: LinePlan, base: Path, clock: Clock, shared: Shared | None = None) -> Driver:
    """Return the driver of a line; nothing is opened yet.

    Args:
        line: from the plan.
        base: folder of the configuration; its file names are relative to this.
        clock: for the times of answers.
        shared: what the drivers of one gateway share; nothing where it is left out.
    """
    config = line.config
    if config.kind == "opcua":
        kept = shared or Shared()
        return make_opcua_driver(line, base, clock, kept.judge_of, kept.cursors)
    if config.kind == "modbus-tap":
        return tap_driver(config, line.devices, clock)
    return modbus_driver(line, base, clock, shared or Shared())


def modbus_driver(line: LinePlan, base: Path, clock: Clock, shared: Shared) -> ModbusDriver:
    """Return the driver of a Modbus line that is asked."""
    settings = modbus_line(line, base)
    wire: Wire = wire_of(line.config)
    return ModbusDriver(
        settings,
        line.devices,
        clock,
        blocks=line.blocks,
        entry=line_entry(settings, clock, shared),
        learnt={d.name: shared.learnt[d.name] for d in line.devices if d.name in shared.learnt},
        wire=wire,
    )


def modbus_line(line: LinePlan, base: Path) -> ModbusLine:
    """Return a Modbus line of the configuration as its driver takes it."""
    config = line.config
    owners = dict(zip((d.name for d in line.devices), line.own_configs, strict=False))
    is_rtu = config.kind in ("modbus-rtu", "modbus-rtu-tcp") or config.framing == "rtu"
    return ModbusLine(
        name=config.name,
        endpoint=_endpoint(line, base),
        framing=Framing.RTU if is_rtu else Framing.MBAP,
        timeout_ns=config.timeout_ns,
        answer_max_ns=config.answer_max_ns,
        behind_gateway=config.behind_gateway,
        probing=config.probing,
        probing_of={name: probing_of(config, owner) for name, owner in owners.items()},
    )


def line_entry(line: ModbusLine, clock: Clock, shared: Shared) -> Entry:
    """Return the way in of a line; nothing is opened yet."""
    endpoint = line.endpoint
    match endpoint:
        case SerialEndpoint():
            return SerialEntry(endpoint)
        case DialInEndpoint():
            return shared.seats(clock).entry(endpoint, line.framing)
        case TcpEndpoint():
            kept = None if shared.data_dir is None else SlotFile(shared.data_dir, line.name)
            return TcpEntry(endpoint, clock, kept)


def _endpoint(line: LinePlan, base: Path) -> Endpoint:
    config = line.config
    if config.kind == "modbus-rtu":
        return _serial(config.address, config.serial or SerialConfig())
    host, port = parse_address(config.address)
    if config.kind == "modbus-dial-in":
        return _dial_in(config, host, port)
    declared = [p for d in line.devices for p in modbus_profile(d).modbus.ports]
    ports = tuple(dict.fromkeys((port, *config.ports, *declared)))
    tls = _tls(config.tls, base, host) if config.tls is not None else None
    return TcpEndpoint(host, ports, config.local_ports, tls)


def _serial(path: str, serial: SerialConfig) -> SerialEndpoint:
    mode = serial.mode
    return SerialEndpoint(path, serial.baud, int(mode[0]), mode[1], int(mode[2]))


def _tls(tls: TlsConfig, base: Path, host: str) -> Tls:
    def file(name: str | None) -> str:
        return str(base / name) if name else ""

    return Tls(
        ca=file(tls.ca),
        pin=(tls.pin or "").lower(),
        cert=file(tls.cert),
        key=file(tls.key),
        server_name=tls.server_name or host,
        role=tls.role or "",
    )


def _dial_in(config: LineConfig, host: str, port: int) -> DialInEndpoint:
    assert config.registration is not None, "checked when the configuration was read"
    registration = config.registration
    heartbeat = config.heartbeat
    return DialInEndpoint(
        host,
        port,
        Registration(registration.match, packet_bytes(registration), registration.on_each),
        packet_bytes(heartbeat),
        heartbeat.interval_ns if heartbeat is not None else 0,
    )
