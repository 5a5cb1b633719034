"""What a server reports: notification messages to rows, in order, each once.  Shell: queues.

`sequence.py` says what may be handed on, `gather.py` makes rows of it; here are the books of each
subscription: what stands, what waits for its acknowledgement, where a gap begins and ends.

Clause: acquisition.md 3.13.3, 3.13.5; OPC UA Part 4, 5.14.5.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from asyncua import ua
from numpy.typing import NDArray

from devices.driver import BlockColumns, Change, Note
from devices.opcua import nodes
from devices.opcua.gather import Gather, Layer, Odd, copy, layer, lost
from devices.opcua.history import Fill, Instants, gap_of
from devices.opcua.monitored import initial
from devices.opcua.plan import NodeItem
from devices.opcua.publishing import Ack
from devices.opcua.sequence import Delivery
from devices.opcua.sequence import Sequence as Order
from devices.opcua.sift import is_empty, sift
from devices.opcua.status_code import GOOD, has_overflowed
from proto.clock import Clock
from proto.quality import Detail

FILLED_NS = 60_000_000_000
"""A gap that was filled is remembered for so long: by then its rows are on disk."""
FILLED_MAX = 256


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
        server_id: the server's number of its subscription; 0 = none.
        since: source times that were on disk before our last stop; None = nothing was.
        floor: the same while the server tells again what it had told; None = nothing is sifted.
        is_catching_up: messages are fetched that the server had sent before our stop.
        settled_ns: when every point must have been told after our stop; 0 = no such time.
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
    server_id: int = 0
    since: NDArray[np.int64] | None = None
    floor: list[int] | None = None
    is_catching_up: bool = False
    settled_ns: int = 0

    @property
    def source_us(self) -> NDArray[np.int64]:
        """Source time of the last value of each point, over our last stop."""
        now = self.columns.source_us
        return now if self.since is None else np.maximum(now, self.since)


class Inbox:
    """The reports of one driver; it outlives connections.

    Attributes:
        watches: by block.
        by_id: those that have a subscription, by the server's number of it.
        fills: gaps to be filled from history.
        filled: gaps that were filled lately, and when.
        overflows: values whose server had dropped older ones.
    """

    def __init__(
        self,
        blocks: Mapping[int, tuple[NodeItem, ...]],
        clock: Clock,
        offer: Callable[[Change], None],
        note: Callable[[Note], None],
    ) -> None:
        now = clock.mono_ns()
        self.watches = {block: _watch(block, items, now) for block, items in blocks.items()}
        self.by_id: dict[int, Watch] = {}
        self.fills: list[Fill] = []
        self.filled: deque[tuple[int, Fill]] = deque(maxlen=FILLED_MAX)
        self.overflows = 0
        self._clock, self._offer, self._note = clock, offer, note
        self._token = 0
        self._early = 0

    @property
    def unacknowledged(self) -> int:
        """Messages that the server still keeps for us."""
        return sum(watch.order.unacknowledged for watch in self.watches.values())

    @property
    def early_acks(self) -> int:
        """Messages acknowledged before they were on disk."""
        return self._early + sum(watch.order.early_acks for watch in self.watches.values())

    def silent(self, now_ns: int) -> list[Watch]:
        """Return the watches whose server has been silent for longer than it promised."""
        return [w for w in self.by_id.values() if now_ns - w.heard_ns > w.silence_ns]

    def hear(self) -> None:
        """Silence counts from now: nothing was asked for meanwhile."""
        now = self._clock.mono_ns()
        for watch in self.by_id.values():
            watch.heard_ns = now

    def begin(self, watch: Watch, server_id: int, silence_ns: int) -> None:
        """A subscription was created for this block."""
        watch.order = Order()
        watch.is_dead = False
        watch.silence_ns = silence_ns
        watch.heard_ns = self._clock.mono_ns()
        watch.server_id = server_id
        self.by_id[server_id] = watch

    def end(self, watch: Watch, server_id: int | None) -> None:
        """The subscription is gone: what comes between its last row and the next is a gap."""
        if server_id is not None:
            self.by_id.pop(server_id, None)
            self.gap(watch)
        watch.is_dead = False
        watch.server_id, watch.settled_ns = 0, 0
        watch.floor, watch.is_catching_up = None, False
        self._early += watch.order.early_acks
        watch.order = Order()

    def gap(self, watch: Watch) -> None:
        """What comes between the last value of each point and its next is to be filled."""
        self._open_gap(watch)
        watch.covered = watch.source_us.copy()
        watch.pending = watch.covered > 0

    def forget(self) -> None:
        """Nothing is to be filled: the driver is closed."""
        for watch in self.watches.values():
            watch.covered, watch.windows, watch.seen = None, {}, {}
        self.fills.clear()

    def fills_of(self, block: int) -> list[Fill]:
        """Return the gaps of a block whose rows may not all be on disk."""
        since_ns = self._clock.mono_ns() - FILLED_NS
        lately = [fill for at_ns, fill in self.filled if at_ns > since_ns]
        return [fill for fill in (*lately, *self.fills) if fill.block == block]

    def restate(self) -> None:
        """Show every subscribed point again: what hangs over it has changed."""
        for watch in self.by_id.values():
            self._offer(Change(watch.block, watch.columns))

    def stands(self, watch: Watch) -> None:
        """Say once more what stands: a cut has made it BAD, and nothing need have changed."""
        watch.heard_ns = self._clock.mono_ns()
        watch.columns = copy(watch.columns, watch.heard_ns)
        self._offer(Change(watch.block, watch.columns))

    def take(self, result: ua.PublishResult) -> None:
        """Take one publish response."""
        watch = self.by_id.get(int(result.SubscriptionId))
        if watch is None:
            return
        watch.heard_ns = self._clock.mono_ns()
        message = result.NotificationMessage
        sequence = int(message.SequenceNumber)
        if message.NotificationData:
            self.hand_on(watch, watch.order.message(sequence, list(message.NotificationData)))
            return
        watch.order.keep_alive(sequence)
        if watch.order.missing is None:
            watch.columns = copy(watch.columns, watch.heard_ns)
            self._offer(Change(watch.block, watch.columns, keep_alive=True))

    def none_left(self) -> None:
        """The server says that it has no subscription of ours."""
        for watch in self.by_id.values():
            watch.is_dead = True

    def acks(self) -> list[Ack]:
        """Return what may be acknowledged now."""
        return [
            (subscription, sequence)
            for subscription, watch in self.by_id.items()
            for sequence in watch.order.take_acks()
        ]

    def put_back(self, acks: Sequence[Ack]) -> None:
        """Acknowledgements whose Publish failed; those of subscriptions that are gone are void."""
        for subscription, watch in self.by_id.items():
            mine = [sequence for owner, sequence in acks if owner == subscription]
            if mine:
                watch.order.put_back(mine)

    def committed(self, token: int) -> None:
        """Every row up to `token` is on disk."""
        for watch in self.by_id.values():
            watch.order.committed(token)

    def hand_on(self, watch: Watch, deliveries: Sequence[Delivery[list[object]]]) -> None:
        """Make rows of messages that are next in order."""
        for sequence, body in ((one.sequence, one.body) for one in deliveries):
            message = (watch.server_id, sequence)
            if body is None and watch.is_catching_up:
                self.gap(watch)  # told before our stop and not on disk: the time is a gap anyhow
                continue
            if body is None:
                columns = lost(watch.columns, Detail.PUBLISH_LOST, watch.heard_ns)
                self._offer(Change(watch.block, columns, message=message))
                code = "device.publish_lost"
                self._note(Note(code, body={"sequence": sequence, "items": len(watch.items)}))
                continue
            layers: list[Layer] = []
            depth: dict[int, int] = {}
            for notification in body:
                if isinstance(notification, ua.DataChangeNotification):
                    self._collect(watch, notification.MonitoredItems or (), layers, depth)
                elif isinstance(notification, ua.StatusChangeNotification):
                    # Good_SubscriptionTransferred stands in the queue that was taken over itself
                    watch.is_dead |= notification.Status.is_bad()
            self._token += 1
            self._tell(watch, layers, message)
            watch.order.handed_on(sequence, self._token)

    def _tell(self, watch: Watch, layers: list[Layer], message: tuple[int, int]) -> None:
        """Hand on the rows of one message; the last one carries its token."""
        if watch.floor is not None:
            layers = self._sifted(watch, watch.floor, layers)
        for one in layers[:-1]:
            self._row(watch, one)
            self._offer(Change(watch.block, watch.columns))
        for one in layers[-1:]:
            self._row(watch, one)
        last = Change(watch.block, watch.columns, token=self._token, message=message)
        self._offer(last if layers else replace(last, keep_alive=True))

    def _sifted(self, watch: Watch, floor: list[int], layers: list[Layer]) -> list[Layer]:
        """Show what was on disk before our stop; return what is new."""
        found: list[Layer] = []
        for one in layers:
            known, fresh = sift(one, floor, is_catching_up=watch.is_catching_up)
            if not is_empty(known):
                self._row(watch, known)
            if not is_empty(fresh):
                found.append(fresh)
        return found

    def _row(self, watch: Watch, one: Layer) -> None:
        watch.columns = watch.gather.row(watch.columns, one, watch.heard_ns)
        if watch.covered is not None:
            self._watch_gap(watch, one)
        watch.instants.note(watch.columns.source_us)

    def put(self, watch: Watch, odd: list[Odd], *, is_shown: bool = True) -> None:
        """Set values that did not come as a report: refused and unknown items."""
        found = layer()
        found.odd += odd
        watch.columns = watch.gather.row(watch.columns, found, self._clock.mono_ns())
        if is_shown:
            self._offer(Change(watch.block, watch.columns))

    def _collect(
        self,
        watch: Watch,
        entries: Sequence[ua.MonitoredItemNotification],
        layers: list[Layer],
        depth: dict[int, int],
    ) -> None:
        """Sort one notification's values into layers: the hot path.

        `depth` counts the values of each slot over the whole message: it may hold several
        notifications, and a later value of a slot belongs into a later row.
        """
        kinds, is_integer, n = watch.kinds, watch.gather.is_integer, len(watch.items)
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
            self.fills.append(
                Fill(watch.block, len(watch.items), watch.windows, watch.seen, watch.instants)
            )
        watch.windows, watch.seen = {}, {}


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
