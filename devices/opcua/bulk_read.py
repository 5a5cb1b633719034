"""Bulk Read with maxAge 0, in calls of as many nodes as the server bears.  Shell: sockets."""

import asyncio
from collections.abc import Mapping, Sequence

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.uaerrors import UaStatusCodeError

from devices.driver import Block, BlockColumns, Outcome, bad_columns
from devices.opcua import nodes
from devices.opcua.failures import CALL_ERRORS, of_read
from devices.opcua.limits import answered, pace, too_many
from devices.opcua.monitored import columns_of
from devices.opcua.plan import NodeItem, OpcUaRequest
from devices.opcua.status_code import BAD_TOO_MANY_OPERATIONS, is_session_gone, judge
from devices.opcua.subscriptions import UNKNOWN_NODE
from devices.opcua.watchdog import Watchdog
from proto.clock import Clock
from proto.quality import Detail, Reason


class BulkReader:
    """Reads blocks.

    Attributes:
        pace: nodes of one call.
    """

    def __init__(self, clock: Clock, watchdog: Watchdog, timeout_s: float, place: str) -> None:
        self.pace = pace()
        self._clock, self._watchdog = clock, watchdog
        self._timeout_s, self._place = timeout_s, place

    async def read_block(
        self, client: Client, block: Block, node_ids: Mapping[str, ua.NodeId | None]
    ) -> BlockColumns:
        """Read one block; a refusal and a single time-out are its own affair.

        Raises:
            DeviceUnreachable: the session is gone, or the server is silent: to be closed.
            DeviceMisbehaved: the answer cannot be one to this question: to be closed.
        """
        request, n, sent_ns = block.request, len(block.points), self._clock.mono_ns()
        assert isinstance(request, OpcUaRequest)
        try:
            async with asyncio.timeout(self._timeout_s):
                columns = await self.read(client, request.items, node_ids)
        except TimeoutError as error:
            if self._watchdog.timed_out(sent_ns):
                raise of_read(error, self._place, self._timeout_s) from None
            why = (Reason.COMM_LOSS, Detail.TIMED_OUT, self._clock.mono_ns())
            return bad_columns(n, *why, sent_mono_ns=sent_ns, outcome=Outcome.TIMED_OUT)
        except CALL_ERRORS as error:
            code = int(error.code) if isinstance(error, UaStatusCodeError) else None
            if code is None or is_session_gone(code):
                raise of_read(error, self._place, self._timeout_s) from None
            self._watchdog.hear()
            reason = judge(code)[1]
            return bad_columns(n, reason, code, self._clock.mono_ns(), outcome=Outcome.REFUSED)
        self._watchdog.hear()
        return columns

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
