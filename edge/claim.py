"""What the centre says it holds, and what that means for the log it comes from.  Pure.

Clause: batches.md 3.13 (Welcome, Ack).
"""

from enum import Enum, auto
from typing import NamedTuple

from proto.batch import Lane

Key = tuple[bytes, Lane, int]
"""(epoch, lane, sequence): one batch."""


class Claim(NamedTuple):
    """One range that the centre says it holds, byte-identical and chained."""

    epoch: bytes
    lane: Lane
    low: int
    high: int
    hash_high: bytes


class Belief(Enum):
    """What claims of the centre mean for the log."""

    HELD = auto()
    FORKED = auto()  # the same number with other bytes
    BEYOND = auto()  # the centre holds more than was ever written: this side was rolled back
