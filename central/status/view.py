"""What the board shows at one instant: ages, staleness, counts.  Pure.

A periodic value is stale when it is older than three of its periods and the longest window in
which a gateway may hold it back.  A value that comes on change is as fresh as the newest word of
its device: silence of the device, not of the value, makes it stale.
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
    values = point_values(board)
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


def point_values(board: Board) -> list[PointValue]:
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
                    word = words.get(axis.device)
                    best[point.name] = newest, _value(point, axis, newest, word, offset)
    return [value for _, value in best.values()]


def _device_words(table: PartColumns) -> dict[str, int]:
    """Return the newest sample time of each device."""
    words: dict[str, int] = {}
    number = 0
    for axis in table.part.axes:
        for _point in axis.points:
            time_us = table.newest_time_of(number)
            number += 1
            if time_us is not None:
                words[axis.device] = max(words.get(axis.device, time_us), time_us)
    return words


def _value(
    point: SchemaPoint, axis: SchemaAxis, newest: Newest, word_us: int | None, offset_us: int
) -> PointValue:
    limit = PERIODS_MAX * axis.period_us + WINDOW_MAX_US
    if axis.subscribed and newest.time_us is not None and word_us is not None:
        limit += word_us - newest.time_us
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
        max_age_us=max(limit + offset_us, 0),
        range_low=point.range_low,
        range_high=point.range_high,
        process_unit=point.process_unit,
    )


def _is_stale(value: PointValue, as_of_us: int) -> bool:
    return value.time_us is not None and as_of_us - value.time_us > value.max_age_us


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
    )
