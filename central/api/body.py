"""Status, history and accounting as JSON objects: CLI and HTTP say the same.  Pure.

Source: `console.md` 3.3, 3.10 and 3.11.  Rules: a BAD or unknown value is null, never a number;
every value has its quality and age; times are ISO 8601 with offset; µs and board versions are
text, since a JSON reader need not keep them whole; fields are only ever added.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

from central.status.model import (
    Accounting,
    AlarmStatus,
    GatewayStatus,
    InterlockStatus,
    PointValue,
    SiteStatus,
)
from proto.ledger import Account
from proto.quality import Quality, Reason
from proto.sample import Situation, situation
from proto.v1 import query_pb2 as pb

Body = dict[str, object]
CHINA = timezone(timedelta(hours=8))  # one civil time in the whole country (GB/T 7408)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(time_us: int | None) -> str | None:
    """Return the time as ISO 8601 with milliseconds and +08:00; None stays None."""
    if time_us is None:
        return None
    try:
        at = (_EPOCH + timedelta(microseconds=time_us)).astimezone(CHINA)
    except OverflowError:
        return None
    return at.isoformat(timespec="milliseconds")


def age_ms(time_us: int | None, as_of_us: int) -> int | None:
    """Return the age at `as_of`; a gateway whose clock runs ahead has age 0."""
    return None if time_us is None else max(0, (as_of_us - time_us) // 1_000)


def number(value: float | None) -> float | None:
    """Return the value, or None where JSON has no number for it."""
    return value if value is not None and math.isfinite(value) else None


def situation_of(value: PointValue, as_of_us: int, *, simulated: bool) -> Situation:
    """Return how a point's value stands at an instant."""
    age_us = None if value.time_us is None else max(0, as_of_us - value.time_us)
    return situation(value.quality, value.reason, age_us, value.max_age_us, simulated)


def site_body(status: SiteStatus, *, with_values: bool = True) -> Body:
    """Return `site-status/1`."""
    as_of = status.as_of_us
    body: Body = {
        "schema": "site-status/1",
        "site": status.site,
        "name": status.name,
        "region": status.region,
        "simulated": status.simulated,
        "as_of": iso(as_of),
        "link": status.link.value,
        "link_since": iso(status.link_since_us),
        "newest": iso(status.newest_us),
        "newest_age_ms": age_ms(status.newest_us, as_of),
        "worst_quality": status.worst_quality.name,
        "points": {
            "total": status.points_total,
            "good": status.points_good,
            "uncertain": status.points_uncertain,
            "bad": status.points_bad,
            "stale": status.points_stale,
        },
        "warning_level": status.warning_level.name,
        "gateways": [gateway_body(gateway, as_of) for gateway in status.gateways],
        "interlocks": [interlock_body(interlock, as_of) for interlock in status.interlocks],
        "alarms": [alarm_body(alarm, as_of) for alarm in status.alarms],
        "accounting": account_body(status.accounting),
        "quarantined": status.quarantined,
        "version": str(status.version),
    }
    if with_values:
        simulated = status.simulated
        body["values"] = [value_body(value, as_of, simulated=simulated) for value in status.values]
    return body


def value_body(value: PointValue, as_of_us: int, *, simulated: bool) -> Body:
    """Return one point with its newest sample."""
    good = value.last_good
    shown = None if value.quality is Quality.BAD else number(value.value)
    return {
        "point": value.point,
        "tag": value.tag,
        "title": value.title,
        "unit": value.unit,
        "parameter": value.parameter,
        "value": shown,
        "quality": value.quality.name,
        "reason": None if value.reason is Reason.NONE else value.reason.name,
        "detail": value.detail,
        "t": iso(value.time_us),
        "age_ms": age_ms(value.time_us, as_of_us),
        "max_age_ms": value.max_age_us // 1_000,
        "situation": situation_of(value, as_of_us, simulated=simulated).value,
        "last_good": None
        if good is None
        else {"value": number(good[0]), "t": iso(good[1]), "age_ms": age_ms(good[1], as_of_us)},
        "range": [value.range_low, value.range_high],
        "process_unit": value.process_unit,
    }


def gateway_body(gateway: GatewayStatus, as_of_us: int) -> Body:
    """Return one gateway's link."""
    return {
        "gateway": gateway.gateway,
        "link": gateway.link.value,
        "since": iso(gateway.since_us),
        "last_seen": iso(gateway.last_seen_us),
        "last_seen_age_ms": age_ms(gateway.last_seen_us, as_of_us),
        "version": gateway.version,
        "boot_id": gateway.boot_id,
        "config_version": gateway.config_version,
        "clock_offset_us": None
        if gateway.clock_offset_us is None
        else str(gateway.clock_offset_us),
        "certificate_days": gateway.certificate_days,
        "pending": {
            "batches": gateway.pending_batches,
            "bytes": gateway.pending_bytes,
            "samples": gateway.pending_samples,
            "age_ms": age_ms(gateway.pending_us, as_of_us),
        },
    }


