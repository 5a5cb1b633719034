"""The notifications of one subscription: in order, none twice, acknowledged when on disk.  Pure.

A server numbers its notification messages and keeps each until it is acknowledged.  Publish
responses and republished messages come in here in any order; what goes out is in order, each once.

| event                        | what happens                                                   |
|------------------------------|----------------------------------------------------------------|
| message, expected number     | handed on, and what was held behind it                         |
| message, older number        | dropped: it was handed on before                               |
| message, keep-alive, later   | held; the numbers between are `missing`: to be republished     |
| republished                  | as a message                                                   |
| Bad_MessageNotAvailable      | the number is handed on as LOST: a BAD row for its items       |
| committed(token)             | every message up to it may be acknowledged                     |
| > 50 unacknowledged          | the oldest is acknowledged early, and counted                  |
| Publish failed               | its acknowledgements are put back                              |

Clause: OPC UA Part 4, 5.14.1.4 (sequence numbers start at 1 and wrap to 1), 5.14.5, 5.14.6, 6.7.
"""

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

UNACKNOWLEDGED_MAX = 50
"""A server keeps few messages: node-opcua 100, smaller ones less (`acquisition.md` 3.13.3)."""
HELD_MAX = 64
"""Messages behind a hole; beyond it the hole is given up."""
_LAST = 0xFFFF_FFFF

Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Body]):
    """One message to be handed on; `body` is None where the server no longer had it."""

    sequence: int
    body: Body | None


def after(sequence: int) -> int:
    """Return the number that follows."""
    return 1 if sequence >= _LAST else sequence + 1


def distance(low: int, high: int) -> int:
    """Return how far `high` is ahead of `low`; negative when it is behind, over the wrap."""
    ahead = (high - low) % _LAST
    return ahead if ahead <= _LAST // 2 else ahead - _LAST


class Sequence(Generic[Body]):
    """The order of one subscription.

    Attributes:
        expected: number of the next message.
        early_acks: messages acknowledged before they were on disk.
        lost: messages that the server no longer had.
    """

    def __init__(self, expected: int = 1) -> None:
        self.expected = expected
        self.early_acks = 0
        self.lost = 0
        self._held: dict[int, Body] = {}
        self._known_to = expected  # one beyond the newest number that is known to exist
        self._unacknowledged: deque[tuple[int, int]] = deque()
        self._acks: deque[int] = deque()

    @property
    def missing(self) -> int | None:
        """The number to republish next, or None: everything known of is here."""
        return self.expected if distance(self.expected, self._known_to) > 0 else None

    @property
    def unacknowledged(self) -> int:
        """Messages handed on and not yet acknowledged."""
        return len(self._unacknowledged) + len(self._acks)

    def message(self, sequence: int, body: Body) -> list[Delivery[Body]]:
        """Take a message that carries notifications; return what may be handed on now."""
        ahead = distance(self.expected, sequence)
        if ahead < 0:
            return []
        self._hear_of(after(sequence))
        if ahead > 0:
            self._held[sequence] = body
            return self._overfull()
        self.expected = after(sequence)
        return [Delivery(sequence, body), *self._follow()]

    def keep_alive(self, sequence: int) -> None:
        """Take a keep-alive: `sequence` is the number that the next message will have."""
        if distance(self.expected, sequence) > 0:
            self._hear_of(sequence)

    def available(self, sequences: list[int]) -> None:
        """Take the numbers that the server says it still keeps."""
        for sequence in sequences:
            if distance(self.expected, sequence) >= 0:
                self._hear_of(after(sequence))

    def not_available(self, sequence: int) -> list[Delivery[Body]]:
        """Take Bad_MessageNotAvailable: LOST if the message existed; else it is yet to come."""
        if sequence != self.expected or self.missing is None:
            return []
        self.lost += 1
        self.expected = after(sequence)
        return [Delivery(sequence, None), *self._follow()]

    def handed_on(self, sequence: int, token: int) -> None:
        """Note that the rows of a message left under `token`."""
        self._unacknowledged.append((sequence, token))
        if len(self._unacknowledged) > UNACKNOWLEDGED_MAX:
            oldest, _ = self._unacknowledged.popleft()
            self._acks.append(oldest)
            self.early_acks += 1

    def committed(self, token: int) -> int:
        """Everything up to `token` is on disk; returns how many messages that freed."""
        before = len(self._acks)
        while self._unacknowledged and self._unacknowledged[0][1] <= token:
            self._acks.append(self._unacknowledged.popleft()[0])
        return len(self._acks) - before

    def take_acks(self) -> list[int]:
        """Return the numbers to acknowledge with the next Publish."""
        taken = list(self._acks)
        self._acks.clear()
        return taken

    def put_back(self, acks: list[int]) -> None:
        """The Publish that carried them failed: nobody knows whether they arrived."""
        self._acks.extendleft(reversed(acks))

    def _hear_of(self, beyond: int) -> None:
        if distance(self._known_to, beyond) > 0:
            self._known_to = beyond

    def _follow(self) -> list[Delivery[Body]]:
        ready: list[Delivery[Body]] = []
        while (body := self._held.pop(self.expected, None)) is not None:
            ready.append(Delivery(self.expected, body))
            self.expected = after(self.expected)
        if distance(self._known_to, self.expected) > 0:
            self._known_to = self.expected
        return ready

    def _overfull(self) -> list[Delivery[Body]]:
        """Give up a hole that nothing fills while messages pile up behind it."""
        ready: list[Delivery[Body]] = []
        while len(self._held) > HELD_MAX:
            ready += self.not_available(self.expected)
        return ready
