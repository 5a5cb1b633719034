"""What the uplink is told at its start, and what it says of itself.  Pure."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """Where the centre is, and what Hello says of this gateway.

    Attributes:
        address: host:port of the centre's listener for gateways.
        version: of this program.
        config_hash: of the configuration in force.
    """

    address: str
    version: str
    config_hash: bytes


@dataclass(frozen=True, slots=True)
class UplinkState:
    """The link as the status shows it; times are wall.

    Attributes:
        state: CONNECTING, OPEN, LOST (nobody answers) or REFUSED (a person is needed).
        since_us: of the last change of state.
        last_ack_us: of the newest acknowledgement.
        last_error: why the last session ended; None while one is open.
        bytes_sent, frames_sent: of frames, since the start.
        sessions: opened since the start.
        round_trip_us: smoothed; None before the first reply.
    """

    state: str
    since_us: int
    last_ack_us: int | None = None
    last_error: str | None = None
    bytes_sent: int = 0
    frames_sent: int = 0
    sessions: int = 0
    round_trip_us: int | None = None


@dataclass(frozen=True, slots=True)
class ClockWord:
    """What a heartbeat says of the clock and the disk."""

    state: int
    offset_us: int
    disk_used: int
    disk_quota: int


@dataclass(frozen=True, slots=True)
class Ears:
    """What the uplink asks of and tells the rest of the gateway.

    Attributes:
        word: gives clock and disk for a heartbeat.
        exchanged: takes the four times of one exchange and the monotonic instant, all but the
            last in µs of wall time: (t1, t2, t3, t4, mono_ns).
        diagnose: says why this side's own credentials cannot work now, or None.
    """

    word: Callable[[], ClockWord]
    exchanged: Callable[[int, int, int, int, int], None]
    diagnose: Callable[[int], str | None]
