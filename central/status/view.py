"""What the board shows at one instant: ages, staleness, counts.  Pure.

A periodic value is stale when it is older than three of its periods and the longest window in
which a gateway may hold it back.  A value that comes on change is as fresh as the newest word of
its device: silence of the device, not of the value, makes it stale.
A gateway's clock is corrected by the offset that it states, but never so far that a sample would
have been taken after it came: a clock that runs ahead, or a wrong offset, keeps nothing fresh.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from central.status.board import Board
from central.status.columns import Newest, PartColumns
from central.status.link import Link, worst_link
from central.status.model import (
    Accounting,
    GatewayStatus,
    InterlockStatus,
    PointValue,
    SiteStatus,
)
from central.status.said import alarm_said, interlock_said
from proto.alarm import STANDING, WarningLevel
from proto.ledger import Account
from proto.quality import Quality, Reason, worst
from proto.schema import SchemaAxis, SchemaPoint
from proto.site import Site

PERIODS_MAX = 3
WINDOW_MAX_US = 12_000_000  # the longest window of a gateway, 10 s (batches.md 3.7), and the way
_REASONS = {int(reason): reason for reason in Reason}


@dataclass(frozen=True, slots=True)
class GatewayWord:
    """What a gateway's session says of itself, beside its batches."""

    version: str = ""
    certificate_days: int | None = None
    clock_offset_us: int | None = None
    pending_batches: int = 0
    pending_bytes: int = 0
    pending_samples: int = 0
    pending_us: int | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """What the view needs beside the fold."""

    site: Site
    links: dict[str, Link]
    words: dict[str, GatewayWord]
    account: Account
    quarantined: int
    version: int


def view(board: Board, around: Around, as_of_us: int, *, with_values: bool = True) -> SiteStatus:
    """Return the status of one site at an instant of the centre's clock."""
    values = point_values(board, as_of_us)
    stale = [_is_stale(value, as_of_us) for value in values]
    links = [around.links.get(name, Link()) for name in around.site.gateways]
    state = worst_link([link.state for link in links])
    since = [link.since_us for link in links if link.state is state and link.since_us is not None]
    newest = [value.time_us for value in values if value.time_us is not None]
    return SiteStatus(
        site=around.site.id,
        name=around.site.name,
        region=around.site.region,
        simulated=around.site.simulated,
        link=state,
        link_since_us=max(since, default=None),
        as_of_us=as_of_us,
        newest_us=max(newest, default=None),
        worst_quality=worst(*(value.quality for value in values)),
        points_total=len(values),
        points_good=_count(values, Quality.GOOD),
        points_uncertain=_count(values, Quality.UNCERTAIN),
        points_bad=_count(values, Quality.BAD),
        points_stale=sum(stale),
        warning_level=WarningLevel.NONE,
        gateways=tuple(_gateway(board, around, name) for name in around.site.gateways),
        values=tuple(values) if with_values else (),
        interlocks=tuple(_interlocks(board)),
        alarms=tuple(
            alarm
            for said in board.alarms_now()
            if (alarm := alarm_said(said.body, said.first[1])).state in STANDING
        ),
        accounting=accounting_of(around.account),
        quarantined=around.quarantined,
        version=around.version,
    )


def accounting_of(account: Account) -> Accounting:
    """Return the identity in the board's own words."""
    return Accounting(
        expected=account.expected,
        stored=account.stored,
        gapped=account.gapped,
        withheld=account.withheld,
        pending=account.pending,
        unexplained=account.unexplained,
        duplicates=account.duplicates,
    )


def point_values(board: Board, as_of_us: int) -> list[PointValue]:
    """Return every point in use with its newest sample."""
    best: dict[str, tuple[Newest, PointValue]] = {}
    for table in board.tables():
        offset = board.gateways[table.gateway].clock_offset_us or 0
        number = 0
        words = _device_words(table)
        for axis in table.part.axes:
            for point in axis.points:
                newest = table.newest(number)
                number += 1
                held = best.get(point.name)
                if held is None or newest.order > held[0].order:
                    word = words.get(axis.device) if axis.subscribed else None
                    max_age_us = _max_age_us(axis, newest, word, offset, as_of_us)
                    best[point.name] = newest, _value(point, newest, max_age_us)
    return [value for _, value in best.values()]


def _device_words(table: PartColumns) -> dict[str, tuple[int, int]]:
    """Return the newest sample time of each device, and when it came."""
    words: dict[str, tuple[int, int]] = {}
    number = 0
    for axis in table.part.axes:
        for _point in axis.points:
            times = table.newest_times_of(number)
            number += 1
            if times is not None:
                words[axis.device] = max(words.get(axis.device, times), times)
    return words


def _max_age_us(
    axis: SchemaAxis, newest: Newest, word: tuple[int, int] | None, offset_us: int, as_of_us: int
) -> int:
    """Return the age from which a value is stale, as readers count it: from 0 up, by the sample.

    Below 0 it is stale whatever they count.
    """
    limit = PERIODS_MAX * axis.period_us + WINDOW_MAX_US
    if newest.time_us is None:
        return limit
    time_us, received_us = word or (newest.time_us, newest.received_us)
    skew_us = min(offset_us, received_us - time_us)
    from_future_us = max(0, newest.time_us - as_of_us)
    return limit + skew_us + time_us - newest.time_us + from_future_us


def _value(point: SchemaPoint, newest: Newest, max_age_us: int) -> PointValue:
    never = newest.time_us is None
    return PointValue(
        point=point.name,
        tag=point.tag,
        title=point.title,
        unit=point.unit,
        parameter=point.parameter,
        value=newest.value,
        quality=newest.quality,
        reason=Reason.INIT if never else _REASONS.get(newest.reason, Reason.PROTOCOL),
        detail=newest.detail,
        time_us=newest.time_us,
        last_good=newest.last_good,
        max_age_us=max_age_us,
        range_low=point.range_low,
        range_high=point.range_high,
        process_unit=point.process_unit,
    )


def _is_stale(value: PointValue, as_of_us: int) -> bool:
    return value.time_us is not None and max(0, as_of_us - value.time_us) > value.max_age_us


def _count(values: Sequence[PointValue], quality: Quality) -> int:
    return sum(value.quality is quality for value in values)


def _interlocks(board: Board) -> Iterable[InterlockStatus]:
    return (interlock_said(said.body, said.since_us) for said in board.standing_interlocks())


def _gateway(board: Board, around: Around, name: str) -> GatewayStatus:
    fold = board.gateways.get(name)
    link = around.links.get(name, Link())
    word = around.words.get(name, GatewayWord())
    return GatewayStatus(
        gateway=name,
        link=link.state,
        since_us=link.since_us,
        last_seen_us=link.seen_us,
        version=word.version,
        boot_id=fold.boot_id if fold else 0,
        config_version=fold.config_version if fold else 0,
        clock_offset_us=word.clock_offset_us if fold is None else fold.clock_offset_us,
        certificate_days=word.certificate_days,
        pending_batches=word.pending_batches,
        pending_bytes=word.pending_bytes,
        pending_samples=word.pending_samples,
        pending_us=word.pending_us,
    )
