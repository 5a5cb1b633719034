"""A person's word that the map of a device holds after a program change.  Shell: clock, records.

`table()` is what the control socket answers: `map.confirm`.  Until then, or until the canary fits,
the points of the device are UNCERTAIN(DEVIATION / map unproven).  Source: `acquisition.md` 3.18.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from edge.plant import Plant
from proto.batch import Lane
from proto.clock import Clock
from proto.errors import BadRequest, Conflict, NotFound
from proto.message import say

NAME_MAX, CHANGE_MAX = 80, 80
Request = Mapping[str, object]


class Maps(Protocol):
    """Who holds the doubt (`edge.acquisition.lines.Lines`)."""

    def confirm_map(self, device: str) -> bool:
        """Take the word for one connection; True when its map was in doubt."""


class MapDesk:
    """Takes confirmations; each one that ends a doubt is one EVENT record."""

    def __init__(
        self,
        plant: Plant,
        maps: Maps,
        clock: Clock,
        record: Callable[[Lane, dict[str, object]], None],
    ) -> None:
        self._plant, self._maps, self._clock, self._record = plant, maps, clock, record

    def table(self) -> dict[str, Callable[[Request], dict[str, object]]]:
        """Return the functions of the control socket by the word that asks for them."""
        return {"map.confirm": self._confirm}

    def confirm(self, device: str, by: str, change_number: str = "") -> dict[str, object]:
        """Take the word of a person; a pair stands for both of its members.

        Raises:
            BadRequest: no person is named, or a text is too long.
            NotFound: there is no such device.
            Conflict: its map is not in doubt.
        """
        by, change_number = by.strip(), change_number.strip()
        if not 1 <= len(by) <= NAME_MAX or len(change_number) > CHANGE_MAX:
            raise BadRequest("map.by", say("map.by", "en", most=NAME_MAX))
        found = [one for one in self._plant.device_configs if one.name == device]
        if not found:
            known = ", ".join(sorted(one.name for one in self._plant.device_configs)[:20])
            raise NotFound("map.unknown_device", f'no device "{device}"; there are: {known}')
        members = found[0].pair if found[0].is_pair else (device,)
        proved = [name for name in members if self._maps.confirm_map(name)]
        if not proved:
            raise Conflict("map.not_in_doubt", say("map.not_in_doubt", "en", device=device))
        body: dict[str, object] = {"device": device, "by": by, "change_number": change_number}
        body["members"] = proved
        self._tell(device, body)
        return {"schema": "map/1", **body}

    def _confirm(self, request: Request) -> dict[str, object]:
        device, by, change = (str(request.get(key, "")) for key in ("device", "by", "change"))
        return self.confirm(device, by, change)

    def _tell(self, device: str, body: dict[str, object]) -> None:
        kind = "plant.map_confirmed"
        wall_us, mono_us = self._clock.wall_us(), self._clock.mono_ns() // 1000
        record_id = f"{kind}/{device}/{wall_us}-{mono_us}"
        self._record(Lane.EVENT, {**body, "k": kind, "id": record_id, "t": wall_us, "m": mono_us})
