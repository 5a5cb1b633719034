"""What a live page is made of, and when a client is sent what: state, never a queue.  Pure.

A stream carries whole blocks, each the newest state: what a slow client missed is not sent later,
it is replaced.  So drops, resyncs and reconnects all end at what a fresh load would show.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

BEAT_S: Final = 10.0
PAUSE_S: Final = 0.4  # between two looks at the board for one client
STREAMS_MAX: Final = 500
SEND_TIMEOUT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a page: its id, what it depends on, and how it is printed.

    Attributes:
        mark: equal marks mean that nothing changed but time, which the browser advances itself.
    """

    id: str
    mark: object
    template: str
    context: Mapping[str, object]


def changed(blocks: Iterable[Block], sent: Mapping[str, object]) -> list[Block]:
    """Return the blocks whose mark differs from what was sent, in order."""
    return [block for block in blocks if block.id not in sent or sent[block.id] != block.mark]


def message(data: str, *, event: str = "", identity: str = "") -> bytes:
    """Return one event of the stream; content is unnamed, control is named.

    Source: HTML, server-sent events: a line break in data begins another `data:` line.
    """
    head = (f"event: {event}\n" if event else "") + (f"id: {identity}\n" if identity else "")
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return (head + "".join(f"data: {line}\n" for line in lines) + "\n").encode()


def must_resync(last_event_id: str, generation: str) -> bool:
    """True when the client comes from another run of the server."""
    return bool(last_event_id) and last_event_id.partition("-")[0] != generation
