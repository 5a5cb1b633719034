"""How long the answers of a block take: p99 and p99.9 of the recent ones, in bounded memory.  Pure.

A histogram with eight steps an octave (at most 12.5 % too long, never too short); it is halved
when it holds `KEPT` answers, so that the past fades.  Source: `acquisition.md` 3.7.
"""

KEPT = 4096
_STEPS = 8
_BINS = _STEPS * 48  # up to 2**48 ns, 78 hours
_LOOK_EVERY = 16


class AnswerTimes:
    """The answer times of one block.

    Attributes:
        p99_ns: forecast for the next one; 0 before the first.
    """

    __slots__ = ("_counts", "_total", "_until_look", "p99_ns")

    def __init__(self) -> None:
        self._counts = [0] * _BINS
        self._total = 0
        self._until_look = 1
        self.p99_ns = 0

    def add(self, took_ns: int) -> None:
        """Take one answer time."""
        self._counts[_bin(took_ns)] += 1
        self._total += 1
        self._until_look -= 1
        if self._until_look <= 0:
            self._until_look = min(_LOOK_EVERY, self._total)
            self.p99_ns = self.quantile_ns(10)
            if self._total >= KEPT:
                self._counts = [count >> 1 for count in self._counts]
                self._total = sum(self._counts)

    def quantile_ns(self, per_mille: int) -> int:
        """Return the time that at most `per_mille` of 1,000 answers exceeded; 0 without answers."""
        allowed = self._total * per_mille // 1000
        above = 0
        for at in range(_BINS - 1, -1, -1):
            above += self._counts[at]
            if above > allowed:
                return _upper_ns(at)
        return 0

    @property
    def p999_ns(self) -> int:
        """The time that 999 of 1,000 answers keep; the timing budget of interlocks uses it."""
        return self.quantile_ns(1)


def _bin(took_ns: int) -> int:
    """Return the bin: octave and the three bits below the leading one."""
    took_ns = max(took_ns, _STEPS)
    octave = took_ns.bit_length() - 1
    at = octave * _STEPS + ((took_ns >> (octave - 3)) & 7)
    return min(at, _BINS - 1)


def _upper_ns(at: int) -> int:
    octave, step = divmod(at, _STEPS)
    return ((_STEPS + step + 1) << octave) >> 3
