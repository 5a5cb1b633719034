"""The clocks of this machine behind the clock seam.  Shell: reads the system's clocks."""

import time


class SystemClock:
    """Wall time in microseconds since 1970 UTC, monotonic time in nanoseconds."""

    def wall_us(self) -> int:
        """Return microseconds since 1970 UTC."""
        return time.time_ns() // 1_000

    def mono_ns(self) -> int:
        """Return monotonic nanoseconds of this boot."""
        return time.monotonic_ns()
