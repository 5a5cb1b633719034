"""The plant as everybody knows it: lines, axes, points and their numbers.  Pure.

An axis is one block of one device: points that share their times.  Axes are numbered over all
lines in the order of the file, points in the order of the axes: these are the numbers of the
process image, of the batches and of the schema.  The points that the gateway makes itself (link,
active member of a pair) come last.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from devices.driver import Block, DeviceSettings, PointBinding
from edge.config_device import DeviceConfig
from edge.config_line import LineConfig
from edge.image import ImageLayout
from edge.matrix.facts import PointFacts
from proto.limits import POINTS_PER_PART_MAX
from proto.point import Point
from proto.schema import SchemaAxis, SchemaPart, SchemaPoint

OWN_POLL = "link"
"""Poll class of the points that the gateway makes itself; no class of the configuration."""
CABINET = "sys.gw"
"""The gateway's own I/O module, as a device among the others."""
OWN_PERIOD_NS = 10 * 10**9  # batches.md 3.13: the link point's grid


@dataclass(frozen=True, slots=True)
class OwnRequest:
    """Behind a point that the gateway makes itself: nothing is asked of anybody."""

    what: str

    def describe(self) -> str:
        """Return what the point says."""
        return self.what


@dataclass(frozen=True, slots=True)
class AxisPlan:
    """One block as gateway, batches and image know it.

    Attributes:
        index: number of the axis in the plant.
        line: name of the line.
        device: index of the device in the plant.
        block: what the driver reads or is told.
        block_index: index into the blocks of the line's driver; -1 for a point of our own.
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
    def is_own(self) -> bool:
        """True for a point that the gateway makes itself: link, or active member of a pair."""
        return self.block_index < 0

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
    """One line: how to reach it, what hangs on it, and its axes in the driver's block order.

    The axes of both members of a pair are the same ones: numbers, points and grid of the pair.

    Attributes:
        config: of the line.
        devices: what hangs on it, as its driver takes it.
        axes: in the driver's block order.
        owners: per device, who has its points: the device itself, or the pair that it belongs to.
        numbers: per device, its index in the plant.
        configs: per device, what the file says of it; of a member its own, not that of its pair.
    """

    config: LineConfig
    devices: tuple[DeviceSettings, ...]
    axes: tuple[AxisPlan, ...]
    owners: tuple[DeviceConfig, ...] = ()
    numbers: tuple[int, ...] = ()
    configs: tuple[DeviceConfig, ...] = ()

    @property
    def own_configs(self) -> tuple[DeviceConfig, ...]:
        """What the file says of each connection."""
        return self.configs or self.owners

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
        bindings: per point, where the device keeps it; none for the points of our own, which
            are the last ones.
    """

    lines: tuple[LinePlan, ...]
    devices: tuple[str, ...]
    device_configs: tuple[DeviceConfig, ...]
    axes: tuple[AxisPlan, ...]
    points: tuple[Point, ...]
    bindings: tuple[PointBinding, ...]

    @cached_property
    def own(self) -> tuple[AxisPlan, ...]:
        """The link and member axes, which the gateway fills itself, after all others.

        `<device>.link` (0 down, 1 up, 2 suspended) of every connection, `<device>.active` (0, 1:
        which member is in use) of every pair.
        """
        return tuple(a for a in self.axes if a.is_own and a.block.poll == OWN_POLL)

    @cached_property
    def cabinet(self) -> AxisPlan | None:
        """The inputs of the gateway's own I/O module; None where none is wired."""
        return next((a for a in self.axes if a.block.device == CABINET), None)

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
        """What a matrix must know of each point, by name; made when asked."""
        return _Facts(self)

    @cached_property
    def schema(self) -> tuple["PlantPart", ...]:
        """The point table as it travels: axes in order, at most 4,096 points a part."""
        parts: list[list[AxisPlan]] = []
        room = 0
        for axis in self.axes:
            size = len(axis.block.points)
            if size > room:
                parts.append([])
                room = POINTS_PER_PART_MAX
            parts[-1].append(axis)
            room -= size
        return tuple(PlantPart(self, tuple(axes)) for axes in parts)


class PlantPart:
    """One part of the point table: hash and types are kept, its bytes are made when asked.

    They are written once in an epoch: to keep them for 100,000 points would take 35 MB.

    Attributes:
        axes: in order; points are numbered from 0 in this order.
        hash: SHA-256 of the bytes, the `schema_hash` of batches.
        types: type by point number, for the codec.
    """

    def __init__(self, plant: Plant, axes: tuple[AxisPlan, ...]) -> None:
        self.axes, self._plant = axes, plant
        made = self.table()
        self.hash, self.types = made.hash, made.types

    @property
    def raw(self) -> bytes:
        """The payload of the SCHEMA batch."""
        return self.table().raw

    def table(self) -> SchemaPart:
        """Return the part as everybody reads it."""
        return SchemaPart(tuple(_schema_axis(self._plant, axis) for axis in self.axes))


class _Facts(Mapping[str, PointFacts]):
    """What matrices know of the points, by name; none is kept."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def __getitem__(self, name: str) -> PointFacts:
        plant = self._plant
        number = plant.index_of[name]
        point = plant.points[number]
        if point.name != name:  # a tag: matrices call points by their names
            raise KeyError(name)
        axis = plant.axes[plant.axis_of[number]]
        return PointFacts(
            column=number,
            device=axis.device,
            device_name=plant.devices[axis.device],
            unit=point.unit,
            low=point.range_low,
            high=point.range_high,
            poll_ns=axis.period_ns,
            subscribed=axis.subscribed,
        )

    def __iter__(self) -> Iterator[str]:
        return (point.name for point in self._plant.points)

    def __len__(self) -> int:
        return len(self._plant.points)


def _schema_axis(plant: Plant, axis: AxisPlan) -> SchemaAxis:
    device = plant.device_configs[axis.device]
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
