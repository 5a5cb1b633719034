"""One Modbus read as it stands on the wire, and several of them put together as one answer.  Pure.

A block has a *hull*: the addresses from its first to its last point.  What is sent may ask a little
more (padding, which makes counts differ) or, around a hole, less in several requests.  Whatever was
sent, `assemble` gives the bytes of the hull, and one compiled layout serves all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

BIT_FUNCTIONS = frozenset((1, 2))


@dataclass(frozen=True, slots=True, order=True)
class Ask:
    """`quantity` registers or bits from `start`, by function code 1-4."""

    function: int
    start: int
    quantity: int

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.start + self.quantity

    @property
    def is_bits(self) -> bool:
        """True for coils and discrete inputs."""
        return self.function in BIT_FUNCTIONS

    @property
    def answer_bytes(self) -> int:
        """Bytes of data in a full answer."""
        return -(-self.quantity // 8) if self.is_bits else 2 * self.quantity

    def __str__(self) -> str:
        """Return `FC3 0+24`."""
        return f"FC{self.function} {self.start}+{self.quantity}"


def assemble(answers: Sequence[tuple[Ask, bytes]], hull: Ask) -> bytes:
    """Return the data of `hull`; what no answer covers is zero.

    Args:
        answers: what was asked of the same table, and the data bytes that came back.
        hull: first and last address of the block.
    """
    if len(answers) == 1:
        ask, data = answers[0]
        if ask.start == hull.start and ask.quantity >= hull.quantity:
            return data[: hull.answer_bytes]
        if not ask.is_bits and ask.start <= hull.start and ask.end >= hull.end:
            lead = 2 * (hull.start - ask.start)
            return data[lead : lead + hull.answer_bytes]
    return _bits(answers, hull) if hull.is_bits else _registers(answers, hull)


def uncovered(spans: Sequence[tuple[int, int]], asks: Sequence[Ask]) -> tuple[int, ...]:
    """Return which of the (start, length) lie whole in no request: riders of a split host."""
    return tuple(
        column
        for column, (start, length) in enumerate(spans)
        if not any(ask.start <= start and start + length <= ask.end for ask in asks)
    )


def _registers(answers: Sequence[tuple[Ask, bytes]], hull: Ask) -> bytes:
    whole = bytearray(hull.answer_bytes)
    for ask, data in answers:
        first, end = max(ask.start, hull.start), min(ask.end, hull.end)
        if first < end:
            lead = 2 * (first - ask.start)
            at = 2 * (first - hull.start)
            length = 2 * (end - first)
            whole[at : at + length] = data[lead : lead + length]
    return bytes(whole)


def _bits(answers: Sequence[tuple[Ask, bytes]], hull: Ask) -> bytes:
    whole = 0
    for ask, data in answers:
        first, end = max(ask.start, hull.start), min(ask.end, hull.end)
        if first < end:
            bits = int.from_bytes(data, "little") >> (first - ask.start)
            whole |= (bits & ((1 << (end - first)) - 1)) << (first - hull.start)
    return whole.to_bytes(hull.answer_bytes, "little")
