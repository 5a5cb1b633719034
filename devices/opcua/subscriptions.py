"""The subscriptions of one session: made as desired, kept over cuts, mended.  Shell: sockets.

`reconcile.py` says what to ask, `inbox.py` takes what is reported; this file asks the server, and
survives a session:

| found at a connect              | do                                                           |
|---------------------------------|--------------------------------------------------------------|
| the same session                | Republish from the next number until it is not available     |
| new session, transfer accepted  | the same, for what the server says it keeps                  |
| refused, silent, status change  | build anew, initial values, then the gap from history        |

Clause: acquisition.md 3.13.2 to 3.13.5; OPC UA Part 4, 5.14, 6.7.
"""

from collections.abc import Callable, Mapping, Sequence

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.uaerrors import UaStatusCodeError

from devices.driver import Note
from devices.opcua import nodes, reconcile
from devices.opcua.gather import Odd
from devices.opcua.inbox import Inbox, Watch
from devices.opcua.limits import answered, pace, too_many
from devices.opcua.reconcile import Actual, ItemState, Wanted
from devices.opcua.session import SESSION_TIMEOUT_MS
from devices.opcua.status_code import (
    BAD_MESSAGE_NOT_AVAILABLE,
    BAD_TOO_MANY_OPERATIONS,
    is_session_gone,
    judge,
    name,
)
from devices.opcua.value import nothing
from proto.clock import Clock
from proto.quality import Detail, Quality, Reason

KEEP_ALIVE_MS = 2_000
SILENCE_FACTOR = 1.5
INITIAL_NS = 5_000_000_000
"""Within it a subscription that was taken over after our own stop has told every point."""
REPUBLISH_MAX = 10_000
_NEVER_NS = 1 << 62
UNKNOWN_NODE = nothing(Quality.BAD, Reason.CONFIG, Detail.NODE_UNKNOWN)


