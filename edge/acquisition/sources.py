"""The controllers behind one device, each with its life signal.  Pure.

A `plc` is its own source; behind any other path each controller is one, and points name theirs.
Faults of this file: a toggle that is polled slower than a quarter of its period would alias; a
clock that no point shows would be watched for ever and never seen.
Source: `acquisition.md` 3.18.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.driver import DeviceSettings, PointBinding
from edge.acquisition import life
from edge.acquisition.life import LifeSpec
from edge.config_device import CLOCK_OF_SERVER, DeviceConfig
from edge.plant import AxisPlan, LinePlan, Plant
from edge.toml_faults import near
from proto.errors import Fault
from proto.point import PointType

NO_LIFE = "none"
_BITS: Mapping[PointType, int] = {
    PointType.I16: 16,
    PointType.U16: 16,
    PointType.I32: 32,
    PointType.U32: 32,
    PointType.I64: 64,
    PointType.U64: 64,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One controller.

    Attributes:
        name: of the source; the device's own name when the device is its own source.
        life: name of its life point; `none` = unproven for ever.
        binding: of that point; None without one.
        spec: how that point moves.
    """

    name: str
    life: str
    binding: PointBinding | None
    spec: LifeSpec


@dataclass(frozen=True, slots=True, eq=False)
class BlockSources:
    """Which sources of its device a block belongs to.

    Attributes:
        only: the one source of all its points, by position; None when there are several.
        of: per point of the block, position of its source.
        lives: (column, source) of the life points in the block.
        digests: (column, source, what) of numbers that identify program or set-points.
        active: column of the flag by which a member of a pair says that it leads; None = none.
    """

    only: int | None
    of: NDArray[np.int64]
    lives: tuple[tuple[int, int], ...]
    digests: tuple[tuple[int, int, str], ...]
    active: int | None


def plan_sources(
    owner: DeviceConfig, device: DeviceSettings, axes: Sequence[AxisPlan]
) -> tuple[Source, ...]:
    """Return the sources of a device in the order of the file; at least one.

    Args:
        owner: who has the points: the device, or its pair.
        device: what is read, with its bindings.
        axes: the blocks of this device.
    """
    named = [(one.name, one.life) for one in owner.source]
    named = named or [(owner.name, owner.life or NO_LIFE)]
    poll_ns = {point.name: axis.period_ns for axis in axes for point in axis.block.points}
    by_name = {binding.point.name: binding for binding in device.points}
    found: list[Source] = []
    for name, life_name in named:
        point = f"{owner.name}/{life_name}"
        binding = None if life_name == NO_LIFE else by_name.get(point)
        spec = LifeSpec(settle_ns=owner.restart_settle_ns)
        if binding is not None:
            spec = _spec(binding, poll_ns.get(point, 10**9), owner)
        found.append(Source(name, life_name, binding, spec))
    return tuple(found)


def block_sources(
    owner: DeviceConfig, device: DeviceSettings, axis: AxisPlan, sources: Sequence[Source]
) -> BlockSources:
    """Return which sources the points of a block belong to."""
    number = {source.name: i for i, source in enumerate(sources)}
    by_name = {binding.point.name: binding for binding in device.points}
    bindings = [by_name[point.name] for point in axis.block.points]
    of = np.array([number.get(binding.source, 0) for binding in bindings], np.int64)
    lives = {s.binding.point.name: i for i, s in enumerate(sources) if s.binding is not None}
    flag = f"{owner.name}/{owner.active}"
    return BlockSources(
        only=int(of[0]) if len(of) and bool((of == of[0]).all()) else None,
        of=of,
        lives=tuple(
            (at, lives[point.name])
            for at, point in enumerate(axis.block.points)
            if point.name in lives
        ),
        digests=tuple(
            (at, int(of[at]), binding.digest)
            for at, binding in enumerate(bindings)
            if binding.digest is not None
        ),
        active=next(
            (
                at
                for at, binding in enumerate(bindings)
                if binding.active or binding.point.name == flag
            ),
            None,
        ),
    )


def life_faults(lines: Sequence[LinePlan], file: str) -> Iterator[Fault]:
    """Yield what is wrong between life signals and the classes that they are polled in."""
    seen: set[str] = set()
    for line in lines:
        for device, owner in zip(line.devices, line.owners, strict=True):
            axes = [axis for axis in line.axes if axis.block.device == device.name]
            for source in plan_sources(owner, device, axes):
                if source.name in seen or source.binding is None:
                    continue
                seen.add(source.name)
                yield from _aliased(source, f"{file}: device {owner.name}.life")


def clock_faults(plant: Plant, file: str) -> Iterator[Fault]:
    """Yield each clock of a device that no point of it, and no server, can show."""
    kinds = {device.name: line.config.kind for line in plant.lines for device in line.devices}
    for device in plant.device_configs:
        if device.clock is None:
            continue
        place, point = f"{file}: device {device.name}.clock.point", device.clock.point
        if point == CLOCK_OF_SERVER:
            if kinds.get(device.pair[0] if device.pair else device.name) != "opcua":
                message = "only an OPC UA server shows its own time 仅 OPC UA 服务器有自身时间"
                yield Fault(place, "config.unknown_point", message)
            continue
        number = plant.index_of.get(f"{device.name}/{point}")
        if number is None:
            here = f"{device.name}/"
            names = [each.name for each in plant.points]
            known = [name.removeprefix(here) for name in names if name.startswith(here)]
            message = f'no point "{point}" of this device 没有该测点{near(point, known)}'
            yield Fault(place, "config.unknown_point", message)
        elif plant.points[number].type is PointType.BOOL:
            message = f'"{point}" is a bool, no time 开关量不是时间'
            yield Fault(place, "config.unknown_point", message)


def _aliased(source: Source, place: str) -> Iterator[Fault]:
    binding, poll_ns = source.binding, source.spec.poll_ns
    assert binding is not None
    if source.spec.moves != "toggle":
        return
    if binding.toggle_ns is None or 4 * poll_ns > binding.toggle_ns:
        of = "unknown period" if binding.toggle_ns is None else f"{binding.toggle_ns / 1e9:g} s"
        message = (
            f"toggle {source.life} of {of} polled at {poll_ns / 1e9:g} s: poll it at most at a "
            "quarter of its period 采样慢于翻转"
        )
        yield Fault(place, "config.life_aliased", message)


def _spec(binding: PointBinding, poll_ns: int, owner: DeviceConfig) -> LifeSpec:
    moves = binding.moves or "counter"
    bits = _BITS.get(binding.point.type, 0)
    return LifeSpec(
        moves=moves,
        within_ns=life.within_ns(poll_ns, owner.update_ns),
        poll_ns=poll_ns,
        modulus=1 << bits if moves == "counter" and bits else 0,
        settle_ns=owner.restart_settle_ns,
    )
