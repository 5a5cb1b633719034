"""What the status says of the parts of the gateway, as plain figures.  Shell: reads the parts."""

from collections.abc import Sequence

from edge.acquisition.line import LineOwner
from edge.alarm.limits import AlarmSpec
from edge.health import summary
from edge.spool.lanelog import LaneLog
from edge.uplink.settings import UplinkState


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
    )


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
