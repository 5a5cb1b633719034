"""Status and answers as protobuf messages, and back.  Pure.

A value that is not there stays an unset field: no screen can mistake it for zero.
"""

from collections.abc import Iterable, Sequence

from central.archive.history import Grid
from central.archive.model import ArchivedPoint, Bucket, GapRow
from central.status.model import (
    Accounting,
    AlarmStatus,
    GatewayStatus,
    InterlockStatus,
    LinkState,
    PointValue,
    SiteStatus,
)
from proto.alarm import AlarmLevel, AlarmPriority, AlarmState, WarningLevel
from proto.interlock import Health, Protection, Running, Service
from proto.ledger import Account
from proto.quality import Quality, Reason
from proto.v1 import query_pb2 as pb

_UINT64_MAX = 2**64 - 1
_ACCOUNT = ("expected", "stored", "gapped", "withheld", "pending", "unexplained", "duplicates")


def site_message(status: SiteStatus) -> pb.SiteStatus:
    """Return the message of one site."""
    return pb.SiteStatus(
        site=status.site,
        name=status.name,
        region=status.region,
        simulated=status.simulated,
        link=status.link.value,
        link_since_us=status.link_since_us,
        as_of_us=status.as_of_us,
        newest_us=status.newest_us,
        worst_quality=int(status.worst_quality),
        points_total=status.points_total,
        points_good=status.points_good,
        points_uncertain=status.points_uncertain,
        points_bad=status.points_bad,
        points_stale=status.points_stale,
        warning_level=int(status.warning_level),
        gateways=[_gateway_message(gateway) for gateway in status.gateways],
        values=[_value_message(value) for value in status.values],
        interlocks=[_interlock_message(interlock) for interlock in status.interlocks],
        alarms=[_alarm_message(alarm) for alarm in status.alarms],
        accounting=account_message(status.accounting),
        quarantined=status.quarantined,
        version=status.version,
    )


def site_of(message: pb.SiteStatus) -> SiteStatus:
    """Return the status in a message."""
    return SiteStatus(
        site=message.site,
        name=message.name,
        region=message.region,
        simulated=message.simulated,
        link=LinkState(message.link),
        link_since_us=message.link_since_us if message.HasField("link_since_us") else None,
        as_of_us=message.as_of_us,
        newest_us=message.newest_us if message.HasField("newest_us") else None,
        worst_quality=Quality(message.worst_quality),
        points_total=message.points_total,
        points_good=message.points_good,
        points_uncertain=message.points_uncertain,
        points_bad=message.points_bad,
        points_stale=message.points_stale,
        warning_level=WarningLevel(message.warning_level),
        gateways=tuple(_gateway_of(gateway) for gateway in message.gateways),
        values=tuple(_value_of(value) for value in message.values),
        interlocks=tuple(_interlock_of(interlock) for interlock in message.interlocks),
        alarms=tuple(_alarm_of(alarm) for alarm in message.alarms),
        accounting=account_of(message.accounting),
        quarantined=message.quarantined,
        version=message.version,
    )


def account_message(account: Accounting | Account) -> pb.Accounting:
    """Return the message of an accounting identity; a count beyond 64 bits is the greatest."""
    return pb.Accounting(**{name: min(getattr(account, name), _UINT64_MAX) for name in _ACCOUNT})


def account_of(message: pb.Accounting) -> Accounting:
    """Return the identity in a message."""
    return Accounting(**{name: getattr(message, name) for name in _ACCOUNT})


def history_message(
    site: str,
    point: ArchivedPoint,
    bucket_us: int,
    found: tuple[Sequence[Bucket], Sequence[GapRow]],
    as_of_us: int,
) -> pb.HistoryReply:
    """Return the message of a history."""
    buckets, gaps = found
    return pb.HistoryReply(
        site=site,
        point=point.point,
        tag=point.tag,
        title=point.title,
        unit=point.unit,
        bucket_us=bucket_us,
        buckets=[
            pb.HistoryBucket(
                t_us=bucket.t_us,
                n=bucket.n,
                n_good=bucket.n_good,
                v_min=bucket.v_min,
                v_max=bucket.v_max,
                v_avg=bucket.v_avg,
                v_last=bucket.v_last,
                quality=int(bucket.quality),
                late=bucket.late,
            )
            for bucket in buckets
        ],
        gaps=[
            pb.HistoryGap(
                cause=gap.entry.cause.value,
                t0_us=gap.t0_us,
                t1_us=gap.t1_us,
                samples=gap.entry.n,
                exact=gap.entry.n_exact,
            )
            for gap in gaps
        ],
        as_of_us=as_of_us,
    )


def grid_messages(grids: Iterable[Grid]) -> list[pb.GridCompleteness]:
    """Return the messages of grid slots stored, axis by axis."""
    return [
        pb.GridCompleteness(
            gateway=grid.gateway,
            epoch=grid.epoch,
            boot_id=grid.boot_id,
            axis=grid.axis,
            slots=grid.slots,
            stored=grid.stored,
            skipped=grid.skipped,
        )
        for grid in grids
    ]


def _gateway_message(gateway: GatewayStatus) -> pb.GatewayStatus:
    return pb.GatewayStatus(
        gateway=gateway.gateway,
        link=gateway.link.value,
        since_us=gateway.since_us,
        last_seen_us=gateway.last_seen_us,
        version=gateway.version,
        boot_id=gateway.boot_id,
        config_version=gateway.config_version,
        clock_offset_us=gateway.clock_offset_us,
        certificate_days=gateway.certificate_days,
        pending_batches=gateway.pending_batches,
        pending_bytes=gateway.pending_bytes,
        pending_samples=gateway.pending_samples,
        pending_us=gateway.pending_us,
    )


