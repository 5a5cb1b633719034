"""Keeps a part running with bounded restarts; shields a handler.  Shell: asyncio timers.

The only `except Exception` of the centre stands here.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from central import events
from proto.backoff import backoff_ns
from proto.clock import Clock
from proto.errors import YujingError

RESTARTS_MAX = 5  # within RESTART_WINDOW_NS; then the process ends and the service manager decides
RESTART_WINDOW_NS = 60_000_000_000
BACKOFF_BASE_NS = 200_000_000
BACKOFF_CAP_NS = 10_000_000_000


class GaveUp(YujingError):
    """A part has used up its restarts."""


async def keep_running(name: str, part: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Run `part`; when it fails, run it again with back-off; give up loudly.

    Raises:
        GaveUp: more than RESTARTS_MAX failures within RESTART_WINDOW_NS.
    """
    failures: list[int] = []
    while True:
        try:
            await part()
        except Exception as error:
            now = clock.mono_ns()
            failures = [*[at for at in failures if now - at < RESTART_WINDOW_NS], now]
            if len(failures) > RESTARTS_MAX:
                events.task_gave_up(name, repr(error))
                raise GaveUp("task.gave_up", f"{name}: {error!r}") from error
            events.task_restarted(name, len(failures), repr(error))
        else:
            return
        pause_ns = backoff_ns(
            len(failures) - 1,
            base_ns=BACKOFF_BASE_NS,
            cap_ns=BACKOFF_CAP_NS,
            fraction=random.random(),  # noqa: S311 - jitter, not a secret
        )
        await asyncio.sleep(pause_ns / 1e9)


async def shielded(
    method: str,
    handler: Callable[[], Awaitable[None]],
    on_failure: Callable[[str], Awaitable[None]],
) -> None:
    """Run a handler; the peer learns of a failure of ours only by the incident's number.

    gRPC and our own errors are no concern of this shield: the handler turns its own into a status.
    """
    try:
        await handler()
    except Exception as error:
        if getattr(error, "code", None) == _ABORTED_BY_US:
            raise
        incident = f"{random.getrandbits(48):012x}"
        events.handler_failed(incident, method, repr(error))
        await on_failure(incident)


_ABORTED_BY_US = object()
