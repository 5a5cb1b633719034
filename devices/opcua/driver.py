"""OPC UA: bulk reads and subscriptions of one session over asyncua 2.1.  Shell: sockets.

What we lean on, and why it is done so:

* A new client for each connection: one that has failed is never used again.  The library's own
  reconnect is off; the owner of the line reconnects.
* Nodes are named by namespace URI and resolved after each connect.
* Subscriptions are created on the session itself with our callback: one fold per publish response,
  no task per notification.
* A server that keeps silent for longer than it promised is lost, even while its socket stands.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClientState
from asyncua.ua.uaerrors import UaStatusCodeError

from devices.driver import (
    CHANGES_MAX,
    Block,
    BlockColumns,
    Change,
    DeviceSettings,
    bad_columns,
)
from devices.failure import AnswerRejected, LinkFailed
from devices.opcua.monitored import Report, columns_of, fold, initial, refreshed
from devices.opcua.plan import NodeItem, OpcUaRequest, plan_blocks
from devices.opcua.session import (
    FOREIGN_ERRORS,
    OpcUaSecurity,
    ServerFacts,
    decode_value,
    discard,
    item_request,
    node_id,
    open_session,
    read_facts,
    read_nodes,
)
from devices.opcua.status_code import is_session_gone, judge, name
from devices.opcua.trust import load_own
from devices.opcua.value import nothing
from proto.clock import Clock
from proto.errors import DeviceRefused
from proto.quality import Detail, Quality, Reason

__all__ = ["OpcUaDriver", "OpcUaSecurity"]

TIMEOUT_NS = 4_000_000_000
_CONNECT_S_MIN = 4.0  # a channel costs four RSA operations on either side, a PLC takes seconds
_CONNECT_FACTOR = 4  # a connection is two channels, a session and its subscriptions
_KEEP_ALIVE_MS = 2_000
_LIFETIME_MS = 300_000
_SILENCE_FACTOR = 1.5
_UNKNOWN = nothing(Quality.BAD, Reason.CONFIG, Detail.NODE_UNKNOWN)


@dataclass(slots=True, eq=False)
class _Watch:
    """One subscription: its block, the block as it stands, and when it was last heard."""

    block_index: int
    columns: BlockColumns
    silence_ns: int
    heard_ns: int


class OpcUaDriver:
    """One OPC UA session.

    Attributes:
        changes_dropped: reports that nobody fetched in time.
    """

    def __init__(
        self,
        endpoint: str,
        devices: Sequence[DeviceSettings],
        security: OpcUaSecurity,
        clock: Clock,
        timeout_ns: int = TIMEOUT_NS,
    ) -> None:
        self.changes_dropped = 0
        self._endpoint = endpoint
        self._security = security
        self._clock = clock
        self._timeout_s = timeout_ns / 1e9
        self._blocks = tuple(block for device in devices for block in plan_blocks(device))
        self._client: Client | None = None
        self._node_ids: dict[str, ua.NodeId | None] = {}
        self._facts = ServerFacts()
        self._watches: list[_Watch] = []
        self._changes: deque[Change] = deque()

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What can be asked or is reported, in the order of the devices."""
        return self._blocks

    @property
    def connected(self) -> bool:
        """True while the session stands and every subscription is heard in time."""
        if self._client is None or self._client.state is not UaClientState.CONNECTED:
            return False
        now = self._clock.mono_ns()
        return all(now - watch.heard_ns <= watch.silence_ns for watch in self._watches)

    async def connect(self) -> None:
        """Open a new session with a new client, resolve the nodes, create the subscriptions.

        Raises:
            DeviceUnreachable: nobody answers within the deadline.
            DeviceRefused: the certificate is not approved, no strong policy is offered, or the
                server refuses us.
        """
        await self.close()
        own = await asyncio.to_thread(load_own, self._security.pki)
        step_s = max(self._timeout_s, _CONNECT_S_MIN)
        deadline_s = step_s * _CONNECT_FACTOR
        client: Client | None = None
        is_up = False
        try:
            async with asyncio.timeout(deadline_s):
                client = await open_session(self._endpoint, own, self._security, step_s)
                await self._resolve(client)
                for at, block in enumerate(self._blocks):
                    if block.subscribed:
                        await self._subscribe(client, at)
            is_up = True
        except TimeoutError:
            message = f"no session within {deadline_s:g} s"
            detail = Detail.TIMED_OUT
            raise LinkFailed(message, place=self._endpoint, detail=detail) from None
        except UaStatusCodeError as error:
            code = int(error.code)
            message = f"the server refuses a session: {name(code)}"
            raise DeviceRefused("device.refused", message, place=self._endpoint) from None
        except OSError as error:
            raise LinkFailed(f"no connection: {error}", place=self._endpoint) from None
        except FOREIGN_ERRORS as error:
            message = f"no session: {type(error).__name__}: {error}"
            raise LinkFailed(message, place=self._endpoint) from None
        finally:
            if not is_up and client is not None:
                await discard(client)
        self._client = client

    async def read(self, block: Block) -> BlockColumns:
        """Read the nodes of one block now (maxAge 0); what is wrong with one node stays with it.

        Raises:
            DeviceUnreachable: no session, session lost, or no answer in time; now closed.
            DeviceMisbehaved: the answer cannot be one to this question; now closed.
        """
        request, client = block.request, self._client
        assert isinstance(request, OpcUaRequest)
        if client is None or not self.connected:
            await self.close()
            raise LinkFailed("no session", place=self._endpoint)
        is_answered = False
        try:
            async with asyncio.timeout(self._timeout_s):
                columns = await self._read(client, request.items)
            is_answered = True
        except TimeoutError:
            message, detail = f"no answer within {self._timeout_s:g} s", Detail.TIMED_OUT
            raise LinkFailed(message, place=self._endpoint, detail=detail) from None
        except UaStatusCodeError as error:
            code = int(error.code)
            if is_session_gone(code):
                raise LinkFailed(f"session lost: {name(code)}", place=self._endpoint) from None
            is_answered = True
            _, reason = judge(code)
            return bad_columns(len(block.points), reason, code, self._clock.mono_ns())
        except OSError:
            raise LinkFailed("connection lost", place=self._endpoint) from None
        except FOREIGN_ERRORS as error:
            message = f"answer rejected: {type(error).__name__}: {error}"
            detail = Detail.WRONG_LENGTH
            raise AnswerRejected(message, place=self._endpoint, detail=detail) from None
        finally:
            if not is_answered:
                await self.close()
        return columns

    def changes(self) -> list[Change]:
        """Return what subscriptions reported since the last call, oldest first; never waits."""
        found = list(self._changes)
        self._changes.clear()
        return found

    async def close(self) -> None:
        """Close the session within 1 s, whether or not the server still answers."""
        client, self._client = self._client, None
        self._watches = []
        self._changes.clear()
        if client is not None:
            await discard(client)

    async def _resolve(self, client: Client) -> None:
        """Name every node by the namespace index of today."""
        self._facts = facts = await read_facts(client)
        self._node_ids = {
            item.node: node_id(item.node, facts.namespaces)
            for block in self._blocks
            for item in _items(block)
        }

    def _known(self, items: Sequence[NodeItem]) -> list[tuple[int, ua.NodeId]]:
        """Return position and node id of every item that the server's namespaces can name."""
        found = ((at, self._node_ids[item.node]) for at, item in enumerate(items))
        return [(at, node) for at, node in found if node is not None]

    async def _read(self, client: Client, items: Sequence[NodeItem]) -> BlockColumns:
        """Ask for all known nodes; unknown ones are BAD (CONFIG) without being asked for."""
        values = [_UNKNOWN] * len(items)
        source_us = [0] * len(items)
        known = self._known(items)
        step = self._facts.reads_max or len(known) or 1
        sent_ns = self._clock.mono_ns()
        for at in range(0, len(known), step):
            chunk = known[at : at + step]
            answer = await read_nodes(client, [node for _, node in chunk])
            for (slot, _), data in zip(chunk, answer, strict=True):
                values[slot], source_us[slot] = decode_value(items[slot], data)
        return columns_of(values, source_us, sent_ns, self._clock.mono_ns())

    async def _subscribe(self, client: Client, block_index: int) -> None:
        """Create the subscription of one block; a refused item is BAD, the others live."""
        block, session = self._blocks[block_index], client.uaclient.session
        items, period_ms = _items(block), block.period_ns / 1e6
        now = self._clock.mono_ns()
        watch = _Watch(block_index, initial(len(items), now), 0, now)
        created = await session.create_subscription(
            ua.CreateSubscriptionParameters(
                RequestedPublishingInterval=period_ms,
                RequestedLifetimeCount=max(30, int(_LIFETIME_MS / period_ms)),
                RequestedMaxKeepAliveCount=max(1, int(_KEEP_ALIVE_MS / period_ms)),
            ),
            partial(self._on_publish, watch),
        )
        keep_alive_ms = created.RevisedPublishingInterval * created.RevisedMaxKeepAliveCount
        watch.silence_ns = int((keep_alive_ms * _SILENCE_FACTOR + self._timeout_s * 1000) * 1e6)
        refused = await self._create_items(client, created.SubscriptionId, items, period_ms)
        watch.heard_ns = self._clock.mono_ns()
        self._watches.append(watch)
        if refused:
            self._take(watch, refused)

    async def _create_items(
        self, client: Client, subscription: int, items: Sequence[NodeItem], period_ms: float
    ) -> list[Report]:
        """Create the monitored items; return those that the server refuses, with its reasons."""
        known = self._known(items)
        named = {at for at, _ in known}
        refused = [Report(at, _UNKNOWN, 0) for at in range(len(items)) if at not in named]
        step = self._facts.items_max or len(known) or 1
        for at in range(0, len(known), step):
            chunk = known[at : at + step]
            wanted = ua.CreateMonitoredItemsParameters(
                SubscriptionId=subscription,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ItemsToCreate=[item_request(slot, node, period_ms) for slot, node in chunk],
            )
            answer = await client.uaclient.session.create_monitored_items(wanted)
            for (slot, _), result in zip(chunk, answer, strict=True):
                code = int(result.StatusCode.value)
                quality, reason = judge(code)
                if quality is Quality.BAD:
                    refused.append(Report(slot, nothing(quality, reason, code), 0))
        return refused

    def _on_publish(self, watch: _Watch, result: ua.PublishResult) -> None:
        """Fold one publish response; no notification in it is a keep-alive."""
        watch.heard_ns = self._clock.mono_ns()
        items = _items(self._blocks[watch.block_index])
        reports: list[Report] = []
        for notification in result.NotificationMessage.NotificationData or ():
            if isinstance(notification, ua.StatusChangeNotification):
                watch.silence_ns = -1  # the server has ended it: lost until the next connect
            elif isinstance(notification, ua.DataChangeNotification):
                for entry in notification.MonitoredItems:
                    if entry.ClientHandle < len(items):
                        value, at = decode_value(items[entry.ClientHandle], entry.Value)
                        reports.append(Report(entry.ClientHandle, value, at))
        if reports:
            self._take(watch, reports)
        elif watch.silence_ns >= 0:
            watch.columns = refreshed(watch.columns, watch.heard_ns)
            self._offer(Change(watch.block_index, watch.columns, keep_alive=True))

    def _take(self, watch: _Watch, reports: Sequence[Report]) -> None:
        for columns in fold(watch.columns, reports, watch.heard_ns):
            watch.columns = columns
            self._offer(Change(watch.block_index, columns))

    def _offer(self, change: Change) -> None:
        if len(self._changes) >= CHANGES_MAX:
            self._changes.popleft()
            self.changes_dropped += 1
        self._changes.append(change)


def _items(block: Block) -> tuple[NodeItem, ...]:
    assert isinstance(block.request, OpcUaRequest)
    return block.request.items
