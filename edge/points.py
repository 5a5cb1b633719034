"""From configuration and profiles to the plant: lines, blocks, axes and the point table.  Pure.

An axis is one block of one device: points that share their times.  Axes are numbered over all
lines in the order of the file, points in the order of the axes: these are the numbers of the
process image, of the batches and of the schema.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from devices.binding import bind
from devices.driver import Block, DeviceSettings, PointBinding
from devices.modbus.facts import Learnt
from devices.modbus.plan import Shaping
from devices.modbus.plan import plan_blocks as modbus_blocks
from devices.modbus.tap_plan import tap_blocks
from devices.opcua.plan import plan_blocks as opcua_blocks
from devices.point_site import SitePoints
from devices.profile import Profile
from edge.config import EdgeConfig
from edge.config_device import DeviceConfig
from edge.config_line import LineConfig
from edge.own_axes import ACTIVE, LINK, cabinet_axis, cabinet_device, own_axis
from edge.plant import CABINET, AxisPlan, LinePlan, Plant
from edge.shaping import guard_faults, of_pair, probing_of, shaping_of, still_valid
from edge.toml_faults import near
from proto.errors import Fault

__all__ = ["AxisPlan", "LinePlan", "Plant", "build", "phase_ns", "van_der_corput"]

POINTS_MAX = 131_072  # architecture.md 10
BLOCKS_LINE_MAX = 4096  # acquisition.md 3.2
ABREAST = 8  # one-device lines that share a phase: a wake-up costs more than their requests


def build(
    config: EdgeConfig,
    profiles: Mapping[str, Profile],
    *,
    causes: Collection[str] = (),
    listed: Mapping[str, SitePoints] | None = None,
    learnt: Mapping[str, Learnt] | None = None,
    file: str = "edge.toml",
) -> tuple[Plant | None, list[Fault]]:
    """Return the plant, or None and every fault between configuration and profiles.

    Args:
        config: checked on its own.
        profiles: by the name that a device gives; one that is missing was reported by its reader.
        causes: point names that feed a cause: they are always read, never subscribed.
        listed: by device, what its point list makes of its points.
        learnt: by device, what equipment showed in earlier runs; it shapes the reads.
        file: name of the configuration, for the place of a fault.
    """
    faults: list[Fault] = []
    settings: dict[str, DeviceSettings] = {}
    members = {name for device in config.device for name in device.pair}
    shared = _shared_profiles(config, members)
    for i, device in enumerate(config.device):
        if device.name in members:
            continue
        own = (listed or {}).get(device.name)
        profile = profiles.get(device.profile or "") if own is None else own.profile
        if profile is not None:
            place = f"{file}: device[{i}]"
            found = _settings(config, device, profile, causes)
            if device.profile in shared:
                found = replace(found, points=_untagged(found.points))
            if own is not None:
                found = replace(found, points=own.placed(found.points))
            found = _with_lives(found, device)
            faults += _device_faults(config, device, profile, found, place)
            settings[device.name] = found
    faults += _tag_faults(settings.values(), file)
    faults += guard_faults(config.line, config.device, settings, file)
    if faults or len(settings) + len(members) != len(config.device):
        return None, faults
    return _plant(config, settings, learnt or {}), faults


def van_der_corput(i: int) -> float:
    """Return the i-th number of the van der Corput sequence to base 2: 0, 1/2, 1/4, 3/4, 1/8.

    Spread evenly for every length, so that a device added at the end moves no other.
    """
    result, fraction = 0.0, 0.5
    while i:
        result += fraction * (i & 1)
        i >>= 1
        fraction /= 2
    return result


def phase_ns(position: int, period_ns: int) -> int:
    """Return the phase of the device at `position` of its line, within its period."""
    return int(period_ns * van_der_corput(position))


def _settings(
    config: EdgeConfig, device: DeviceConfig, profile: Profile, causes: Collection[str]
) -> DeviceSettings:
    prefix = f"{device.name}/"
    fed = {name.removeprefix(prefix) for name in causes if name.startswith(prefix)}
    points = bind(
        device.name, profile, process_unit=device.unit, life=_life_name(device), causes=fed
    )
    return DeviceSettings(device.name, device.unit_id or 0, profile, points, config.poll)


def _shared_profiles(config: EdgeConfig, members: Collection[str]) -> frozenset[str]:
    """Return the profiles of more than one device: their tags would name two points alike."""
    used = Counter(d.profile for d in config.device if d.profile and d.name not in members)
    return frozenset(name for name, count in used.items() if count > 1)


def _untagged(bindings: Sequence[PointBinding]) -> tuple[PointBinding, ...]:
    """Return points under their names alone: the maker's drawing knows one such device only."""
    return tuple(replace(b, point=replace(b.point, tag=b.point.name)) for b in bindings)


