"""What hangs over every value of a server: its state, its service level, its certificate.  Pure.

| found                                  | every point is                                  |
|----------------------------------------|-------------------------------------------------|
| no answer, and nothing else is heard   | BAD (COMM_LOSS / timed out)                     |
| ServerState is not Running             | BAD (DEVICE_ERROR / server not running)         |
| ServiceLevel 0, 1                      | BAD (DEVICE_ERROR / level); 0: disconnect, wait |
| ServiceLevel 2-199                     | UNCERTAIN (DEVICE_ERROR / level)                |
| ServiceLevel 200-255                   | as it is                                        |
| approved key, certificate out of date  | UNCERTAIN (CONFIG / certificate date)           |

The worst wins; a value that is worse itself keeps its own reason.

Clause: acquisition.md 3.13.4, 3.13.6; OPC UA Part 4, 6.6.2.4.2 (ServiceLevel), Part 5, 12.6.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from devices.driver import BlockColumns
from devices.opcua.gather import copy
from proto.quality import Detail, Quality, Reason

RUNNING = 0
HEALTHY_FROM = 200
DEGRADED_FROM = 2
LEVEL_UNKNOWN = 255


@dataclass(frozen=True, slots=True)
class Condition:
    """What a server and its paper say of themselves.

    Attributes:
        state: ServerState.
        level: ServiceLevel; 255 where the server has none.
        is_lapsed: the approved key stands in a certificate that is out of its dates.
        is_silent: it did not answer in time, and nothing else of it is heard.
    """

    state: int = RUNNING
    level: int = LEVEL_UNKNOWN
    is_lapsed: bool = False
    is_silent: bool = False


class Cap(NamedTuple):
    """The best that a value may be, and why."""

    quality: Quality
    reason: Reason
    detail: int


def cap_of(condition: Condition) -> Cap | None:
    """Return what caps every value; None = nothing."""
    if condition.is_silent:
        return Cap(Quality.BAD, Reason.COMM_LOSS, Detail.TIMED_OUT)
    if condition.state != RUNNING:
        return Cap(Quality.BAD, Reason.DEVICE_ERROR, Detail.SERVER_NOT_RUNNING)
    if condition.level < DEGRADED_FROM:
        return Cap(Quality.BAD, Reason.DEVICE_ERROR, condition.level)
    if condition.level < HEALTHY_FROM:
        return Cap(Quality.UNCERTAIN, Reason.DEVICE_ERROR, condition.level)
    if condition.is_lapsed:
        return Cap(Quality.UNCERTAIN, Reason.CONFIG, Detail.CERTIFICATE_DATE)
    return None


def must_wait(condition: Condition) -> bool:
    """True for ServiceLevel 0: disconnect, and no try before EstimatedReturnTime."""
    return condition.level == 0


def capped(columns: BlockColumns, cap: Cap | None) -> BlockColumns:
    """Return the columns under the cap; the same object where it changes nothing."""
    if cap is None:
        return columns
    better = columns.quality < cap.quality
    if not better.any():
        return columns
    after = copy(columns, columns.receive_mono_ns)
    after.sent_mono_ns = columns.sent_mono_ns
    after.outcome = columns.outcome
    after.quality[better] = cap.quality
    after.reason[better] = cap.reason
    after.detail[better] = np.uint32(cap.detail)
    return after
