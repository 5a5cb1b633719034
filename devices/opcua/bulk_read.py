"""Bulk Read with maxAge 0, in calls of as many nodes as the server bears.  Shell: sockets."""

from collections.abc import Mapping, Sequence

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.uaerrors import UaStatusCodeError

from devices.driver import BlockColumns
from devices.opcua import nodes
from devices.opcua.limits import answered, pace, too_many
from devices.opcua.monitored import columns_of
from devices.opcua.plan import NodeItem
from devices.opcua.status_code import BAD_TOO_MANY_OPERATIONS
from devices.opcua.subscriptions import UNKNOWN_NODE
from proto.clock import Clock


class BulkReader:
    """Reads blocks.

    Attributes:
        pace: nodes of one call.
    """

    def __init__(self, clock: Clock) -> None:
        self.pace = pace()
        self._clock = clock

    async def read(
        self, client: Client, items: Sequence[NodeItem], node_ids: Mapping[str, ua.NodeId | None]
    ) -> BlockColumns:
        """Ask for all known nodes; unknown ones are BAD (CONFIG) without being asked for."""
        values = [UNKNOWN_NODE] * len(items)
        source_us = [0] * len(items)
        known = [(s, n) for s, i in enumerate(items) if (n := node_ids.get(i.node)) is not None]
        sent_ns = self._clock.mono_ns()
        at = 0
        while at < len(known):
            chunk = known[at : at + self.pace.size]
            asked_ns = self._clock.mono_ns()
            try:
                answer = await nodes.read_nodes(client, [node for _, node in chunk])
            except UaStatusCodeError as error:
                if int(error.code) != BAD_TOO_MANY_OPERATIONS or len(chunk) == 1:
                    raise
                self.pace = too_many(self.pace, len(chunk))
                continue
            self.pace = answered(self.pace, len(chunk), self._clock.mono_ns() - asked_ns)
            for (slot, _), data in zip(chunk, answer, strict=True):
                values[slot], source_us[slot] = nodes.decode_value(items[slot], data)
            at += len(chunk)
        return columns_of(values, source_us, sent_ns, self._clock.mono_ns())
