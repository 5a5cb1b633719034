"""Keeps parts running: bounded restarts, then gives up loudly.  Shell: tasks, timers.

The one module of edge that takes any error of a part; cancellation is never caught.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Sequence
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

    async def keep(self, part: str, run: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run `part` until it ends by itself or is cancelled; restart it when it fails."""
        failures: list[tuple[int, str]] = []
        while True:
            error = await contained(run())
            if error is None:
                return
            if isinstance(error, ConfigError):  # the operator must mend it: no restart can help
                self._give_up(part, [str(fault) for fault in error.faults])
                return
            failures = self._after(failures, error)
            if len(failures) > self._limit.failures:
                self._give_up(part, [text for _, text in failures])
                return
            self.restarts[part] = self.restarts.get(part, 0) + 1
            events.task_restarted(part=part, error=failures[-1][1], restarts=self.restarts[part])
            await asyncio.sleep(self._pause_s(len(failures) - 1))

    def _after(
        self, failures: Sequence[tuple[int, str]], error: BaseException
    ) -> list[tuple[int, str]]:
        """Return the failures that still count, with the newest."""
        now_ns = self._clock.mono_ns()
        recent = [one for one in failures if now_ns - one[0] <= self._limit.window_ns]
        return [*recent, (now_ns, describe(error))]

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


async def contained(work: Coroutine[None, None, None]) -> BaseException | None:
    """Run `work` in a task of its own and return the error that ended it, or None.

    The caller's own cancellation comes through and takes the work with it.  Were the work awaited
    directly, a TaskGroup in it that is failing just then would hide the cancellation: it raises its
    group instead (Python before 3.13).
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()
        await asyncio.wait([task])
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
    return error


def describe(error: BaseException) -> str:
    """Return one line for an error; of a group the leaves, without repetition."""
    lines = [f"{type(one).__name__}: {one}".removesuffix(": ") for one in leaves(error)]
    return "; ".join(dict.fromkeys(lines))


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors of a group, of the groups in it, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error
