"""How far the reports of each session are on disk, told in the commit that does it.  Pure.

A server that reports keeps its messages until they are acknowledged.  What the next start must know
to ask for the rest, and for nothing twice, is committed in the transaction of the rows: of each
block the last message that is there whole, and the source times of its last row.
Source: `acquisition.md` 3.13.3 to 3.13.5.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from devices.driver import Change, Progress, Resumable
from edge.plant import AxisPlan

ROWS_MAX = 65_536
"""Rows that are remembered of one block until they are on disk; beyond it the oldest is let go."""


class Committing(Protocol):
    """A batch that is about to be committed."""

    @property
    def told(self) -> Sequence[tuple[int, int]]:
        """(axis, number of its last row) of the axes without a grid that have rows in it."""


@dataclass(slots=True, eq=False)
class _Rows:
    """The rows of one block that are not on disk yet, by their number, and how far disk is."""

    block: int
    waiting: deque[tuple[int, Change]] = field(default_factory=lambda: deque(maxlen=ROWS_MAX))
    message: tuple[int, int] = (0, 0)
    source_us: NDArray[np.int64] | None = None
    filled_us: NDArray[np.int64] | None = None

    def settle(self, number: int) -> bool:
        """Every row up to `number` is about to be on disk; True when that is news."""
        is_news = False
        while self.waiting and self.waiting[0][0] <= number:
            self._take(self.waiting.popleft()[1])
            is_news = True
        return is_news

    def _take(self, change: Change) -> None:
        columns = change.columns
        if change.replayed:
            if self.filled_us is None:
                self.filled_us = np.zeros(len(columns), np.int64)
            told = ~columns.no_value
            newer = np.maximum(self.filled_us[told], columns.source_us[told])
            self.filled_us[told] = newer
            return
        if change.message[1]:
            self.message = change.message
        self.source_us = columns.source_us


class LineBook:
    """What one session has handed over, row by row."""

    def __init__(
        self, driver: Resumable, axes: Sequence[AxisPlan], rows_told: Callable[[int], int]
    ) -> None:
        """Begin; `rows_told` says how many rows of an axis were handed over so far."""
        self._driver, self._rows_told = driver, rows_told
        self._rows = {a.index: _Rows(a.block_index) for a in axes if a.subscribed}
        self._cursor: bytes | None = None

    def note(self, axis: AxisPlan, change: Change) -> None:
        """Note a report right after its row, if it has one, was handed over."""
        rows = self._rows.get(axis.index)
        if rows is not None:
            rows.waiting.append((self._rows_told(axis.index), change))

    def cursor(self, told: Mapping[int, int]) -> bytes | None:
        """Return the cursor as it is once these rows are on disk; None = nothing ever was.

        Args:
            told: number of the last row by axis.
        """
        news = [rows.settle(told[at]) for at, rows in self._rows.items() if at in told]
        if any(news) or (self._cursor is None and told):
            progress = {
                rows.block: Progress(rows.message, rows.source_us, rows.filled_us)
                for rows in self._rows.values()
                if rows.source_us is not None
            }
            self._cursor = self._driver.cursor(progress)
        return self._cursor


class Books:
    """The books of all sessions of one gateway, by name of their line."""

    def __init__(self) -> None:
        self._books: dict[str, LineBook] = {}

    def open(self, line: str, book: LineBook) -> None:
        """Keep a book from now on."""
        self._books[line] = book

    def at(self, group: Sequence[Committing]) -> Mapping[str, bytes]:
        """Return all cursors as they are once `group` is on disk."""
        told: dict[int, int] = {}
        for closed in group:
            for axis, number in closed.told:
                told[axis] = max(number, told.get(axis, 0))
        found = ((name, book.cursor(told)) for name, book in self._books.items())
        return {name: cursor for name, cursor in found if cursor is not None}
