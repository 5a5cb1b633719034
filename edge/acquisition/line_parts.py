"""What the lines of one gateway share; the defaults serve a line alone.  Shell: none of its own."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from devices.driver import BlockColumns
from edge.acquisition.keeper import Keeper
from edge.acquisition.pair_desk import PairDesk
from edge.acquisition.resume import Books
from edge.plant import AxisPlan

Look = Callable[[AxisPlan, BlockColumns], None]


@dataclass(frozen=True, slots=True)
class LineParts:
    """What a gateway shares among its lines; the defaults serve a line alone.

    Attributes:
        desks: redundant pairs, by name.
        crowd: bounds how many connections are being opened at a time.
        first_pause_ns: before the first connection.
        has_ticker: True when somebody else calls `tick`.
        durable: samples handed over so far, and how many of these are on disk or named lost.
        keeper: takes records with what belongs to them; None = no rings and texts are read.
        books: of sessions that can go on after a restart; None = none does.
        told: rows without a slot that were handed over of an axis.
        look: sees every answered block after its assessment (device clocks); never waits.
    """

    desks: Mapping[str, PairDesk] = field(default_factory=dict)
    crowd: asyncio.Semaphore | None = None
    first_pause_ns: int = 0
    has_ticker: bool = False
    durable: Callable[[], tuple[int, int]] | None = None
    keeper: Keeper | None = None
    books: Books | None = None
    told: Callable[[int], int] | None = None
    look: Look | None = None
