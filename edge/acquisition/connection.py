"""Opens one connection, and opens it again with growing pauses.  Shell: driver, timers.

The pauses grow with full jitter from 0.1 s to 5 s; a connection that had answered is opened again
at once, a slot that somebody else holds is tried once in 5 s.  However many lines there are, only
`CONNECTS_MAX` are being opened at a time.  Source: `acquisition.md` 3.3, 3.8, 3.19.
"""

import asyncio
from collections.abc import Callable

from devices.driver import Driver
from devices.failure import failure_of
from proto.backoff import backoff_ns
from proto.errors import DeviceError
from proto.quality import Detail, Reason

RETRY_NS_MIN, RETRY_NS_MAX = 10**8, 5 * 10**9
HELD_NS = 5 * 10**9
CONNECTS_MAX = 50

Lost = Callable[[tuple[Reason, int]], None]


class Connection:
    """One connection of a line."""

    def __init__(
        self,
        driver: Driver,
        lost: Lost,
        fraction: Callable[[], float],
        *,
        crowd: asyncio.Semaphore | None = None,
        first_pause_ns: int = 0,
    ) -> None:
        """Begin closed.

        Args:
            driver: that opens it.
            lost: told of each failed try, with reason and detail.
            fraction: uniform in [0, 1), for the jitter.
            crowd: shared by all lines of the gateway.
            first_pause_ns: before the first try, so that 1,000 lines are no burst.
        """
        self._driver, self._lost, self._fraction = driver, lost, fraction
        self._crowd = crowd or asyncio.Semaphore(CONNECTS_MAX)
        self._first_pause_ns = first_pause_ns
        self._broken = asyncio.Event()
        self._broken.set()
        self._attempt = 0
        self._is_held = False

    @property
    def is_open(self) -> bool:
        """True from a successful opening until a loss was noticed here."""
        return not self._broken.is_set()

    def answered(self) -> None:
        """Note an answer: the next loss is followed by a try at once."""
        self._attempt = 0

    def broke(self) -> None:
        """Note that the connection is gone: it will be opened again."""
        self._broken.set()

    async def keep(self) -> None:
        """Open the connection whenever it is closed, until cancelled."""
        if self._first_pause_ns:
            await asyncio.sleep(self._first_pause_ns / 1e9)
        while True:
            try:
                async with self._crowd:
                    await self._driver.connect()
            except DeviceError as error:
                reason, detail = failure_of(error)
                self._is_held = detail == Detail.SLOT_HELD
                self._lost((reason, int(detail)))
            else:
                self._is_held = False
                self._broken.clear()
                await self._broken.wait()
            await asyncio.sleep(self._pause_ns() / 1e9)

    def _pause_ns(self) -> int:
        """Return the pause before the next try: none after a connection that had answered."""
        if self._is_held:
            return HELD_NS
        attempt, self._attempt = self._attempt, self._attempt + 1
        if attempt == 0:
            return 0
        fraction = self._fraction()
        return backoff_ns(attempt - 1, base_ns=RETRY_NS_MIN, cap_ns=RETRY_NS_MAX, fraction=fraction)
