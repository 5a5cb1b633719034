"""History slices, one request at a time, as errands of the line.  Shell: sockets."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaStatusCodeError

from devices.driver import Block, Change, Note
from devices.failure import LinkFailed
from devices.opcua import nodes
from devices.opcua.history import PAUSE_NS, Answer, AskAccess, AskValues, Fill, Outcome
from devices.opcua.inbox import Inbox
from devices.opcua.plan import NodeItem, OpcUaRequest
from devices.opcua.session import FOREIGN_ERRORS
from devices.opcua.status_code import is_session_gone
from proto.clock import Clock


class HistoryErrands:
    """The gaps of one driver, filled oldest first with a pause between two requests."""

    def __init__(
        self,
        inbox: Inbox,
        clock: Clock,
        offer: Callable[[Change], None],
        note: Callable[[Note], None],
    ) -> None:
        self._inbox, self._fills = inbox, inbox.fills
        self._clock, self._offer, self._note = clock, offer, note
        self._next_ns = 0

    @property
    def due_ns(self) -> int | None:
        """When the next slice is due; None = nothing is to be filled."""
        return self._next_ns if self._fills else None

    async def run(
        self,
        client: Client,
        blocks: Sequence[Block],
        node_ids: Mapping[str, ua.NodeId | None],
        timeout_s: float,
    ) -> None:
        """Make one request of the oldest gap.

        Raises:
            DeviceUnreachable: the session is gone; the gap waits for the next one.
        """
        if not self._fills:
            return
        fill = self._fills[0]
        ask = fill.next()
        if ask is None:
            self._finish(self._fills.pop(0), blocks)
            return
        request = blocks[fill.block].request
        assert isinstance(request, OpcUaRequest)
        items = [request.items[slot] for slot in ask.slots]
        found = [node_ids.get(item.node) for item in items]
        wanted = [node if node is not None else ua.NodeId() for node in found]
        try:
            async with asyncio.timeout(timeout_s):
                await self._ask(client, fill, ask, wanted, items)
        except TimeoutError:
            fill.failed()
        except UaStatusCodeError as error:
            if is_session_gone(int(error.code)):
                raise LinkFailed("session lost", place=blocks[fill.block].device) from None
            if isinstance(ask, AskValues):
                fill.answered(ask, [Answer(int(error.code))] * len(ask.slots))
            else:
                fill.failed()
        except OSError:
            raise LinkFailed("connection lost", place=blocks[fill.block].device) from None
        except FOREIGN_ERRORS:
            fill.failed()
        self._next_ns = self._clock.mono_ns() + PAUSE_NS

    async def _ask(
        self,
        client: Client,
        fill: Fill,
        ask: AskAccess | AskValues,
        wanted: Sequence[ua.NodeId],
        items: Sequence[NodeItem],
    ) -> None:
        if isinstance(ask, AskAccess):
            levels = await nodes.read_nodes(client, wanted, AttributeIds.UserAccessLevel)
            found = [nodes.content(data) for data in levels]
            fill.accessed([level if isinstance(level, int) else None for level in found])
            return
        answers = await nodes.read_history(client, ask, wanted, items)
        now = self._clock.mono_ns()
        for columns in fill.answered(ask, answers):
            columns.sent_mono_ns = columns.receive_mono_ns = now
            self._offer(Change(fill.block, columns, replayed=True))

    def _finish(self, fill: Fill, blocks: Sequence[Block]) -> None:
        outcomes = fill.finish()
        self._inbox.filled.append((self._clock.mono_ns(), fill))
        body: dict[str, object] = {
            "from_us": fill.from_us,
            "to_us": fill.to_us,
            "values": fill.values,
            "points_filled": outcomes.get(Outcome.FILLED, 0),
            "points_partly": outcomes.get(Outcome.PARTLY, 0),
            "points_no_history": outcomes.get(Outcome.NO_HISTORY, 0),
        }
        self._note(Note("device.history_filled", blocks[fill.block].device, body))