def _with_lives(settings: DeviceSettings, device: DeviceConfig) -> DeviceSettings:
    """Return the settings with the life points of all sources marked, and belonging to them."""
    of = {f"{device.name}/{one.life}": one.name for one in device.source if one.life != "none"}
    if not of:
        return settings
    points = tuple(
        replace(
            binding,
            point=replace(binding.point, life=True),
            source=binding.source or of[binding.point.name],
        )
        if binding.point.name in of
        else binding
        for binding in settings.points
    )
    return replace(settings, points=points)


def _life_name(device: DeviceConfig) -> str:
    return "" if device.life in (None, "none") else device.life or ""


def _device_faults(
    config: EdgeConfig,
    device: DeviceConfig,
    profile: Profile,
    settings: DeviceSettings,
    place: str,
) -> list[Fault]:
    faults: list[Fault] = []
    wanted = "modbus" if _line_of(config, device).is_modbus else "opcua"
    if profile.protocol != wanted:
        message = f'"{device.profile}" speaks {profile.protocol}, line "{device.line}" {wanted}'
        faults.append(Fault(f"{place}.profile", "config.protocol", message))
    names = [binding.point.name.partition("/")[2] for binding in settings.points]
    if device.life not in (None, "none") and device.life not in names:
        message = f'profile "{device.profile}" has no point "{device.life}"'
        faults.append(
            Fault(f"{place}.life", "config.life", message + near(device.life or "", names))
        )
    faults += _source_faults(device, settings, place)
    for binding in settings.points:
        if binding.point.life and binding.moves is None:
            name = binding.point.name.partition("/")[2]
            message = f'"{name}" has no moves = "counter" in its profile'
            faults.append(Fault(f"{place}.life", "config.life", message))
        if binding.point.poll not in config.poll:
            message = f'point {binding.point.name}: no class "{binding.point.poll}" in [poll]'
            hint = near(binding.point.poll, config.poll)
            faults.append(Fault(f"{place}.profile", "config.unknown_poll", message + hint))
    return faults


def _source_faults(device: DeviceConfig, settings: DeviceSettings, place: str) -> list[Fault]:
    """Return life points that are none, and points of which nobody says whose they are."""
    faults: list[Fault] = []
    names = [binding.point.name.partition("/")[2] for binding in settings.points]
    for i, source in enumerate(device.source):
        if source.life != "none" and source.life not in names:
            message = f'no point "{source.life}" of this device 没有该测点' + near(
                source.life, names
            )
            faults.append(Fault(f"{place}.source[{i}].life", "config.life", message))
    if len(device.source) < 2:
        return faults
    known = {source.name for source in device.source}
    lost = [b.point.name for b in settings.points if b.source not in known]
    if lost:
        message = (
            f"{len(lost)} points do not say which source they belong to ({', '.join(lost[:3])} …): "
            "fill in the column source of the point list 请填写源控制器"
        )
        faults.append(Fault(f"{place}.source", "config.source_missing", message))
    return faults


def _line_of(config: EdgeConfig, device: DeviceConfig) -> LineConfig:
    """Return the line of a device; of a pair that of its first member."""
    if device.pair:
        device = next(other for other in config.device if other.name == device.pair[0])
    return config.line_of(device)


def _tag_faults(settings: Collection[DeviceSettings], file: str) -> list[Fault]:
    faults: list[Fault] = []
    seen: dict[str, str] = {}
    count = 0
    for device in settings:
        for binding in device.points:
            count += 1
            point = binding.point
            other = seen.setdefault(point.tag, point.name) if point.tag else point.name
            if other != point.name:
                message = f'tag "{point.tag}" belongs to {other} and to {point.name}'
                faults.append(Fault(f"{file}: device", "config.duplicate_tag", message))
    if count > POINTS_MAX:
        message = f"{count} points, the limit is {POINTS_MAX}"
        faults.append(Fault(f"{file}: device", "config.limit", message))
    return faults


def _plant(
    config: EdgeConfig, settings: Mapping[str, DeviceSettings], learnt: Mapping[str, Learnt]
) -> Plant:
    made = _Assembly(config, settings, learnt)
    cabinet = config.cabinet
    lines = tuple(
        made.line(line) for line in config.line if cabinet is None or line.name != cabinet.line
    )
    points = [binding.point for binding in made.bindings]
    for i, device in enumerate(config.device):
        what = ACTIVE if device.is_pair else LINK
        axis = own_axis(device, i, what, index=len(made.axes), first_point=len(points))
        made.axes.append(axis)
        points += axis.block.points
    devices, names = config.device, made.order
    if cabinet is not None:
        if cabinet.inputs:
            axis = cabinet_axis(cabinet, config.poll, len(devices), len(made.axes), len(points))
            made.axes.append(axis)
            points += axis.block.points
        devices, names = (*devices, cabinet_device(cabinet)), [*names, CABINET]
    return Plant(
        lines=lines,
        devices=tuple(names),
        device_configs=devices,
        axes=tuple(made.axes),
        points=tuple(points),
        bindings=tuple(made.bindings),
    )


