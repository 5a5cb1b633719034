"""From blocks and what is known of a server to the subscriptions that are wanted.  Pure.

Clause: acquisition.md 3.13.1 (sampling, queues), 3.13.6 (limits).
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from devices.driver import Block
from devices.opcua.limits import Pace, ServerProfile, pace, queue_size
from devices.opcua.plan import NodeItem, OpcUaRequest
from devices.opcua.reconcile import Wanted


def items_of(block: Block) -> tuple[NodeItem, ...]:
    """Return the nodes of a block."""
    assert isinstance(block.request, OpcUaRequest)
    return block.request.items


def desired(
    blocks: Sequence[Block],
    profile: ServerProfile,
    bridge_ms: float,
    unnamed: Collection[str],
    *,
    is_reporting: bool,
) -> list[Wanted]:
    """Return one wanted subscription a subscribed block.

    Args:
        blocks: of the driver.
        profile: of the server; what it cannot serve is not asked for.
        bridge_ms: longest cut that the queues of the server shall bridge.
        unnamed: nodes whose namespace the server does not know.
        is_reporting: False on the standby of a pair.
    """
    wanted: list[Wanted] = []
    for at, block in enumerate(blocks):
        if not block.subscribed:
            continue
        items, period_ms = items_of(block), block.period_ns / 1e6
        publishing_ms = max(period_ms, float(profile.publishing_ms))
        sampling_ms = period_ms / 2 if block.poll == "fast" else period_ms
        sampling_ms = max(sampling_ms, float(profile.sampling_ms))
        wanted.append(
            Wanted(
                at,
                tuple(range(len(items))),
                publishing_ms,
                sampling_ms,
                queue_size(publishing_ms, sampling_ms, bridge_ms),
                frozenset(slot for slot, item in enumerate(items) if item.node in unnamed),
                is_reporting,
            )
        )
    return wanted


def kept(before: Pace, stated: int, profile: ServerProfile) -> Pace:
    """Return the pace under today's limits; what was learnt by refusal stays below them."""
    fresh = pace(stated, profile.per_call)
    if before.most >= fresh.most:
        return fresh
    return before if not fresh.is_stated else replace(fresh, size=before.most, most=before.most)
