"""From configuration and profiles to the plant: lines, blocks, axes and the point table.  Pure.

An axis is one block of one device: points that share their times.  Axes are numbered over all
lines in the order of the file, points in the order of the axes: these are the numbers of the
process image, of the batches and of the schema.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from devices.binding import bind
from devices.driver import Block, DeviceSettings, PointBinding
from devices.modbus.plan import plan_blocks as modbus_blocks
from devices.opcua.plan import plan_blocks as opcua_blocks
from devices.profile import Profile
from edge.config import EdgeConfig
from edge.config_device import DeviceConfig
from edge.config_line import LineConfig
from edge.image import ImageLayout
from edge.matrix.facts import PointFacts
from edge.toml_faults import near
from proto.errors import Fault
from proto.limits import POINTS_PER_PART_MAX
from proto.point import Point
from proto.schema import SchemaAxis, SchemaPart, SchemaPoint

POINTS_MAX = 131_072  # architecture.md 10
BLOCKS_LINE_MAX = 4096  # acquisition.md 3.2


@dataclass(frozen=True, slots=True)
class AxisPlan:
    """One block as gateway, batches and image know it.

    Attributes:
        index: number of the axis in the plant.
        line: name of the line.
        device: index of the device in the plant.
        block: what the driver reads or is told.
        block_index: index into the blocks of the line's driver.
        first_point: number of its first point; the others follow in the block's order.
        period_ns, phase_ns: of the grid; phase within the period.
        life_column: position of the controller's life point in the block; None elsewhere.
    """

    index: int
    line: str
    device: int
    block: Block
    block_index: int
    first_point: int
    period_ns: int
    phase_ns: int
    life_column: int | None

    @property
    def subscribed(self) -> bool:
        """True when values come as changes, without a grid."""
        return self.block.subscribed

    @property
    def period_us(self) -> int:
        """Period in µs; 0 when subscribed."""
        return 0 if self.subscribed else self.period_ns // 1000

    @property
    def phase_us(self) -> int:
        """Phase in µs."""
        return self.phase_ns // 1000

    @property
    def points(self) -> range:
        """The numbers of its points."""
        return range(self.first_point, self.first_point + len(self.block.points))


@dataclass(frozen=True, slots=True)
class LinePlan:
    """One line: how to reach it, what hangs on it, and its axes in the driver's block order."""

    config: LineConfig
    devices: tuple[DeviceSettings, ...]
    axes: tuple[AxisPlan, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of its driver, in order."""
        return tuple(axis.block for axis in self.axes)


@dataclass(frozen=True)
class Plant:
    """Everything that a gateway reads.

    Attributes:
        lines: in the order of the file.
        devices: names, over all lines.
        device_configs: what the file says of each, in the same order.
        axes: over all lines.
        points: in axis order; the position is the number of the point.
        bindings: per point, where the device keeps it.
    """

    lines: tuple[LinePlan, ...]
    devices: tuple[str, ...]
    device_configs: tuple[DeviceConfig, ...]
    axes: tuple[AxisPlan, ...]
    points: tuple[Point, ...]
    bindings: tuple[PointBinding, ...]

    @cached_property
    def index_of(self) -> Mapping[str, int]:
        """Number of a point by its name and by its tag."""
        by_tag = {point.tag: i for i, point in enumerate(self.points) if point.tag}
        return by_tag | {point.name: i for i, point in enumerate(self.points)}

    @cached_property
    def axis_of(self) -> tuple[int, ...]:
        """Number of the axis per point."""
        return tuple(axis.index for axis in self.axes for _ in axis.block.points)

    @cached_property
    def layout(self) -> ImageLayout:
        """The columns of the process image."""
        return ImageLayout(
            points=tuple(point.name for point in self.points),
            devices=self.devices,
            device_of=tuple(axis.device for axis in self.axes for _ in axis.block.points),
            block_of=self.axis_of,
        )

    @cached_property
    def facts(self) -> Mapping[str, PointFacts]:
        """What a matrix must know of each point, by name."""
        return {
            point.name: PointFacts(
                column=i,
                device=axis.device,
                device_name=self.devices[axis.device],
                unit=point.unit,
                low=point.range_low,
                high=point.range_high,
                poll_ns=axis.period_ns,
                subscribed=axis.subscribed,
            )
            for axis in self.axes
            for i, point in zip(axis.points, axis.block.points, strict=True)
        }

    @cached_property
    def schema(self) -> tuple[SchemaPart, ...]:
        """The point table as it travels: axes in order, at most 4,096 points a part."""
        parts: list[list[SchemaAxis]] = []
        room = 0
        for axis in self.axes:
            row = self._schema_axis(axis)
            if len(row.points) > room:
                parts.append([])
                room = POINTS_PER_PART_MAX
            parts[-1].append(row)
            room -= len(row.points)
        return tuple(SchemaPart(tuple(rows)) for rows in parts)

    def _schema_axis(self, axis: AxisPlan) -> SchemaAxis:
        device = self.device_configs[axis.device]
        return SchemaAxis(
            device=device.name,
            profile=device.profile or "",
            poll=axis.block.poll,
            period_us=axis.period_us,
            phase_us=axis.phase_us,
            subscribed=axis.subscribed,
            path=device.path,
            points=tuple(SchemaPoint.of(point) for point in axis.block.points),
        )


def build(
    config: EdgeConfig,
    profiles: Mapping[str, Profile],
    *,
    causes: Collection[str] = (),
    file: str = "edge.toml",
) -> tuple[Plant | None, list[Fault]]:
    """Return the plant, or None and every fault between configuration and profiles.

    Args:
        config: checked on its own.
        profiles: by the name that a device gives; one that is missing was reported by its reader.
        causes: point names that feed a cause: they are always read, never subscribed.
        file: name of the configuration, for the place of a fault.
    """
    faults: list[Fault] = []
    settings: dict[str, DeviceSettings] = {}
    for i, device in enumerate(config.device):
        profile = profiles.get(device.profile or "")
        if profile is not None:
            place = f"{file}: device[{i}]"
            found = _settings(config, device, profile, causes)
            faults += _device_faults(config, device, profile, found, place)
            settings[device.name] = found
    faults += _tag_faults(settings.values(), file)
    if faults or len(settings) != len(config.device):
        return None, faults
    return _plant(config, settings), []


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
    wanted = "modbus" if config.line_of(device).is_modbus else "opcua"
    if profile.protocol != wanted:
        message = f'"{device.profile}" speaks {profile.protocol}, line "{device.line}" {wanted}'
        faults.append(Fault(f"{place}.profile", "config.protocol", message))
    names = [binding.point.name.partition("/")[2] for binding in settings.points]
    if device.life not in (None, "none") and device.life not in names:
        message = f'profile "{device.profile}" has no point "{device.life}"'
        faults.append(
            Fault(f"{place}.life", "config.life", message + near(device.life or "", names))
        )
    for binding in settings.points:
        if binding.point.life and binding.moves is None:
            message = f'"{device.life}" has no moves = "counter" in its profile'
            faults.append(Fault(f"{place}.life", "config.life", message))
        if binding.point.poll not in config.poll:
            message = f'point {binding.point.name}: no class "{binding.point.poll}" in [poll]'
            hint = near(binding.point.poll, config.poll)
            faults.append(Fault(f"{place}.profile", "config.unknown_poll", message + hint))
    return faults


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


def _plant(config: EdgeConfig, settings: Mapping[str, DeviceSettings]) -> Plant:
    axes: list[AxisPlan] = []
    lines: list[LinePlan] = []
    bindings: list[PointBinding] = []
    order = [device.name for device in config.device]
    alone = [line.name for line in config.line if _population(config, line) == 1]
    for line in config.line:
        mine = [settings[device.name] for device in config.device if device.line == line.name]
        line_axes: list[AxisPlan] = []
        for position, device in enumerate(mine):
            spread = alone.index(line.name) if line.name in alone else position
            by_name = {binding.point.name: binding for binding in device.points}
            for block in _blocks(device):
                axis = AxisPlan(
                    index=len(axes),
                    line=line.name,
                    device=order.index(device.name),
                    block=block,
                    block_index=len(line_axes),
                    first_point=len(bindings),
                    period_ns=block.period_ns,
                    phase_ns=0 if block.subscribed else phase_ns(spread, block.period_ns),
                    life_column=_life_column(block),
                )
                axes.append(axis)
                line_axes.append(axis)
                bindings += [by_name[point.name] for point in block.points]
        lines.append(LinePlan(line, tuple(mine), tuple(line_axes)))
    return Plant(
        lines=tuple(lines),
        devices=tuple(order),
        device_configs=config.device,
        axes=tuple(axes),
        points=tuple(binding.point for binding in bindings),
        bindings=tuple(bindings),
    )


def _population(config: EdgeConfig, line: LineConfig) -> int:
    return sum(device.line == line.name for device in config.device)


def _blocks(device: DeviceSettings) -> Sequence[Block]:
    if device.profile.protocol == "modbus":
        return modbus_blocks(device)
    return opcua_blocks(device)


def _life_column(block: Block) -> int | None:
    return next((i for i, point in enumerate(block.points) if point.life), None)