def _gateway_of(message: pb.GatewayStatus) -> GatewayStatus:
    return GatewayStatus(
        gateway=message.gateway,
        link=LinkState(message.link),
        since_us=message.since_us if message.HasField("since_us") else None,
        last_seen_us=message.last_seen_us if message.HasField("last_seen_us") else None,
        version=message.version,
        boot_id=message.boot_id,
        config_version=message.config_version,
        clock_offset_us=message.clock_offset_us if message.HasField("clock_offset_us") else None,
        certificate_days=message.certificate_days if message.HasField("certificate_days") else None,
        pending_batches=message.pending_batches,
        pending_bytes=message.pending_bytes,
        pending_samples=message.pending_samples,
        pending_us=message.pending_us if message.HasField("pending_us") else None,
    )


def _value_message(value: PointValue) -> pb.PointValue:
    good = value.last_good
    return pb.PointValue(
        point=value.point,
        tag=value.tag,
        title=value.title,
        unit=value.unit,
        parameter=value.parameter,
        value=value.value,
        quality=pb.Quality(
            quality=int(value.quality), reason=int(value.reason), detail=value.detail
        ),
        time_us=value.time_us,
        last_good=None if good is None else pb.LastGood(value=good[0], time_us=good[1]),
        max_age_us=value.max_age_us,
        range_low=value.range_low,
        range_high=value.range_high,
        process_unit=value.process_unit,
    )


def _value_of(message: pb.PointValue) -> PointValue:
    good = message.last_good
    return PointValue(
        point=message.point,
        tag=message.tag,
        title=message.title,
        unit=message.unit,
        parameter=message.parameter,
        value=message.value if message.HasField("value") else None,
        quality=Quality(message.quality.quality),
        reason=Reason(message.quality.reason),
        detail=message.quality.detail,
        time_us=message.time_us if message.HasField("time_us") else None,
        last_good=(good.value, good.time_us) if message.HasField("last_good") else None,
        max_age_us=message.max_age_us,
        range_low=message.range_low if message.HasField("range_low") else None,
        range_high=message.range_high if message.HasField("range_high") else None,
        process_unit=message.process_unit,
    )


def _interlock_message(interlock: InterlockStatus) -> pb.InterlockStatus:
    return pb.InterlockStatus(
        interlock=interlock.interlock,
        title=interlock.title,
        clauses=interlock.clauses,
        mode=interlock.mode,
        shown=interlock.shown,
        protection=interlock.protection.value,
        health=interlock.health.value,
        health_reasons=interlock.health_reasons,
        service=interlock.service.value,
        running=interlock.running.value,
        occurrence=interlock.occurrence,
        first_out=interlock.first_out,
        plant_tripped=interlock.plant_tripped,
        plant_bypassed=interlock.plant_bypassed,
        last_verdicts=[
            pb.EffectVerdict(effect=effect, verdict=verdict, response_ms=response_ms)
            for effect, verdict, response_ms in interlock.last_verdicts
        ],
        since_us=interlock.since_us,
        time_us=interlock.time_us,
    )


def _interlock_of(message: pb.InterlockStatus) -> InterlockStatus:
    return InterlockStatus(
        interlock=message.interlock,
        title=message.title,
        clauses=tuple(message.clauses),
        mode=message.mode,
        shown=message.shown,
        protection=Protection(message.protection),
        health=Health(message.health),
        health_reasons=tuple(message.health_reasons),
        service=Service(message.service),
        running=Running(message.running),
        occurrence=message.occurrence,
        first_out=tuple(message.first_out),
        plant_tripped=message.plant_tripped if message.HasField("plant_tripped") else None,
        plant_bypassed=message.plant_bypassed if message.HasField("plant_bypassed") else None,
        last_verdicts=tuple(
            (v.effect, v.verdict, v.response_ms if v.HasField("response_ms") else None)
            for v in message.last_verdicts
        ),
        since_us=message.since_us,
        time_us=message.time_us,
    )


def _alarm_message(alarm: AlarmStatus) -> pb.AlarmStatus:
    return pb.AlarmStatus(
        alarm=alarm.alarm,
        point=alarm.point,
        tag=alarm.tag,
        title=alarm.title,
        state=alarm.state.value,
        level=alarm.level.value,
        priority=alarm.priority.value,
        occurrence=alarm.occurrence,
        value=alarm.value,
        unit=alarm.unit,
        limit=alarm.limit,
        quality=int(alarm.quality),
        raised_us=alarm.raised_us,
        time_us=alarm.time_us,
    )


def _alarm_of(message: pb.AlarmStatus) -> AlarmStatus:
    return AlarmStatus(
        alarm=message.alarm,
        point=message.point,
        tag=message.tag,
        title=message.title,
        state=AlarmState(message.state),
        level=AlarmLevel(message.level),
        priority=AlarmPriority(message.priority),
        occurrence=message.occurrence,
        value=message.value if message.HasField("value") else None,
        unit=message.unit,
        limit=message.limit if message.HasField("limit") else None,
        quality=Quality(message.quality),
        raised_us=message.raised_us,
        time_us=message.time_us,
    )
