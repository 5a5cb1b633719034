"""MooN voting with bad and lost channels: bad data count as a vote to trip.  Pure.

`vote_trip`: of n channels t are TRUE, f are BAD on a live line, l are lost with their controller.
TRUE if t + f >= m; or t >= 1 and t + f + l >= m.  FALSE if t + f + l < m.  Else suspended: the
cause keeps what it had, nothing new is confirmed.  All BAD is TRUE and says so (INPUT_LOSS): it is
no demand on the plant.  A channel that turns BAD never turns TRUE into FALSE.
Source: `interlocks.md` 3.8 (column `alarm`; every controller in advisory mode).
"""

from enum import IntEnum
from typing import NamedTuple


class Channel(IntEnum):
    """What one channel says."""

    FALSE = 0
    TRUE = 1
    BAD = 2
    LOST = 3


class Result(IntEnum):
    """What the vote says."""

    FALSE = 0
    TRUE = 1
    SUSPENDED = 2


class Ballot(NamedTuple):
    """The result, and what it rests on: no TRUE channel means that only bad inputs voted."""

    result: Result
    true: int
    failed: int
    lost: int

    @property
    def is_input_loss(self) -> bool:
        """TRUE without one channel that says so."""
        return self.result is Result.TRUE and self.true == 0


def vote_trip(need: int, channels: tuple[Channel, ...]) -> Ballot:
    """Return the vote `need` out of n; at least one channel."""
    total = len(channels)
    assert 1 <= need <= total, "M is at most N"
    true = channels.count(Channel.TRUE)
    failed = channels.count(Channel.BAD)
    lost = channels.count(Channel.LOST)
    if true + failed >= need or (true >= 1 and true + failed + lost >= need):
        result = Result.TRUE
    elif true + failed + lost < need:
        result = Result.FALSE
    else:
        result = Result.SUSPENDED
    return Ballot(result, true, failed, lost)
