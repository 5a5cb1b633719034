"""What we want of a server against what it has created: the next requests.  Pure.

| state    | event                         | next                                              |
|----------|-------------------------------|---------------------------------------------------|
| WANTED   | created                       | CREATED, revised sampling and queue kept          |
| WANTED   | refused with a status         | REFUSED until `retry_ns`, then asked again        |
| WANTED   | namespace unknown             | not asked: its point is BAD(CONFIG)               |
| REFUSED  | retry time over               | asked again                                       |
| CREATED  | its subscription gone         | WANTED                                            |
| CREATED  | other mode, sampling wanted   | one request to change it                          |

`reconcile` changes nothing: it returns the next actions, and `applied` folds their results.  One
item's error is its own; a call refused as too big is asked again in halves.  Both sides are
compared by what was *asked*, so that a server that revises a value is not asked for ever.

Clause: acquisition.md 3.13.2; OPC UA Part 4, 5.13.2 (CreateMonitoredItems), 5.13.4, 5.14.2.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from devices.opcua.status_code import (
    BAD_NODE_ID_INVALID,
    BAD_NODE_ID_UNKNOWN,
    BAD_NOT_READABLE,
    BAD_USER_ACCESS_DENIED,
    is_bad,
)

MINUTE_NS = 60_000_000_000
UNKNOWN_NODE_NS = 5 * MINUTE_NS
UNKNOWN_NODE_NS_MAX = 60 * MINUTE_NS
DENIED_NS = 30 * MINUTE_NS
OTHER_NS = MINUTE_NS
OTHER_NS_MAX = 30 * MINUTE_NS
SUBSCRIPTION_NS = 5_000_000_000
SUBSCRIPTION_NS_MAX = 5 * MINUTE_NS


class ItemState(Enum):
    """Where one item stands."""

    WANTED = auto()
    CREATED = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One subscription as it shall be.

    Attributes:
        block: index of its block; the key of everything here.
        slots: items, by position in the block; those of unknown namespaces are in `unnamed`.
        unnamed: positions that no namespace of this server can name.
        publishing_ms, sampling_ms: asked for.
        queue: values that the server shall keep of one item.
        is_reporting: False = sample without reporting (standby of a pair).
    """

    block: int
    slots: tuple[int, ...]
    publishing_ms: float
    sampling_ms: float
    queue: int
    unnamed: frozenset[int] = frozenset()
    is_reporting: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it is.

    Attributes:
        state: WANTED, CREATED or REFUSED.
        server_id: the server's number of it, once created.
        status: why it was refused; 0 for an unknown namespace.
        refusals: in a row.
        retry_ns: when a refused item is wanted again.
        asked_ms, sampling_ms, queue: sampling as asked and as revised; queue as revised.
        is_reporting: its mode.
    """

    state: ItemState = ItemState.WANTED
    server_id: int = 0
    status: int = 0
    refusals: int = 0
    retry_ns: int = 0
    asked_ms: float = 0.0
    sampling_ms: float = 0.0
    queue: int = 0
    is_reporting: bool = True

    @property
    def is_told(self) -> bool:
        """True for an item that exists and reports."""
        return self.state is ItemState.CREATED and self.is_reporting


@dataclass(frozen=True, slots=True)
class Actual:
    """One subscription as it is.

    Attributes:
        server_id: the server's number of it; None = there is none.
        items: by position in the block; one that is not here is WANTED.
        asked_ms, publishing_ms: publishing interval as asked and as revised.
        keep_alive_ms, lifetime_ms: as revised.
        refusals, retry_ns: of the subscription itself.
    """

    server_id: int | None = None
    items: Mapping[int, Item] = field(default_factory=dict)
    asked_ms: float = 0.0
    publishing_ms: float = 0.0
    keep_alive_ms: float = 0.0
    lifetime_ms: float = 0.0
    refusals: int = 0
    retry_ns: int = 0


@dataclass(frozen=True, slots=True)
class CreateSubscription:
    """Create the subscription of a block."""

    block: int
    publishing_ms: float


@dataclass(frozen=True, slots=True)
class CreateItems:
    """Create these items of a block's subscription, in one request."""

    block: int
    subscription: int
    slots: tuple[int, ...]
    sampling_ms: float
    queue: int
    is_reporting: bool