def interlock_body(interlock: InterlockStatus, as_of_us: int) -> Body:
    """Return one interlock."""
    return {
        "interlock": interlock.interlock,
        "title": interlock.title,
        "clauses": list(interlock.clauses),
        "mode": interlock.mode,
        "shown": interlock.shown,
        "protection": interlock.protection.value,
        "health": interlock.health.value,
        "health_reasons": list(interlock.health_reasons),
        "service": interlock.service.value,
        "running": interlock.running.value,
        "occurrence": interlock.occurrence,
        "first_out": list(interlock.first_out),
        "plant": {"tripped": interlock.plant_tripped, "bypassed": interlock.plant_bypassed},
        "verdicts": [
            {"effect": effect, "verdict": verdict, "response_ms": response_ms}
            for effect, verdict, response_ms in interlock.last_verdicts
        ],
        "since": iso(interlock.since_us),
        "t": iso(interlock.time_us),
        "age_ms": age_ms(interlock.time_us, as_of_us),
    }


def alarm_body(alarm: AlarmStatus, as_of_us: int) -> Body:
    """Return one standing alarm."""
    return {
        "alarm": alarm.alarm,
        "point": alarm.point,
        "tag": alarm.tag,
        "title": alarm.title,
        "state": alarm.state.value,
        "level": alarm.level.value,
        "priority": alarm.priority.value,
        "occurrence": alarm.occurrence,
        "value": None if alarm.quality is Quality.BAD else number(alarm.value),
        "unit": alarm.unit,
        "limit": number(alarm.limit),
        "quality": alarm.quality.name,
        "raised": iso(alarm.raised_us),
        "t": iso(alarm.time_us),
        "age_ms": age_ms(alarm.time_us, as_of_us),
    }


def account_body(account: Accounting | Account) -> Body:
    """Return the identity of principle 5."""
    return {
        "expected": account.expected,
        "stored": account.stored,
        "gapped": account.gapped,
        "withheld": account.withheld,
        "pending": account.pending,
        "unexplained": account.unexplained,
        "duplicates": account.duplicates,
    }


def history_bodies(reply: pb.HistoryReply) -> Sequence[Body]:
    """Return `history/1`, one object a bucket, then `history-gap/1`, one a gap entry."""
    head = {"site": reply.site, "point": reply.point, "tag": reply.tag, "unit": reply.unit}
    buckets = [{"schema": "history/1", **head, **bucket_body(bucket)} for bucket in reply.buckets]
    return buckets + [{"schema": "history-gap/1", **head, **gap_body(gap)} for gap in reply.gaps]


def bucket_body(bucket: pb.HistoryBucket) -> Body:
    """Return one bucket; without a sample there is no value and `gap` is true."""
    return {
        "t": iso(bucket.t_us),
        "n": bucket.n,
        "n_good": bucket.n_good,
        "gap": bucket.n == 0,
        "min": number(bucket.v_min) if bucket.HasField("v_min") else None,
        "max": number(bucket.v_max) if bucket.HasField("v_max") else None,
        "avg": number(bucket.v_avg) if bucket.HasField("v_avg") else None,
        "last": number(bucket.v_last) if bucket.HasField("v_last") else None,
        "quality": Quality(bucket.quality).name if bucket.n else None,
        "late": bucket.late,
    }


def gap_body(gap: pb.HistoryGap) -> Body:
    """Return one gap entry."""
    return {
        "cause": gap.cause,
        "from": iso(gap.t0_us),
        "to": iso(gap.t1_us),
        "samples": gap.samples,
        "exact": gap.exact,
    }


def completeness_body(site: pb.SiteCompleteness, as_of_us: int) -> Body:
    """Return `completeness/1`; `gaps` counts gap entries, `trips` and `alarms` records."""
    return {
        "schema": "completeness/1",
        "site": site.site,
        "as_of": iso(as_of_us),
        **_account(site.accounting),
        "gaps": site.gaps,
        "quarantined": site.quarantined,
        "forked": site.forked,
        "trips": site.trips,
        "alarms": site.alarms,
        "lanes": [
            {
                "gateway": lane.gateway,
                "epoch": lane.epoch.hex(),
                "lane": _LANES.get(lane.lane, str(lane.lane)),
                "batches": lane.batches,
                **_account(lane.accounting),
            }
            for lane in site.lanes
        ],
        "grids": [
            {
                "gateway": grid.gateway,
                "epoch": grid.epoch.hex(),
                "boot_id": grid.boot_id,
                "axis": grid.axis,
                "slots": grid.slots,
                "stored": grid.stored,
                "skipped": grid.skipped,
            }
            for grid in site.grids
        ],
    }


_LANES = {0: "ALARM", 1: "EVENT", 2: "BULK", 3: "META", 4: "RAW"}


def _account(message: pb.Accounting) -> Body:
    return {
        "expected": message.expected,
        "stored": message.stored,
        "gapped": message.gapped,
        "withheld": message.withheld,
        "pending": message.pending,
        "unexplained": message.unexplained,
        "duplicates": message.duplicates,
    }
