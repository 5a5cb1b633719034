"""The blocks of a device that is only overheard, and which of them an overheard pair fills.  Pure.

Nobody asks for our blocks: the other master decides what is read together.  So a block is what the
profile keeps `together`, and otherwise one point: it is filled by any pair that covers it whole,
and has the times of that pair alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from devices.address import ModbusAddress
from devices.binding import slot_of
from devices.driver import Block, BlockColumns, DeviceSettings, Outcome, PointBinding
from devices.modbus.ask import Ask, assemble
from devices.modbus.tap_frames import Question
from devices.registers import Layout, compile_layout, gather


@dataclass(frozen=True, slots=True)
class TapRead:
    """What has to be overheard for a block: registers or bits of a unit; nothing is ever sent."""

    unit: int
    function: int
    start: int
    quantity: int
    layout: Layout = field(repr=False)

    def describe(self) -> str:
        """Return `unit 1 FC3 0+24 overheard`."""
        return f"unit {self.unit} FC{self.function} {self.start}+{self.quantity} overheard"

    def is_covered(self, question: Question) -> bool:
        """True when an answer to `question` holds all of the block."""
        return (
            (question.unit, question.function) == (self.unit, self.function)
            and question.start <= self.start
            and self.start + self.quantity <= question.start + question.quantity
        )


def tap_blocks(device: DeviceSettings) -> tuple[Block, ...]:
    """Return the blocks of an overheard device, in the order of its points."""
    groups: dict[tuple[str, int, str], list[PointBinding]] = {}
    for at, binding in enumerate(device.points):
        address = _address(binding)
        key = (
            (binding.point.poll, address.table.function, binding.together)
            if binding.together
            else ("", at, "")
        )
        groups.setdefault(key, []).append(binding)
    return tuple(_block(device, members) for members in groups.values())


def columns_of(
    read: TapRead, question: Question, data: bytes, sent_ns: int, received_ns: int
) -> BlockColumns:
    """Return the columns of a block that a pair covers."""
    ask = Ask(question.function, question.start, question.quantity)
    hull = Ask(read.function, read.start, read.quantity)
    decoded = gather(assemble([(ask, data)], hull), read.layout)
    n = len(decoded.raw)
    return BlockColumns(
        raw=decoded.raw,
        value=decoded.value,
        quality=decoded.quality,
        reason=decoded.reason,
        no_value=np.zeros(n, np.bool_),
        detail=np.zeros(n, np.uint32),
        source_us=np.zeros(n, np.int64),
        sent_mono_ns=sent_ns,
        receive_mono_ns=received_ns,
        outcome=Outcome.ANSWERED,
    )


def _address(binding: PointBinding) -> ModbusAddress:
    assert isinstance(binding.address, ModbusAddress)
    return binding.address


def _block(device: DeviceSettings, bindings: Sequence[PointBinding]) -> Block:
    slots = [slot_of(binding) for binding in bindings]
    start = min(slot.address.address for slot in slots)
    end = max(slot.address.address + slot.address.length for slot in slots)
    poll = bindings[0].point.poll
    return Block(
        device=device.name,
        poll=poll,
        period_ns=device.poll_ns[poll],
        subscribed=True,
        points=tuple(binding.point for binding in bindings),
        request=TapRead(
            device.unit_id,
            slots[0].address.table.function,
            start,
            end - start,
            compile_layout(slots, start, end - start),
        ),
    )
