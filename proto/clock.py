"""The clock seam: wall time in µs since 1970 UTC, monotonic time in nanoseconds.  Pure."""

from typing import Protocol


class Clock(Protocol):
    """What a shell needs of time; cores get their times as arguments."""

    def wall_us(self) -> int:
        """Return microseconds since 1970 UTC.  May step; never used for ages."""

    def mono_ns(self) -> int:
        """Return monotonic nanoseconds of this boot; ages and timers come from here alone."""
