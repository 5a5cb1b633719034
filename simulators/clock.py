"""The system's clocks as one seam.  Shell: reads the wall clock and the monotonic clock."""

import time


class SystemClock:
    """Wall time in microseconds since 1970 UTC and monotonic nanoseconds of this boot."""

    __slots__ = ()

    def wall_us(self) -> int:
        """Return microseconds since 1970 UTC."""
        return time.time_ns() // 1_000

    def mono_ns(self) -> int:
        """Return monotonic nanoseconds of this boot."""
        return time.monotonic_ns()
