"""What our next start needs to go on where a server stands: ids, numbers, times.  Pure.

It is committed in the transaction of the samples that it speaks of, so that it is never ahead of
them, nor behind.  Within the lifetime of a subscription the next start takes it over
(TransferSubscriptions) and asks for every message after the last one that is on disk whole; of a
message that is on disk in part only what is newer is stored.  Where the subscription is gone, or
the server itself is another run, the source times say where the gap begins that history fills.

The time of our own stop stays the gap RESTART_CLEAN or RESTART_UNCLEAN whatever comes back: that
entry says that the gateway saw nothing then, by its own clock.  Rows that are fetched afterwards
carry their receipt as gateway time and their own source time, are counted once, as new samples, and
those of history say REPLAYED.

Clause: acquisition.md 3.13.3 to 3.13.5.
"""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from devices.opcua.plan import NodeItem
from devices.opcua.reconcile import Actual, Item, ItemState

VERSION = 1
BYTES_MAX = 64 << 20
SAME_START_US = 2_000_000
"""A server that states its start a little differently each time is still the same run."""

Window = tuple[int, int, int]
"""A gap of one point: slot, from, to (source times); to 0 = it has not ended yet."""


@dataclass(frozen=True, slots=True)
class Stand:
    """One subscribed block as it stood.

    Attributes:
        key: of its nodes, in their order.
        actual: its subscription; `server_id` None where it had none.
        sequence: number of the last message that is on disk whole; 0 = none.
        source_us: of the last row that is on disk.
        gaps: what history had still to fill.
    """

    key: str
    actual: Actual
    sequence: int
    source_us: NDArray[np.int64]
    gaps: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """One session as it stood.

    Attributes:
        namespaces: URI -> index.
        start_us: when the server had started; another one is another run of it.
        stands: by block.
    """

    namespaces: Mapping[str, int] = field(default_factory=dict)
    start_us: int = 0
    stands: Mapping[int, Stand] = field(default_factory=dict)


def key_of(items: Sequence[NodeItem]) -> str:
    """Return the name of a block over restarts: its nodes in their order."""
    return sha256("\n".join(item.node for item in items).encode()).hexdigest()[:32]


def is_same_run(before_us: int, now_us: int) -> bool:
    """True unless the server has started since; one that does not say counts as the same."""
    return not before_us or not now_us or abs(before_us - now_us) <= SAME_START_US


class Writer:
    """Makes the bytes; what does not change is encoded once."""

    def __init__(self) -> None:
        self._parts: dict[int, tuple[Actual, dict[str, object]]] = {}

    def encode(self, found: Remembered) -> bytes:
        """Return the bytes of a session."""
        blocks = [
            {
                "block": block,
                "key": one.key,
                "sequence": one.sequence,
                "source": _text(one.source_us),
                "gaps": one.gaps,
                "there": self._actual(block, one.actual),
            }
            for block, one in found.stands.items()
        ]
        row = {
            "v": VERSION,
            "start_us": found.start_us,
            "namespaces": dict(found.namespaces),
            "blocks": blocks,
        }
        return zlib.compress(json.dumps(row, separators=(",", ":")).encode(), 1)

    def _actual(self, block: int, there: Actual) -> dict[str, object]:
        known = self._parts.get(block)
        if known is None or known[0] is not there:
            known = self._parts[block] = (there, _row_of(there))
        return known[1]


def decode(data: bytes) -> Remembered | None:
    """Return the session; None for bytes that do not hold one: then nothing is taken over."""
    try:
        packed = zlib.decompressobj()
        row = json.loads(packed.decompress(data, BYTES_MAX))
        if row["v"] != VERSION:
            return None
        stands = {
            int(one["block"]): Stand(
                str(one["key"]),
                _actual_of(one["there"]),
                int(one["sequence"]),
                np.frombuffer(b64decode(one["source"]), np.int64),
                tuple((int(s), int(low), int(high)) for s, low, high in one["gaps"]),
            )
            for one in row["blocks"]
        }
        namespaces = {str(uri): int(at) for uri, at in row["namespaces"].items()}
        return Remembered(namespaces, int(row["start_us"]), stands)
    except (ValueError, LookupError, TypeError, AttributeError, zlib.error):
        return None


def _text(numbers: NDArray[np.int64]) -> str:
    return b64encode(np.ascontiguousarray(numbers, np.int64).tobytes()).decode()


def _row_of(there: Actual) -> dict[str, object]:
    created = [(s, i) for s, i in there.items.items() if i.state is ItemState.CREATED]
    return {
        "id": there.server_id,
        "asked_ms": there.asked_ms,
        "publishing_ms": there.publishing_ms,
        "keep_alive_ms": there.keep_alive_ms,
        "lifetime_ms": there.lifetime_ms,
        "slots": [slot for slot, _ in created],
        "ids": [item.server_id for _, item in created],
        "asked": [item.asked_ms for _, item in created],
        "sampling": [item.sampling_ms for _, item in created],
        "queues": [item.queue for _, item in created],
        "reports": [int(item.is_reporting) for _, item in created],
    }


def _actual_of(row: Mapping[str, object]) -> Actual:
    columns = [row[name] for name in ("slots", "ids", "asked", "sampling", "queues", "reports")]
    items: dict[int, Item] = {}
    for slot, server_id, asked, sampling, queue, reports in zip(*columns, strict=True):
        items[int(slot)] = Item(
            ItemState.CREATED,
            server_id=int(server_id),
            asked_ms=float(asked),
            sampling_ms=float(sampling),
            queue=int(queue),
            is_reporting=bool(reports),
        )
    server_id, asked_ms, publishing_ms, keep_alive_ms, lifetime_ms = (
        row[name] for name in ("id", "asked_ms", "publishing_ms", "keep_alive_ms", "lifetime_ms")
    )
    return Actual(
        server_id=None if server_id is None else int(str(server_id)),
        items=items,
        asked_ms=float(str(asked_ms)),
        publishing_ms=float(str(publishing_ms)),
        keep_alive_ms=float(str(keep_alive_ms)),
        lifetime_ms=float(str(lifetime_ms)),
    )
