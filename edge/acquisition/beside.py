"""What a line is asked beside its samples: probes, errands; 5 % of its time.  Shell: driver.

A suspended unit is probed when its back-off is over; the driver's errands (searches, re-tests,
canaries) come after that.  Both wait for a gap between two slots, but not for ever.
Source: `acquisition.md` 3.6, 3.7, 3.9.
"""

from collections.abc import Awaitable, Callable, Sequence

from devices.driver import Driver
from edge.acquisition.breaker import Trip
from edge.acquisition.probe_budget import ProbeBudget
from edge.acquisition.unit import Unit
from proto.clock import Clock
from proto.quality import Detail, Reason

GAP_WAIT_NS = 10**9
"""What found no gap for so long goes before the samples."""
LOOK_NS = 10**8

Work = Callable[[], Awaitable[None]]


class Beside:
    """Probes and errands of one line."""

    def __init__(
        self,
        driver: Driver,
        units: Sequence[Unit],
        clock: Clock,
        fraction: Callable[[], float],
        timeout_ns: int,
    ) -> None:
        self._driver, self._units, self._clock = driver, tuple(units), clock
        self._fraction = fraction
        self._budget = ProbeBudget(timeout_ns)

    @property
    def spent_ns(self) -> int:
        """What probes and errands took in the last minute."""
        return self._budget.spent_ns(self._clock.mono_ns())

    def next_ns(self, now_ns: int, until_ns: int) -> tuple[int, Work | None]:
        """Return the work to do now, or None and until when to sleep.

        Args:
            now_ns: monotonic.
            until_ns: when the next slot is due.
        """
        wanted = self._wanted(now_ns)
        if wanted is None:
            return until_ns, None
        at_ns, work = wanted
        if at_ns > now_ns:
            return min(until_ns, at_ns), None
        has_room = until_ns - now_ns >= self._budget.dearest_ns
        if has_room or now_ns - at_ns >= GAP_WAIT_NS:
            return now_ns, work
        return min(until_ns, now_ns + LOOK_NS), None

    async def do(self, work: Work) -> None:
        """Do one piece of work and count its time, also when the connection goes with it."""
        begun_ns = self._clock.mono_ns()
        try:
            await work()
        finally:
            now_ns = self._clock.mono_ns()
            self._budget.spend(now_ns - begun_ns, now_ns)

    def _wanted(self, now_ns: int) -> tuple[int, Work] | None:
        """Return the next probe or errand, and since when (or when) it may start."""
        waiting = [unit for unit in self._units if unit.breaker.trip is Trip.OPEN]
        errand_ns = self._driver.errand_ns
        if not waiting and errand_ns is None:
            return None
        free_ns = max(self._budget.free_ns(now_ns), self._driver.ready_ns)
        not_before = free_ns if free_ns > now_ns else 0
        if waiting:
            unit = min(waiting, key=lambda one: one.breaker.retry_ns)
            at_ns = max(unit.breaker.retry_ns, not_before)
            if errand_ns is None or at_ns <= now_ns:
                return at_ns, lambda: self._probe(unit)
        assert errand_ns is not None
        return max(errand_ns, not_before), self._driver.run_errand

    async def _probe(self, unit: Unit) -> None:
        """Ask a suspended unit for a sign of life."""
        unit.begin_probe()
        if await self._driver.probe(unit.name):
            unit.heard(self._clock.mono_ns())
        else:
            unit.failed(self._fraction(), (Reason.COMM_LOSS, int(Detail.TIMED_OUT)))
