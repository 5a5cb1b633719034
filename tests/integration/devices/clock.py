"""The clock of these tests: the machine's own."""

import time


class RealClock:
    """Wall and monotonic time of this machine."""

    def wall_us(self) -> int:
        """Microseconds since 1970 UTC."""
        return time.time_ns() // 1000

    def mono_ns(self) -> int:
        """Monotonic nanoseconds."""
        return time.monotonic_ns()
