"""Publish requests that wait at the server, and what their answers bring.  Shell: sockets.

The library's own loop sends one Publish at a time, acknowledges what nobody has stored, drops the
acknowledgements of a failed Publish and ends silently.  Here k loops share the work; an
acknowledgement leaves only when its rows are on disk, and comes back when its Publish failed.
"""

import asyncio
from collections.abc import Callable, Sequence

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.uaerrors import UaStatusCodeError

from devices.opcua.limits import PUBLISHES
from devices.opcua.session import FOREIGN_ERRORS

_TOO_MANY = 0x8078
_NO_SUBSCRIPTION = 0x8079
_PAUSE_S = 0.2

Ack = tuple[int, int]
"""(subscription, sequence number)."""


class Publisher:
    """The publish loops of one session.

    Attributes:
        allowed: loops that the server bears; one less for good on Bad_TooManyPublishRequests.
        is_idle: True when no loop runs: nothing will be reported until the next start.
    """

    def __init__(
        self,
        *,
        take: Callable[[ua.PublishResult], None],
        acks: Callable[[], list[Ack]],
        put_back: Callable[[Sequence[Ack]], None],
        none_left: Callable[[], None],
    ) -> None:
        self.allowed = PUBLISHES
        self._take, self._acks, self._put_back = take, acks, put_back
        self._none_left = none_left
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._room.set()

    @property
    def is_idle(self) -> bool:
        """True when no loop runs."""
        return not self._tasks

    @property
    def is_paused(self) -> bool:
        """True while nobody fetches what came."""
        return not self._room.is_set()

    def pause(self) -> None:
        """Ask for no more until `resume`: the server keeps what comes."""
        self._room.clear()

    def resume(self) -> None:
        """Go on asking."""
        self._room.set()

    def start(self, client: Client) -> None:
        """Run as many loops as the server bears."""
        for _ in range(self.allowed - len(self._tasks)):
            task = asyncio.create_task(self._loop(client), name="opcua.publish")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End all loops; what they were to acknowledge comes back."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    async def _loop(self, client: Client) -> None:
        while True:
            await self._room.wait()
            acks = self._acks()
            is_sent = False
            try:
                response = await client.uaclient.session.publish(
                    [ua.SubscriptionAcknowledgement(*ack) for ack in acks]
                )
                is_sent = True
            except UaStatusCodeError as error:
                if self._is_over(int(error.code) >> 16):
                    return
            except OSError:
                return  # the watchdog of the session sees it as well
            except FOREIGN_ERRORS:
                pass  # one answer that nobody can read: its number is missing, and is asked for
            finally:
                if not is_sent:
                    self._put_back(acks)
            if is_sent:
                self._take(response.Parameters)
            else:
                await asyncio.sleep(_PAUSE_S)

    def _is_over(self, code: int) -> bool:
        """Judge a refused Publish; True ends this loop."""
        if code == _NO_SUBSCRIPTION:
            self._none_left()
            return True
        if code == _TOO_MANY and self.allowed > 1:
            self.allowed -= 1
            return True
        return False
