"""The driver of a Modbus line: reads, and what is asked beside them.  Shell: connections.

How blocks are read stands in `reads`.  Requests outside the plan (searches, re-tests, the canary)
are *errands*: one a call, and only when the owner grants it.
"""

from collections.abc import Mapping, Sequence

from devices.driver import Change, Note
from devices.modbus import holes
from devices.modbus.ask import Ask
from devices.modbus.exchange import Figures, RegistersRead
from devices.modbus.facts import Learnt
from devices.modbus.frame import Accepted, read_request
from devices.modbus.guard_model import Answer, Echo, Proved, Unit
from devices.modbus.holes_model import Probed, ProbeLost
from devices.modbus.reads import Reads
from devices.modbus.room import Room


class ModbusDriver(Reads):
    """One Modbus line: every transport, every unit on it."""

    async def probe(self, device: str) -> bool:
        """Ask a suspended device for a sign of life; True when it gave the right one.

        Raises:
            DeviceUnreachable: the connection is gone; now closed.
        """
        room = self._rooms[device]
        result = await self._sent(room, None, is_suspended=True)
        return isinstance(result, Proved)

    async def read_registers(self, device: str, ask: Ask) -> RegistersRead | None:
        """Read registers that are no samples (an event ring); None = no answer that counts.

        Raises:
            DeviceUnreachable: the connection is gone; now closed.
        """
        room, exchange = self._rooms[device], self._exchange
        unit, answers_as = room.settings.unit_id, room.answer_unit
        request = read_request(unit, ask.function, ask.start, ask.quantity, answer_unit=answers_as)
        result = await self._asked(room, request)
        if not isinstance(result, Answer) or not isinstance(result.verdict, Accepted):
            return None
        return RegistersRead(result.verdict.data, exchange.sent_ns, exchange.received_ns)

    @property
    def errand_ns(self) -> int | None:
        """When something is to be asked outside the plan; None = nothing."""
        wanted = [room.errand_ns() for room in self._rooms.values()]
        return min((at for at in wanted if at is not None), default=None)

    async def run_errand(self) -> None:
        """Make the request that is due first; nothing where none is due.

        Raises:
            DeviceUnreachable: the connection is gone; now closed.
        """
        now_ns = self._clock.mono_ns()
        due = [
            (at, name)
            for name, room in self._rooms.items()
            if (at := room.errand_ns()) is not None and at <= now_ns
        ]
        if not due:
            return
        room = self._rooms[min(due)[1]]
        ask = holes.errand(room.holes, now_ns)
        if ask is not None:
            await self._search(room, ask)
        elif room.canary is not None:
            await self._look_at_canary(room)

    def permit(self, device: str, *, is_open: bool) -> None:
        """Take the opening or the end of a mark that names a device for probing."""
        room = self._rooms[device]
        self._notes.extend(room.permit(is_open=is_open, now_ns=self._clock.mono_ns()))

    def proves_map(self, device: str) -> bool:
        """Return True where a register of known content can end a doubt of the map."""
        return self._rooms[device].proves_map

    def seek_canary(self, device: str) -> None:
        """Read the canary soon: the map is in doubt; `device.canary_fitted` tells that it fits."""
        self._rooms[device].seek_canary(self._clock.mono_ns())

    def learnt(self) -> Mapping[str, Learnt]:
        """Return what is known of each device, by name; never waits."""
        units, late_ns = self._exchange.state.units, self._exchange.state.lateness_ns
        return {
            name: room.learnt(
                no_echo=units.get(room.settings.unit_id, Unit()).echo is Echo.NONE,
                late_ns=late_ns,
                wire=self._wire,
            )
            for name, room in self._rooms.items()
        }

    def timings(self, device: str) -> Mapping[int, Sequence[tuple[float, int]]]:
        """Return the last (registers, answer time in ns) pairs of a device by function code."""
        meters = self._rooms[device].meters
        return {function: tuple(meter.pairs) for function, meter in meters.items()}

    def figures(self) -> Figures:
        """Return what was thrown away so far, and how late answers have been."""
        return self._exchange.figures()

    def notes(self) -> list[Note]:
        """Return what happened since the last call, oldest first."""
        found = [*self._notes, *self._entry.notes(self._clock.mono_ns())]
        self._notes.clear()
        return found

    def changes(self) -> list[Change]:
        """Return nothing: Modbus devices do not report."""
        return []

    async def _search(self, room: Room, ask: Ask) -> None:
        """Make one request of a search: its answer is a fact, and never a sample."""
        assert room.desks, "holes asks for blocks only"
        result = await self._asked(room, room.desks[0].request(ask))
        event: Probed | ProbeLost
        if isinstance(result, Answer):
            verdict = result.verdict
            event = Probed(ask, 0 if isinstance(verdict, Accepted) else verdict.exception)
        else:
            event = ProbeLost(ask)
        self._notes.extend(room.heard(event, self._clock.mono_ns()))

    async def _look_at_canary(self, room: Room) -> None:
        assert room.canary is not None
        result = await self._asked(room, room.canary.request)
        if isinstance(result, Answer) and isinstance(result.verdict, Accepted):
            data = result.verdict.data
            value = data[0] & 1 if len(data) == 1 else int.from_bytes(data, "big")
            self._judge_canary(room, value)
        else:
            room.canary_missed(self._clock.mono_ns())
