"""Watches the devices' own clocks in what is read anyhow.  Shell: records, zone tables.

No clock is ever set, no source time ever rewritten: an EVENT record `device.clock` stands beside
the data, `device.clock_stepped` names a step.  Source: `acquisition.md` 3.11.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devices.driver import BlockColumns, ClockReading
from edge.acquisition import device_clock
from edge.acquisition.device_clock import ClockReport, DeviceClock, Reading
from edge.acquisition.reports import Reports
from edge.config_device import CLOCK_OF_SERVER, ClockConfig, DeviceConfig
from edge.plant import AxisPlan
from proto.clock import Clock
from proto.quality import Quality

SERVER = CLOCK_OF_SERVER
SERVER_RESOLUTION_US = 100_000
"""Of ServerTimestamp: servers stamp in steps of their own cycle; placeholder."""


@dataclass(slots=True)
class _Watched:
    device: str
    config: ClockConfig
    state: DeviceClock


class ClockWatch:
    """The clocks of all devices that declare one."""

    def __init__(
        self,
        devices: Sequence[DeviceConfig],
        axes: Sequence[AxisPlan],
        reports: Reports,
        clock: Clock,
    ) -> None:
        """Find the clock points in the plant's axes."""
        self._reports, self._clock = reports, clock
        self._by_device: dict[str, _Watched] = {}
        self._columns: dict[int, list[tuple[int, _Watched]]] = {}
        for device in devices:
            if device.clock is not None:
                watched = _Watched(device.name, device.clock, DeviceClock())
                self._by_device[device.name] = watched
                self._find(watched, f"{device.name}/{device.clock.point}", axes)

    def _find(self, watched: _Watched, point: str, axes: Sequence[AxisPlan]) -> None:
        for axis in axes:
            for column, one in enumerate(axis.block.points):
                if one.name == point:
                    self._columns.setdefault(axis.index, []).append((column, watched))

    def look(self, axis: AxisPlan, columns: BlockColumns) -> None:
        """Take a block that was answered; most hold no clock."""
        for column, watched in self._columns.get(axis.index, ()):
            if columns.quality[column] != Quality.BAD and columns.value[column] > 0:
                device_us = round(float(columns.value[column]) * 1e6)
                times = (columns.sent_mono_ns, columns.receive_mono_ns)
                self._take(watched, device_us, watched.config.resolution_ns // 1000, times)

    def server(self, device: str, reading: ClockReading) -> None:
        """Take what a server says of its own time; UTC by the standard."""
        watched = self._by_device.get(device)
        if watched is not None and watched.config.point == SERVER:
            times = (reading.sent_mono_ns, reading.receive_mono_ns)
            self._take(watched, reading.server_us, SERVER_RESOLUTION_US, times)

    def describe(self, device: str) -> dict[str, object] | None:
        """Return offset and uncertainty of a device's clock; None where nothing is known."""
        watched = self._by_device.get(device)
        now_us = self._clock.mono_ns() // 1000
        found = None if watched is None else watched.state.bracket(now_us)
        if watched is None or found is None:
            return None
        middle = (found.low_us + found.high_us) // 2
        return {
            "offset_us": device_clock.against_wall(middle, self._clock.wall_us(), now_us),
            "uncertainty_us": (found.high_us - found.low_us) // 2,
            "source_ok": watched.state.source_ok(now_us),
            "zone": watched.config.zone,
            "segment": watched.state.segment,
        }

    def _take(
        self, watched: _Watched, device_us: int, resolution_us: int, times: tuple[int, int]
    ) -> None:
        is_server = watched.config.point == SERVER
        shift_us = 0 if is_server else zone_offset_us(watched.config.zone, device_us)
        reading = Reading(device_us - shift_us, resolution_us, times[0] // 1000, times[1] // 1000)
        watched.state, report = device_clock.step(watched.state, reading)
        if report is not None:
            self._record(watched, report)

    def _record(self, watched: _Watched, report: ClockReport) -> None:
        mono_us = self._clock.mono_ns() // 1000
        wall_us = self._clock.wall_us()
        offset_us = device_clock.against_wall(report.offset_us, wall_us, mono_us)
        body: dict[str, object] = {
            "segment": report.segment,
            "offset_us": offset_us,
            "whole_hours": device_clock.whole_hours(offset_us),
            "uncertainty_us": report.uncertainty_us,
            "zone": watched.config.zone,
            "drift_ppm": report.drift_ppm,
            "unset": report.is_unset,
        }
        if report.stepped:
            self._reports.record("device.clock_stepped", watched.device, body)
        self._reports.record("device.clock", watched.device, body)


def zone_offset_us(zone: str, device_us: int) -> int:
    """Return how far a zone's time is ahead of UTC at a moment that is given in that zone.

    Raises:
        ValueError: there is no such zone.
    """
    if zone[:1] in "+-":
        hours, _, minutes = zone[1:].partition(":")
        sign = -1 if zone[0] == "-" else 1
        return sign * (int(hours) * 3600 + int(minutes or 0) * 60) * 10**6
    try:
        known = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"no zone {zone!r}") from error
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=device_us)
    offset = local.replace(tzinfo=known).utcoffset() or timedelta()
    return round(offset.total_seconds() * 1e6)
