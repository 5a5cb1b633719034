"""Everything that the files of one gateway say, checked together.  Shell: reads files.

`load` is what `check`, `plan` and the daemon share: every fault of the configuration and of every
file that it names, at once, with file, key path and reason.
"""

import errno
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devices import catalog
from devices.modbus.facts import Learnt
from devices.point_address import Notation
from devices.point_site import SitePoints
from devices.profile import Profile
from edge.acquisition.learnt import read_learnt
from edge.acquisition.sources import clock_faults, life_faults
from edge.alarm.limits import AlarmSpec, compile_limits, parse_limits
from edge.config import EdgeConfig, parse_config
from edge.config_outside import outside_faults
from edge.interlock.model import Model
from edge.matrix.budget import Budget
from edge.matrix.build import Compiled, compile_matrix, points_of_causes
from edge.matrix.file import parse_matrix
from edge.point_lists import list_options, read_listed
from edge.points import Plant, build
from edge.toml_faults import FILE_BYTES_MAX, read_toml
from proto.catalogue import hazards
from proto.errors import ConfigError, Fault, ProfileError
from proto.sheet import BYTES_MAX as POINT_LIST_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Installation:
    """One gateway as configured.

    Attributes:
        config: the configuration file.
        base: its folder; file names in it are relative to this.
        config_hash: hex SHA-256 over all files that were read, in order.
        plant: lines, blocks, points.
        models: one a cause-and-effect file.
        alarms: the plant's limits.
        warnings: what is weak in the matrices.
        budgets: time budgets of all matrices.
        learnt: by device, what equipment showed in earlier runs (no part of the hash).
    """

    config: EdgeConfig
    base: Path
    config_hash: str
    plant: Plant
    models: tuple[Model, ...]
    alarms: tuple[AlarmSpec, ...]
    warnings: tuple[Fault, ...]
    budgets: tuple[Budget, ...]
    learnt: Mapping[str, Learnt] = field(default_factory=dict)

    @property
    def data_dir(self) -> Path:
        """Where the gateway keeps its state."""
        return self.base / self.config.gateway.data_dir

    def path(self, name: str) -> Path:
        """Return a file that the configuration names."""
        return self.base / name


def _open(path: Path) -> BinaryIO:
    """Open a file to read; a pipe or device, which would be waited for, is refused.

    Raises:
        OSError: it cannot be opened.
        ValueError: no file can have this name.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "not a regular file")
    return path.open("rb")


def _unreadable(name: str, place: str, error: OSError | ValueError) -> Fault:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Fault(place, "config.file", f'"{name:.80}": {reason or type(error).__name__}')


class _Reader:
    """Reads the files of one configuration and keeps every fault."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.faults: list[Fault] = []
        self.digest = hashlib.sha256()

    def bytes(self, name: str, place: str, limit: int = FILE_BYTES_MAX) -> bytes | None:
        """Return the bytes of a file; None, with a fault at `place`, when it cannot be read."""
        try:
            with _open(self.base / name) as file:
                data = file.read(limit + 1)  # longer is refused by who reads it
        except (OSError, ValueError) as error:
            self.faults.append(_unreadable(name, place, error))
            return None
        self.digest.update(hashlib.sha256(data).digest())
        return data

    def exists(self, name: str, place: str) -> None:
        """Note a file that is not there or cannot be read; its content is not looked at."""
        try:
            with _open(self.base / name):
                return
        except (OSError, ValueError) as error:
            self.faults.append(_unreadable(name, place, error))

    def profile(self, name: str) -> Profile | None:
        """Return a profile; None, with its faults, when it is refused."""
        try:
            found = catalog.find(name, base=self.base)
        except ProfileError as error:
            self.faults += error.faults
            return None
        self.digest.update(found.model_dump_json().encode())
        return found


