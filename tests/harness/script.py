"""Which answer suffers what: fault kinds, and scripts by answer index or by seed.  Pure.

A script is a function of the index of the answer alone, so that a campaign with a seed can be run
again and a single fault can be put at each index.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.harness.frames import Framing, crc


class Fault(StrEnum):
    """What happens to one answer."""

    LATE = "late"  # by 1-4 time-outs; the device answers in order, so what follows queues behind it
    LOST = "lost"
    SHORT = "short"  # one register fewer, consistently framed
    EXTEND = "extend"  # one register more, consistently framed
    ZERO = "zero"  # no register at all, consistently framed
    DUPLICATE = "duplicate"
    TRUNCATE = "truncate"
    FLIP = "flip"
    WRONG_UNIT = "wrong_unit"
    WRONG_FUNCTION = "wrong_function"
    WRONG_TRANSACTION = "wrong_transaction"
    EXCEPTION = "exception"
    BUSY = "busy"
    GATEWAY = "gateway"  # exception 11: a gateway gave up on its unit
    DRIP = "drip"  # byte by byte, faster than the time-out in all
    SPLIT = "split"  # in two pieces, cut anywhere
    NOISE_BEFORE = "noise_before"
    NOISE_AFTER = "noise_after"
    NOISE_INSIDE = "noise_inside"
    FIN = "fin"
    RST = "rst"
    BLACK_HOLE = "black_hole"  # this answer and the next few are swallowed
    DROP_BUSY = "drop_busy"  # late, and what is asked meanwhile is never answered
    ECHO = "echo"  # the adapter hands our own request back first
    SHIFT = "shift"  # late within a gateway that hands it on under the next transaction id
    OUT_OF_ORDER = "out_of_order"  # late, while later requests are answered at once (direct TCP)


SERIAL = tuple(
    f
    for f in Fault
    if f not in (Fault.WRONG_TRANSACTION, Fault.FIN, Fault.RST, Fault.SHIFT, Fault.OUT_OF_ORDER)
)
STREAM = (*SERIAL, Fault.FIN, Fault.RST)
"""RTU bytes in TCP: everything of a serial line, and the connection itself."""
DIRECT = tuple(f for f in Fault if f is not Fault.SHIFT)
"""MBAP to a device of its own."""
BEHIND = tuple(f for f in Fault if f is not Fault.OUT_OF_ORDER)
"""MBAP to a serial gateway."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One fault with its parameters: `word` is 32 random bits, `factor` time-outs of lateness."""

    fault: Fault
    factor: float = 1.5
    word: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """Faults by answer index; elsewhere `share` of the answers, drawn from `kinds` by `seed`."""

    at: Mapping[int, Hit]
    seed: int = 0
    share: float = 0.0
    kinds: Sequence[Fault] = ()

    def hit(self, index: int) -> Hit | None:
        """Return what happens to answer `index`."""
        if index in self.at or not self.share:
            return self.at.get(index)
        draw = random.Random(self.seed * 1_000_003 + index)
        if draw.random() >= self.share:
            return None
        fault = self.kinds[draw.randrange(len(self.kinds))]
        return Hit(fault, draw.uniform(1.0, 4.0), draw.getrandbits(32))


CALM = Script({})

Step = bytes | float
"""Bytes that leave, or a pause in s."""


def frame_steps(hit: Hit, framing: Framing, frame: bytes, previous: bytes) -> list[Step]:
    """Return what leaves in place of `frame`; time and connection faults are the line's."""
    draw = random.Random(hit.word)
    match hit.fault:
        case Fault.TRUNCATE:
            return [frame[: draw.randrange(1, len(frame))]]
        case Fault.FLIP:
            # TCP has its own checksum: what flips there flips in a careless gateway's header.
            at = draw.randrange(9 if framing == "mbap" else len(frame))
            return [frame[:at] + bytes([frame[at] ^ 1 << draw.randrange(8)]) + frame[at + 1 :]]
        case Fault.DUPLICATE:
            return [frame, frame] if draw.random() < 0.5 else [frame, 0.002, frame]
        case Fault.DRIP:
            pause = 0.008 / len(frame)
            return [part for byte in frame for part in (bytes([byte]), pause)]
        case Fault.SPLIT:
            at = draw.randrange(1, len(frame))
            return [frame[:at], 0.003, frame[at:]]
        case Fault.NOISE_BEFORE:
            return [draw.randbytes(draw.randrange(1, 9)) + frame]
        case Fault.NOISE_AFTER:
            noise = draw.randbytes(draw.randrange(1, 9))
            return [frame + noise] if draw.random() < 0.5 else [frame, 0.001, noise]
        case Fault.NOISE_INSIDE:
            at = draw.randrange(1, len(frame))
            return [frame[:at] + draw.randbytes(draw.randrange(1, 9)) + frame[at:]]
        case Fault.WRONG_TRANSACTION if framing == "mbap":
            wrong = (int.from_bytes(frame[:2], "big") + draw.randrange(1, 65_535)) & 0xFFFF
            return [wrong.to_bytes(2, "big") + frame[2:]]
        case _:
            return [frame]


def pdu_instead(hit: Hit, unit: int, pdu: bytes) -> tuple[int, bytes]:
    """Return unit and PDU of the answer as a faulty device gives it, consistently framed."""
    draw = random.Random(hit.word)
    function, data = pdu[0], pdu[2:]
    is_read = function in (3, 4) and len(pdu) == 2 + pdu[1]
    match hit.fault:
        case Fault.WRONG_UNIT:
            return unit % 247 + 1, pdu
        case Fault.WRONG_FUNCTION:
            return unit, bytes([7 - function if function in (3, 4) else 3]) + pdu[1:]
        case Fault.EXCEPTION:
            return unit, bytes([function & 0x7F | 0x80, draw.choice((4, 8))])
        case Fault.BUSY:
            return unit, bytes([function & 0x7F | 0x80, draw.choice((5, 6))])
        case Fault.GATEWAY:
            return unit, bytes([function & 0x7F | 0x80, draw.choice((10, 11))])
        case Fault.SHORT if is_read:
            return unit, bytes([function, len(data) - 2]) + data[:-2]
        case Fault.EXTEND if is_read and len(data) < 250:
            return unit, bytes([function, len(data) + 2]) + data + data[-2:]
        case Fault.ZERO if is_read:
            return unit, bytes([function, 0])
        case _:
            return unit, pdu


def checksum_is_right(frame: bytes) -> bool:
    """True when the last two bytes are the checksum of the others."""
    return len(frame) >= 4 and crc(frame[:-2]) == frame[-2:]