@dataclass(frozen=True, slots=True)
class ModifyItems:
    """Ask for another sampling interval or queue of these items."""

    block: int
    subscription: int
    slots: tuple[int, ...]
    server_ids: tuple[int, ...]
    sampling_ms: float
    queue: int


@dataclass(frozen=True, slots=True)
class SetMode:
    """Let these items report, or sample only."""

    block: int
    subscription: int
    slots: tuple[int, ...]
    server_ids: tuple[int, ...]
    is_reporting: bool


@dataclass(frozen=True, slots=True)
class DeleteItems:
    """Delete items that nobody wants any more."""

    block: int
    subscription: int
    slots: tuple[int, ...]
    server_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DeleteSubscription:
    """Delete a subscription whose block nobody wants any more."""

    block: int
    subscription: int


Action = CreateSubscription | CreateItems | ModifyItems | SetMode | DeleteItems | DeleteSubscription


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The server's word on one item of a request."""

    status: int
    server_id: int = 0
    sampling_ms: float = 0.0
    queue: int = 0


def reconcile(
    desired: Sequence[Wanted], actual: Mapping[int, Actual], per_call: int, now_ns: int
) -> list[Action]:
    """Return what to ask next, deletions first; empty where nothing is due.

    Args:
        desired: one entry a block.
        actual: as it is, by block.
        per_call: items of one request.
        now_ns: monotonic.
    """
    actions: list[Action] = []
    wanted = {one.block for one in desired}
    for block, there in actual.items():
        if block not in wanted and there.server_id is not None:
            actions.append(DeleteSubscription(block, there.server_id))
    for one in desired:
        there = actual.get(one.block, Actual())
        if there.server_id is None:
            if now_ns >= there.retry_ns:
                actions.append(CreateSubscription(one.block, one.publishing_ms))
            continue
        actions += _items(one, there, there.server_id, per_call, now_ns)
    return actions


def _items(
    one: Wanted, there: Actual, subscription: int, per_call: int, now_ns: int
) -> list[Action]:
    mine = set(one.slots)
    gone = [
        slot
        for slot, item in there.items.items()
        if slot not in mine and item.state is ItemState.CREATED
    ]
    due: list[int] = []
    remode: list[int] = []
    resample: list[int] = []
    for slot in one.slots:
        item = there.items.get(slot, Item())
        if item.state is ItemState.CREATED:
            if item.is_reporting != one.is_reporting:
                remode.append(slot)
            if item.asked_ms != one.sampling_ms:
                resample.append(slot)
        elif slot not in one.unnamed and _is_due(item, now_ns):
            due.append(slot)
    ids = {slot: item.server_id for slot, item in there.items.items()}
    block, ms, queue, reports = one.block, one.sampling_ms, one.queue, one.is_reporting
    chunks = {
        name: list(_chunks(slots, per_call))
        for name, slots in (("gone", gone), ("due", due), ("ms", resample), ("mode", remode))
    }
    return [
        *(DeleteItems(block, subscription, some, _of(ids, some)) for some in chunks["gone"]),
        *(CreateItems(block, subscription, some, ms, queue, reports) for some in chunks["due"]),
        *(
            ModifyItems(block, subscription, some, _of(ids, some), ms, queue)
            for some in chunks["ms"]
        ),
        *(SetMode(block, subscription, some, _of(ids, some), reports) for some in chunks["mode"]),
    ]


def subscribed(
    before: Actual,
    *,
    server_id: int,
    asked_ms: float,
    publishing_ms: float,
    keep_alive_ms: float,
    lifetime_ms: float,
) -> Actual:
    """Return the block after its subscription was created; all its items are wanted anew."""
    kept = {s: i for s, i in before.items.items() if i.state is ItemState.REFUSED}
    return Actual(
        server_id=server_id,
        items=kept,
        asked_ms=asked_ms,
        publishing_ms=publishing_ms,
        keep_alive_ms=keep_alive_ms,
        lifetime_ms=lifetime_ms,
    )


def unsubscribed(before: Actual, now_ns: int = 0, *, is_refused: bool = False) -> Actual:
    """Return the block after its subscription was lost, or its creation refused."""
    kept = {s: i for s, i in before.items.items() if i.state is ItemState.REFUSED}
    if not is_refused:
        return Actual(items=kept)
    refusals = before.refusals + 1
    pause = _doubled(SUBSCRIPTION_NS, refusals, SUBSCRIPTION_NS_MAX)
    return Actual(items=kept, refusals=refusals, retry_ns=now_ns + pause)


