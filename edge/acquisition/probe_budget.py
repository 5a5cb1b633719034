"""What may be asked of a line outside its samples: at most 5 % of its time over 60 s.  Pure.

Probes of suspended units, searches, re-tests and canaries share one budget.  A probe starts only
if the dearest one so far would still fit, so that the sum stays within.
Source: `acquisition.md` 3.6, 3.9.
"""

from collections import deque

WINDOW_NS = 60 * 10**9
SHARE_PERCENT = 5
KEPT = 4096


class ProbeBudget:
    """The time that probes of one line took in the last minute."""

    def __init__(self, dearest_ns: int) -> None:
        """Begin; `dearest_ns` is what a probe may take at most before one was seen."""
        self._spent: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self._sum_ns = 0
        self._dearest_ns = dearest_ns

    @property
    def dearest_ns(self) -> int:
        """What a probe is expected to take at most."""
        return self._dearest_ns

    def spent_ns(self, now_ns: int) -> int:
        """Return what the probes of the last minute took."""
        while self._spent and self._spent[0][0] <= now_ns - WINDOW_NS:
            self._sum_ns -= self._spent.popleft()[1]
        return self._sum_ns

    def free_ns(self, now_ns: int) -> int:
        """Return when a probe may start: now, or when enough has left the window."""
        room = WINDOW_NS * SHARE_PERCENT // 100 - self._dearest_ns
        left = self.spent_ns(now_ns)
        if left <= room or not self._spent:
            return now_ns
        for ended_ns, took_ns in self._spent:
            left -= took_ns
            if left <= room:
                return ended_ns + WINDOW_NS
        return self._spent[-1][0] + WINDOW_NS

    def spend(self, took_ns: int, now_ns: int) -> None:
        """Note a probe that ended now."""
        if len(self._spent) == KEPT:
            self._sum_ns -= self._spent.popleft()[1]
        self._spent.append((now_ns, took_ns))
        self._sum_ns += took_ns
        self._dearest_ns = max(self._dearest_ns, min(took_ns, WINDOW_NS))
