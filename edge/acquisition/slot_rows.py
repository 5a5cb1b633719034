"""What becomes of the slots of a line: a row each, read or BAD with reason.  Shell: image, sink.

Nothing here waits: whoever has asked a driver, in a task or by a call back, hands on what came.
"""

from collections.abc import Callable, Mapping

from devices.driver import BlockColumns, Outcome, bad_columns
from edge.acquisition.connection import Connection
from edge.acquisition.line_parts import Look
from edge.acquisition.reports import Reports
from edge.acquisition.slots import Slots
from edge.acquisition.unit import Unit
from edge.plant import AxisPlan
from proto.clock import Clock
from proto.quality import Detail, Reason


class SlotRows:
    """The pen of one line, by slot.

    Attributes:
        why: reason and detail while the line is not up.
    """

    def __init__(
        self,
        slots: Slots,
        reports: Reports,
        unit_of: Mapping[int, Unit],
        connection: Connection,
        clock: Clock,
        *,
        is_up: Callable[[], bool],
        fraction: Callable[[], float],
        look: Look | None,
    ) -> None:
        """Take what a slot touches.

        Args:
            slots: where the blocks stand in time.
            reports: image and sink.
            unit_of: by axis.
            connection: is told of answers.
            clock: of the process.
            is_up: True while the line can be asked.
            fraction: uniform in [0, 1), for the back-off of a unit.
            look: sees every answered block after its assessment.
        """
        self.why: tuple[Reason, int] = (Reason.INIT, int(Detail.NONE))
        self._slots, self._reports, self._unit_of = slots, reports, unit_of
        self._connection, self._clock = connection, clock
        self._is_up, self._fraction, self._look = is_up, fraction, look

    def took(self, unit: Unit, axis: AxisPlan, columns: BlockColumns, asked_ns: int) -> None:
        """Learn from what came of a request."""
        outcome = columns.outcome
        if outcome is Outcome.ANSWERED:
            unit.answer(axis, columns, 0.0)
            self._slots.demote(axis, failed=False)
            self._slots.answered(axis, columns, asked_ns)
            self._connection.answered()
            return
        is_failure = outcome.is_failure
        unit.answer(axis, columns, self._fraction() if is_failure else 0.0)
        self._slots.demote(axis, failed=is_failure)

    def store(
        self, unit: Unit, axis: AxisPlan, slot: int, columns: BlockColumns, *, was_asked: bool
    ) -> None:
        """Judge a row, show it and hand it on; what was never asked only gets its reason."""
        if not was_asked:
            reason, detail = Reason(int(columns.reason[0])), int(columns.detail[0])
            self._reports.lose(axis, reason, detail)
            self._reports.row(axis, slot, columns)
            return
        judged, is_good = unit.judge(axis, columns)
        self._reports.show(axis, judged, is_good=is_good)
        self._reports.row(axis, slot, judged)
        if self._look is not None:
            self._look(axis, judged)

    def skip(self, at: int, last_slot: int, count: int) -> None:
        """Answer slots that were not run: a row each, with the reason that holds."""
        axis = self._slots.axes[at]
        unit = self._unit_of[axis.index]
        why = self.excuse(unit, self._clock.mono_ns(), self._slots.due_ns(axis, last_slot))
        if unit.seat is not None:
            unclaimed = unit.seat.claim(axis, last_slot) if unit.seat.is_in_use else None
            if unclaimed is None:
                return
            count = unclaimed + 1
        self._slots.missed(at, last_slot, count, why)

    def excuse(self, unit: Unit, now_ns: int, due_ns: int) -> tuple[Reason, int]:
        """Return why a slot has no value: the line, the unit, or the lack of time."""
        if not self._is_up():
            return self.why
        return unit.trouble(due_ns, now_ns) or (Reason.OVERRUN, int(Detail.NONE))

    def no_answer(
        self, axis: AxisPlan, why: tuple[Reason, int], *, sent_ns: int | None = None
    ) -> BlockColumns:
        """Return columns without any value, as of now."""
        n = len(axis.block.points)
        return bad_columns(n, why[0], why[1], self._clock.mono_ns(), sent_mono_ns=sent_ns)

    def unread_rider(self, unit: Unit, axis: AxisPlan) -> BlockColumns:
        """Return the columns of a rider whose host has no answer."""
        return self.no_answer(axis, self.excuse(unit, self._clock.mono_ns(), 0))
