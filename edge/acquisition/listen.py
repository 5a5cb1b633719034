"""`probe --listen`: what another master asks, and what can be proved.  Shell: one descriptor.

The descriptor is only read; nothing is ever sent.
"""

import asyncio
from collections.abc import Mapping

from devices.modbus import tap
from devices.modbus.tap_plan import TapRead
from devices.modbus.tap_report import Report, Tally, report
from devices.modbus.tap_source import Ear, Source
from proto.clock import Clock


async def listen(
    source: Source,
    bound_ns: int,
    duration_s: float,
    clock: Clock,
    declared: Mapping[str, TapRead] | None = None,
) -> Report:
    """Return what was heard on a line within `duration_s`; ends early when the source is gone.

    Args:
        source: of the line (`edge.acquisition.tap_driver.tap_source`).
        bound_ns: D, the longest time that a device of the line takes to answer.
        duration_s: how long.
        clock: for the times of answers.
        declared: what the configuration wants, by point name.

    Raises:
        DeviceUnreachable: no such port, or nobody accepts.
        DeviceRefused: the port has no such speed.
    """
    ear = await source.open()
    loop = asyncio.get_running_loop()
    hearing = _Hearing(ear, tap.Tap(bound_ns, source.char_ns), clock)
    loop.add_reader(ear.fileno(), hearing.on_bytes)
    try:
        async with asyncio.timeout(duration_s):
            await hearing.gone.wait()
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(ear.fileno())
        ear.close()
    return report(hearing.state, hearing.tally, declared or {})


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
