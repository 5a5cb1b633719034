"""Work that goes before every read of a line: writes, read-backs, retries.  Shell: wakes a task.

A bounded queue; the owner of the line runs one after the other, and is woken from its sleep.
Source: `acquisition.md` 3.7, 3.12.
"""

from collections import deque
from collections.abc import Awaitable, Callable

WAITING_MAX = 64

Work = Callable[[], Awaitable[None]]


class Urgent:
    """What a line does before its next read; true while something waits."""

    def __init__(self) -> None:
        self._waiting: deque[Work] = deque()
        self._wake: Callable[[], None] | None = None

    def wakes(self, wake: Callable[[], None]) -> None:
        """Let `wake` be called whenever something is put."""
        self._wake = wake

    def __bool__(self) -> bool:
        """Return True while something waits."""
        return bool(self._waiting)

    def put(self, work: Work) -> bool:
        """Queue work and wake the owner; False when `WAITING_MAX` wait already.

        The work has a deadline of its own.  It may raise `DeviceUnreachable` when the connection
        is gone, and nothing else.
        """
        if len(self._waiting) >= WAITING_MAX:
            return False
        self._waiting.append(work)
        if self._wake is not None:
            self._wake()
        return True

    async def run(self) -> None:
        """Run the oldest work."""
        await self._waiting.popleft()()
