"""Keeps a part running with bounded restarts; shields a handler.  Shell: asyncio timers.

The only `except Exception` of the centre stands here.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from central import events
from proto.backoff import backoff_ns
from proto.clock import Clock
from proto.errors import ConfigError, YujingError

RESTARTS_MAX = 5  # within RESTART_WINDOW_NS; then the process ends and the service manager decides
RESTART_WINDOW_NS = 60_000_000_000
BACKOFF_BASE_NS = 200_000_000
BACKOFF_CAP_NS = 10_000_000_000


class GaveUp(YujingError):
    """A part has used up its restarts."""


async def keep_running(name: str, part: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Run `part`; when it fails, run it again with back-off; give up loudly.

    Raises:
        ConfigError: at once.
        GaveUp: more than RESTARTS_MAX failures within RESTART_WINDOW_NS.
    """
    failures: list[int] = []
    while True:
        try:
            await part()
        except ConfigError:
            raise  # the operator must mend it: trying again does not help
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


async def shielded(method: str, handler: Callable[[], Awaitable[None]]) -> str | None:
    """Run a handler; return None, or the number of the incident when it failed for our own fault.

    The peer is given the number alone; what happened stands in the log.
    """
    try:
        await handler()
    except Exception as error:  # noqa: BLE001 - the one shield around a handler
        incident = f"{random.getrandbits(48):012x}"
        events.handler_failed(incident, method, repr(error))
        return incident
    return None
