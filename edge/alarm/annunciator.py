"""Alarms, acknowledgement and health to the levels of the cabinet's outputs.  Pure.

The sounder sounds while an alarm of urgent or high priority waits for a person; the lamp is lit
while one stands; the relay "gateway healthy" is energised only while the gateway is.  The button
acknowledges what it was sounding for, and nothing that came since.
Source: `acquisition.md` 3.12, `console.md` 3.13.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from edge.alarm.book import Entry
from proto.alarm import AlarmLevel, AlarmState

LOUD = ("urgent", "high")
WAITING = frozenset({AlarmState.UNACKED, AlarmState.RETURNED, AlarmState.LATCHED_UNACKED})


@dataclass(frozen=True, slots=True)
class Annunciation:
    """What the cabinet is told.

    Attributes:
        sounder, lamp, gateway_healthy: levels.
        sounding: alarm and occurrence that the sounder sounds for.
    """

    sounder: bool = False
    lamp: bool = False
    gateway_healthy: bool = False
    sounding: tuple[tuple[str, int], ...] = ()

    def levels(self) -> dict[str, bool]:
        """Return the levels by the name of the output."""
        return {
            "sounder": self.sounder,
            "lamp": self.lamp,
            "gateway_healthy": self.gateway_healthy,
        }


def annunciate(standing: Iterable[Entry], *, is_healthy: bool) -> Annunciation:
    """Return what the cabinet is told.

    Args:
        standing: alarms that are not NORMAL.
        is_healthy: the gateway's own tasks are alive.
    """
    loud = [entry for entry in standing if _priority(entry) in LOUD]
    sounding = tuple(
        (entry.spec.id, entry.life.occurrence) for entry in loud if entry.life.state in WAITING
    )
    return Annunciation(bool(sounding), bool(loud), is_healthy, sounding)


def _priority(entry: Entry) -> str:
    return entry.spec.level(entry.life.level or AlarmLevel.TRUE).priority
