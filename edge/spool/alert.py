"""Whether something is going on at the plant: then samples are committed every second.  Pure.

Alert: an interlock is not NORMAL or a standing alarm has high priority, and ten minutes after.
Clause: batches.md 3.7.
"""

from collections.abc import Mapping

from proto.alarm import AlarmPriority, AlarmState
from proto.interlock import Protection

AFTER_NS = 10 * 60 * 1_000_000_000
_HIGH = frozenset({AlarmPriority.HIGH, AlarmPriority.URGENT})


class Alert:
    """Reads the records as they pass."""

    def __init__(self) -> None:
        self._interlocks: set[str] = set()
        self._alarms: set[str] = set()
        self._until_ns: int | None = None

    def see(self, body: Mapping[str, object], now_ns: int) -> None:
        """Take note of one record."""
        before = bool(self._interlocks or self._alarms)
        interlock, alarm, state = body.get("interlock"), body.get("alarm"), body.get("state")
        if isinstance(interlock, str) and isinstance(state, Mapping):
            calm = state.get("protection") == Protection.NORMAL
            _move(self._interlocks, interlock, out=calm)
        elif isinstance(alarm, str):
            calm = state == AlarmState.NORMAL or body.get("priority") not in _HIGH
            _move(self._alarms, alarm, out=calm)
        if before and not (self._interlocks or self._alarms):
            self._until_ns = now_ns + AFTER_NS

    def is_on(self, now_ns: int) -> bool:
        """True while it lasts, and ten minutes after."""
        if self._interlocks or self._alarms:
            return True
        return self._until_ns is not None and now_ns < self._until_ns


def _move(names: set[str], name: str, *, out: bool) -> None:
    if out:
        names.discard(name)
    else:
        names.add(name)
