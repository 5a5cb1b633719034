"""Where both members of a redundant pair meet: who is in use, who has which slot.  Shell: records.

Both lines run in one event loop; every call is synchronous.  A slot is one row: whoever is in use
when it falls due claims it, once.  What neither claimed, because the pair switched just then, is
told by the next claim.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from devices.driver import BlockColumns
from edge.acquisition import pair
from edge.acquisition.pair import Member, PairState
from edge.plant import AxisPlan
from proto.clock import Clock

Record = Callable[[str, str, Mapping[str, object]], None]
Retry = Callable[[AxisPlan, int, BlockColumns], bool]


class Seat:
    """One member's place at the desk.

    Attributes:
        level: its ServiceLevel, as its line last heard it.
    """

    def __init__(self, desk: "PairDesk", number: int) -> None:
        self._desk, self._number = desk, number
        self.level = 255

    @property
    def is_in_use(self) -> bool:
        """True for the member that is read."""
        return self._desk.in_use == self._number

    @property
    def has_two_masters(self) -> bool:
        """True while both members say that they are active."""
        return self._desk.has_two_masters

    def update(self, member: Member) -> None:
        """Say how this member stands now."""
        self._desk.update(self._number, member)

    def claim(self, axis: AxisPlan, slot: int) -> int | None:
        """Take a slot; returns how many before it nobody took, or None when it is taken."""
        return self._desk.claim(axis.index, slot)

    def listen(self, retry: Retry) -> None:
        """Say how this member's line takes a slot that the other one failed to read."""
        self._desk.retries[self._number] = retry

    def hand_over(self, axis: AxisPlan, slot: int, columns: BlockColumns) -> bool:
        """Ask the other member to read a slot once more; False when it cannot."""
        retry = self._desk.retries[1 - self._number]
        return retry is not None and retry(axis, slot, columns)

    def is_repeated(self, axis: AxisPlan, columns: BlockColumns) -> bool:
        """Return True for a report that brings nothing but (point, source time) known already."""
        return self._desk.is_repeated(axis.index, columns)


class PairDesk:
    """One redundant pair.

    Attributes:
        name: of the pair.
        members: names of the two.
        retries: per member, how its line takes a slot of the other one.
    """

    def __init__(self, name: str, members: tuple[str, str], clock: Clock, record: Record) -> None:
        self.name, self.members = name, members
        self.retries: list[Retry | None] = [None, None]
        self._clock, self._record = clock, record
        self._state = PairState()
        self._seen = [Member(), Member()]
        self._claimed: dict[int, int] = {}
        self._source_us: dict[int, NDArray[np.int64]] = {}
        self._seats = (Seat(self, 0), Seat(self, 1))

    @property
    def in_use(self) -> int:
        """The member that is read: 0 or 1, the value of the point `<device>.active`."""
        return self._state.in_use

    @property
    def has_two_masters(self) -> bool:
        """True while both members say that they are active."""
        return self._state.two_masters

    def seat(self, member: str) -> Seat:
        """Return the place of a member."""
        return self._seats[self.members.index(member)]

    def update(self, number: int, member: Member) -> None:
        """Take how a member stands; switch, and say so, when the table asks for it."""
        self._seen[number] = member
        now_ns = self._clock.mono_ns()
        seen = (self._seen[0], self._seen[1])
        self._state, events = pair.step(self._state, seen, now_ns)
        for event in events:
            body = {
                "from": self.members[event.member_from],
                "to": self.members[event.member_to],
                "reason": event.reason,
            }
            self._record(event.code, self.name, body)

    def claim(self, axis: int, slot: int) -> int | None:
        """Take a slot of an axis; see `Seat.claim`."""
        last = self._claimed.get(axis, -1)
        if slot <= last:
            return None
        self._claimed[axis] = slot
        return slot - last - 1

    def is_repeated(self, axis: int, columns: BlockColumns) -> bool:
        """Return True when no point of a report is newer than what was taken; else remember it."""
        known = self._source_us.get(axis)
        if known is not None and columns.source_us.any() and not columns.no_value.any():
            if bool((columns.source_us <= known).all()):
                return True
            known = np.maximum(known, columns.source_us)
        self._source_us[axis] = columns.source_us if known is None else known
        return False
