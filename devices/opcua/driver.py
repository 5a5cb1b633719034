"""OPC UA: bulk reads and subscriptions of one session over asyncua 2.1.  Shell: sockets.

What we lean on, and why it is done so:

* A new client for each channel, never the library's own reconnect: `connect()` activates the same
  session on a new channel, else transfers its subscriptions, else builds anew.
* Nodes are named by namespace URI and resolved after each connect.
* The publish loops are ours (`publishing.py`): k requests wait, acknowledged when on disk.
* A server that keeps silent for longer than it promised is lost, even while its socket stands; one
  late answer is no reason to give up a channel: it is dropped by its request id (`watchdog.py`).
* Our own stop is a cut like any other: `cursor` is committed with the rows (`remembered.py`).
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClientState

from devices.driver import (
    CHANGES_MAX,
    Block,
    BlockColumns,
    Change,
    ClockReading,
    DeviceSettings,
    Note,
    Progress,
)
from devices.failure import LinkFailed
from devices.opcua import nodes
from devices.opcua.bulk_read import BulkReader
from devices.opcua.condition import Cap, Condition, cap_of, capped, must_wait
from devices.opcua.errand import HistoryErrands
from devices.opcua.failures import CALL_ERRORS, of_connect
from devices.opcua.inbox import Inbox
from devices.opcua.limits import UNKNOWN, ServerProfile, choose
from devices.opcua.plan import plan_blocks
from devices.opcua.publishing import Publisher
from devices.opcua.remembered import is_same_run
from devices.opcua.resuming import Memory
from devices.opcua.session import (
    Found,
    OpcUaSecurity,
    Ticket,
    abort,
    discard,
    judged,
    open_session,
    scout,
    ticket_of,
)
from devices.opcua.subscriptions import Subscriptions
from devices.opcua.trust import OwnCertificate, load_own
from devices.opcua.wanted import desired, items_of, kept
from devices.opcua.watchdog import Papers, Watchdog
from proto.clock import Clock
from proto.errors import DeviceError, DeviceRefused

__all__ = ["OpcUaDriver", "OpcUaSecurity"]

TIMEOUT_NS = 4_000_000_000
BRIDGE_NS = 30_000_000_000
NOTES_MAX = 256
_CONNECT_S_MIN = 4.0  # a channel costs four RSA operations on either side, a PLC takes seconds
_CONNECT_FACTOR = 4  # a connection is two channels, a session and its subscriptions
_TEND_S = 0.1


class OpcUaDriver:
    """One OPC UA session.

    Attributes:
        inbox: what is reported, and its counts.
        profile: what is known of this family of servers.
    """

    def __init__(
        self,
        endpoint: str,
        devices: Sequence[DeviceSettings],
        security: OpcUaSecurity,
        clock: Clock,
        timeout_ns: int = TIMEOUT_NS,
        *,
        bridge_ns: int = BRIDGE_NS,
        profiles: Sequence[ServerProfile] = (),
        profile: str | None = None,
        before: bytes | None = None,
        is_resumable: bool = False,
    ) -> None:
        """Make a driver; nothing is opened yet.

        `bridge_ns` is the longest cut that the queues of the server shall bridge; `profiles` are
        known families of servers and `profile` names the one to use (None: by its own word).
        `before` is what `cursor` gave to the run before; where `is_resumable`, cursors are
        committed and subscriptions outlive this process.
        """
        self.profile = UNKNOWN
        self._endpoint, self._security, self._clock = endpoint, security, clock
        self._timeout_s = timeout_ns / 1e9
        self._bridge_ms = bridge_ns / 1e6
        self._profiles, self._profile_name = tuple(profiles), profile
        self._blocks = tuple(block for device in devices for block in plan_blocks(device))
        self._client: Client | None = None
        self._ticket: Ticket | None = None
        self._found: Found | None = None
        self._node_ids: Mapping[str, ua.NodeId | None] = {}
        self._is_resumable = is_resumable
        self._changes: deque[Change] = deque()
        self._notes: deque[Note] = deque(maxlen=NOTES_MAX)
        self._is_standby = False
        self._why = ""
        self._tasks: list[asyncio.Task[None]] = []
        subscribed = {at: items_of(b) for at, b in enumerate(self._blocks) if b.subscribed}
        self.inbox = Inbox(subscribed, clock, self._offer, self._notes.append)
        self._subscriptions = Subscriptions(self.inbox, clock, self._notes.append, timeout_ns)
        self._publisher = Publisher(
            take=self._take,
            acks=self.inbox.acks,
            put_back=self.inbox.put_back,
            none_left=self.inbox.none_left,
        )
        self._watchdog = Watchdog(clock, self._timeout_s, self._restate)
        self._reader = BulkReader(clock, self._watchdog, self._timeout_s, endpoint)
        self._memory = Memory(before, self.inbox, self._subscriptions)
        self._facts = self._memory.facts
        self._papers = Papers(clock, endpoint)
        self._errands = HistoryErrands(self.inbox, clock, self._offer, self._notes.append)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What can be asked or is reported, in the order of the devices."""
        return self._blocks

    @property
    def connected(self) -> bool:
        """True while the session stands and the server answers."""
        return self._client is not None and self._client.state is UaClientState.CONNECTED

    @property
    def ready_ns(self) -> int:
        """When the next read may start: at once, a session needs no drain."""
        return 0

    @property
    def service_level(self) -> int:
        """0-255 as the server says; 255 where it says nothing."""
        return self._watchdog.condition.level

    async def connect(self) -> None:
        """Stand on a session again: the same one, or a new one that takes over what there was.

        Raises:
            DeviceUnreachable: nobody answers within the deadline.
            DeviceRefused: the certificate is not approved, no strong policy is offered, or the
                server refuses us.
        """
        await self._drop()
        if self._clock.mono_ns() < self._watchdog.not_before_ns:
            raise LinkFailed("the server asked not to be disturbed yet", place=self._endpoint)
        own = await asyncio.to_thread(load_own, self._security.pki)
        step_s = max(self._timeout_s, _CONNECT_S_MIN)
        deadline_s = step_s * _CONNECT_FACTOR
        is_up = False
        try:
            async with asyncio.timeout(deadline_s):
                await self._open(own, step_s)
            is_up = True
        except CALL_ERRORS as error:
            if not isinstance(error, OSError):
                self._found = None  # the endpoint may have changed: looked up anew
            raise of_connect(error, self._endpoint, deadline_s) from None
        finally:
            if not is_up:
                await self._drop()

    async def _open(self, own: OwnCertificate, step_s: float) -> None:
        now_us = self._clock.wall_us()
        if self._found is None:
            found = await scout(self._endpoint, own, self._security, step_s, now_us)
        else:
            found = await judged(self._found, self._security, self._endpoint, now_us)
        client, is_resumed = await open_session(
            self._endpoint, own, self._security, found, step_s, self._ticket
        )
        self._client, self._found, self._ticket = client, found, ticket_of(client)
        self._subscriptions.is_elsewhere |= not is_resumed
        client.uaclient.session.ensure_publish_loop = _nothing  # type: ignore[method-assign]
        self._notes.extend(self._papers.look(own.not_after_us, found))
        is_lapsed = found.verdict.is_lapsed
        self._watchdog.condition = replace(self._watchdog.condition, is_lapsed=is_lapsed)
        await self._watchdog.look(client)
        if must_wait(self._watchdog.condition):
            raise DeviceRefused("device.refused", "ServiceLevel 0", place=self._endpoint)
        before, self._facts = self._facts, await nodes.read_facts(client)
        self._resolve()
        is_same = is_resumed or is_same_run(before.start_us, self._facts.start_us)
        is_named = is_same and before.namespaces in ({}, self._facts.namespaces)
        await self._subscriptions.stand(client, is_named=is_named)
        self.inbox.hear()
        self._publisher.start(client)
        self._tasks = [
            asyncio.create_task(self._watchdog.run(client, self._lost), name="opcua.watchdog"),
            asyncio.create_task(self._tend(client), name="opcua.tend"),
        ]

    async def read(self, block: Block) -> BlockColumns:
        """Read the nodes of one block now (maxAge 0); what is wrong with one node stays with it.

        Raises:
            DeviceUnreachable: no session, session lost, or three time-outs in a row with nothing
                heard between them; now closed.
            DeviceMisbehaved: the answer cannot be one to this question; now closed.
        """
        client = self._client
        try:
            if client is None or not self.connected:
                raise LinkFailed(f"no session {self._why}".rstrip(), place=self._endpoint)
            columns = await self._reader.read_block(client, block, self._node_ids)
        except (DeviceError, asyncio.CancelledError):
            await self._drop()
            raise
        return capped(columns, self._cap)

    async def probe(self, device: str) -> bool:
        """Ask the server for its state; True when it answers.

        Raises:
            DeviceUnreachable: the connection is gone.
        """
        client = self._client
        if client is None or not self.connected:
            raise LinkFailed(f"no session for {device}", place=self._endpoint)
        try:
            await self._watchdog.look(client)
        except CALL_ERRORS:
            return False
        return True

    @property
    def errand_ns(self) -> int | None:
        """When the next slice of history is due; None = there is no gap."""
        is_able = self.connected and not self._publisher.is_paused
        return self._errands.due_ns if is_able else None

    async def run_errand(self) -> None:
        """Read one slice of history.

        Raises:
            DeviceUnreachable: the connection is gone.
        """
        client = self._client
        if client is None or not self.connected:
            raise LinkFailed("no session", place=self._endpoint)
        await self._errands.run(client, self._blocks, self._node_ids, self._timeout_s)

    def notes(self) -> list[Note]:
        """Return what happened since the last call, oldest first."""
        found = list(self._notes)
        self._notes.clear()
        return found

    def changes(self) -> list[Change]:
        """Return what subscriptions reported since the last call, oldest first; never waits."""
        found = list(self._changes)
        self._changes.clear()
        if self._publisher.is_paused:
            self.inbox.hear()  # it was we who did not ask
            self._publisher.resume()
        return found

    def committed(self, token: int) -> None:
        """Every row up to `token` is on disk: its notifications may be acknowledged."""
        self.inbox.committed(token)

    def stand_by(self, *, is_standby: bool) -> None:
        """Sample without reporting, or report again; the next tending asks the server."""
        self._is_standby = is_standby
        self._desire()

    def take_clock(self) -> ClockReading | None:
        """Return the newest reading of the server's clock, each one once."""
        reading, self._watchdog.reading = self._watchdog.reading, None
        return reading

    async def close(self) -> None:
        """Close the session within 1 s, whether or not the server still answers."""
        client, self._client = self._client, None
        await self._stop_tasks()
        if client is not None:
            await discard(client, keeps_subscriptions=self._is_resumable)
        self._ticket = None
        if not self._is_resumable:
            self._subscriptions.forget()
        self._changes.clear()

    def served(self, block_index: int) -> Mapping[str, float]:
        """Return what was asked for a subscribed block, and what the server granted."""
        return self._subscriptions.figures(block_index)

    def cursor(self, progress: Mapping[int, Progress]) -> bytes:
        """Return what the next start needs to go on here; it is committed with the rows."""
        return self._memory.cursor(progress, self._facts)

    # Within.

    async def _drop(self) -> None:
        """Give up the channel; the server keeps session and subscriptions for a while."""
        client, self._client = self._client, None
        await self._stop_tasks()
        if client is not None:
            abort(client)

    async def _stop_tasks(self) -> None:
        tasks, self._tasks = self._tasks, []
        me = asyncio.current_task()
        for task in tasks:
            task.cancel()
        await self._publisher.stop()
        if others := [task for task in tasks if task is not me]:
            await asyncio.wait(others, timeout=1.0)

    def _take(self, result: ua.PublishResult) -> None:
        self._watchdog.hear()
        self.inbox.take(result)

    def _lost(self, why: str) -> None:
        """The watchdog has had no answer: the next look at `connected` says so."""
        self._why = f"({why})"
        if self._client is not None:
            abort(self._client)

    async def _tend(self, client: Client) -> None:
        """Mend what the reports show to be missing, retry what was refused."""
        while self.connected and client is self._client:
            await asyncio.sleep(_TEND_S)
            if must_wait(self._watchdog.condition):
                self._lost("ServiceLevel 0")
                return
            if self._publisher.is_paused:
                continue
            if self._subscriptions.is_needing_care(self._clock.mono_ns()):
                try:
                    async with asyncio.timeout(max(self._timeout_s, _CONNECT_S_MIN) * 2):
                        await self._subscriptions.settle(client)
                except CALL_ERRORS as error:
                    self._lost(type(error).__name__)
                    return
            self._publisher.start(client)

    def _resolve(self) -> None:
        """Name every node by the namespace index of today, and say what is wanted."""
        facts = self._facts
        named = [one for one in self._profiles if one.name == self._profile_name]
        known = choose(self._profiles, facts.manufacturer, facts.product)
        self.profile = named[0] if named else known
        self._reader.pace = kept(self._reader.pace, facts.limits.get("reads", 0), self.profile)
        items = kept(self._subscriptions.pace, facts.limits.get("items", 0), self.profile)
        self._subscriptions.pace = items
        self._node_ids = {
            item.node: nodes.node_id(item.node, facts.namespaces)
            for block in self._blocks
            for item in items_of(block)
        }
        self._desire()

    def _desire(self) -> None:
        unnamed = {node for node, found in self._node_ids.items() if found is None}
        reports = not self._is_standby
        wanted = desired(self._blocks, self.profile, self._bridge_ms, unnamed, is_reporting=reports)
        self._subscriptions.desire(wanted, self._node_ids)

    @property
    def _cap(self) -> Cap | None:
        return cap_of(self._watchdog.condition)

    def _offer(self, change: Change) -> None:
        if not change.replayed:
            change = replace(change, columns=capped(change.columns, self._cap))
        self._changes.append(change)
        if len(self._changes) >= CHANGES_MAX:
            self._publisher.pause()

    def _restate(self) -> None:
        """The condition of the server has changed: every subscribed point is shown under it."""
        condition: Condition = self._watchdog.condition
        body = {"state": condition.state, "service_level": condition.level}
        self._notes.append(Note("device.server_condition", body=body))
        self.inbox.restate()


def _nothing() -> None:
    """Stand where the library would start its own publish loop."""
