"""Until when a scan of unchanged inputs changes nothing: the engine itself is asked.  Pure.

Theory of operation.  A scan is a function of its state, the image and now.  Now comes into a result
in two ways only: by a comparison of a difference with a limit ("now - since >= delay"), or by being
kept.  `Probe` is an integer that stands for now and notes at each comparison how far now may rise
before the answer turns.  When a scan with it returns the state that it was given, without an event,
every scan of the same inputs before the least of these instants makes the same comparisons and
returns that state again: it is proven, and need not be run.  Whatever else is done with a probe
(multiplied, hashed, found equal, made a float) is not followed, and then nothing is promised.
One use cannot be seen: a float on the left (`0.5 < now`) answers by itself.  Times are whole ns in
this package, and the property test holds every scan that is left out against one that is run.
No list of timers is kept here that could forget one of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import isnan

from edge.interlock.reading import Image, Reading
from edge.interlock.scan import State, scan

HORIZON_NS = 3600 * 10**9  # nothing is promised for longer


class Horizon:
    """How far now may rise before a comparison answers otherwise.

    Attributes:
        margin_ns: the answers hold for every rise below it; 0 = nothing is known.
    """

    __slots__ = ("margin_ns",)

    def __init__(self) -> None:
        self.margin_ns = HORIZON_NS

    def turns_after(self, rise_ns: int) -> None:
        """A comparison answers otherwise once now has risen by `rise_ns`."""
        self.margin_ns = min(self.margin_ns, rise_ns)

    def lose(self) -> None:
        """Now was used in a way that is not followed."""
        self.margin_ns = 0


class Probe(int):
    """Now, or a difference with it; rises with now (`slope` 1) or falls (-1)."""

    horizon: Horizon
    slope: int

    @classmethod
    def of(cls, value: int, horizon: Horizon, slope: int = 1) -> "Probe":
        """Return a probe that tells `horizon` what it was compared with."""
        made = cls(value)
        made.horizon, made.slope = horizon, slope
        return made

    def _moved(self, value: int, other: int, sign: int) -> int:
        """Return the sum or difference with its slope; of two probes the slopes add up."""
        if not isinstance(other, int):
            self.horizon.lose()
            return value
        slope = self.slope + (sign * other.slope if isinstance(other, Probe) else 0)
        if slope == 0:
            return value
        if abs(slope) > 1:
            self.horizon.lose()
            return value
        return Probe.of(value, self.horizon, slope)

    def __add__(self, other: int) -> int:
        return self._moved(int.__add__(self, other), other, 1)

    __radd__ = __add__

    def __sub__(self, other: int) -> int:
        return self._moved(int.__sub__(self, other), other, -1)

    def __rsub__(self, other: int) -> int:
        return Probe.of(int.__rsub__(self, other), self.horizon, -self.slope)

    def _compared(self, other: int, *, at_equal: bool) -> None:
        """Note when "self > other" turns; with `at_equal` when "self >= other" does."""
        if isinstance(other, Probe) or not isinstance(other, int):
            if not isinstance(other, Probe) or other.slope != self.slope:
                self.horizon.lose()
            return
        ahead = int.__sub__(self, other)
        if self.slope > 0:  # ahead rises: it turns on reaching 0, or 1
            rise = -ahead if at_equal else 1 - ahead
        else:  # ahead falls: it turns on falling below 0, or 1
            rise = ahead + 1 if at_equal else ahead
        if rise > 0:
            self.horizon.turns_after(rise)

    def __gt__(self, other: int) -> bool:
        self._compared(other, at_equal=False)
        return int.__gt__(self, other)

    def __le__(self, other: int) -> bool:
        self._compared(other, at_equal=False)
        return int.__le__(self, other)

    def __ge__(self, other: int) -> bool:
        self._compared(other, at_equal=True)
        return int.__ge__(self, other)

    def __lt__(self, other: int) -> bool:
        self._compared(other, at_equal=True)
        return int.__lt__(self, other)


def _blunt(name: str) -> None:
    """Let a method of `int` answer as ever, and promise nothing after it."""
    plain = getattr(int, name)

    def method(self: Probe, *others: object) -> object:
        self.horizon.lose()
        return plain(self, *others)

    setattr(Probe, name, method)


_ALSO = {"__eq__", "__ne__", "__hash__", "__repr__", "__str__", "__format__"}
for _name in {*dir(int)} - {*dir(object)} - {*vars(Probe), "__getnewargs__"} | _ALSO:
    if _name.startswith("__"):
        _blunt(_name)


def quiet_until(state: State, image: Image, now_ns: int) -> int:
    """Return until when (monotonic, exclusive) scans of this image only count themselves.

    `now_ns` itself when this very scan would change or report something, or nothing is known.
    """
    horizon = Horizon()
    done = scan(state, image, Probe.of(now_ns, horizon))
    if done.events or not _same(state.readings, done.state.readings):
        return now_ns
    kept = replace(done.state, scan_no=state.scan_no, readings=state.readings)
    if kept != state:
        return now_ns
    return now_ns + horizon.margin_ns


def _same(before: Sequence[Reading], after: Sequence[Reading]) -> bool:
    """Return True for equal readings; no value (NaN) equals no value."""
    return len(before) == len(after) and all(
        old[1:] == new[1:] and (old.value == new.value or (isnan(old.value) and isnan(new.value)))
        for old, new in zip(before, after, strict=True)
    )
