"""What the driver keeps of one unit: what it refuses, its pace, canary, fence probes.  Pure.

Source: `acquisition.md` 3.6, 3.8 (G3, G5), 3.9.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from devices.driver import Block, DeviceSettings, Note
from devices.modbus import holes
from devices.modbus.cost import Meter, fit
from devices.modbus.cost import Wire as CostWire
from devices.modbus.desk import Desk
from devices.modbus.facts import Learnt, profile_hash
from devices.modbus.frame import BITS, Request, answer_adu_bytes, read_request
from devices.modbus.guard_model import Due, Rules, State, Unit, is_synced
from devices.modbus.holes_model import Event, Permission, Policy
from devices.modbus.line_settings import ModbusLine, SerialEndpoint, modbus_profile
from devices.modbus.pace import THINKS_NS, Pace, serial_timeout_ns
from devices.modbus.plan import targets

CANARY_NS, CANARY_AGAIN_NS = 60 * 10**9, 5 * 10**9


@dataclass(frozen=True, slots=True)
class Canary:
    """A register of known content, or a counter that moves, and what it said.

    Attributes:
        request: reads it alone.
        equals: what it must hold; None = it must move.
        is_inside: a block reads it along; no request of its own is needed.
        last: what it held, None = never read.
        good_ns: when it was last right; 0 = never.
        next_ns: when it is read again.
        is_wrong: the last one was wrong: nothing of the unit is believed.
        is_sought: the map is in doubt; the next one that fits is told (`device.canary_fitted`).
    """

    request: Request
    function: int
    address: int
    equals: int | None
    is_inside: bool
    last: int | None = None
    good_ns: int = 0
    next_ns: int = 0
    is_wrong: bool = False
    is_sought: bool = False


class Room:
    """One unit of a line.

    Attributes:
        settings: the device.
        rules: of the guard while it is asked.
        answer_unit: unit id with which it answers.
        pace: its time-outs.
        meters: answer times per function code.
        holes: what it refuses.
        canary: or None.
        desks: its blocks that are asked.
        pause_ns: silence that it wants between two requests.
    """

    def __init__(
        self,
        settings: DeviceSettings,
        rules: Rules,
        policy: Policy,
        blocks: Sequence[Block],
        known: Learnt | None,
        timeout_ns: int,
    ) -> None:
        quirks = modbus_profile(settings).modbus.quirks
        self.settings, self.rules, self.policy = settings, rules, policy
        alias = quirks.unit_alias
        self.answer_unit = settings.unit_id if alias is None else alias
        self.pause_ns = quirks.pause_between_ns
        self.pace = Pace(timeout_ns)
        self.meters: dict[int, Meter] = {}
        found = targets(blocks, settings.name)
        self.target_of = {at: i for i, at in enumerate(found)}
        self._profile_hash = ""  # made once, when it is asked for: it takes a millisecond
        is_same = known is not None and known.profile_hash == self._hash()
        facts = known.facts if known is not None and is_same and policy != "never" else ()
        self.holes = holes.start(list(found.values()), policy, facts)
        self.desks: list[Desk] = []
        self.canary = self._canary(blocks)

    def _hash(self) -> str:
        self._profile_hash = self._profile_hash or profile_hash(self.settings.profile)
        return self._profile_hash

    def took(self, function: int, quantity: int, took_ns: int) -> None:
        """Take the time of one answer."""
        self.pace.add(took_ns)
        meter = self.meters.get(function)
        if meter is None:
            meter = self.meters[function] = Meter()
        meter.add(quantity, took_ns, is_bits=function in BITS)

    def heard(self, event: Event, now_ns: int) -> list[Note]:
        """Tell `holes` something; return what is to be said of it."""
        self.holes, reports = holes.step(self.holes, event, now_ns)
        return [Note(report.code, self.settings.name, report.body) for report in reports]

    def permit(self, *, is_open: bool, now_ns: int) -> list[Note]:
        """Take the opening or the end of a mark that names this device for probing."""
        return self.heard(Permission(is_open), now_ns)

    def errand_ns(self) -> int | None:
        """Return when this unit wants to be asked something outside the plan."""
        wanted = [holes.errand_ns(self.holes)]
        canary = self.canary
        if canary is not None and not canary.is_inside and self.rules.is_probing:
            wanted.append(canary.next_ns)
        return min((at for at in wanted if at is not None), default=None)

    def due(
        self,
        state: State,
        request: Request | None,
        word: Callable[[], int],
        line: ModbusLine,
        *,
        is_suspended: bool,
    ) -> Due:
        """Return what the guard needs to send `request`, or to prove this unit first."""
        unit = self.settings.unit_id
        timeout_ns = self._timeout_ns(request, line)
        if request is not None and is_synced(state, self.rules, unit):
            return Due(request, timeout_ns, unit)
        if self.rules.is_probing:
            fences = self.fences(state.units.get(unit, Unit()).refused)
        else:
            planned = self.planned()
            fences = () if planned is None else (planned,)
        return Due(request, timeout_ns, unit, word(), fences, is_suspended)

    def _timeout_ns(self, request: Request | None, line: ModbusLine) -> int:
        port = line.endpoint
        if not isinstance(port, SerialEndpoint):
            return self.pace.timeout_ns
        thinks_ns = min(self.rules.answer_max_ns or THINKS_NS, line.timeout_ns)
        back = answer_adu_bytes(request, self.rules.framing) if request is not None else 8
        return serial_timeout_ns(port, 8, back, thinks_ns)

    def fences(self, refused: int) -> tuple[Request, ...]:
        """Return reads of known-good registers for fence probes; `refused` = try another place."""
        good = [desk for desk in self.desks if desk.has_answered] or self.desks
        if not good:
            return ()
        return good[refused % len(good)].fences()

    def planned(self) -> Request | None:
        """Return a planned read, for a line where nothing else may be asked."""
        for desk in self.desks:
            reading = holes.reading(self.holes, desk.target, desk.cycle)
            if reading.asks:
                return desk.request(reading.asks[0])
        return None

    def learnt(self, *, no_echo: bool, late_ns: int, wire: CostWire) -> Learnt:
        """Return what is known of this unit, for the file of the next start."""
        costs = {
            function: fit(tuple(meter.pairs), wire)
            for function, meter in self.meters.items()
            if len(meter.pairs) >= 16
        }
        return Learnt(
            profile_hash=self._hash(),
            facts=self.holes.facts,
            costs=costs,
            answers=sum(len(meter.pairs) for meter in self.meters.values()),
            no_echo=no_echo,
            late_ns=late_ns,
        )

    def canary_said(self, value: int, now_ns: int) -> tuple[bool, list[Note]]:
        """Take the canary's content; return whether it is right, and what is to be said."""
        canary = self.canary
        assert canary is not None
        if canary.equals is not None:
            is_right = value == canary.equals
        else:
            is_right = canary.last is None or value != canary.last
        notes: list[Note] = []
        if not is_right and not canary.is_wrong:
            since_ms = (now_ns - canary.good_ns) // 10**6 if canary.good_ns else None
            body = {"expected": canary.equals, "got": value, "good_ms_ago": since_ms}
            notes.append(Note("device.canary_failed", self.settings.name, body))
        elif is_right and canary.is_wrong:
            notes.append(Note("device.canary_right", self.settings.name, {"got": value}))
        is_fitting = is_right and canary.is_sought and canary.equals is not None
        if is_fitting:
            notes.append(Note("device.canary_fitted", self.settings.name, {"got": value}))
        self.canary = replace(
            canary,
            is_sought=canary.is_sought and not is_fitting,
            last=value,
            good_ns=now_ns if is_right else canary.good_ns,
            next_ns=now_ns + (CANARY_NS if is_right else CANARY_AGAIN_NS),
            is_wrong=not is_right,
        )
        return is_right, notes

    @property
    def proves_map(self) -> bool:
        """True with a canary of known content: a counter moves in a map that has moved, too."""
        return self.canary is not None and self.canary.equals is not None

    def seek_canary(self, now_ns: int) -> None:
        """Take the news that the map is in doubt: the canary is read soon, its fitting is told."""
        if self.canary is not None and self.proves_map:
            self.canary = replace(self.canary, is_sought=True, next_ns=now_ns)

    def canary_missed(self, now_ns: int) -> None:
        """Note that the canary could not be read: it is asked again soon."""
        assert self.canary is not None
        self.canary = replace(self.canary, next_ns=now_ns + CANARY_AGAIN_NS)

    def _canary(self, blocks: Sequence[Block]) -> Canary | None:
        said = modbus_profile(self.settings).modbus.canary
        if said is None:
            return None
        function = said.table.function
        inside = any(
            (hull := target.hull).function == function and hull.start <= said.address < hull.end
            for target in targets(blocks, self.settings.name).values()
        )
        request = read_request(
            self.settings.unit_id, function, said.address, 1, answer_unit=self.answer_unit
        )
        return Canary(request, function, said.address, said.equals, inside)


def canary_in(desk: Desk, canary: Canary, data: bytes) -> int | None:
    """Return the canary's content where the bytes of this block's hull hold it."""
    hull = desk.read.hull
    at = canary.address - hull.start
    if hull.function != canary.function or not 0 <= at < hull.quantity:
        return None
    if hull.is_bits:
        return data[at // 8] >> (at % 8) & 1
    return int.from_bytes(data[2 * at : 2 * at + 2], "big")


def rooms_of(
    devices: Sequence[DeviceSettings],
    rules: Mapping[str, Rules],
    policies: Mapping[str, Policy],
    blocks: Sequence[Block],
    learnt: Mapping[str, Learnt],
    timeout_ns: int,
) -> dict[str, Room]:
    """Return the rooms of a line by device; learnt facts hold for one profile only."""
    rooms = {}
    for device in devices:
        known = learnt.get(device.name)
        rooms[device.name] = Room(
            device, rules[device.name], policies[device.name], blocks, known, timeout_ns
        )
    return rooms
