"""From what the archive gives to what rules see: points, columns, records.  Pure."""

from collections.abc import Iterable, Mapping

import numpy as np

from central.analysis.window import Carried, InterlockFact, PointFacts, Series, interlock_fact
from central.archive.model import ArchivedPoint, PointColumns
from proto.point import PointType
from proto.quality import Quality, Reason


def point_facts(point: ArchivedPoint) -> PointFacts:
    """Return what rules need of one point; whole numbers have a smallest step, floats none."""
    digital = point.type is PointType.BOOL or point.unit == "bool"
    whole = not point.type.is_float and not digital
    return PointFacts(
        point=point.point,
        tag=point.tag,
        title=point.title,
        unit=point.unit,
        parameter=point.parameter,
        process_unit=point.process_unit,
        period_us=0 if point.subscribed else point.period_us,
        digital=digital,
        resolution=abs(point.scale) if whole else None,
        range_low=point.range_low,
        range_high=point.range_high,
    )


def series_of(facts: PointFacts, columns: PointColumns, carried: Carried | None) -> Series:
    """Return the columns of one point as a series."""
    return Series(
        facts=facts,
        time_us=columns.time_us,
        value=columns.value,
        quality=columns.quality.astype(np.uint8),
        reason=columns.reason.astype(np.uint8),
        carried=carried,
    )


def last_of(columns: PointColumns) -> Carried | None:
    """Return the last sample; a missing number is carried as 0.0 and BAD."""
    if columns.time_us.size == 0:
        return None
    value = float(columns.value[-1])
    missing = np.isnan(value)
    return Carried(
        time_us=int(columns.time_us[-1]),
        value=0.0 if missing else value,
        quality=Quality.BAD if missing else Quality(int(columns.quality[-1])),
        reason=Reason(int(columns.reason[-1])),
    )


def interlock_facts(bodies: Iterable[Mapping[str, object]]) -> tuple[InterlockFact, ...]:
    """Return the interlock facts among some records, in time order; other records are left out."""
    facts = [fact for fact in map(interlock_fact, bodies) if fact is not None]
    return tuple(sorted(facts, key=lambda fact: (fact.time_us, fact.interlock, fact.kind)))


def standing_of(facts: Iterable[InterlockFact]) -> tuple[InterlockFact, ...]:
    """Return the newest fact of each interlock."""
    newest = {fact.interlock: fact for fact in sorted(facts, key=lambda fact: fact.time_us)}
    return tuple(newest[name] for name in sorted(newest))


def lost_devices(bodies: Iterable[Mapping[str, object]]) -> frozenset[str]:
    """Return the devices that records call lost or without a life signal."""
    kinds = (
        "device.link_lost",
        "device.life_stopped",
        "device.link_restored",
        "device.unit_suspended",
        "device.unit_resumed",
        "device.life_returned",
    )
    named = {str(body.get("device", "")) for body in bodies if body.get("k") in kinds}
    return frozenset(named - {""})
