"""Gathers one closed window of one site.  Shell: reads through the archive's reader."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np

from central.analysis.facts import (
    interlock_facts,
    last_of,
    lost_devices,
    point_facts,
    series_of,
    standing_of,
)
from central.analysis.operators import coverage
from central.analysis.pack import Pack
from central.analysis.window import Carried, InterlockFact, PointFacts, Series, Window
from central.archive.model import ArchivedPoint, Bucket, GapRow, PointColumns, Record

READ_TIMEOUT_S = 30.0
STANDING_US: Final = 11 * 60_000_000  # a snapshot of every interlock comes each 10 min
THIN_BELOW = 0.8
_FIRST_LOOK_US: Final = 60_000_000
_RECORD_KINDS: Final = (
    "interlock.pending",
    "interlock.tripped",
    "interlock.latched",
    "interlock.returned",
    "interlock.reset",
    "interlock.health_changed",
    "interlock.service_changed",
    "interlock.judged",
    "interlock.snapshot",
    "plant.bypassed",
    "plant.restored",
)
_LINK_KINDS: Final = (
    "device.link_lost",
    "device.link_restored",
    "device.unit_suspended",
    "device.unit_resumed",
    "device.life_stopped",
    "device.life_returned",
)


class Archive(Protocol):
    """What analysis reads; times in microseconds, ends excluded."""

    async def points(self, site: str) -> Sequence[ArchivedPoint]:
        """Return the points of a site."""

    async def columns(self, site: str, point: str, t0_us: int, t1_us: int) -> PointColumns:
        """Return the samples of one point."""

    async def records(
        self, site: str, t0_us: int, t1_us: int, kinds: Sequence[str] | None
    ) -> Sequence[Record]:
        """Return the records of a site."""

    async def gaps(self, site: str, t0_us: int, t1_us: int) -> Sequence[GapRow]:
        """Return the gap records that touch a time."""

    async def history(
        self, site: str, point: str, t0_us: int, t1_us: int, buckets: int
    ) -> Sequence[Bucket]:
        """Return a point's history in buckets."""


class Gatherer:
    """Builds windows; remembers what stood before the next one, so that it is looked up once."""

    def __init__(self, archive: Archive, pack: Pack) -> None:
        self._archive = archive
        self._pack = pack
        self._carried: dict[tuple[str, str], tuple[int, Carried | None]] = {}
        self._standing: dict[str, tuple[int, tuple[InterlockFact, ...]]] = {}
        self._wanted = {each for rule in pack.rules for each in (*rule.inputs, *rule.process)}
        self._context = {each for rule in pack.rules for each in rule.process} | {
            each
            for rule in pack.rules
            if rule.judge == "bypass_while_running"
            for each in rule.inputs
        }

    async def window(self, site: str, points: Sequence[ArchivedPoint], t0_us: int) -> Window:
        """Return the window that starts at `t0_us`, with every point that the pack names."""
        t1_us = t0_us + self._pack.window_us
        async with asyncio.timeout(READ_TIMEOUT_S):
            series = [await self._series(site, point_facts(each), t0_us, t1_us) for each in points]
            inside = await self._archive.records(site, t0_us, t1_us, (*_RECORD_KINDS, *_LINK_KINDS))
            standing = await self._before(site, t0_us)
            gaps = await self._archive.gaps(site, t0_us, t1_us)
        bodies = [record.body for record in inside if t0_us <= record.t_us < t1_us]
        facts = interlock_facts(bodies)
        self._standing[site] = (t1_us, standing_of((*standing, *facts)))
        return Window(
            site=site,
            t0_us=t0_us,
            t1_us=t1_us,
            series=tuple(series),
            interlocks=facts,
            standing=standing,
            lost_devices=lost_devices(bodies),
            gap_us=sum(max(0, min(gap.t1_us, t1_us) - max(gap.t0_us, t0_us)) for gap in gaps),
        )

    async def oldest_us(self, site: str, points: Sequence[ArchivedPoint], newest_us: int) -> int:
        """Return about where the data of a site begin, no further back than the pack's lookback."""
        start_us = newest_us - self._pack.lookback_us
        async with asyncio.timeout(READ_TIMEOUT_S):
            for point in points[:1]:
                buckets = await self._archive.history(site, point.point, start_us, newest_us, 360)
                return next((bucket.t_us for bucket in buckets if bucket.n > 0), newest_us)
        return newest_us

    async def _series(self, site: str, facts: PointFacts, t0_us: int, t1_us: int) -> Series:
        columns = await self._archive.columns(site, facts.point, t0_us, t1_us)
        carried = None
        if facts.period_us == 0 and facts.parameter in self._context:
            carried = await self._last_before(site, facts.point, t0_us)
            self._carried[site, facts.point] = (t1_us, last_of(columns) or carried)
        return series_of(facts, columns, carried)

    async def _last_before(self, site: str, point: str, t0_us: int) -> Carried | None:
        """Return the last sample before a time, no further back than the pack's lookback."""
        at_us, known = self._carried.get((site, point), (0, None))
        if at_us == t0_us:
            return known
        look_us = min(_FIRST_LOOK_US, self._pack.lookback_us)
        while True:
            found = last_of(await self._archive.columns(site, point, t0_us - look_us, t0_us))
            if found is not None or look_us >= self._pack.lookback_us:
                return found
            look_us = min(look_us * 8, self._pack.lookback_us)

    async def _before(self, site: str, t0_us: int) -> tuple[InterlockFact, ...]:
        at_us, known = self._standing.get(site, (0, ()))
        if at_us == t0_us:
            return known
        records = await self._archive.records(site, t0_us - STANDING_US, t0_us, _RECORD_KINDS)
        return standing_of(interlock_facts(_body(records)))


def _body(records: Sequence[Record]) -> list[Mapping[str, object]]:
    return [record.body for record in records]


def is_thin(window: Window) -> bool:
    """True when samples that the window is owed are not there (yet)."""
    shares = [coverage(series, window) for series in window.series if series.facts.period_us > 0]
    return bool(shares) and float(np.median(shares)) < THIN_BELOW
