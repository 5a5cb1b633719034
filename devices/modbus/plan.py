"""From a device's points to its blocks: spans, reads, fences, and a compiled layout each.  Pure.

Compiled per (device, profile, learnt facts) at start, and deterministic: `plan_hash` says whether
two plans ask the same.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from devices.address import ModbusAddress, Table
from devices.binding import slot_of
from devices.driver import Block, DeviceSettings, PointBinding
from devices.modbus import fences
from devices.modbus.ask import Ask
from devices.modbus.cost import Cost
from devices.modbus.fences import Fence, Fenced, Ground
from devices.modbus.holes_model import Fact, FactKind, Target
from devices.modbus.partition import Forbidden, Limits, Plan, Read, Span, plan_reads
from devices.profile import ModbusProfile
from devices.registers import Layout, compile_layout

__all__ = [
    "Cost",
    "Forbidden",
    "Limits",
    "ModbusRead",
    "Plan",
    "Read",
    "Shaping",
    "Span",
    "plan_blocks",
    "plan_hash",
    "plan_reads",
    "targets",
]


@dataclass(frozen=True, slots=True)
class ModbusRead:
    """The request behind a block: unit, function code, hull, what is sent, and its decoder.

    `layout` is None for points that no request may touch (they stand in a forbidden range): such a
    block is answered without asking.

    Attributes:
        unit, function: of the request.
        start, quantity: the hull; of a rider that of its host, whose bytes its layout decodes.
        layout: from the bytes of the hull to columns.
        asks: what is sent, one a cycle in turn; each covers the hull.  Empty: nothing is sent.
        spans: (start, length) per column.
        is_fenced, is_partial: on a line under the full guard; the counts are not all distinct.
        cost: what the plan reckoned with.
    """

    unit: int
    function: int
    start: int
    quantity: int
    layout: Layout | None = field(repr=False)
    asks: tuple[Ask, ...] = ()
    spans: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    is_fenced: bool = False
    is_partial: bool = False
    cost: Cost = field(default=Cost(), repr=False)

    @property
    def cost_ns(self) -> int:
        """What one round takes on the line, over its counts; 0 where nothing is sent."""
        times = [self.cost.time_ns(is_bits=a.is_bits, quantity=a.quantity) for a in self.asks]
        return sum(times) // len(times) if times else 0

    @property
    def hull(self) -> Ask:
        """From the first to the last point, without padding."""
        return Ask(self.function, self.start, self.quantity)

    def describe(self) -> str:
        """Return `unit 1 FC3 0+24`; with a fence `unit 1 FC3 0+24/25`."""
        if self.layout is None:
            return f"unit {self.unit}: not read, forbidden by the profile"
        first = self.asks[0] if self.asks else self.hull
        counts = "/".join(str(ask.quantity) for ask in self.asks or (first,))
        return f"unit {self.unit} FC{self.function} {first.start}+{counts}"


@dataclass(frozen=True, slots=True)
class Shaping:
    """What shapes a plan beside points and profile.

    Attributes:
        costs: per function code; the prior of TCP where one is missing.
        fence: of the line (`alternate` under the full guard, `fixed` where probing is `never`).
        facts: what the device showed in earlier runs.
        first_block: number of the device's first block on its line.
    """

    costs: Mapping[int, Cost] = field(default_factory=dict)
    fence: Fence = "none"
    facts: tuple[Fact, ...] = ()
    first_block: int = 0


def plan_blocks(device: DeviceSettings, shaping: Shaping | None = None) -> tuple[Block, ...]:
    """Return the blocks of `device`, fastest poll class first; every point is in exactly one.

    Points that a forbidden range hides come last, one block a poll class without a request: asked
    like the others, they are BAD (DEVICE_ERROR).
    """
    how = shaping or Shaping()
    profile = device.profile
    assert isinstance(profile, ModbusProfile)
    bindings = sorted(device.points, key=lambda binding: device.poll_ns[binding.point.poll])
    spans = _spans(bindings)
    plan = plan_reads(
        spans,
        _limits(profile, how),
        _forbidden(profile, how),
        how.costs or Cost(),
        device.poll_ns,
    )
    sent = _fenced(profile, how, spans, plan)
    blocks: list[Block] = []
    for at, read in enumerate(plan.reads):
        host = read if read.rides_on is None else plan.reads[read.rides_on]
        members = [bindings[member] for member in read.members]
        block = _block(device, members, host, sent[at], how)
        if read.rides_on is not None:
            rides_on = how.first_block + read.rides_on
            block = replace(block, poll=read.poll, period_ns=device.poll_ns[read.poll])
            block = replace(block, rides_on=rides_on)
        blocks.append(block)
    return tuple(blocks) + _refused(device, [bindings[at] for at in plan.refused])


def plan_hash(blocks: Iterable[Block]) -> str:
    """Return the first 12 hex digits of the SHA-256 over everything that the blocks ask."""
    digest = hashlib.sha256()
    for block in blocks:
        names = ",".join(point.name for point in block.points)
        host = "-" if block.rides_on is None else str(block.rides_on)
        text = f"{block.device}|{block.poll}|{block.period_ns}|{host}|{block.request.describe()}"
        digest.update(f"{text}|{names}\n".encode())
    return digest.hexdigest()[:12]


def targets(blocks: Sequence[Block], device: str, first_block: int = 0) -> dict[int, Target]:
    """Return what `holes` must know of a device: per index into `blocks`, its requests.

    Riders and blocks without a request are no targets: their host's target knows their spans.

    Args:
        blocks: of the whole line.
        device: whose.
        first_block: number of `blocks[0]` on the line.
    """
    found: dict[int, Target] = {}
    for at, block in enumerate(blocks, first_block):
        request = block.request
        if block.device != device or not isinstance(request, ModbusRead) or not request.asks:
            continue
        riding = [
            span
            for rider in blocks
            if rider.rides_on == at and isinstance(rider.request, ModbusRead)
            for span in rider.request.spans
        ]
        spans = request.spans + tuple(riding)
        found[at] = Target(request.hull, request.asks, spans, len(request.spans), request.is_fenced)
    return found


def address_of(binding: PointBinding) -> ModbusAddress:
    """Return where a point of a Modbus device stands."""
    assert isinstance(binding.address, ModbusAddress)
    return binding.address


def _spans(bindings: Sequence[PointBinding]) -> list[Span]:
    return [
        Span(
            (at := address_of(binding)).table,
            at.address,
            at.length,
            binding.point.poll,
            binding.together,
        )
        for binding in bindings
    ]


def _limits(profile: ModbusProfile, how: Shaping) -> Limits:
    """Return what one request may ask: declared, learnt, and less under a fence."""
    options = profile.modbus
    registers, bits = options.max_registers, options.max_bits
    for fact in how.facts:
        if fact.kind is FactKind.LIMIT and fact.function in (1, 2):
            bits = min(bits, fact.last)
        elif fact.kind is FactKind.LIMIT:
            registers = min(registers, fact.last)
    if how.fence != "none":
        registers = max(registers - fences.RESERVE, registers // 2)
        bits = max(bits - fences.RESERVE * fences.BITS_STEP, bits // 2)
    return Limits(registers, bits, options.quirks.one_point_per_request)


def _forbidden(profile: ModbusProfile, how: Shaping) -> list[Forbidden]:
    declared = [Forbidden(hole.table, hole.first, hole.last) for hole in profile.modbus.forbidden]
    tables = {table.function: table for table in Table}
    learnt = [
        Forbidden(tables[fact.function], fact.first, fact.last)
        for fact in how.facts
        if fact.kind is FactKind.HOLE
    ]
    return declared + learnt + list(_outside(profile))


def _outside(profile: ModbusProfile) -> Iterator[Forbidden]:
    """Yield what lies beyond the map of each table whose extents the profile states."""
    for table in Table:
        stated = [each for each in profile.modbus.extents if each.table is table]
        begin = 0
        for extent in sorted(stated, key=lambda each: each.first):
            if extent.first > begin:
                yield Forbidden(table, begin, extent.first - 1)
            begin = max(begin, extent.last + 1)
        if stated and begin < fences.ADDRESSES:
            yield Forbidden(table, begin, fences.ADDRESSES - 1)


def _fenced(
    profile: ModbusProfile, how: Shaping, spans: Sequence[Span], plan: Plan
) -> dict[int, Fenced]:
    """Return what is sent per read of the plan; nothing for riders."""
    sent = {at: Fenced(()) for at in range(len(plan.reads))}
    whole = replace(how, fence="none")
    declared, forbidden = _limits(profile, whole), _forbidden(profile, how)
    for table in Table:
        mine = [
            at
            for at, read in enumerate(plan.reads)
            if read.table is table and read.rides_on is None
        ]
        known = [span for span in spans if span.table is table]
        if not mine:
            continue
        unpadded = frozenset(
            (fact.first, fact.last + 1)
            for fact in how.facts
            if fact.kind is FactKind.UNPADDED and fact.function == table.function
        )
        if declared.is_single:
            unpadded |= {(plan.reads[at].start, plan.reads[at].end) for at in mine}
        ground = Ground(
            limit=declared.of(table),
            forbidden=tuple(hole for hole in forbidden if hole.table is table),
            low=min(span.start for span in known),
            high=max(span.end for span in known),
            unpadded=unpadded,
        )
        found = fences.fence([plan.reads[at] for at in mine], ground, how.fence)
        sent.update(zip(mine, found, strict=True))
    return sent


def _block(
    device: DeviceSettings,
    bindings: Sequence[PointBinding],
    read: Read,
    sent: Fenced,
    how: Shaping,
) -> Block:
    """Return a block whose columns are decoded from the hull of `read`."""
    slots = [slot_of(binding) for binding in bindings]
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
            sent.asks,
            tuple(_extent(slot.address) for slot in slots),
            how.fence != "none",
            sent.is_partial,
            how.costs.get(read.table.function, Cost()),
        ),
    )


@lru_cache(maxsize=1 << 16)
def _extent(address: ModbusAddress) -> tuple[int, int]:
    """Return start and length; one pair for all devices of a profile."""
    return address.address, address.length


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


def planned(devices: Sequence[DeviceSettings]) -> tuple[Block, ...]:
    """Return the blocks of several devices, in their order."""
    return tuple(block for device in devices for block in plan_blocks(device))
