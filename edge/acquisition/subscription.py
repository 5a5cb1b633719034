"""What subscriptions report: rows without slots, tokens given back.  Shell: driver.

A report is acknowledged to the server only when its row is on disk, or named as lost: the token of
a row is given back as soon as everything handed over before it is settled.
Source: `acquisition.md` 3.13.2, 3.13.3, 3.13.5.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from devices.driver import Change, Driver, Outcome, Resumable, Subscriber
from edge.acquisition.line_parts import LineParts
from edge.acquisition.reports import Reports
from edge.acquisition.resume import LineBook
from edge.acquisition.unit import Unit
from edge.plant import AxisPlan

TOKENS_MAX = 65_536


class Subscription:
    """The reports of one session.

    Attributes:
        PAUSE_S: how often they are fetched.
    """

    PAUSE_S = 0.1

    def __init__(
        self,
        driver: Driver,
        axes: Sequence[AxisPlan],
        unit_of: Mapping[int, Unit],
        reports: Reports,
        parts: LineParts,
    ) -> None:
        """Begin; `parts` say what was handed over and what of it is on disk."""
        self._driver, self._axes, self._unit_of = driver, tuple(axes), unit_of
        self._subscriber = driver if isinstance(driver, Subscriber) else None
        self._reports, self._durable = reports, parts.durable
        self._book: LineBook | None = None
        if parts.books is not None and parts.told is not None and isinstance(driver, Resumable):
            self._book = LineBook(driver, axes, parts.told)
            parts.books.open(axes[0].line, self._book)
        self._tokens: deque[tuple[int, int]] = deque()
        self._standby: bool | None = None

    def take(self, fraction: Callable[[], float]) -> bool:
        """Take what was reported since the last call; True when something was."""
        changes = self._driver.changes()
        for change in changes:
            self._take_one(change, fraction)
            self._mark(change.token)
            if self._book is not None:
                self._book.note(self._axes[change.block_index], change)
        self._give_back()
        self._follow_pair()
        return bool(changes)

    def _take_one(self, change: Change, fraction: Callable[[], float]) -> None:
        axis = self._axes[change.block_index]
        unit, columns = self._unit_of[axis.index], change.columns
        is_shown = unit.seat is None or unit.seat.is_in_use
        if change.replayed:
            if is_shown:
                self._keep(change, axis)
            return
        if columns.outcome is Outcome.ANSWERED:
            unit.answer(axis, columns, fraction())
        if not is_shown:
            unit.watch(axis, columns)
            return
        judged, is_good = unit.judge(axis, columns)
        self._reports.show(axis, judged, is_good=is_good)
        if change.keep_alive or (unit.seat is not None and unit.seat.is_repeated(axis, columns)):
            return
        self._reports.row(axis, None, judged)

    def _keep(self, change: Change, axis: AxisPlan) -> None:
        """Store a row of the server's history: it is never shown as live."""
        self._reports.row(axis, None, change.columns)

    def _mark(self, token: int) -> None:
        if not token or self._subscriber is None:
            return
        offered = self._durable()[0] if self._durable is not None else 0
        if len(self._tokens) >= TOKENS_MAX:
            self._tokens.popleft()  # a later token covers it
        self._tokens.append((token, offered))

    def _give_back(self) -> None:
        """Give back the newest token whose row, and all before it, are settled."""
        if not self._tokens or self._subscriber is None:
            return
        settled = self._durable()[1] if self._durable is not None else 0
        newest = 0
        while self._tokens and self._tokens[0][1] <= settled:
            newest = self._tokens.popleft()[0]
        if newest:
            self._subscriber.committed(newest)

    def _follow_pair(self) -> None:
        """Tell the session of a pair whether it is the standby, and the desk its ServiceLevel."""
        if self._subscriber is None:
            return
        for unit in {id(u): u for u in self._unit_of.values()}.values():
            if unit.seat is None:
                continue
            level = self._subscriber.service_level
            if level != unit.seat.level:
                unit.seat.level = level
                unit.seat.update(unit.member())
            is_standby = not unit.seat.is_in_use
            if is_standby is not self._standby:
                self._standby = is_standby
                self._subscriber.stand_by(is_standby=is_standby)
