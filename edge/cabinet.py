"""The cabinet's parts put together: module, owner, what it is told.  Shell: makes parts.

Its outputs follow the alarms and the life of the gateway's own parts; its button acknowledges what
it was sounding for.  Source: `acquisition.md` 3.12, `console.md` 3.13.
"""

from collections.abc import Callable, Mapping

from devices.modbus.cabinet import CabinetModule
from devices.modbus.cabinet_list import CabinetList
from edge.acquisition.cabinet import CabinetOwner
from edge.acquisition.drivers import Shared, line_entry, modbus_line
from edge.acquisition.reports import Reports, RowSink
from edge.alarm.annunciator import Annunciation, annunciate
from edge.alarm.loop import AlarmLoop
from edge.image import ProcessImage
from edge.installation import Installation
from edge.plant import CABINET, LinePlan
from proto.clock import Clock


class Cabinet:
    """The module of one gateway, and what it is told.

    Attributes:
        owner: keeps the module.
    """

    def __init__(
        self,
        owner_of: Callable[[Callable[[], Mapping[str, bool]], Callable[[], None]], CabinetOwner],
        alarms: AlarmLoop,
        is_healthy: Callable[[], bool],
    ) -> None:
        self._alarms, self._is_healthy = alarms, is_healthy
        self._told = Annunciation()
        self.owner = owner_of(self._levels, self._pressed)

    def _levels(self) -> Mapping[str, bool]:
        self._told = annunciate(self._alarms.book.standing, is_healthy=self._is_healthy())
        return self._told.levels()

    def _pressed(self) -> None:
        for alarm, occurrence in self._told.sounding:
            self._alarms.acknowledge(alarm, occurrence)


def make_cabinet(
    installation: Installation,
    clock: Clock,
    places: tuple[ProcessImage, RowSink, int],
    alarms: AlarmLoop,
    is_healthy: Callable[[], bool],
) -> Cabinet | None:
    """Return the cabinet of an installation, nothing opened yet; None where it has none.

    Args:
        installation: as configured.
        clock: of the process.
        places: image, sink of rows and records, and when all grids begin (monotonic).
        alarms: of the gateway.
        is_healthy: says whether the gateway's own parts are alive.
    """
    config, plant = installation.config.cabinet, installation.plant
    if config is None:
        return None
    image, sink, start_ns = places
    own = next(line for line in installation.config.line if line.name == config.line)
    line = modbus_line(LinePlan(own, (), ()), installation.base)
    coils = {str(name): at for name, at in config.outputs.items()}
    contacts = {str(name): at for name, at in config.inputs.items()}
    allowed = CabinetList(config.unit_id, coils, contacts)
    entry = line_entry(line, clock, Shared())
    module = CabinetModule(allowed, entry, line.framing, line.timeout_ns, clock)
    reports = Reports(own.name, image, sink, clock)

    def owner_of(
        levels: Callable[[], Mapping[str, bool]], pressed: Callable[[], None]
    ) -> CabinetOwner:
        return CabinetOwner(
            module,
            plant.cabinet,
            reports,
            clock,
            start_ns=start_ns,
            device=plant.devices.index(CABINET),
            levels=levels,
            pressed=pressed,
        )

    return Cabinet(owner_of, alarms, is_healthy)
