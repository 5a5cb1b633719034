"""Keeps parts running: bounded restarts, then gives up loudly.  Shell: tasks, timers.

The one module of edge that catches `Exception`.  Cancellation is never caught.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from edge import events
from proto.backoff import backoff_ns
from proto.clock import Clock
from proto.errors import ConfigError

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """How often a part may fail: more than `failures` within `window_ns` and the process ends."""

    failures: int = 5
    window_ns: int = 60 * _NS
    base_ns: int = _NS // 5
    cap_ns: int = 5 * _NS


@dataclass(frozen=True, slots=True)
class Failed:
    """One part that gave up, with the errors of its last attempts, newest last."""

    part: str
    errors: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the part as a small tree, for people."""
        last = len(self.errors) - 1
        twigs = [f"   {'└' if at == last else '├'}─ {text}" for at, text in enumerate(self.errors)]
        return [f"└─ {self.part} gave up", *twigs]


class Supervisor:
    """Restarts what fails, within `limit`; `gave_up` is set when a part has used up its restarts.

    Attributes:
        restarts: restarts so far, by part.
        failed: the parts that gave up.
    """

    def __init__(self, clock: Clock, limit: Limit | None = None) -> None:
        self._clock = clock
        self._limit = limit or Limit()
        self.gave_up = asyncio.Event()
        self.restarts: dict[str, int] = {}
        self.failed: list[Failed] = []

    async def keep(self, part: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run `part` until it ends by itself or is cancelled; restart it when it fails."""
        failures: list[tuple[int, str]] = []
        while True:
            try:
                await run()
            except ConfigError as error:  # the operator must mend it: a restart cannot help
                self._give_up(part, [*(str(fault) for fault in error.faults)])
                return
            except Exception as error:  # noqa: BLE001 - the one place of edge that keeps a failed part alive
                failures.append((self._clock.mono_ns(), describe(error)))
                failures = [
                    one for one in failures if failures[-1][0] - one[0] <= self._limit.window_ns
                ]
                if len(failures) > self._limit.failures:
                    self._give_up(part, [text for _, text in failures])
                    return
                self.restarts[part] = self.restarts.get(part, 0) + 1
                events.task_restarted(
                    part=part, error=failures[-1][1], restarts=self.restarts[part]
                )
                await asyncio.sleep(self._pause_s(len(failures) - 1))
            else:
                return

    def _pause_s(self, attempt: int) -> float:
        pause = backoff_ns(
            attempt,
            base_ns=self._limit.base_ns,
            cap_ns=self._limit.cap_ns,
            fraction=random.random(),  # noqa: S311 - jitter, not a secret
        )
        return pause / _NS

    def _give_up(self, part: str, errors: Sequence[str]) -> None:
        self.failed.append(Failed(part, tuple(errors)))
        events.task_gave_up(part=part, error=errors[-1] if errors else "unknown")
        self.gave_up.set()


def describe(error: BaseException) -> str:
    """Return one line for an error; of a group the leaves, without repetition."""
    return "; ".join(dict.fromkeys(_leaves(error)))


def _leaves(error: BaseException) -> Iterator[str]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
