"""Texts of one device: serial number, program version, digests.  Shell: driver, records.

Read at start, after each restart of the controller, and each minute.  A change is believed when
two reads in a row show it, for a text is longer than the controller writes at once.  The last text
is committed with the record of its change, so that a change while we were away is one too; a
program or set-points that changed put the map in doubt (`life`), and the doubt outlives our own
restart until the map is proved.  Source: `acquisition.md` 3.14, 3.18.

| known before | read | record |
|---|---|---|
| nothing | text | device.text_read |
| text | another, twice; identity | device.identity_changed |
| text | another, twice; program, setpoint | plant.program_changed, map in doubt |
| text, map in doubt | the doubt is over | device.text_read |
"""

import json
import struct
from dataclasses import dataclass

from devices.driver import DeviceSettings
from devices.modbus.side_reads import SideRead, SideReads
from devices.profile import ModbusProfile, text_address
from devices.text import Role, TextAddress, decode_text
from edge.acquisition.keeper import Keeper
from edge.acquisition.registers import Asker, RegisterReader
from edge.acquisition.unit import Unit
from edge.side_plan import TEXT_PERIOD_NS
from proto.batch import Lane
from proto.clock import Clock

AGAIN_NS = 10**9
"""Between two reads of a text that seems to have changed, or that had no answer."""


@dataclass
class _Text:
    """One text and what is known of it."""

    name: str
    title: str
    digest: Role
    address: TextAddress
    reads: tuple[SideRead, ...]
    known: str | None = None
    is_doubted: bool = False
    suspect: str | None = None
    next_ns: int = 0


class Texts:
    """The texts of one device.

    Attributes:
        device: whose.
        next_ns: when the next one is to be read.
    """

    def __init__(
        self,
        settings: DeviceSettings,
        unit: Unit,
        line: str,
        reads: SideReads,
        asker: Asker,
        keeper: Keeper,
        clock: Clock,
    ) -> None:
        profile = settings.profile
        assert isinstance(profile, ModbusProfile)
        self.device, self._unit, self._line = settings.name, unit, line
        self._asker, self._keeper, self._clock = asker, keeper, clock
        self._texts = [
            _Text(text.name, text.title, text.digest, text_address(text), pieces)
            for text, pieces in zip(profile.texts, reads.texts, strict=True)
        ]
        self._restarts = unit.restarts
        self.next_ns = 0
        for text in self._texts:
            text.known, text.is_doubted = _kept(keeper.kept(self._key(text)))
            if text.known is not None:
                unit.texts[text.name] = text.known
        if any(text.is_doubted for text in self._texts):
            unit.doubt_map()

    def tick(self, now_ns: int) -> None:
        """Look for a restart of the controller, and for the end of a doubt."""
        if self._unit.restarts != self._restarts:
            self._restarts = self._unit.restarts
            for text in self._texts:
                text.next_ns = now_ns
            self.next_ns = now_ns
        if not self._unit.is_map_doubted:
            for text in self._texts:
                if text.is_doubted and text.known is not None:
                    text.is_doubted = False
                    self._hand("device.text_read", text, {"text": text.name, "value": text.known})

    async def turn(self, driver: RegisterReader) -> None:
        """Read the text that waits longest.

        Raises:
            DeviceUnreachable: the connection is gone.
        """
        text = min(self._texts, key=lambda one: one.next_ns)
        now_ns = self._clock.mono_ns()
        text.next_ns = now_ns + AGAIN_NS
        try:
            data = b""
            for read in text.reads:
                found = await self._asker.read(driver, read)
                if found is None:
                    return
                data += found.data
            text.next_ns = now_ns + TEXT_PERIOD_NS
            words = struct.unpack(f">{len(data) // 2}H", data)
            self._take(text, decode_text(words, text.address))
        finally:
            self.next_ns = min(one.next_ns for one in self._texts)

    def _take(self, text: _Text, value: str | None) -> None:
        if value is None or value == text.known:
            text.suspect = None
            return
        if text.known is not None and value != text.suspect:
            text.suspect = value
            text.next_ns = self._clock.mono_ns() + AGAIN_NS
            return
        before, text.known, text.suspect = text.known, value, None
        self._unit.texts[text.name] = value
        body: dict[str, object] = {"text": text.name, "title": text.title, "what": text.digest}
        if before is None:
            self._hand("device.text_read", text, {**body, "value": value})
            return
        body |= {"before": before, "after": value}
        if text.digest == "identity":
            self._hand("device.identity_changed", text, body)
            return
        text.is_doubted = True
        self._hand("plant.program_changed", text, {**body, "change_number": ""})
        self._unit.reprogrammed()

    def _key(self, text: _Text) -> str:
        return f"text/{self.device}/{text.name}"

    def _hand(self, kind: str, text: _Text, body: dict[str, object]) -> None:
        wall_us, mono_us = self._clock.wall_us(), self._clock.mono_ns() // 1000
        head: dict[str, object] = {
            "k": kind,
            "id": f"{kind}/{self.device}/{text.name}/{wall_us}-{mono_us}",
            "t": wall_us,
            "m": mono_us,
            "line": self._line,
            "device": self.device,
        }
        kept = json.dumps({"text": text.known, "doubted": text.is_doubted})
        self._keeper.record_kept(Lane.EVENT, [{**body, **head}], self._key(text), kept)


def _kept(text: str | None) -> tuple[str | None, bool]:
    if text is None:
        return None, False
    try:
        row = json.loads(text)
        return str(row["text"]), row["doubted"] is True
    except (ValueError, KeyError, TypeError):
        return None, False
