"""On-delay and off-delay of a cause on monotonic time, re-read at each scan.  Pure.

TON and TOF as in IEC 61131-3.  The on-delay runs while the cause is TRUE or is counted TRUE by
policy: an input that turns BAD never restarts it.  The off-delay delays the return only.
Source: `interlocks.md` 3.9.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delay:
    """Where the delays of one cause stand (monotonic ns; None = not running).

    Attributes:
        true_ns: since when it has been TRUE without a break.
        clear_ns: since when a confirmed one has been FALSE.
        confirmed: TRUE past the on-delay, and not yet FALSE past the off-delay.
    """

    true_ns: int | None = None
    clear_ns: int | None = None
    confirmed: bool = False

    @property
    def running(self) -> bool:
        """True while TRUE and not yet confirmed."""
        return self.true_ns is not None and not self.confirmed


def step(delay: Delay, active: bool, now_ns: int, on_ns: int, off_ns: int) -> Delay:
    """Return the delays after this scan's result."""
    if active:
        since = now_ns if delay.true_ns is None else delay.true_ns
        return Delay(since, None, delay.confirmed or now_ns - since >= on_ns)
    if not delay.confirmed:
        return Delay()
    clear = now_ns if delay.clear_ns is None else delay.clear_ns
    if now_ns - clear >= off_ns:
        return Delay()
    return Delay(delay.true_ns, clear, confirmed=True)


def restarted(delay: Delay) -> Delay:
    """Return the delays after a suspension: what was confirmed stays, what ran begins anew."""
    return delay if delay.confirmed else Delay()
