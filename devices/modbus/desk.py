"""What the driver keeps of one block: requests, cycle, last answer, columns.  Pure."""

from collections.abc import Sequence

import numpy as np

from devices.driver import Block, BlockColumns, Outcome, bad_columns
from devices.modbus.ask import Ask, assemble, uncovered
from devices.modbus.frame import Request, read_request
from devices.modbus.plan import ModbusRead
from devices.registers import Layout, gather
from proto.quality import Detail, Quality, Reason


class Desk:
    """One block of a line.

    Attributes:
        block: as planned.
        read: its request.
        target: number of the block among those of its unit that `holes` knows; -1 = none.
        cycle: slots so far; counts of a fence alternate by it.
        has_answered: it was accepted at least once.
        asks: what the last answer is put together from.
        data, last: bytes of the hull and columns of the last answer; None = none, or BAD.
        n: how many points it has.
        answer_unit: unit id with which the device answers.
    """

    __slots__ = (
        "_detail",
        "_hull",
        "_no_value",
        "_requests",
        "_source",
        "answer_unit",
        "asks",
        "block",
        "cycle",
        "data",
        "has_answered",
        "last",
        "n",
        "read",
        "target",
    )

    def __init__(self, block: Block, answer_unit: int, target: int) -> None:
        assert isinstance(block.request, ModbusRead)
        self.block, self.read, self.target = block, block.request, target
        self.answer_unit = answer_unit
        self._hull = self.read.hull
        self.cycle = 0
        self.has_answered = False
        self.n = n = len(block.points)
        self._requests: dict[Ask, Request] = {}
        self._no_value = np.zeros(n, np.bool_)
        self._detail = np.zeros(n, np.uint32)
        self._source = np.zeros(n, np.int64)
        self.last: BlockColumns | None = None
        self.data: bytes | None = None
        self.asks: tuple[Ask, ...] = ()

    def request(self, ask: Ask) -> Request:
        """Return the request of an ask, made once."""
        found = self._requests.get(ask)
        if found is None:
            found = read_request(
                self.read.unit,
                ask.function,
                ask.start,
                ask.quantity,
                answer_unit=self.answer_unit,
            )
            if len(self._requests) < 64:
                self._requests[ask] = found
        return found

    def fences(self) -> tuple[Request, ...]:
        """Return reads of 1, 2 and 3 registers (8, 16, 24 bits) at the beginning of this block."""
        hull = self.read.hull
        step = 8 if hull.is_bits else 1
        most = max(hull.quantity, step)
        counts = [min(k * step, most) for k in (1, 2, 3)]
        return tuple(self.request(Ask(hull.function, hull.start, count)) for count in counts)

    def good(
        self,
        answers: Sequence[tuple[Ask, bytes]],
        missing: Sequence[tuple[int, int]],
        sent_ns: int,
        received_ns: int,
    ) -> BlockColumns:
        """Decode the answers; `missing` are (column, exception) that no request covered."""
        layout = self.read.layout
        assert layout is not None
        data = assemble(answers, self._hull)
        columns = self._columns(data, layout, sent_ns, received_ns)
        self.asks = tuple(ask for ask, _ in answers)
        missing = [*self.unasked(self.read.spans), *missing]
        if missing:
            _hide(columns, missing)
        self.data, self.last, self.has_answered = data, columns, True
        return columns

    def bad(
        self, reason: Reason, detail: int, sent_ns: int, now_ns: int, outcome: Outcome
    ) -> BlockColumns:
        """Return columns without a value, for one reason; riders get the same."""
        columns = bad_columns(self.n, reason, detail, now_ns, sent_mono_ns=sent_ns, outcome=outcome)
        self.data, self.last = None, columns
        return columns

    def ride(self, host: "Desk", now_ns: int) -> BlockColumns:
        """Decode the points of this rider from its host's last answer, or take over its reason."""
        last, layout = host.last, self.read.layout
        if last is None:
            return bad_columns(self.n, Reason.INIT, Detail.NONE, now_ns)
        if host.data is None or layout is None:
            return bad_columns(
                self.n,
                Reason(int(last.reason[0])) if len(last) else Reason.INIT,
                int(last.detail[0]) if len(last) else 0,
                last.receive_mono_ns,
                sent_mono_ns=last.sent_mono_ns,
                outcome=Outcome.NOT_ASKED,
            )
        columns = self._columns(host.data, layout, last.sent_mono_ns, last.receive_mono_ns)
        missing = [*host.unasked(self.read.spans), *host.missing_of(self.read.spans)]
        if missing:
            _hide(columns, missing)
        return columns

    def unasked(self, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return which spans lie whole in no request of the last answer: their bytes are filler."""
        hull, asks = self._hull, self.asks
        if len(asks) == 1 and asks[0].start <= hull.start and asks[0].end >= hull.end:
            return []
        return [(column, int(Detail.FORBIDDEN_RANGE)) for column in uncovered(spans, asks)]

    def missing_of(self, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return which of a rider's spans overlap what the last answer did not hold."""
        last = self.last
        if last is None or not last.no_value.any():
            return []
        gone = [
            (*self.read.spans[at], int(last.detail[at])) for at in np.flatnonzero(last.no_value)
        ]
        return [
            (column, exception)
            for column, (start, length) in enumerate(spans)
            for first, count, exception in gone
            if start < first + count and first < start + length
        ]

    def _columns(self, data: bytes, layout: Layout, sent_ns: int, received_ns: int) -> BlockColumns:
        decoded = gather(data, layout)
        return BlockColumns(
            decoded.raw,
            decoded.value,
            decoded.quality,
            decoded.reason,
            self._no_value if decoded.no_value is None else decoded.no_value,
            self._detail,
            self._source,
            sent_ns,
            received_ns,
        )


def _hide(columns: BlockColumns, missing: Sequence[tuple[int, int]]) -> None:
    """Make columns BAD that no request covered; the shared arrays of a block stay as they are."""
    columns.no_value, columns.detail = columns.no_value.copy(), columns.detail.copy()
    for column, exception in missing:
        columns.raw[column] = 0
        columns.value[column] = np.nan
        columns.quality[column] = Quality.BAD
        columns.reason[column] = Reason.DEVICE_ERROR
        columns.detail[column] = exception
        columns.no_value[column] = True
