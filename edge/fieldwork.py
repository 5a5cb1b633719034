"""Work on equipment beside the grid: drivers that learn, marks that permit.  Shell: files, timer.

Drivers are made with what earlier runs learnt; what they learn goes to the learnt file; an open
MAINTENANCE mark of a device, or of the pair that it belongs to, permits its driver to search.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping

from devices.driver import Driver
from devices.modbus.driver import ModbusDriver
from edge.acquisition.drivers import Shared, make_driver
from edge.acquisition.learnt import LearntBook
from edge.installation import Installation
from edge.mark_store import LOOK_S, MarkStore, Record
from edge.plant import LinePlan
from edge.trust.deferrals import judge_of
from proto.clock import Clock

Answer = Callable[[Mapping[str, object]], dict[str, object]]


class Fieldwork:
    """Drivers, learnt facts and work marks of one gateway.

    Attributes:
        marks: the work marks.
    """

    def __init__(
        self,
        installation: Installation,
        clock: Clock,
        record: Record,
        cursors: Mapping[str, bytes] | None = None,
    ) -> None:
        """Begin; `cursors` are what sessions kept with the samples of the run before."""
        plant, data_dir = installation.plant, installation.data_dir
        self.marks = MarkStore(data_dir, plant.devices, clock, record)
        self._base, self._clock, self._data_dir = installation.base, clock, data_dir
        self._learnt = installation.learnt
        self._shared = Shared(
            data_dir=data_dir, learnt=installation.learnt, judge_of=judge_of, cursors=cursors
        )
        self._drivers: list[tuple[ModbusDriver, tuple[str, str]]] = []
        self._learners: list[ModbusDriver] = []
        self._permitted: dict[str, bool] = {}

    def driver(self, line: LinePlan) -> Driver:
        """Return the driver of a line; nothing is opened yet."""
        made = make_driver(line, self._base, self._clock, self._shared)
        if isinstance(made, ModbusDriver):
            self._learners.append(made)
            for device, owner in zip(line.devices, line.owners, strict=True):
                self._drivers.append((made, (device.name, owner.name)))
        return made

    def table(self) -> dict[str, Answer]:
        """Return what the control socket answers about marks."""
        return self.marks.table()

    def tasks(self) -> dict[str, Callable[[], Coroutine[None, None, None]]]:
        """Return what runs beside the lines."""
        book = LearntBook(self._data_dir, self._learnt, self._learners, self._clock)
        return {"marks": self._watch, "learnt": book.run}

    async def _watch(self) -> None:
        """End marks in time, and tell the drivers what is permitted now."""
        while True:
            self.marks.expire()
            self.permit()
            await asyncio.sleep(LOOK_S)

    def permit(self) -> None:
        """Tell each driver whose permission has changed."""
        for driver, (device, owner) in self._drivers:
            may = self.marks.may_probe(device) or self.marks.may_probe(owner)
            if may != self._permitted.get(device, False):
                self._permitted[device] = may
                driver.permit(device, is_open=may)