def applied(
    before: Actual,
    action: CreateItems | ModifyItems | SetMode | DeleteItems,
    results: Sequence[ItemResult],
    now_ns: int,
) -> Actual:
    """Return the block after the server's word on every item of `action`, in its order."""
    items = dict(before.items)
    for slot, result in zip(action.slots, results, strict=True):
        item = items.get(slot, Item())
        if isinstance(action, DeleteItems):
            items.pop(slot, None)
        elif isinstance(action, CreateItems):
            items[slot] = _created(item, action, result, now_ns)
        elif isinstance(action, SetMode):
            items[slot] = replace(item, is_reporting=action.is_reporting)
        else:
            revised = (
                item
                if is_bad(result.status)
                else replace(item, sampling_ms=result.sampling_ms, queue=result.queue)
            )
            items[slot] = replace(revised, asked_ms=action.sampling_ms)
    return replace(before, items=items)


def _created(item: Item, action: CreateItems, result: ItemResult, now_ns: int) -> Item:
    if is_bad(result.status):
        return refused(item, result.status, now_ns)
    return Item(
        ItemState.CREATED,
        server_id=result.server_id,
        asked_ms=action.sampling_ms,
        sampling_ms=result.sampling_ms,
        queue=result.queue,
        is_reporting=action.is_reporting,
    )


def refused(item: Item, status: int, now_ns: int) -> Item:
    """Return an item after its refusal: asked again after a pause that fits the reason."""
    refusals = item.refusals + 1
    if status in (BAD_NODE_ID_UNKNOWN, BAD_NODE_ID_INVALID):
        pause = _doubled(UNKNOWN_NODE_NS, refusals, UNKNOWN_NODE_NS_MAX)
    elif status in (BAD_USER_ACCESS_DENIED, BAD_NOT_READABLE):
        pause = DENIED_NS
    else:
        pause = _doubled(OTHER_NS, refusals, OTHER_NS_MAX)
    return Item(ItemState.REFUSED, status=status, refusals=refusals, retry_ns=now_ns + pause)


def next_ns(desired: Sequence[Wanted], actual: Mapping[int, Actual]) -> int | None:
    """Return when something refused is wanted again; None when nothing is refused."""
    times = [there.retry_ns for there in actual.values() if there.server_id is None]
    for one in desired:
        items = actual.get(one.block, Actual()).items
        times += [
            item.retry_ns
            for slot, item in items.items()
            if item.state is ItemState.REFUSED and slot not in one.unnamed
        ]
    return min(times, default=None)


def slower(one: Wanted, there: Actual) -> tuple[float, float]:
    """Return publishing and sampling in ms where the server is slower than asked; else 0."""
    publishing = there.publishing_ms if there.publishing_ms > one.publishing_ms * 1.001 else 0.0
    sampling = max((item.sampling_ms for item in there.items.values()), default=0.0)
    return publishing, sampling if sampling > one.sampling_ms * 1.001 else 0.0


def figures(one: Wanted, there: Actual) -> dict[str, float]:
    """Return what was asked and what the server made of it, in ms; empty without a subscription."""
    if there.server_id is None:
        return {}
    created = [item for item in there.items.values() if item.state is ItemState.CREATED]
    return {
        "asked_publishing_ms": one.publishing_ms,
        "publishing_ms": there.publishing_ms,
        "asked_sampling_ms": one.sampling_ms,
        "sampling_ms": max((item.sampling_ms for item in created), default=0.0),
        "asked_queue": one.queue,
        "queue": min((item.queue for item in created), default=0),
        "keep_alive_ms": there.keep_alive_ms,
        "lifetime_ms": there.lifetime_ms,
    }


def _is_due(item: Item, now_ns: int) -> bool:
    return item.state is ItemState.WANTED or now_ns >= item.retry_ns


def _doubled(pause_ns: int, refusals: int, most_ns: int) -> int:
    return min(most_ns, pause_ns << min(refusals - 1, 16))


def _chunks(slots: Sequence[int], size: int) -> Iterable[tuple[int, ...]]:
    return (tuple(slots[at : at + size]) for at in range(0, len(slots), max(1, size)))


def _of(ids: Mapping[int, int], slots: Iterable[int]) -> tuple[int, ...]:
    return tuple(ids[slot] for slot in slots)
