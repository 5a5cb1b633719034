"""One timer for everything in the gateway that beats: scan, alarms, log, uplink.  Shell: a timer.

A process that is woken pays more for waking than for most of what it then does: what beats shares
one grid of absolute deadlines, the most frequent first, and is called without waking a task.  A
late timer skips whole beats and tells of them; nothing runs twice to catch up.  An error ends the
task that asked for the beat, as if it had happened there.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from edge.grid import Grid, beat_after
from proto.clock import Clock

PULSE_NS = 50 * 10**6
"""Period of the pulse: that of the scan."""

Act = Callable[[int, int], None]
"""Called at a beat with (its beats that were skipped before it, ns that this one is late)."""


@dataclass(slots=True, eq=False)
class _Part:
    act: Act
    every: int
    due: int
    done: asyncio.Future[None]


class Pulse:
    """Calls its parts on one grid, as long as it has any.

    With `start_ns` the grid goes through that instant, so that it falls together with the slots of
    the lines; else it begins with the first part.
    """

    def __init__(self, clock: Clock, *, start_ns: int | None = None) -> None:
        self._clock, self._start_ns = clock, start_ns
        self._grid = Grid(0, PULSE_NS)
        self._parts: list[_Part] = []
        self._beat = 0
        self._timer: asyncio.TimerHandle | None = None

    async def keep(self, act: Act, every: int = 1) -> None:
        """Call `act` at every `every`-th beat, the next one first, until cancelled or it fails."""
        await self._run(_Part(act, every, 0, asyncio.get_running_loop().create_future()))

    async def until(self, holds: Callable[[], bool], every: int = 1) -> None:
        """Wait for a beat, of every `every`-th from now, at which something holds."""
        done = asyncio.get_running_loop().create_future()

        def look(_skipped: int, _late_ns: int) -> None:
            if not done.done() and holds():
                done.set_result(None)

        await self._run(_Part(look, every, every - 1, done))

    async def _run(self, part: _Part) -> None:
        if self._timer is None:
            now_ns = self._clock.mono_ns()
            start_ns = now_ns if self._start_ns is None else self._start_ns % PULSE_NS
            self._grid = Grid(start_ns, PULSE_NS)
            self._set_timer(self._grid.last_due(now_ns - 1), now_ns)
        part.due += self._beat
        self._parts.append(part)
        self._parts.sort(key=lambda one: one.every)
        try:
            await part.done
        finally:
            self._parts.remove(part)
            if not self._parts and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _on_time(self) -> None:
        """Run the parts that are due, and set the timer for the next beat."""
        beat = self._beat
        late_ns = self._clock.mono_ns() - self._grid.due_ns(beat)
        try:
            for part in tuple(self._parts):
                if part.due <= beat and not part.done.done():
                    skipped = (beat - part.due) // part.every
                    part.due += (skipped + 1) * part.every
                    self._call(part, skipped, late_ns)
        finally:
            self._set_timer(beat, self._clock.mono_ns())

    def _set_timer(self, beat: int, now_ns: int) -> None:
        self._beat, _ = beat_after(self._grid, beat, now_ns)
        delay_s = (self._grid.due_ns(self._beat) - now_ns) / 1e9
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._on_time)

    def _call(self, part: _Part, skipped: int, late_ns: int) -> None:
        try:
            part.act(skipped, late_ns)
        except BaseException as error:
            part.done.set_exception(error)
            raise
