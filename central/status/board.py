"""The status board of one site: a fold of batches in source order and of the link journal.  Pure.

Rules of this file:
- Everything is replaced only by what is newer in source order, (boot, monotonic time, place), never
  by what arrived later: the board is the same whatever the order of arrival, and late data neither
  overwrite a newer value nor raise an old alarm anew.
- Points shown are those of the tables that the gateway's newest boot uses; interlocks shown are
  those that the newest boot with any interlock record has named; alarms of an earlier boot end with
  it, for a gateway that starts raises anew what still stands.
- Nothing here reads a clock: ages and staleness are judged by `view`, for an instant.

Source: `central.md` 3.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from central.archive.decode import Decoded, number_of, text_of
from central.status.columns import PartColumns
from proto.batch import Header
from proto.records import (
    ALARM_KINDS,
    INTERLOCK_CAUSE_ADDED,
    INTERLOCK_JUDGED,
    INTERLOCK_KINDS,
    INTERLOCK_SNAPSHOT,
)

Order = tuple[int, int, int, int, int]  # boot, monotonic µs, lane, seq, ordinal
Moment = tuple[Order, int]
Body = Mapping[str, object]
_FIRST: Order = (-1, -1, -1, -1, -1)
# Records that repeat or judge a state and do not change it.
_NO_MOVE = frozenset({INTERLOCK_SNAPSHOT, INTERLOCK_JUDGED, INTERLOCK_CAUSE_ADDED})


@dataclass(frozen=True, slots=True)
class Said:
    """The newest record of one interlock or alarm.

    Attributes:
        first: order and time of the first record of the newest boot (interlock) or occurrence.
        moved: order and time of the newest record that tells of a change of state.
    """

    gateway: str
    order: Order
    body: Body
    first: Moment
    moved: Moment

    @property
    def since_us(self) -> int:
        """Since when the state holds: the last change, or the first word of the boot."""
        return self.moved[1] if self.moved[0][0] == self.order[0] else self.first[1]


@dataclass(slots=True)
class GatewayFold:
    """What batches say of one gateway."""

    order: tuple[int, int, int, int] = (-1, -1, -1, -1)
    boot_id: int = 0
    config_version: int = 0
    clock_offset_us: int | None = None
    tables: dict[bytes, int] = field(default_factory=dict)  # table -> newest boot that uses it
    interlock_boot: int = -1


@dataclass(slots=True)
class Board:
    """The fold of one site."""

    site: str
    gateways: dict[str, GatewayFold] = field(default_factory=dict)
    columns: dict[bytes, PartColumns] = field(default_factory=dict)
    interlocks: dict[str, Said] = field(default_factory=dict)
    alarms: dict[tuple[str, int, int], Said] = field(default_factory=dict)

    def fold(self, decoded: Decoded) -> None:
        """Take one batch in; taking it twice changes nothing."""
        header = decoded.header
        if header.version != 1:
            return
        gateway = self.gateways.setdefault(decoded.gateway, GatewayFold())
        _fold_header(gateway, header)
        if decoded.part is not None:
            self._fold_table(decoded, gateway)
        for ordinal, body in enumerate(decoded.records):
            kind = text_of(body, "k")
            order = _order(header, body, ordinal)
            if kind in INTERLOCK_KINDS:
                gateway.interlock_boot = max(gateway.interlock_boot, header.boot_id)
                self._fold_interlock(decoded.gateway, order, body)
            elif kind in ALARM_KINDS:
                self._fold_alarm(decoded.gateway, order, body)

    def tables(self) -> list[PartColumns]:
        """Return the tables in use, by gateway and name of their first point."""
        used = [
            table for digest, table in self.columns.items() if self._in_use(table.gateway, digest)
        ]
        return sorted(used, key=lambda table: (table.gateway, table.part.points[0].name))

    def standing_interlocks(self) -> list[Said]:
        """Return the interlocks that the newest boot of their gateway has named, by id."""
        return [
            said
            for _, said in sorted(self.interlocks.items())
            if said.order[0] == self.gateways[said.gateway].interlock_boot
        ]

    def alarms_now(self) -> list[Said]:
        """Return the newest record of each alarm of the gateway's newest boot, by id."""
        newest: dict[str, Said] = {}
        for (alarm, boot_id, _occurrence), said in sorted(self.alarms.items()):
            if boot_id == self.gateways[said.gateway].boot_id and (
                alarm not in newest or newest[alarm].order < said.order
            ):
                newest[alarm] = said
        return list(newest.values())

    def prune(self) -> None:
        """Forget what can never be shown again: occurrences of alarms behind the newest one."""
        keep = {id(said) for said in self.alarms_now()}
        self.alarms = {key: said for key, said in self.alarms.items() if id(said) in keep}

    def _fold_table(self, decoded: Decoded, gateway: GatewayFold) -> None:
        part, header = decoded.part, decoded.header
        assert part is not None
        gateway.tables[part.hash] = max(gateway.tables.get(part.hash, -1), header.boot_id)
        columns = self.columns.get(part.hash)
        if columns is None:
            columns = self.columns[part.hash] = PartColumns(decoded.gateway, part)
        for axis in decoded.axes:
            columns.fold(axis, header, decoded.received_us)

    def _in_use(self, gateway: str, digest: bytes) -> bool:
        tables = self.gateways[gateway].tables
        return tables.get(digest, -1) == max(tables.values(), default=-1)

    def _fold_interlock(self, gateway: str, order: Order, body: Body) -> None:
        name = text_of(body, "interlock")
        moment = (order, number_of(body, "t"))
        moved = (_FIRST, 0) if text_of(body, "k") in _NO_MOVE else moment
        held = self.interlocks.get(name)
        if held is None:
            self.interlocks[name] = Said(gateway, order, body, moment, moved)
            return
        newest = (order, body) if order > held.order else (held.order, held.body)
        ours = [at for at in (held.first, moment) if at[0][0] == newest[0][0]]
        self.interlocks[name] = Said(gateway, *newest, min(ours), max(held.moved, moved))

    def _fold_alarm(self, gateway: str, order: Order, body: Body) -> None:
        key = (text_of(body, "alarm"), order[0], number_of(body, "occurrence"))
        moment = (order, number_of(body, "t"))
        held = self.alarms.get(key)
        if held is None:
            self.alarms[key] = Said(gateway, order, body, moment, moment)
            return
        newest = (order, body) if order > held.order else (held.order, held.body)
        first, moved = min(held.first, moment), max(held.moved, moment)
        self.alarms[key] = Said(gateway, *newest, first, moved)


def _fold_header(gateway: GatewayFold, header: Header) -> None:
    order = (header.boot_id, header.anchor_mono_us, int(header.lane), header.seq)
    if order > gateway.order:
        gateway.order = order
        gateway.boot_id = header.boot_id
        gateway.config_version = header.config_version
        known = header.clock_err_us != 0xFFFF_FFFF
        gateway.clock_offset_us = header.clock_offset_us if known else None


def _order(header: Header, body: Body, ordinal: int) -> Order:
    return (header.boot_id, number_of(body, "m"), int(header.lane), header.seq, ordinal)
