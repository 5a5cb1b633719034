"""`probe --listen`: what another master asks, and what can be proved.  Shell: one descriptor.

The descriptor is only read; nothing is ever sent.
"""

import asyncio
from collections.abc import Callable, Mapping

from devices.modbus import tap
from devices.modbus.tap_plan import TapRead
from devices.modbus.tap_report import Report, Tally, report
from devices.modbus.tap_source import Ear, Source
from proto.clock import Clock

TOLD_S = 1.0
"""How often the one who waits is told."""


async def listen(
    source: Source,
    bound_ns: int,
    duration_s: float,
    clock: Clock,
    declared: Mapping[str, TapRead] | None = None,
    told: Callable[[float, int], None] = lambda _spent_s, _frames: None,
) -> Report:
    """Return what was heard on a line within `duration_s`; ends early when the source is gone.

    Args:
        source: of the line (`edge.acquisition.tap_driver.tap_source`).
        bound_ns: D, the longest time that a device of the line takes to answer.
        duration_s: how long.
        clock: for the times of answers.
        declared: what the configuration wants, by point name.
        told: called once a second with the seconds spent and the frames heard so far.

    Raises:
        DeviceUnreachable: no such port, or nobody accepts.
        DeviceRefused: the port has no such speed.
    """
    ear = await source.open()
    loop = asyncio.get_running_loop()
    hearing = _Hearing(ear, tap.Tap(bound_ns, source.char_ns), clock)
    loop.add_reader(ear.fileno(), hearing.on_bytes)
    begun_s = loop.time()
    end_s = begun_s + duration_s
    try:
        while loop.time() < end_s and not hearing.gone.is_set():
            await _gone(hearing.gone, min(TOLD_S, max(end_s - loop.time(), 0)))
            told(loop.time() - begun_s, hearing.state.frames)
    finally:
        loop.remove_reader(ear.fileno())
        ear.close()
    return report(hearing.state, hearing.tally, declared or {})


async def _gone(gone: asyncio.Event, within_s: float) -> None:
    """Wait until the source is gone, at most so long."""
    try:
        async with asyncio.timeout(within_s):
            await gone.wait()
    except TimeoutError:
        return


class _Hearing:
    """What was heard so far."""

    def __init__(self, ear: Ear, state: tap.Tap, clock: Clock) -> None:
        self.state, self.tally, self.gone = state, Tally(), asyncio.Event()
        self._ear, self._clock = ear, clock

    def on_bytes(self) -> None:
        """Take what came."""
        data = self._ear.listen()
        if data is None:
            asyncio.get_running_loop().remove_reader(self._ear.fileno())
            self.gone.set()
        elif data:
            self.state, events = tap.step(self.state, data, self._clock.mono_ns())
            self.tally.take(events)
