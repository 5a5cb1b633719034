"""From a device's points to its blocks: spans, reads, and a compiled layout each.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from devices.address import ModbusAddress
from devices.driver import Block, DeviceSettings, PointBinding
from devices.modbus.partition import Cost, Forbidden, Limits, Plan, Read, Span, plan_reads
from devices.profile import ModbusProfile
from devices.registers import Layout, Slot, compile_layout

__all__ = [
    "Cost",
    "Forbidden",
    "Limits",
    "ModbusRead",
    "Plan",
    "Read",
    "Span",
    "plan_blocks",
    "plan_reads",
]


@dataclass(frozen=True, slots=True)
class ModbusRead:
    """The request behind a block: unit, function code, first address, quantity, and its decoder.

    `layout` is None for points that no request may touch (they stand in a forbidden range): such a
    block is answered without asking.
    """

    unit: int
    function: int
    start: int
    quantity: int
    layout: Layout | None = field(repr=False)

    def describe(self) -> str:
        """Return `unit 1 FC3 0+24`."""
        if self.layout is None:
            return f"unit {self.unit}: not read, forbidden by the profile"
        return f"unit {self.unit} FC{self.function} {self.start}+{self.quantity}"


def plan_blocks(device: DeviceSettings, cost: Cost | None = None) -> tuple[Block, ...]:
    """Return the blocks of `device`, fastest poll class first; every point is in exactly one.

    Points that the profile's forbidden ranges hide come last, one block a poll class without a
    request: asked like the others, they are BAD (DEVICE_ERROR).
    """
    profile = device.profile
    assert isinstance(profile, ModbusProfile)
    bindings = sorted(device.points, key=lambda binding: device.poll_ns[binding.point.poll])
    together = {point.name: point.together for point in profile.points}
    spans = [
        Span(
            (at := address_of(binding)).table,
            at.address,
            at.length,
            binding.point.poll,
            together.get(binding.point.name.rpartition("/")[2], ""),
        )
        for binding in bindings
    ]
    options = profile.modbus
    plan = plan_reads(
        spans,
        Limits(options.max_registers, options.max_bits),
        [Forbidden(hole.table, hole.first, hole.last) for hole in options.forbidden],
        cost or Cost(),
    )
    read = [_block(device, [bindings[at] for at in read.members], read) for read in plan.reads]
    return tuple(read) + _refused(device, [bindings[at] for at in plan.refused])


def address_of(binding: PointBinding) -> ModbusAddress:
    """Return where a point of a Modbus device stands."""
    assert isinstance(binding.address, ModbusAddress)
    return binding.address


def _block(device: DeviceSettings, bindings: Sequence[PointBinding], read: Read) -> Block:
    slots = [Slot(address_of(b), b.point.scale, b.point.offset, b.fault_values) for b in bindings]
    return Block(
        device=device.name,
        poll=read.poll,
        period_ns=device.poll_ns[read.poll],
        subscribed=False,
        points=tuple(binding.point for binding in bindings),
        request=ModbusRead(
            device.unit_id,
            read.table.function,
            read.start,
            read.quantity,
            compile_layout(slots, read.start, read.quantity),
        ),
    )


def _refused(device: DeviceSettings, bindings: Sequence[PointBinding]) -> tuple[Block, ...]:
    by_poll: dict[str, list[PointBinding]] = {}
    for binding in bindings:
        by_poll.setdefault(binding.point.poll, []).append(binding)
    return tuple(
        Block(
            device=device.name,
            poll=poll,
            period_ns=device.poll_ns[poll],
            subscribed=False,
            points=tuple(binding.point for binding in members),
            request=ModbusRead(device.unit_id, 0, 0, 0, None),
        )
        for poll, members in by_poll.items()
    )
