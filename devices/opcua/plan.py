"""From a device's points to its blocks: one bulk Read or one subscription per poll class.  Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devices.address import NodeType, OpcUaAddress
from devices.driver import Block, DeviceSettings, PointBinding

READ_MAX = 100
"""Nodes of one Read where the server states no limit; weak servers slow down badly beyond it."""
ITEMS_MAX = 1000
"""Items of one subscription."""


@dataclass(frozen=True, slots=True)
class NodeItem:
    """One node of a block: its name, its declared type, and how its number becomes a value."""

    node: str
    type: NodeType
    scale: float = 1.0
    offset: float = 0.0
    fault_values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class OpcUaRequest:
    """The request behind a block: its nodes, in the order of the points."""

    items: tuple[NodeItem, ...]
    subscribed: bool

    def describe(self) -> str:
        """Return `Read of 9 nodes, maxAge 0` or `subscription of 1 items`."""
        if self.subscribed:
            return f"subscription of {len(self.items)} items"
        return f"Read of {len(self.items)} nodes, maxAge 0"


def plan_blocks(device: DeviceSettings) -> tuple[Block, ...]:
    """Return the blocks of `device`: reads first, then subscriptions, fastest class first.

    Every point is in exactly one block, in the order of the configuration.
    """
    classes = sorted(device.poll_ns, key=lambda poll: (device.poll_ns[poll], poll))
    return tuple(
        block
        for acquire, most in (("read", READ_MAX), ("subscribe", ITEMS_MAX))
        for poll in classes
        for block in _blocks(
            device,
            poll,
            [b for b in device.points if b.acquire == acquire and b.point.poll == poll],
            most,
        )
    )


def _blocks(
    device: DeviceSettings, poll: str, bindings: Sequence[PointBinding], most: int
) -> Iterator[Block]:
    for at in range(0, len(bindings), most):
        chunk = bindings[at : at + most]
        subscribed = chunk[0].acquire == "subscribe"
        yield Block(
            device=device.name,
            poll=poll,
            period_ns=device.poll_ns[poll],
            subscribed=subscribed,
            points=tuple(binding.point for binding in chunk),
            request=OpcUaRequest(tuple(_item(binding) for binding in chunk), subscribed),
        )


def _item(binding: PointBinding) -> NodeItem:
    address, point = binding.address, binding.point
    assert isinstance(address, OpcUaAddress)
    return NodeItem(address.node, address.type, point.scale, point.offset, binding.fault_values)
