"""What each device of a line is asked beside its blocks: its event ring and its texts.  Pure.

One place for load, contract and the readers themselves, so that what is signed is what is sent.
Where nobody asks (a tap) or nobody can (OPC UA: rings and texts in nodes) there is nothing.
Source: `acquisition.md` 3.6, 3.14, 3.20.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from devices.driver import DeviceSettings
from devices.modbus.cost import Cost
from devices.modbus.plan import ModbusRead
from devices.modbus.side_reads import SideRead, SideReads, side_reads
from devices.profile import ModbusProfile
from edge.plant import LinePlan
from edge.shaping import fence_of, probing_of, wire_of

RING_PERIOD_NS = 10**9
"""Poll class `normal`."""
TEXT_PERIOD_NS = 60 * 10**9
"""Poll class `rare`."""
NOTHING = SideReads()


@dataclass(frozen=True, slots=True)
class Regular:
    """One read beside the blocks that comes again and again.

    Attributes:
        unit: of the request.
        what: `ring` or `text`.
        read: what is sent.
        period_ns: between two of them while nothing is new.
        cost_ns: of one on the line.
    """

    unit: int
    what: str
    read: SideRead
    period_ns: int
    cost_ns: int


def side_plan(line: LinePlan) -> tuple[SideReads, ...]:
    """Return, per device of a line, what it is asked beside its blocks."""
    config = line.config
    if not config.is_modbus or config.is_listening_only:
        return tuple(NOTHING for _ in line.devices)
    found: list[SideReads] = []
    for device, own in zip(line.devices, line.own_configs, strict=True):
        profile = device.profile
        assert isinstance(profile, ModbusProfile)
        if profile.event_ring is None and not profile.texts:
            found.append(NOTHING)
            continue
        fence = fence_of(config, line.devices, probing_of(config, own))
        found.append(side_reads(profile, device.unit_id, line.blocks, fence))
    return tuple(found)


def regular(line: LinePlan) -> Iterator[Regular]:
    """Yield what is read beside the blocks while nothing is new: index, last record, texts.

    The last record is read along with the index where no running number says that nothing is new.
    """
    for device, reads in zip(line.devices, side_plan(line), strict=True):
        profile = device.profile
        if not isinstance(profile, ModbusProfile):
            continue
        asked = list(reads.index)
        ring = profile.event_ring
        is_counted = ring is not None and (ring.total is not None or ring.records.wrap == "total")
        if reads.records is not None and not is_counted:
            asked.append(reads.records.last())
        for what, period_ns, each in (
            *(("ring", RING_PERIOD_NS, read) for read in asked),
            *(("text", TEXT_PERIOD_NS, read) for text in reads.texts for read in text),
        ):
            cost = _cost_of(line, device, each.wanted.function)
            times = [cost.time_ns(is_bits=False, quantity=ask.quantity) for ask in each.asks]
            mean_ns = sum(times) // len(times)
            yield Regular(device.unit_id, what, each, period_ns, mean_ns)


def _cost_of(line: LinePlan, device: DeviceSettings, function: int) -> Cost:
    """Return what the blocks of the unit reckon with, else the prior of the wire."""
    for block in line.blocks:
        request = block.request
        if isinstance(request, ModbusRead) and (request.unit, request.function) == (
            device.unit_id,
            function,
        ):
            return request.cost
    return wire_of(line.config).prior