def load(path: Path) -> Installation:
    """Return the gateway that a configuration file describes.

    Raises:
        ConfigError: with every fault of the file and of all files that it names.
    """
    reader = _Reader(path.parent)
    data = reader.bytes(path.name, str(path))
    if data is None:
        raise ConfigError(reader.faults)
    config, faults = parse_config(data, path.name)
    reader.faults += faults
    if config is None:
        _look_at_named_files(reader, data, path.name)
        raise ConfigError(reader.faults)
    _files_exist(reader, config, path.name)
    _zones_exist(reader, config, path.name)
    reader.faults += outside_faults(config, path.parent, path.name)
    profiles = _profiles(reader, config)
    matrices = _matrices(reader, config, path.name)
    causes = _points_of_causes(matrices)
    listed = _listed(reader, config, profiles, path.name)
    learnt, unread = read_learnt(path.parent / config.gateway.data_dir)
    plant, faults = build(
        config, profiles, causes=causes, listed=listed, learnt=learnt, file=path.name
    )
    reader.faults += faults
    if plant is not None:
        reader.faults += life_faults(plant.lines, path.name)
        reader.faults += clock_faults(plant, path.name)
    compiled = [_compiled(reader, data, name, plant) for name, data in matrices]
    _distinct(reader, matrices, compiled)
    alarms = _limits(reader, config, path.name, plant)
    models = tuple(c.model for c in compiled if c is not None and c.model is not None)
    if reader.faults or plant is None:
        raise ConfigError(reader.faults)
    return Installation(
        config=config,
        base=path.parent,
        config_hash=reader.digest.hexdigest(),
        plant=plant,
        models=models,
        alarms=alarms,
        warnings=(
            *(w for c in compiled if c is not None for w in c.warnings),
            *(Fault(text, "config.learnt", "set aside; it is learnt again") for text in unread),
        ),
        learnt=learnt,
        budgets=tuple(b for c in compiled if c is not None for b in c.budgets),
    )


def _look_at_named_files(reader: _Reader, data: bytes, file: str) -> None:
    """Add the faults of the files that a faulty configuration names, as far as it names them."""
    tables, _ = read_toml(data, file)
    interlock, alarm, devices = (tables.get(key) for key in ("interlock", "alarm", "device"))
    matrices = interlock.get("matrices") if isinstance(interlock, dict) else None
    for i, name in enumerate(matrices if isinstance(matrices, list) else []):
        found = reader.bytes(str(name), f"{file}: interlock.matrices[{i}]")
        reader.faults += [] if found is None else parse_matrix(found, str(name))[1]
    limits = alarm.get("limits") if isinstance(alarm, dict) else None
    if isinstance(limits, str):
        found = reader.bytes(limits, f"{file}: alarm.limits")
        reader.faults += [] if found is None else parse_limits(found, limits)[1]
    rows = devices if isinstance(devices, list) else []
    names = [row.get("profile") for row in rows if isinstance(row, dict)]
    for profile in dict.fromkeys(name for name in names if isinstance(name, str)):
        reader.profile(profile)


def _files_exist(reader: _Reader, config: EdgeConfig, file: str) -> None:
    central = config.central
    for key, name in (("ca", central.ca), ("cert", central.cert), ("key", central.key)):
        reader.exists(name, f"{file}: central.{key}")
    for i, line in enumerate(config.line):
        if line.tls is not None:
            for key in ("ca", "cert", "key"):
                if (named := getattr(line.tls, key)) is not None:
                    reader.exists(named, f"{file}: line[{i}].tls.{key}")
        if line.login is not None:
            reader.exists(line.login.password_file, f"{file}: line[{i}].login.password_file")
        if line.pki is not None:
            for part in ("own/cert.pem", "own/key.pem"):
                reader.exists(f"{line.pki}/{part}", f"{file}: line[{i}].pki")


