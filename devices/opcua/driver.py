"""OPC UA: bulk reads and subscriptions of one session over asyncua 2.1.  Shell: sockets.

What we lean on, and why it is done so:

* A new client for each channel: one that has failed is never used again.  The library's own
  reconnect is off: it transfers the session's own subscriptions, is refused, and makes them anew.
  `connect()` activates the same session on a new channel, else transfers, else builds anew.
* Nodes are named by namespace URI and resolved after each connect.
* The publish loops are ours (`publishing.py`): k requests wait, acknowledged when on disk.
* A server that keeps silent for longer than it promised is lost, even while its socket stands.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClientState
from asyncua.ua.uaerrors import UaStatusCodeError

from devices.driver import (
    CHANGES_MAX,
    Block,
    BlockColumns,
    Change,
    ClockReading,
    DeviceSettings,
    Note,
    bad_columns,
)
from devices.driver import Outcome as Answered
from devices.failure import AnswerRejected, LinkFailed
from devices.opcua import nodes
from devices.opcua.condition import Cap, Condition, cap_of, capped, must_wait
from devices.opcua.errand import HistoryErrands
from devices.opcua.limits import (
    UNKNOWN,
    Pace,
    ServerProfile,
    answered,
    choose,
    pace,
    queue_size,
    too_many,
)
from devices.opcua.monitored import columns_of
from devices.opcua.nodes import ServerFacts
from devices.opcua.plan import NodeItem, OpcUaRequest, plan_blocks
from devices.opcua.publishing import Publisher
from devices.opcua.reconcile import Wanted
from devices.opcua.session import (
    FOREIGN_ERRORS,
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
from devices.opcua.status_code import BAD_TOO_MANY_OPERATIONS, is_session_gone, judge, name
from devices.opcua.subscriptions import UNKNOWN_NODE, Subscriptions
from devices.opcua.trust import OwnCertificate, load_own
from devices.opcua.watchdog import Papers, Watchdog
from proto.clock import Clock
from proto.errors import DeviceRefused
from proto.quality import Detail

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
        overflows: values whose server had dropped older ones.
        unacknowledged: notification messages that the server still keeps for us.
        early_acks: of these, acknowledged before they were on disk.
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
    ) -> None:
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
        self._facts = ServerFacts()
        self._reads = pace()
        self._changes: deque[Change] = deque()
        self._notes: deque[Note] = deque(maxlen=NOTES_MAX)
        self._is_standby = False
        self._not_before_ns = 0
        self._why = ""
        self._tasks: list[asyncio.Task[None]] = []
        subscribed = {at: _items(b) for at, b in enumerate(self._blocks) if b.subscribed}
        self._subscriptions = Subscriptions(
            subscribed, clock, self._offer, self._notes.append, timeout_ns
        )
        self._publisher = Publisher(
            take=self._subscriptions.take,
            acks=self._subscriptions.acks,
            put_back=self._subscriptions.put_back,
            none_left=self._subscriptions.none_left,
        )
        self._watchdog = Watchdog(clock, self._timeout_s, self._restate)
        self._papers = Papers(clock, endpoint)
        self._errands = HistoryErrands(self._subscriptions.fills, clock, self._offer, self._note)

    # What the owner of the line asks.

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What can be asked or is reported, in the order of the devices."""
        return self._blocks

    @property
    def connected(self) -> bool:
        """True while the session stands and the server answers."""
        client = self._client
        return client is not None and client.state is UaClientState.CONNECTED

    @property
    def ready_ns(self) -> int:
        """When the next read may start: at once, a session needs no drain."""
        return 0

    @property
    def service_level(self) -> int:
        """0-255 as the server says; 255 where it says nothing."""
        return self._watchdog.condition.level

    @property
    def overflows(self) -> int:
        """Values whose server had dropped older ones."""
        return self._subscriptions.overflows

    @property
    def unacknowledged(self) -> int:
        """Notification messages that the server still keeps for us."""
        return self._subscriptions.unacknowledged

    @property
    def early_acks(self) -> int:
        """Messages acknowledged before they were on disk."""
        return self._subscriptions.early_acks

    async def connect(self) -> None:
        """Stand on a session again: the same one, or a new one that takes over what there was.

        Raises:
            DeviceUnreachable: nobody answers within the deadline.
            DeviceRefused: the certificate is not approved, no strong policy is offered, or the
                server refuses us.
        """
        await self._drop()
        if self._clock.mono_ns() < self._not_before_ns:
            raise LinkFailed("the server asked not to be disturbed yet", place=self._endpoint)
        own = await asyncio.to_thread(load_own, self._security.pki)
        step_s = max(self._timeout_s, _CONNECT_S_MIN)
        deadline_s = step_s * _CONNECT_FACTOR
        is_up = False
        try:
            async with asyncio.timeout(deadline_s):
                await self._open(own, step_s)
            is_up = True
        except TimeoutError:
            message = f"no session within {deadline_s:g} s"
            detail = Detail.TIMED_OUT
            raise LinkFailed(message, place=self._endpoint, detail=detail) from None
        except UaStatusCodeError as error:
            self._found = None  # the endpoint may have changed: looked up anew
            code = int(error.code)
            message = f"the server refuses a session: {name(code)}"
            raise DeviceRefused("device.refused", message, place=self._endpoint) from None
        except OSError as error:
            raise LinkFailed(f"no connection: {error}", place=self._endpoint) from None
        except FOREIGN_ERRORS as error:
            self._found = None
            message = f"no session: {type(error).__name__}: {error}"
            raise LinkFailed(message, place=self._endpoint) from None
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
        client.uaclient.session.ensure_publish_loop = _nothing  # type: ignore[method-assign]
        self._notes.extend(self._papers.look(own.not_after_us, found))
        is_lapsed = found.verdict.is_lapsed
        self._watchdog.condition = replace(self._watchdog.condition, is_lapsed=is_lapsed)
        await self._watchdog.look(client)
        self._respect()
        before, self._facts = self._facts, await nodes.read_facts(client)
        self._resolve()
        if before.namespaces and before.namespaces != self._facts.namespaces:
            self._subscriptions.rebuild()  # what was asked for by number is something else now
        elif is_resumed:
            await self._subscriptions.resume(client)
        else:
            await self._subscriptions.transfer(client)
        await self._subscriptions.settle(client)
        self._subscriptions.hear()
        self._publisher.start(client)
        self._tasks = [
            asyncio.create_task(self._watchdog.run(client, self._lost), name="opcua.watchdog"),
            asyncio.create_task(self._tend(client), name="opcua.tend"),
        ]

    async def read(self, block: Block) -> BlockColumns:
        """Read the nodes of one block now (maxAge 0); what is wrong with one node stays with it.

        Raises:
            DeviceUnreachable: no session, session lost, or no answer in time; now closed.
            DeviceMisbehaved: the answer cannot be one to this question; now closed.
        """
        request, client = block.request, self._client
        assert isinstance(request, OpcUaRequest)
        if client is None or not self.connected:
            await self._drop()
            raise LinkFailed(f"no session {self._why}".rstrip(), place=self._endpoint)
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
            now, n = self._clock.mono_ns(), len(block.points)
            return bad_columns(n, reason, code, now, outcome=Answered.REFUSED)
        except OSError:
            raise LinkFailed("connection lost", place=self._endpoint) from None
        except FOREIGN_ERRORS as error:
            message = f"answer rejected: {type(error).__name__}: {error}"
            detail = Detail.WRONG_LENGTH
            raise AnswerRejected(message, place=self._endpoint, detail=detail) from None
        finally:
            if not is_answered:
                await self._drop()
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
        except (TimeoutError, OSError, *FOREIGN_ERRORS):
            return False
        return True

    @property
    def errand_ns(self) -> int | None:
        """When the next slice of history is due; None = there is no gap."""
        return self._errands.due_ns if self.connected else None

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
            self._subscriptions.hear()  # it was we who did not ask
            self._publisher.resume()
        return found

    def committed(self, token: int) -> None:
        """Every row up to `token` is on disk: its notifications may be acknowledged."""
        self._subscriptions.committed(token)

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
            await discard(client)
        self._ticket = None
        self._subscriptions.forget()
        self._changes.clear()

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

    def _lost(self, why: str) -> None:
        """The watchdog has had no answer: the next look at `connected` says so."""
        self._why = f"({why})"
        if self._client is not None:
            abort(self._client)

    def _respect(self) -> None:
        """ServiceLevel 0: leave, and do not come back before the server wants it."""
        if not must_wait(self._watchdog.condition):
            return
        wait_us = self._watchdog.return_us - self._clock.wall_us()
        self._not_before_ns = self._clock.mono_ns() + max(0, min(wait_us, 3_600_000_000)) * 1_000
        raise DeviceRefused("device.refused", "ServiceLevel 0: maintenance", place=self._endpoint)

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
                except TimeoutError:
                    self._lost("subscriptions cannot be mended in time")
                    return
                except (OSError, *FOREIGN_ERRORS) as error:
                    self._lost(type(error).__name__)
                    return
            self._publisher.start(client)

    def _resolve(self) -> None:
        """Name every node by the namespace index of today, and say what is wanted."""
        facts = self._facts
        self.profile = choose(self._profiles, facts.manufacturer, facts.product)
        for one in self._profiles:
            if one.name == self._profile_name:
                self.profile = one
        self._reads = self._kept(self._reads, "reads")
        self._subscriptions.pace = self._kept(self._subscriptions.pace, "items")
        self._node_ids = {
            item.node: nodes.node_id(item.node, facts.namespaces)
            for block in self._blocks
            for item in _items(block)
        }
        self._desire()

    def _kept(self, before: Pace, service: str) -> Pace:
        """Return the pace under today's limits; what was learnt in this run stays below them."""
        fresh = pace(self._facts.limits.get(service, 0), self.profile.per_call)
        if before.most < fresh.most and not fresh.is_stated:
            return before
        return fresh if before.most >= fresh.most else replace(fresh, size=before.most)

    def _desire(self) -> None:
        wanted: list[Wanted] = []
        for at, block in enumerate(self._blocks):
            if not block.subscribed:
                continue
            items, period_ms = _items(block), block.period_ns / 1e6
            publishing_ms = max(period_ms, float(self.profile.publishing_ms))
            sampling_ms = period_ms / 2 if block.poll == "fast" else period_ms
            sampling_ms = max(sampling_ms, float(self.profile.sampling_ms))
            unnamed = [s for s, item in enumerate(items) if self._node_ids.get(item.node) is None]
            wanted.append(
                Wanted(
                    at,
                    tuple(range(len(items))),
                    publishing_ms,
                    sampling_ms,
                    queue_size(publishing_ms, sampling_ms, self._bridge_ms),
                    frozenset(unnamed),
                    not self._is_standby,
                )
            )
        self._subscriptions.desire(wanted, self._node_ids)

    async def _read(self, client: Client, items: Sequence[NodeItem]) -> BlockColumns:
        """Ask for all known nodes; unknown ones are BAD (CONFIG) without being asked for."""
        values = [UNKNOWN_NODE] * len(items)
        source_us = [0] * len(items)
        known = [(s, n) for s, i in enumerate(items) if (n := self._node_ids[i.node]) is not None]
        sent_ns = self._clock.mono_ns()
        at = 0
        while at < len(known):
            chunk = known[at : at + self._reads.size]
            asked_ns = self._clock.mono_ns()
            try:
                answer = await nodes.read_nodes(client, [node for _, node in chunk])
            except UaStatusCodeError as error:
                if int(error.code) != BAD_TOO_MANY_OPERATIONS or len(chunk) == 1:
                    raise
                self._reads = too_many(self._reads, len(chunk))
                continue
            self._reads = answered(self._reads, len(chunk), self._clock.mono_ns() - asked_ns)
            for (slot, _), data in zip(chunk, answer, strict=True):
                values[slot], source_us[slot] = nodes.decode_value(items[slot], data)
            at += len(chunk)
        return columns_of(values, source_us, sent_ns, self._clock.mono_ns())

    @property
    def _cap(self) -> Cap | None:
        return cap_of(self._watchdog.condition)

    def _offer(self, change: Change) -> None:
        if not change.replayed:
            change = replace(change, columns=capped(change.columns, self._cap))
        self._changes.append(change)
        if len(self._changes) >= CHANGES_MAX:
            self._publisher.pause()

    def _note(self, note: Note) -> None:
        self._notes.append(note)

    def _restate(self) -> None:
        """The condition of the server has changed: every subscribed point is shown under it."""
        condition: Condition = self._watchdog.condition
        body = {"state": condition.state, "service_level": condition.level}
        self._notes.append(Note("device.server_condition", body=body))
        self._subscriptions.restate()


def _items(block: Block) -> tuple[NodeItem, ...]:
    assert isinstance(block.request, OpcUaRequest)
    return block.request.items


def _nothing() -> None:
    """Stand where the library would start its own publish loop."""
