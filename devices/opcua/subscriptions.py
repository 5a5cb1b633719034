"""The subscriptions of one session: made as desired, kept over cuts, mended.  Shell: sockets.

`reconcile.py` says what to ask, `sequence.py` what may be handed on, `gather.py` makes rows of it;
this file asks the server, and survives a session:

| found at a connect              | do                                                           |
|---------------------------------|--------------------------------------------------------------|
| the same session                | Republish from the next number until it is not available     |
| new session, transfer accepted  | the same, for what the server says it keeps                  |
| refused, silent, status change  | build anew, initial values, then the gap from history        |

Clause: acquisition.md 3.13.2 to 3.13.5; OPC UA Part 4, 5.14, 6.7.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.uaerrors import UaStatusCodeError
from numpy.typing import NDArray

from devices.driver import BlockColumns, Change, Note
from devices.opcua import nodes, reconcile
from devices.opcua.gather import Gather, Layer, Odd, layer, lost
from devices.opcua.history import Fill, Instants, gap_of
from devices.opcua.limits import Pace, answered, too_many
from devices.opcua.monitored import initial, refreshed
from devices.opcua.plan import NodeItem
from devices.opcua.publishing import Ack
from devices.opcua.reconcile import Actual, ItemState, Wanted
from devices.opcua.sequence import Delivery
from devices.opcua.sequence import Sequence as Order
from devices.opcua.session import SESSION_TIMEOUT_MS
from devices.opcua.status_code import (
    BAD_MESSAGE_NOT_AVAILABLE,
    BAD_TOO_MANY_OPERATIONS,
    GOOD,
    has_overflowed,
    is_session_gone,
    judge,
    name,
)
from devices.opcua.value import nothing
from proto.clock import Clock
from proto.quality import Detail, Quality, Reason

KEEP_ALIVE_MS = 2_000
SILENCE_FACTOR = 1.5
REPUBLISH_MAX = 10_000
UNKNOWN_NODE = nothing(Quality.BAD, Reason.CONFIG, Detail.NODE_UNKNOWN)


@dataclass(slots=True, eq=False)
class Watch:
    """One subscribed block as it stands.

    Attributes:
        items: of its block.
        kinds: per slot, the variant type that is declared; None = every value is looked at.
        order: sequence of the present subscription.
        columns: the block as it stands.
        heard_ns, silence_ns: when the server was last heard, and how long it may be silent.
        covered: source times of the last row before the subscription was lost; None = no gap.
        pending: points that have not been reported since.
        windows, seen: the gap as far as it is known.
        is_dead: its subscription is gone, or silent: it is built anew.
    """

    block: int
    items: tuple[NodeItem, ...]
    kinds: list[ua.VariantType | None]
    gather: Gather
    columns: BlockColumns
    order: Order[list[object]] = field(default_factory=Order)
    instants: Instants = field(default_factory=Instants)
    heard_ns: int = 0
    silence_ns: int = 0
    covered: NDArray[np.int64] | None = None
    pending: NDArray[np.bool_] | None = None
    windows: dict[int, tuple[int, int]] = field(default_factory=dict)
    seen: dict[int, frozenset[int]] = field(default_factory=dict)
    is_dead: bool = False


class Subscriptions:
    """All subscriptions of one driver; they outlive connections.

    Attributes:
        actual: what the server has created, by block.
        overflows: values whose server had dropped older ones.
        fills: gaps to be filled from history.
        pace: items of one request.
    """

    def __init__(
        self,
        blocks: Mapping[int, tuple[NodeItem, ...]],
        clock: Clock,
        offer: Callable[[Change], None],
        note: Callable[[Note], None],
        timeout_ns: int,
    ) -> None:
        self.actual: dict[int, Actual] = {}
        self.overflows = 0
        self.fills: list[Fill] = []
        self.pace = Pace(50, 1000, is_stated=False)
        self._clock, self._offer, self._note = clock, offer, note
        self._timeout_ns = timeout_ns
        now = clock.mono_ns()
        self.watches = {block: _watch(block, items, now) for block, items in blocks.items()}
        self._desired: tuple[Wanted, ...] = ()
        self._by_id: dict[int, Watch] = {}
        self._node_ids: Mapping[str, ua.NodeId | None] = {}
        self._token = 0

    # What is wanted.

    def desire(self, desired: Sequence[Wanted], node_ids: Mapping[str, ua.NodeId | None]) -> None:
        """Take what is wanted, under the node ids of today."""
        self._desired, self._node_ids = tuple(desired), node_ids

    @property
    def desired(self) -> tuple[Wanted, ...]:
        """What is wanted now."""
        return self._desired

    @property
    def next_ns(self) -> int | None:
        """When something refused is asked for again."""
        return reconcile.next_ns(self._desired, self.actual)

    @property
    def unacknowledged(self) -> int:
        """Messages that the server still keeps for us."""
        return sum(watch.order.unacknowledged for watch in self.watches.values())

    @property
    def early_acks(self) -> int:
        """Messages acknowledged before they were on disk."""
        return sum(watch.order.early_acks for watch in self.watches.values())

    def is_needing_care(self, now_ns: int) -> bool:
        """True when something is missing, dead, silent or due."""
        if any(w.is_dead or w.order.missing is not None for w in self.watches.values()):
            return True
        if self.silent(now_ns):
            return True
        return bool(reconcile.reconcile(self._desired, self.actual, self.pace.size, now_ns))

    def silent(self, now_ns: int) -> list[Watch]:
        """Return the watches whose server has been silent for longer than it promised."""
        return [w for w in self._by_id.values() if now_ns - w.heard_ns > w.silence_ns]

    def hear(self) -> None:
        """Silence counts from now: nothing was asked for meanwhile."""
        now = self._clock.mono_ns()
        for watch in self._by_id.values():
            watch.heard_ns = now

    def forget(self) -> None:
        """The server has nothing of us any more, and nothing is to be filled."""
        for watch in self.watches.values():
            self._unsubscribe(watch)
            watch.covered, watch.windows = None, {}
        self.fills.clear()

    # After a connect.

    async def resume(self, client: Client) -> None:
        """The same session on another channel: fetch what was sent into the cut, in order."""
        for watch in list(self._by_id.values()):
            await self._republish(client, watch, is_open_end=True)
            self._restate(watch)

    async def transfer(self, client: Client) -> None:
        """Another session: take our subscriptions over, as far as the server lets us."""
        ids = list(self._by_id)
        if not ids:
            return
        try:
            results = await client.uaclient.session.transfer_subscriptions(
                ua.TransferSubscriptionsParameters(SubscriptionIds=ids, SendInitialValues=False)
            )
        except UaStatusCodeError as error:
            if is_session_gone(int(error.code)):
                raise
            results = []
        taken = {
            subscription: result
            for subscription, result in zip(ids, results, strict=False)
            if result.StatusCode.is_good()
        }
        for subscription, watch in list(self._by_id.items()):
            if subscription not in taken:
                self._unsubscribe(watch)
                continue
            watch.order.available([int(n) for n in taken[subscription].AvailableSequenceNumbers])
            await self._republish(client, watch, is_open_end=True)
            self._restate(watch)

    def rebuild(self) -> None:
        """Nothing of the old subscriptions can be used: the gap goes to history."""
        for watch in self.watches.values():
            self._unsubscribe(watch)

    def _restate(self, watch: Watch) -> None:
        """Say once more what stands: the cut has made it BAD, and nothing need have changed."""
        watch.heard_ns = self._clock.mono_ns()
        watch.columns = refreshed(watch.columns, watch.heard_ns)
        self._offer(Change(watch.block, watch.columns))

    def restate(self) -> None:
        """Show every subscribed point again: what hangs over it has changed."""
        for watch in self._by_id.values():
            self._offer(Change(watch.block, watch.columns))

    # Care, while connected.

    async def settle(self, client: Client) -> None:
        """Mend and create until nothing is due; refusals wait for their time.

        Raises:
            UaStatusCodeError: the session is gone.
        """
        for watch in list(self.watches.values()):
            if watch.order.missing is not None and not watch.is_dead:
                await self._republish(client, watch, is_open_end=False)
        dead = [watch for watch in self._by_id.values() if watch.is_dead]
        for watch in dead:
            await self._bury(client, watch)
        for watch in self.silent(self._clock.mono_ns()):
            await self._bury(client, watch)
        for _ in range(64):  # each round settles what it asks; halved requests need a few
            now = self._clock.mono_ns()
            actions = reconcile.reconcile(self._desired, self.actual, self.pace.size, now)
            if not actions:
                return
            for action in actions:
                if not await self._act(client, action):
                    break

    async def _bury(self, client: Client, watch: Watch) -> None:
        """Delete what may be left of a dead subscription, and want it anew."""
        server_id = self.actual.get(watch.block, Actual()).server_id
        self._unsubscribe(watch)
        if server_id is None:
            return
        try:
            await client.uaclient.session.delete_subscriptions([server_id])
        except UaStatusCodeError as error:
            if is_session_gone(int(error.code)):
                raise

    async def _act(self, client: Client, action: reconcile.Action) -> bool:
        """Make one request; False when the plan must be made anew."""
        if isinstance(action, reconcile.CreateSubscription):
            return await self._create(client, action)
        if isinstance(action, reconcile.DeleteSubscription):
            await client.uaclient.session.delete_subscriptions([action.subscription])
            self.actual[action.block] = Actual()
            return True
        sent = self._clock.mono_ns()
        try:
            match action:
                case reconcile.CreateItems():
                    wanted = [self._node_id(action.block, slot) for slot in action.slots]
                    results = await nodes.create_items(client, action, wanted)
                case reconcile.ModifyItems():
                    results = await nodes.modify_items(client, action)
                case reconcile.SetMode():
                    results = await nodes.set_mode(client, action)
                case reconcile.DeleteItems():
                    results = await nodes.delete_items(client, action)
        except UaStatusCodeError as error:
            if is_session_gone(int(error.code)):
                raise
            return self._refused(action, int(error.code))
        now = self._clock.mono_ns()
        self.pace = answered(self.pace, len(action.slots), now - sent)
        before = self.actual[action.block]
        self.actual[action.block] = reconcile.applied(before, action, results, now)
        if isinstance(action, reconcile.CreateItems):
            self._tell_refused(action)
        return True

    def _refused(
        self,
        action: reconcile.CreateItems
        | reconcile.ModifyItems
        | reconcile.SetMode
        | reconcile.DeleteItems,
        code: int,
    ) -> bool:
        """Judge a refused request: too big is asked in halves, the rest is the items' own fault."""
        if code == BAD_TOO_MANY_OPERATIONS and len(action.slots) > 1:
            self.pace = too_many(self.pace, len(action.slots))
            return False
        results = [reconcile.ItemResult(code)] * len(action.slots)
        now = self._clock.mono_ns()
        before = self.actual[action.block]
        self.actual[action.block] = reconcile.applied(before, action, results, now)
        if isinstance(action, reconcile.CreateItems):
            self._tell_refused(action)
        return True

    async def _create(self, client: Client, action: reconcile.CreateSubscription) -> bool:
        watch = self.watches[action.block]
        before = self.actual.get(action.block, Actual())
        period_ms = action.publishing_ms
        try:
            made = await client.uaclient.session.create_subscription(
                ua.CreateSubscriptionParameters(
                    RequestedPublishingInterval=period_ms,
                    RequestedLifetimeCount=max(30, int(SESSION_TIMEOUT_MS / period_ms)),
                    RequestedMaxKeepAliveCount=max(1, int(KEEP_ALIVE_MS / period_ms)),
                    PublishingEnabled=True,
                ),
                _nobody,
            )
        except UaStatusCodeError as error:
            if is_session_gone(int(error.code)):
                raise
            now = self._clock.mono_ns()
            self.actual[action.block] = reconcile.unsubscribed(before, now, is_refused=True)
            refused = nothing(*judge(int(error.code)), int(error.code))
            self._put(watch, [Odd(at, refused, 0) for at in range(len(watch.items))])
            return True
        keep_alive_ms = made.RevisedPublishingInterval * made.RevisedMaxKeepAliveCount
        self.actual[action.block] = reconcile.subscribed(
            before,
            server_id=int(made.SubscriptionId),
            asked_ms=period_ms,
            publishing_ms=made.RevisedPublishingInterval,
            keep_alive_ms=keep_alive_ms,
            lifetime_ms=made.RevisedPublishingInterval * made.RevisedLifetimeCount,
        )
        watch.order = Order()
        watch.is_dead = False
        watch.silence_ns = int(keep_alive_ms * SILENCE_FACTOR * 1e6) + self._timeout_ns
        watch.heard_ns = self._clock.mono_ns()
        self._by_id[int(made.SubscriptionId)] = watch
        unnamed = self._wanted(action.block).unnamed
        if unnamed:
            odd = [Odd(at, UNKNOWN_NODE, 0) for at in sorted(unnamed)]
            is_all = len(unnamed) == len(watch.items)  # else the first report shows them as well
            self._put(watch, odd, is_shown=is_all)
        return True

    def _tell_refused(self, action: reconcile.CreateItems) -> None:
        """Show refused items: a row with their status, and one note a status."""
        watch, items = self.watches[action.block], self.actual[action.block].items
        refused = [at for at in action.slots if items[at].state is ItemState.REFUSED]
        if not refused:
            return
        odd = [Odd(at, nothing(*judge(s := items[at].status), s), 0) for at in refused]
        self._put(watch, odd)
        for status in sorted({items[at].status for at in refused}):
            those = [at for at in refused if items[at].status == status]
            retry_s = (items[those[0]].retry_ns - self._clock.mono_ns()) // 10**9
            body = {
                "node": watch.items[those[0]].node,
                "count": len(those),
                "status": name(status),
                "retry_s": retry_s,
            }
            self._note(Note("device.item_refused", body=body))

    # What the server reports.

    def take(self, result: ua.PublishResult) -> None:
        """Take one publish response."""
        watch = self._by_id.get(int(result.SubscriptionId))
        if watch is None:
            return
        watch.heard_ns = self._clock.mono_ns()
        message = result.NotificationMessage
        sequence = int(message.SequenceNumber)
        if message.NotificationData:
            self._hand_on(watch, watch.order.message(sequence, list(message.NotificationData)))
            return
        watch.order.keep_alive(sequence)
        if watch.order.missing is None:
            watch.columns = refreshed(watch.columns, watch.heard_ns)
            self._offer(Change(watch.block, watch.columns, keep_alive=True))

    def none_left(self) -> None:
        """The server says that it has no subscription of ours."""
        for watch in self._by_id.values():
            watch.is_dead = True

    def acks(self) -> list[Ack]:
        """Return what may be acknowledged now."""
        return [
            (subscription, sequence)
            for subscription, watch in self._by_id.items()
            for sequence in watch.order.take_acks()
        ]

    def put_back(self, acks: Sequence[Ack]) -> None:
        """Acknowledgements whose Publish failed; those of subscriptions that are gone are void."""
        for subscription, watch in self._by_id.items():
            mine = [sequence for owner, sequence in acks if owner == subscription]
            if mine:
                watch.order.put_back(mine)

    def committed(self, token: int) -> None:
        """Every row up to `token` is on disk."""
        for watch in self._by_id.values():
            watch.order.committed(token)

    def _hand_on(self, watch: Watch, deliveries: Sequence[Delivery[list[object]]]) -> None:
        for sequence, body in ((one.sequence, one.body) for one in deliveries):
            if body is None:
                columns = lost(watch.columns, Detail.PUBLISH_LOST, watch.heard_ns)
                self._offer(Change(watch.block, columns))
                code = "device.publish_lost"
                self._note(Note(code, body={"sequence": sequence, "items": len(watch.items)}))
                continue
            layers: list[Layer] = []
            for notification in body:
                if isinstance(notification, ua.DataChangeNotification):
                    self._collect(watch, notification.MonitoredItems or (), layers)
                elif isinstance(notification, ua.StatusChangeNotification):
                    watch.is_dead = True
            self._token += 1
            for at, one in enumerate(layers):
                token = self._token if at == len(layers) - 1 else 0
                self._row(watch, one, token)
            watch.order.handed_on(sequence, self._token)
            if not layers:
                self._offer(Change(watch.block, watch.columns, keep_alive=True, token=self._token))

    def _row(self, watch: Watch, one: Layer, token: int = 0) -> None:
        watch.columns = watch.gather.row(watch.columns, one, watch.heard_ns)
        if watch.covered is not None:
            self._watch_gap(watch, one)
        watch.instants.note(watch.columns.source_us)
        self._offer(Change(watch.block, watch.columns, token=token))

    def _put(self, watch: Watch, odd: list[Odd], *, is_shown: bool = True) -> None:
        found = layer()
        found.odd += odd
        watch.columns = watch.gather.row(watch.columns, found, self._clock.mono_ns())
        if is_shown:
            self._offer(Change(watch.block, watch.columns))

    def _collect(
        self, watch: Watch, entries: Sequence[ua.MonitoredItemNotification], layers: list[Layer]
    ) -> None:
        """Sort one notification's values into layers: the hot path."""
        kinds, is_integer, n = watch.kinds, watch.gather.is_integer, len(watch.items)
        depth: dict[int, int] = {}
        time_us = nodes.time_us
        for entry in entries:
            slot = entry.ClientHandle
            if slot >= n:
                continue
            at = depth.get(slot, 0)
            depth[slot] = at + 1
            if at == len(layers):
                layers.append(layer())
            data = entry.Value
            variant, status = data.Value, data.StatusCode
            kind = kinds[slot]
            if (
                kind is not None
                and variant is not None
                and variant.VariantType is kind
                and variant.Value is not None
                and not variant.is_array
                and (status is None or status.value == GOOD)
            ):
                plain = layers[at].integers if is_integer[slot] else layers[at].floats
                plain.slots.append(slot)
                plain.numbers.append(variant.Value)
                plain.times_us.append(time_us(data.SourceTimestamp or data.ServerTimestamp))
            else:
                value, when = nodes.decode_value(watch.items[slot], data)
                layers[at].odd.append(Odd(slot, value, when))
                if status is not None and has_overflowed(int(status.value)):
                    self.overflows += 1

    # Loss.

    async def _republish(self, client: Client, watch: Watch, *, is_open_end: bool) -> None:
        """Ask for missing messages, oldest first.

        Args:
            client: connected.
            watch: its order says what is missing.
            is_open_end: True asks on until the server has no further one.
        """
        subscription = self.actual[watch.block].server_id
        assert subscription is not None
        for _ in range(REPUBLISH_MAX):
            sequence = watch.order.missing
            if sequence is None:
                if not is_open_end:
                    return
                sequence = watch.order.expected
            try:
                message = await client.uaclient.session.republish(subscription, sequence)
            except UaStatusCodeError as error:
                code = int(error.code)
                if is_session_gone(code):
                    raise
                if code >> 16 != BAD_MESSAGE_NOT_AVAILABLE >> 16:
                    watch.is_dead = True
                    return
                is_lost = watch.order.missing is not None
                self._hand_on(watch, watch.order.not_available(sequence))
                if not is_lost:
                    return
                continue
            watch.heard_ns = self._clock.mono_ns()
            body = list(message.NotificationData or ())
            self._hand_on(watch, watch.order.message(int(message.SequenceNumber), body))

    def _unsubscribe(self, watch: Watch) -> None:
        """The subscription is gone: what comes between its last row and the next is a gap."""
        there = self.actual.get(watch.block, Actual())
        if there.server_id is not None:
            self._by_id.pop(there.server_id, None)
            self._open_gap(watch)
            watch.covered = watch.columns.source_us.copy()
            watch.pending = watch.covered > 0
        watch.is_dead = False
        watch.order = Order()
        self.actual[watch.block] = reconcile.unsubscribed(there)

    def _watch_gap(self, watch: Watch, one: Layer) -> None:
        """The first report of each point ends its gap; all together are one errand."""
        assert watch.covered is not None
        assert watch.pending is not None
        reported = np.zeros(len(watch.items), np.bool_)
        reported[[*one.floats.slots, *one.integers.slots, *(o.slot for o in one.odd)]] = True
        covered = np.where(watch.pending & reported, watch.covered, 0)
        windows, seen = gap_of(covered, watch.columns.source_us, watch.instants)
        watch.windows.update(windows)
        watch.seen.update(seen)
        watch.pending &= ~reported
        if not watch.pending.any():
            self._open_gap(watch)

    def _open_gap(self, watch: Watch) -> None:
        watch.covered = None
        if watch.windows:
            self.fills.append(Fill(watch.block, len(watch.items), watch.windows, watch.seen))
        watch.windows, watch.seen = {}, {}

    def _wanted(self, block: int) -> Wanted:
        return next(one for one in self._desired if one.block == block)

    def _node_id(self, block: int, slot: int) -> ua.NodeId:
        found = self._node_ids[self.watches[block].items[slot].node]
        assert found is not None, "unnamed items are not asked for"
        return found


def _watch(block: int, items: tuple[NodeItem, ...], now_ns: int) -> Watch:
    gather = Gather(items)
    kinds = [
        ua.VariantType[_VARIANTS.get(item.type, item.type.title())] if is_plain else None
        for item, is_plain in zip(items, gather.is_plain, strict=True)
    ]
    return Watch(block, items, kinds, gather, initial(len(items), now_ns), heard_ns=now_ns)


_VARIANTS: Mapping[str, str] = {
    "sbyte": "SByte",
    "uint16": "UInt16",
    "uint32": "UInt32",
    "uint64": "UInt64",
}


def _nobody(_result: ua.PublishResult) -> None:
    """Stand where the library wants a callback: its own publish loop never runs."""
