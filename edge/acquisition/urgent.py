"""Work that goes before every read of a line: writes, read-backs, retries.  Shell: tasks.

A bounded queue; the owner of the line runs one after the other, and is woken from its sleep.
Source: `acquisition.md` 3.7, 3.12.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

WAITING_MAX = 64
RESOLUTION_S = 1e-6  # a shorter sleep would spin

Work = Callable[[], Awaitable[None]]


class Urgent:
    """What a line does before its next read; true while something waits."""

    def __init__(self) -> None:
        self._waiting: deque[Work] = deque()
        self._sleeper: asyncio.Future[None] | None = None

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
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)
        return True

    async def run(self) -> None:
        """Run the oldest work."""
        await self._waiting.popleft()()

    async def sleep(self, seconds: float) -> None:
        """Sleep until the time is over or something is put."""
        if self._waiting:
            return
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        sleeper = self._sleeper = loop.create_future()
        timer = loop.call_later(max(seconds, RESOLUTION_S), _wake, sleeper)
        try:
            await sleeper
        finally:
            timer.cancel()
            self._sleeper = None


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)