class _Assembly:
    """Numbers axes and points, line by line; both members of a pair share their axes."""

    def __init__(
        self,
        config: EdgeConfig,
        settings: Mapping[str, DeviceSettings],
        learnt: Mapping[str, Learnt],
    ) -> None:
        self.axes: list[AxisPlan] = []
        self.bindings: list[PointBinding] = []
        self.order = [device.name for device in config.device]
        self._settings = settings
        self._device = {device.name: device for device in config.device}
        self._line = {line.name: line for line in config.line}
        self._on: dict[str, list[DeviceConfig]] = {line.name: [] for line in config.line}
        for device in config.device:
            if device.line is not None:
                self._on[device.line].append(device)
        alone = [line.name for line in config.line if len(self._on[line.name]) == 1]
        self._alone = {name: position // ABREAST for position, name in enumerate(alone)}
        self._pair_of = {name: device for device in config.device for name in device.pair}
        driven = {name for name in learnt if name in self._device}
        profiles = {name: self._as_driven(self._device[name]).profile for name in driven}
        self._learnt = still_valid(learnt, profiles)
        self._shared: dict[str, list[AxisPlan]] = {}
        self._number = {name: at for at, name in enumerate(self.order)}

    def line(self, line: LineConfig) -> LinePlan:
        """Return a line with everything that hangs on it."""
        mine = self._on[line.name]
        devices = [self._as_driven(device) for device in mine]
        axes: list[AxisPlan] = []
        for position, (device, found) in enumerate(zip(mine, devices, strict=True)):
            pair = self._pair_of.get(device.name)
            spread = self._alone.get(line.name, position)
            known = None if pair is None else self._shared.get(pair.name)
            blocks = self._blocks(line, device, found, len(axes))
            if known is not None:
                axes += _other_member(known, blocks, line.name, len(axes))
                continue
            owner = self._number[pair.name if pair else device.name]
            new = self._axes_of(blocks, found, line.name, owner, spread, len(axes))
            if pair is not None:
                self._shared[pair.name] = new
            axes += new
        owners = tuple(self._pair_of.get(device.name, device) for device in mine)
        numbers = tuple(self._number[device.name] for device in mine)
        return LinePlan(line, tuple(devices), tuple(axes), owners, numbers, tuple(mine))

    def _as_driven(self, device: DeviceConfig) -> DeviceSettings:
        """Return the settings of a device; of a member its own address, the points of the pair."""
        pair = self._pair_of.get(device.name)
        if pair is None:
            return self._settings[device.name]
        return replace(self._settings[pair.name], name=device.name, unit_id=device.unit_id or 0)

    def _blocks(
        self, line: LineConfig, device: DeviceConfig, found: DeviceSettings, first_block: int
    ) -> Sequence[Block]:
        if line.kind == "opcua":
            return opcua_blocks(found)
        if line.kind == "modbus-tap":
            return tap_blocks(found)
        pair = self._pair_of.get(device.name)
        members = (device.name,) if pair is None else pair.pair
        shaping = of_pair([self._shaping(name) for name in members])
        return modbus_blocks(found, replace(shaping, first_block=first_block))

    def _shaping(self, name: str) -> Shaping:
        """Return what shapes the reads of one connection."""
        device = self._device[name]
        line = self._line[device.line or ""]
        devices = [self._as_driven(each) for each in self._on[line.name]]
        return shaping_of(line, devices, probing_of(line, device), self._learnt.get(name))

    def _axes_of(
        self,
        blocks: Sequence[Block],
        device: DeviceSettings,
        line: str,
        owner: int,
        spread: int,
        first_block: int,
    ) -> list[AxisPlan]:
        made: list[AxisPlan] = []
        by_name = {binding.point.name: binding for binding in device.points}
        for at, block in enumerate(blocks):
            host = block if block.rides_on is None else blocks[block.rides_on - first_block]
            axis = AxisPlan(
                index=len(self.axes),
                line=line,
                device=owner,
                block=block,
                block_index=first_block + at,
                first_point=len(self.bindings),
                period_ns=block.period_ns,
                phase_ns=0 if block.subscribed else phase_ns(spread, host.period_ns),
                life_column=_life_column(block),
            )
            self.axes.append(axis)
            made.append(axis)
            self.bindings += [by_name[point.name] for point in block.points]
        return made


def _other_member(
    known: Sequence[AxisPlan], blocks: Sequence[Block], line: str, first_block: int
) -> list[AxisPlan]:
    """Return the axes of the second member: the same numbers and grid, blocks of its own."""
    assert [axis.block.points for axis in known] == [b.points for b in blocks], "one plan, twice"
    return [
        replace(axis, line=line, block=block, block_index=first_block + at)
        for at, (axis, block) in enumerate(zip(known, blocks, strict=True))
    ]


def _life_column(block: Block) -> int | None:
    return next((i for i, point in enumerate(block.points) if point.life), None)
