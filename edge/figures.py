"""What the status says of the parts of the gateway, as plain figures.  Shell: reads the parts."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from edge.acquisition.line import LineOwner
from edge.alarm.limits import AlarmSpec
from edge.health import summary
from edge.spool.lanelog import LaneLog
from edge.uplink.settings import UplinkState

SHARES = (0.5, 0.99, 1.0)


@runtime_checkable
class Timed(Protocol):
    """A driver that keeps the times of its last answers."""

    def timings(self, device: str) -> Mapping[int, Sequence[tuple[float, int]]]:
        """Return the last (registers, answer time in ns) pairs by function code."""


class Counts(Protocol):
    """What an OPC UA session has taken in."""

    overflows: int

    @property
    def unacknowledged(self) -> int:
        """Messages that the server still keeps for us."""


@runtime_checkable
class Subscribing(Protocol):
    """A driver with subscriptions."""

    inbox: Counts


def line_health(owner: LineOwner, now_ns: int) -> summary.LineHealth:
    """Return one line with its units."""
    return summary.LineHealth(
        owner.line.config.name,
        owner.state.upper(),
        owner.since_us,
        owner.detail,
        slots_skipped=owner.skipped,
        probing_share=round(owner.probing_share, 4),
        units=[unit.describe(now_ns) for unit in owner.units],
        figures=line_figures(owner, now_ns),
    )


def line_figures(owner: LineOwner, now_ns: int) -> dict[str, object]:
    """Return what the parts of a line have counted since the start; nothing is counted for this."""
    told, driver = owner.told, owner.driver
    late, unasked, canary = (
        told.get(code, (0, 0))[0]
        for code in ("device.answer_late", "device.bytes_unasked", "device.canary_failed")
    )
    held_us = told.get("device.slot_held", (0, 0))[1]
    is_held = held_us > told.get("device.slot_freed", (0, 0))[1]
    found: dict[str, object] = {
        "late_answers": late,
        "resyncs": late + unasked + canary,
        "slot_held_s": max(0.0, now_ns / 1e9 - held_us / 1e6) if is_held else 0.0,
    }
    if isinstance(driver, Timed):
        times = sorted(
            took_ns
            for unit in owner.units
            for pairs in driver.timings(unit.name).values()
            for _, took_ns in pairs
        )
        if times:
            at = {share: times[min(int(share * len(times)), len(times) - 1)] for share in SHARES}
            found["answer_s"] = {str(share): took_ns / 1e9 for share, took_ns in at.items()}
    if isinstance(driver, Subscribing):
        found["opcua_unacknowledged"] = driver.inbox.unacknowledged
        found["opcua_overflows"] = driver.inbox.overflows
    return found


def alarms_of(specs: Sequence[AlarmSpec], column: int) -> list[str]:
    """Return the alarm levels that look at a point, as `<tag>.<level>`."""
    return [
        f"{spec.tag or spec.point}.{level.level.name}"
        for spec in specs
        if spec.column == column
        for level in spec.levels
    ]


def uplink_health(state: UplinkState) -> summary.UplinkHealth:
    """Return the link to the centre."""
    return summary.UplinkHealth(
        state=state.state,
        since_us=state.since_us,
        last_ack_us=state.last_ack_us,
        last_error=state.last_error,
        bytes_sent=state.bytes_sent,
        frames_sent=state.frames_sent,
        sessions=state.sessions,
    )


def lane_health(log: LaneLog) -> summary.LaneHealth:
    """Return one lane of the spool."""
    pending = sum(high - low + 1 for low, high in log.pending)
    held = max(0, log.tip.tip_seq - log.held_lo + 1)
    return summary.LaneHealth(
        epoch=log.epoch.hex(),
        held_lo=log.held_lo,
        tip_seq=log.tip.tip_seq,
        tip_sample=log.tip.tip_sample,
        acked_batches=held - pending,
        pending_batches=pending,
        pending_samples=log.pending_samples,
        gapped_samples=log.gapped_samples,
    )