def _zones_exist(reader: _Reader, config: EdgeConfig, file: str) -> None:
    zones = {f"{file}: config.timezone": config.config.timezone}
    for i, device in enumerate(config.device):
        if device.clock is not None and device.clock.zone[:1] not in ("+", "-"):
            zones[f"{file}: device[{i}].clock.zone"] = device.clock.zone
    for place, zone in zones.items():
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = f'no time zone "{zone}" 没有该时区; write one such as "Asia/Shanghai"'
            reader.faults.append(Fault(place, "config.value", message))


def _profiles(reader: _Reader, config: EdgeConfig) -> dict[str, Profile]:
    names = dict.fromkeys(d.profile for d in config.device if d.profile is not None)
    found = {name: reader.profile(name) for name in names}
    return {name: profile for name, profile in found.items() if profile is not None}


def preset_notation(stated: str) -> Notation | None:
    """Return the notation of a preset as a device states it; None where there is none."""
    return catalog.notation(stated)


def _listed(
    reader: _Reader, config: EdgeConfig, profiles: Mapping[str, Profile], file: str
) -> dict[str, SitePoints]:
    """Return, by device, what its point list makes of its points; faulty lists are left out."""
    found: dict[str, SitePoints] = {}
    units = catalog.parameter_units()
    for i, device in enumerate(config.device):
        if device.points is None:
            continue
        place = f"{file}: device[{i}].points"
        data = reader.bytes(device.points.file, place, POINT_LIST_BYTES_MAX)
        profile = profiles.get(device.profile or "")
        if data is None or (device.profile is not None and profile is None):
            continue
        options, wrong = list_options(config, device, profile, preset_notation, units)
        if options is None:
            reader.faults.append(Fault(f"{place}.preset", "address.preset", wrong))
            continue
        made, faults = read_listed(data, options, profile, device.life)
        reader.faults += faults
        if made is not None:
            found[device.name] = made
    return found


def _matrices(reader: _Reader, config: EdgeConfig, file: str) -> list[tuple[str, bytes]]:
    found = [
        (name, reader.bytes(name, f"{file}: interlock.matrices[{i}]"))
        for i, name in enumerate(config.interlock.matrices)
    ]
    return [(name, data) for name, data in found if data is not None]


def _points_of_causes(matrices: list[tuple[str, bytes]]) -> frozenset[str]:
    files = [parse_matrix(data, name)[0] for name, data in matrices]
    return frozenset(p for file in files if file is not None for p in points_of_causes(file))


def _compiled(reader: _Reader, data: bytes, name: str, plant: Plant | None) -> Compiled | None:
    """Compile one matrix; without a plant only its form can be judged."""
    if plant is None:
        reader.faults += parse_matrix(data, name)[1]
        return None
    found = compile_matrix(data, name, plant.facts, hazards().clauses)
    reader.faults += found.faults
    return found


def _distinct(
    reader: _Reader, matrices: list[tuple[str, bytes]], compiled: list[Compiled | None]
) -> None:
    seen: dict[str, tuple[str, int]] = {}
    for at, ((name, _), found) in enumerate(zip(matrices, compiled, strict=True)):
        for interlock in () if found is None or found.file is None else found.file.interlock:
            other, _ = seen.setdefault(interlock, (name, at))
            if seen[interlock] != (name, at):
                message = f"stands in {other} already"
                place = f"{name}: interlock.{interlock}"
                reader.faults.append(Fault(place, "CEM-102", message))


def _limits(
    reader: _Reader, config: EdgeConfig, file: str, plant: Plant | None
) -> tuple[AlarmSpec, ...]:
    name = config.alarm.limits
    data = None if name is None else reader.bytes(name, f"{file}: alarm.limits")
    if name is None or data is None:
        return ()
    if plant is None:
        reader.faults += parse_limits(data, name)[1]
        return ()
    tags = {point.name: point.tag for point in plant.points}
    alarms, faults = compile_limits(data, name, plant.facts, tags, hazards().clauses)
    reader.faults += faults
    return alarms