class Subscriptions:
    """All subscriptions of one driver; they outlive connections.

    Attributes:
        actual: what the server has created, by block.
        inbox: what it reports.
        pace: items of one request.
        is_elsewhere: True while they hang on another session than the present one.
    """

    def __init__(
        self, inbox: Inbox, clock: Clock, note: Callable[[Note], None], timeout_ns: int
    ) -> None:
        self.actual: dict[int, Actual] = {}
        self.inbox = inbox
        self.pace = pace()
        self.is_elsewhere = False
        self._clock, self._note, self._timeout_ns = clock, note, timeout_ns
        self._desired: tuple[Wanted, ...] = ()
        self._slower: dict[int, tuple[float, float]] = {}
        self._due_ns = 0  # when `reconcile` has something to say
        self._node_ids: Mapping[str, ua.NodeId | None] = {}

    # What is wanted.

    def desire(self, desired: Sequence[Wanted], node_ids: Mapping[str, ua.NodeId | None]) -> None:
        """Take what is wanted, under the node ids of today."""
        self._desired, self._node_ids = tuple(desired), node_ids
        self._due_ns = 0

    @property
    def desired(self) -> tuple[Wanted, ...]:
        """What is wanted now."""
        return self._desired

    def is_needing_care(self, now_ns: int) -> bool:
        """True when something is missing, dead, silent or due; cheap, for it is asked often."""
        for watch in self.inbox.by_id.values():
            if watch.is_dead or watch.order.missing is not None:
                return True
            if 0 < watch.settled_ns <= now_ns:
                return True
        return now_ns >= self._due_ns or bool(self.inbox.silent(now_ns))

    def forget(self) -> None:
        """The server has nothing of us any more, and nothing is to be filled."""
        for watch in self.inbox.watches.values():
            self._unsubscribe(watch)
        self.inbox.forget()

    # After a connect.

    async def stand(self, client: Client, *, is_named: bool) -> None:
        """Bring the subscriptions to where they shall be.

        Args:
            client: connected.
            is_named: False where the server numbers its nodes or subscriptions anew.
        """
        if not is_named:
            self.rebuild()
        elif self.is_elsewhere:
            await self.transfer(client)
        else:
            await self.resume(client)
        await self.settle(client)

    async def resume(self, client: Client) -> None:
        """The same session on another channel: fetch what was sent into the cut, in order."""
        for watch in list(self.inbox.by_id.values()):
            await self._republish(client, watch, is_open_end=True)
            self._caught_up(watch)

    async def transfer(self, client: Client) -> None:
        """Another session: take our subscriptions over, as far as the server lets us."""
        ids = list(self.inbox.by_id)
        if not ids:
            self.is_elsewhere = False
            return
        try:
            results = await client.uaclient.session.transfer_subscriptions(
                ua.TransferSubscriptionsParameters(
                    SubscriptionIds=ids,
                    # after our own stop nobody here knows the values that do not change
                    SendInitialValues=any(w.floor is not None for w in self.inbox.watches.values()),
                )
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
        for subscription, watch in list(self.inbox.by_id.items()):
            if subscription not in taken:
                self._unsubscribe(watch)
                continue
            watch.order.available([int(n) for n in taken[subscription].AvailableSequenceNumbers])
            await self._republish(client, watch, is_open_end=True)
            self._caught_up(watch)
        self.is_elsewhere = False

    def _caught_up(self, watch: Watch) -> None:
        """All that the server had sent before is here; say once more what stands."""
        if not watch.is_catching_up:
            self.inbox.stands(watch)
            return
        watch.is_catching_up = False
        watch.heard_ns = self._clock.mono_ns()
        watch.settled_ns = watch.heard_ns + INITIAL_NS

    def rebuild(self) -> None:
        """Nothing of the old subscriptions can be used: the gap goes to history."""
        for watch in self.inbox.watches.values():
            self._unsubscribe(watch)
        self.is_elsewhere = False

    # Care, while connected.

    async def settle(self, client: Client) -> None:
        """Mend and create until nothing is due; refusals wait for their time.

        Raises:
            UaStatusCodeError: the session is gone.
        """
        for watch in list(self.inbox.watches.values()):
            if watch.order.missing is not None and not watch.is_dead:
                await self._republish(client, watch, is_open_end=False)
        dead = [watch for watch in self.inbox.by_id.values() if watch.is_dead]
        for watch in dead:
            await self._bury(client, watch)
        for watch in self.inbox.silent(self._clock.mono_ns()):
            await self._bury(client, watch)
        for watch in list(self.inbox.by_id.values()):
            if 0 < watch.settled_ns <= self._clock.mono_ns():
                await self._settle_down(client, watch)
        for _ in range(64):  # each round settles what it asks; halved requests need a few
            now = self._clock.mono_ns()
            actions = reconcile.reconcile(self._desired, self.actual, self.pace.size, now)
            if not actions:
                due = reconcile.next_ns(self._desired, self.actual)
                self._due_ns = _NEVER_NS if due is None else due
                self._tell_slower()
                return
            for action in actions:
                if not await self._act(client, action):
                    break

    async def _settle_down(self, client: Client, watch: Watch) -> None:
        """End the time after our own stop; a server that kept initial values back is asked anew."""
        watch.floor, watch.settled_ns = None, 0
        items = self.actual.get(watch.block, Actual()).items
        reason = watch.columns.reason
        if any(reason[s] == Reason.INIT and i.is_told for s, i in items.items()):
            await self._bury(client, watch)

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
        watch = self.inbox.watches[action.block]
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
            self.inbox.put(watch, [Odd(at, refused, 0) for at in range(len(watch.items))])
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
        self.inbox.begin(watch, int(made.SubscriptionId), self.silence_ns(keep_alive_ms))
        unnamed = self._wanted(action.block).unnamed
        if unnamed:
            odd = [Odd(at, UNKNOWN_NODE, 0) for at in sorted(unnamed)]
            is_all = len(unnamed) == len(watch.items)  # else the first report shows them as well
            self.inbox.put(watch, odd, is_shown=is_all)
        return True

    def _tell_refused(self, action: reconcile.CreateItems) -> None:
        """Show refused items: a row with their status, and one note a status."""
        watch, items = self.inbox.watches[action.block], self.actual[action.block].items
        refused = [at for at in action.slots if items[at].state is ItemState.REFUSED]
        if not refused:
            return
        odd = [Odd(at, nothing(*judge(s := items[at].status), s), 0) for at in refused]
        self.inbox.put(watch, odd)
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

    def figures(self, block: int) -> dict[str, float]:
        """Return what was asked of the server for a block, and what it granted; may be empty."""
        wanted = next((one for one in self._desired if one.block == block), None)
        there = self.actual.get(block, Actual())
        return {} if wanted is None else reconcile.figures(wanted, there)

    def _tell_slower(self) -> None:
        """Say where the server is slower than asked, each time that it is otherwise than before."""
        for one in self._desired:
            found = reconcile.slower(one, self.actual.get(one.block, Actual()))
            if found != self._slower.get(one.block, (0.0, 0.0)):
                self._slower[one.block] = found
                body = {"items": len(one.slots), **self.figures(one.block)}
                if any(found):
                    self._note(Note("device.server_slower", body=body))

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
                self.inbox.hand_on(watch, watch.order.not_available(sequence))
                if not is_lost:
                    return
                continue
            watch.heard_ns = self._clock.mono_ns()
            body = list(message.NotificationData or ())
            self.inbox.hand_on(watch, watch.order.message(int(message.SequenceNumber), body))

    def silence_ns(self, keep_alive_ms: float) -> int:
        """Return how long a subscription may be silent."""
        return int(keep_alive_ms * SILENCE_FACTOR * 1e6) + self._timeout_ns

    def _unsubscribe(self, watch: Watch) -> None:
        there = self.actual.get(watch.block, Actual())
        self.inbox.end(watch, there.server_id)
        self.actual[watch.block] = reconcile.unsubscribed(there)
        self._due_ns = 0

    def _wanted(self, block: int) -> Wanted:
        return next(one for one in self._desired if one.block == block)

    def _node_id(self, block: int, slot: int) -> ua.NodeId:
        found = self._node_ids[self.inbox.watches[block].items[slot].node]
        assert found is not None, "unnamed items are not asked for"
        return found


def _nobody(_result: ua.PublishResult) -> None:
    """Stand where the library wants a callback: its own publish loop never runs."""
