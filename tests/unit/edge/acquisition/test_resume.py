"""Cursors are as far as the rows of their commit, never ahead of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from devices.driver import Change, Progress, bad_columns
from edge.acquisition.resume import Books, LineBook
from proto.quality import Reason
from tests.unit.edge.plant import DUST, EDGE, plant


@dataclass
class Batch:
    told: tuple[tuple[int, int], ...] = ()


class Server:
    """A driver that keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[Mapping[int, Progress]] = []

    def cursor(self, progress: Mapping[int, Progress]) -> bytes:
        self.seen.append(dict(progress))
        return str(len(self.seen)).encode()


def change(message: int, source_us: int, *, replayed: bool = False) -> Change:
    columns = bad_columns(2, Reason.NONE, 0, 0)
    columns.source_us[:] = source_us
    columns.no_value[:] = [False, replayed]
    return Change(0, columns, replayed=replayed, message=(7, message) if message else (0, 0))


def test_a_cursor_is_as_far_as_the_rows_that_are_committed_with_it() -> None:
    [axis, *_] = [a for a in plant(EDGE + DUST).axes if a.subscribed and not a.is_own]
    told, server, books = {axis.index: 0}, Server(), Books()
    book = LineBook(server, [axis], lambda at: told[at])
    books.open("dust1", book)
    assert books.at([Batch()]) == {}
    for number, (message, source_us) in enumerate([(1, 10), (0, 20), (2, 30), (3, 40)], 1):
        told[axis.index] = number
        book.note(axis, change(message, source_us))
    assert books.at([Batch(((axis.index, 2),))]) == {"dust1": b"1"}
    [seen] = server.seen[0].values()
    assert (seen.message, seen.source_us.tolist()) == ((7, 1), [20, 20])  # 2 is there in part
    books.at([Batch(), Batch(((axis.index, 4),))])
    [seen] = server.seen[1].values()
    assert (seen.message, seen.source_us.tolist()) == ((7, 3), [40, 40])
    assert books.at([Batch()]) == {"dust1": b"2"}  # nothing new: the same bytes


def test_what_history_gave_is_told_point_by_point() -> None:
    [axis, *_] = [a for a in plant(EDGE + DUST).axes if a.subscribed and not a.is_own]
    server = Server()
    book = LineBook(server, [axis], lambda _: 1)
    book.note(axis, change(1, 100))
    book.note(axis, change(0, 50, replayed=True))
    book.cursor({axis.index: 1})
    [seen] = server.seen[0].values()
    assert seen.filled_us is not None
    assert np.array(seen.filled_us).tolist() == [50, 0]
    assert seen.source_us.tolist() == [100, 100]
