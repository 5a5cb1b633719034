"""The oracle: is a value that was called GOOD the right one, and as new as it says?  Pure.

It knows what address-coded equipment holds, and the log of what was asked.  A GOOD value must name
its own table, unit and address, and a sampling time between sending and receiving that stands in
the log beside a request which covers it.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tests.harness.coded import TICK_MASK, code, tick
from tests.harness.equipment import Logged


@dataclass(frozen=True, slots=True)
class Bit:
    """What a point of one bit must show: it has no time of its own.

    Attributes:
        place: `code` of the bit, or of the register that it stands in.
        value: 0 or 1.
    """

    place: int
    value: int


@dataclass
class Tally:
    """What came of a campaign.

    Attributes:
        reads: blocks asked.
        good: values called GOOD.
        bits: those of them that are one bit.
        wrong: GOOD values of another address, unit or table.
        restamped: GOOD values of another time than they say.
        unlogged: GOOD values that no request in the log accounts for.
        outcomes: blocks by outcome.
        examples: the first few wrong ones, for people.
    """

    reads: int = 0
    good: int = 0
    bits: int = 0
    wrong: int = 0
    restamped: int = 0
    unlogged: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """True when nothing was wrong."""
        return self.wrong == self.restamped == self.unlogged == 0

    def add(self, other: "Tally") -> None:
        """Take the figures of another line."""
        for name in ("reads", "good", "bits", "wrong", "restamped", "unlogged"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.outcomes.update(other.outcomes)
        self.examples = (self.examples + other.examples)[:5]

    def judge(
        self,
        expected: Sequence[int | Bit],
        raws: Collection[tuple[int, int]],
        sent_ns: int,
        received_ns: int,
        log: Sequence[Logged] | None = None,
    ) -> None:
        """Judge the GOOD values of one block.

        Args:
            expected: `code` of each point of the block, or the bit that it must show.
            raws: (position in the block, 32 raw bits or 1) of those that were GOOD.
            sent_ns, received_ns: the times the values were given.
            log: of the equipment; None = only place and time are judged.
        """
        first, width = tick(sent_ns), (tick(received_ns) - tick(sent_ns)) & TICK_MASK
        for at, raw in raws:
            self.good += 1
            own = expected[at]
            if isinstance(own, Bit):
                self._judge_bit(own, raw, sent_ns, received_ns, log)
                continue
            place, when = raw >> 16 & 0xFFFF, raw & 0xFFFF
            if place != own:
                self.wrong += 1
                self._note(f"asked {own:04x} got {place:04x}")
            elif (when - first) & TICK_MASK > width:
                self.restamped += 1
                self._note(f"{place:04x}: sampled {(when - first) & TICK_MASK} of {width} ms")
            elif log is not None and not _accounted(place, when, sent_ns, received_ns, log):
                self.unlogged += 1
                self._note(f"{place:04x}: nobody asked")

    def _judge_bit(
        self, own: Bit, raw: int, sent_ns: int, received_ns: int, log: Sequence[Logged] | None
    ) -> None:
        self.bits += 1
        if raw != own.value:
            self.wrong += 1
            self._note(f"bit {own.place:04x}: is {own.value} got {raw}")
        elif log is not None and not _accounted(own.place, None, sent_ns, received_ns, log):
            self.unlogged += 1
            self._note(f"bit {own.place:04x}: nobody asked")

    def _note(self, text: str) -> None:
        if len(self.examples) < 5:
            self.examples.append(text)


def _accounted(
    place: int, when: int | None, sent_ns: int, received_ns: int, log: Sequence[Logged]
) -> bool:
    for entry in reversed(log):
        if entry.at_ns < sent_ns - 1_000_000:
            return False
        if entry.at_ns > received_ns + 1_000_000:
            continue
        if when is not None and tick(entry.sampled_ns) != when:
            continue
        at = place & 0x3FF
        is_here = code(entry.function, entry.unit, at) == place
        if is_here and entry.start <= at < entry.start + entry.quantity:
            return True
    return False
