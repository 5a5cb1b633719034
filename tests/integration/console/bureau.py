"""A bureau in memory: two simulated sites that move, for the console's tests.

`python -m tests.integration.console.bureau PORT` serves it; lines on standard input inject faults.
"""

import asyncio
import math
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from central.analysis.lead import Lead, leads_of
from central.analysis.rules import channel_health, demand_unanswered
from central.analysis.window import Window
from central.archive.model import ArchivedPoint, Bucket, GapRow
from central.clock import SystemClock
from central.config import CentralConfig
from central.listeners.http import build_http, serve_http
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
from proto.errors import NotFound
from proto.interlock import Health, Protection, Running, Service, shown_state
from proto.point import PointType
from proto.quality import Quality, Reason, worst
from tests.unit.central.analysis import plant

BOF = (
    ("lance_in_flow", "FT-101", "氧枪冷却水进水流量", "m3/h", 0.0, 500.0, 241.3),
    ("lance_out_flow", "FT-102", "氧枪冷却水出水流量", "m3/h", 0.0, 500.0, 239.8),
    ("lance_out_t_a", "TE-103A", "出水温度 A", "Cel", 0.0, 100.0, 38.2),
    ("lance_out_t_b", "TE-103B", "出水温度 B", "Cel", 0.0, 100.0, 38.4),
    ("lance_out_t_c", "TE-103C", "出水温度 C", "Cel", 0.0, 100.0, 37.9),
    ("lance_position", "ZT-104", "枪位", "mm", 0.0, 20000.0, 1804.0),
    ("lance_pressure", "PT-105", "氧枪冷却水压力", "MPa", 0.0, 2.0, 1.12),
    ("o2_blowing", "XS-106", "吹氧", "bool", None, None, 1.0),
    ("o2_valve_shut", "ZSC-107", "氧阀关到位", "bool", None, None, 0.0),
    ("lance_at_upper", "ZSO-108", "枪在上极限", "bool", None, None, 0.0),
    ("ilk_tripped", "XA-110", "联锁跳车", "bool", None, None, 0.0),
    ("ilk_bypassed", "XA-111", "联锁旁路", "bool", None, None, 0.0),
    ("life_counter", "KX-112", "心跳计数", "1", None, None, 4711.0),
)
DUST = (
    ("diff_pressure", "PDT-201", "滤袋压差", "Pa", 0.0, 5000.0, 1240.0),
    ("hopper_temp", "TE-202", "灰斗温度", "Cel", 0.0, 200.0, 41.5),
    ("fan_running", "XS-203", "风机运行", "bool", None, None, 1.0),
    ("airlock_running", "XS-204", "锁气卸灰阀运行", "bool", None, None, 1.0),
    ("grinder_running", "XS-205", "产尘设备运行", "bool", None, None, 1.0),
    ("fan_current", "IT-206", "风机电流", "A", 0.0, 400.0, 212.0),
    ("balance", "DT-207", "平衡 <script>alert(1)</script>", "Pa", -50.0, 50.0, -3.25),
)
S = 1_000_000


@dataclass
class Plant:
    """One site and what is wrong with it."""

    site: str
    name: str
    device: str
    unit: str
    rows: tuple[tuple[str, str, str, str, float | None, float | None, float], ...]
    interlock: str
    title: str
    clause: str
    faults: set[str] = field(default_factory=set)
    tripped_us: int = 0
    frozen_us: int | None = None


class Bureau:
    """Status board, archive and book of leads in one: the three things the console asks."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.version = 1
        self.plants = {
            "hancheng-steel": Plant(
                "hancheng-steel", "韩城示范炼钢厂", "bof1_plc", "BOF-1", BOF, "BOF1-LANCE",
                "1 号转炉氧枪联锁", "O10-4.4",
            ),
            "weinan-dust": Plant(
                "weinan-dust", "渭南示范除尘站", "dust1_plc", "DUST-1", DUST, "DUST1-DRY",
                "1 号干式除尘联锁", "O10-11.3",
            ),
        }  # fmt: skip
        self.found: list[Lead] = []
        self.broken = False
        self.watching: set[asyncio.Event] = set()

    def touch(self) -> None:
        """Say that something changed."""
        self.version += 1
        for each in self.watching:
            each.set()

    def sites(self, *, with_values: bool = True) -> list[SiteStatus]:
        """Every site."""
        return [self._view(each, with_values=with_values) for each in self.plants.values()]

    def site(self, site: str) -> SiteStatus:
        """One site."""
        if self.broken:
            raise RuntimeError("the board is broken")
        if site not in self.plants:
            raise NotFound("query.site_unknown", f"no site {site!r} is registered")
        return self._view(self.plants[site], with_values=True)

    async def subscribe(self, since_version: int | None = None) -> AsyncIterator["Bureau"]:
        """Changes for ever."""
        wake = asyncio.Event()
        self.watching.add(wake)
        try:
            while True:
                await wake.wait()
                wake.clear()
                yield self
        finally:
            self.watching.discard(wake)

    async def leads(self, site: str | None = None) -> list[Lead]:
        """Leads, newest first."""
        return [each for each in self.found if site in (None, each.newest.site)]

    async def horizons(self) -> dict[str, int]:
        """Up to when each site is judged."""
        return {site: self.clock.wall_us() - 12 * S for site in self.plants} if self.found else {}

    async def points(self, site: str) -> Sequence[ArchivedPoint]:
        """The points of a site."""
        held = self.plants[site]
        return [
            ArchivedPoint(
                point=f"{held.device}/{name}", tag=tag, title=title,
                type=PointType.BOOL if unit == "bool" else PointType.F32, unit=unit, scale=1.0,
                offset=0.0, range_low=low, range_high=high, parameter="none",
                process_unit=held.unit, life=False, device=held.device, profile="p", poll="fast",
                period_us=S, subscribed=False, path="plc", gateway=f"{held.site}-gw",
            )
            for name, tag, title, unit, low, high, _ in held.rows
        ]  # fmt: skip

    async def history(
        self, site: str, point: str, t0_us: int, t1_us: int, buckets: int
    ) -> Sequence[Bucket]:
        """A wave with a gap in its middle and an end a little before now."""
        base = next(row[6] for row in self.plants[site].rows if point.endswith(row[0]))
        step = (t1_us - t0_us) // buckets
        made = []
        for number in range(buckets):
            t_us, share = t0_us + number * step, number / buckets
            if 0.4 < share < 0.5 or share > 0.94:
                made.append(Bucket(t_us, 0, 0, None, None, None, None, Quality.BAD))
                continue
            value = base * (1 + 0.03 * math.sin(number / 9) + 0.004 * math.sin(number * 2.1))
            quality = Quality.UNCERTAIN if 0.6 < share < 0.65 else Quality.GOOD
            made.append(Bucket(t_us, 5, 5, value * 0.99, value * 1.01, value, value, quality))
        return made

    async def gaps(self, site: str, t0_us: int, t1_us: int) -> Sequence[GapRow]:
        """No gap record."""
        return []

    def inject(self, line: str) -> None:
        """Take one line of a test: `trip SITE`, `clear SITE`, `bypass SITE`, `bad SITE`, `lead`."""
        words = line.split()
        held = self.plants.get(words[1]) if len(words) > 1 else None
        if held is not None and words[0] == "clear":
            held.faults.clear()
        elif held is not None:
            held.faults.add(words[0])
            held.tripped_us = self.clock.wall_us()
            held.frozen_us = held.tripped_us
        elif words[:1] == ["lead"]:
            flat = plant.healthy(temp=plant.series(plant.TEMP, 38.25))
            due = Window(plant.SITE.site, plant.T0, plant.T1, (), (plant.fact(),))
            found = channel_health.judge(flat, plant.SITE, plant.HEALTH)
            found += demand_unanswered.judge(due, plant.SITE, plant.ANSWER)
            self.found = list(leads_of(found, 30 * S))
        self.touch()

    def _view(self, held: Plant, *, with_values: bool) -> SiteStatus:
        now = self.clock.wall_us()
        newest = held.frozen_us if "silent" in held.faults else now - 180_000
        values = tuple(self._value(held, row, now, newest or now) for row in held.rows)
        alarms = (self._alarm(held, now),) if "trip" in held.faults else ()
        lost = "silent" in held.faults
        return SiteStatus(
            site=held.site, name=held.name, region="610581", simulated=True,
            link=LinkState.LOST if lost else LinkState.LIVE, link_since_us=now - 3600 * S,
            as_of_us=now, newest_us=newest, worst_quality=worst(*(v.quality for v in values)),
            points_total=len(values),
            points_good=sum(v.quality is Quality.GOOD for v in values),
            points_uncertain=sum(v.quality is Quality.UNCERTAIN for v in values),
            points_bad=sum(v.quality is Quality.BAD for v in values),
            points_stale=len(values) if lost else 0, warning_level=WarningLevel.NONE,
            gateways=(
                GatewayStatus(
                    f"610581-{held.device.replace('_', '')}",
                    LinkState.LOST if lost else LinkState.LIVE,
                    now - 3600 * S, newest, "0.1.0", 3, 12, 1_200, 360, 0, 0, 120,
                ),
            ),
            values=values if with_values else (), interlocks=(self._interlock(held),),
            alarms=alarms,
            accounting=Accounting(128_400, 128_280, 0, 0, 120, 0, 0), version=self.version,
        )  # fmt: skip

    def _value(
        self,
        held: Plant,
        row: tuple[str, str, str, str, float | None, float | None, float],
        now: int,
        newest: int,
    ) -> PointValue:
        name, tag, title, unit, low, high, base = row
        moves = low is not None
        value: float | None = base + (
            base * 0.01 * math.sin(newest / 3e6 + len(name)) if moves else 0
        )
        quality, reason = Quality.GOOD, Reason.NONE
        if "bad" in held.faults and name in ("lance_out_t_b", "hopper_temp"):
            value, quality, reason = None, Quality.BAD, Reason.SENSOR_FAULT
        if "bad" in held.faults and name in ("lance_out_t_c", "fan_current"):
            quality, reason = Quality.UNCERTAIN, Reason.STUCK
        if "trip" in held.faults and name in ("ilk_tripped", "o2_valve_shut", "lance_at_upper"):
            value = 1.0
        if "bypass" in held.faults and name == "ilk_bypassed":
            value = 1.0
        never = name == "balance" and "bad" in held.faults
        return PointValue(
            point=f"{held.device}/{name}", tag=tag, title=title, unit=unit, parameter="none",
            value=None if never else value, quality=Quality.BAD if never else quality,
            reason=Reason.INIT if never else reason, detail=0, time_us=None if never else newest,
            last_good=None if never else (base, newest - 250 * S), max_age_us=13 * S,
            range_low=low, range_high=high, process_unit=held.unit,
        )  # fmt: skip

    def _alarm(self, held: Plant, now: int) -> AlarmStatus:
        name, tag, title, unit, _low, _high, base = held.rows[0]
        return AlarmStatus(
            f"{tag}-HH", f"{held.device}/{name}", tag, title, AlarmState.UNACKED, AlarmLevel.HH,
            AlarmPriority.URGENT, 1, base * 1.2, unit, base * 1.1, Quality.GOOD, held.tripped_us,
            held.tripped_us,
        )  # fmt: skip

    def _interlock(self, held: Plant) -> InterlockStatus:
        now = self.clock.wall_us()
        trip, bypass, fail = (each in held.faults for each in ("trip", "bypass", "fail"))
        protection = Protection.LATCHED if trip or fail else Protection.NORMAL
        health = Health.PROTECTION_FAILED if fail else Health.DEGRADED if bypass else Health.HEALTHY
        service = Service.ARMED
        verdicts: tuple[tuple[str, str, int | None], ...] = (
            ("raise_lance", "NOT_ACTED" if fail else "PROVEN", None if fail else 3120),
            ("close_o2", "PROVEN", 410),
        )
        return InterlockStatus(
            interlock=held.interlock, title=held.title, clauses=(held.clause, "O10-14"),
            mode="advisory", shown=shown_state(protection, health, service), protection=protection,
            health=health, health_reasons=("plant_bypassed",) if bypass else (), service=service,
            running=Running.TRUE, occurrence=1,
            first_out=("leak_hh",) if trip or fail else (), plant_tripped=trip,
            plant_bypassed=bypass, last_verdicts=verdicts if trip or fail else (),
            since_us=held.tripped_us or now - 7200 * S, time_us=now,
        )  # fmt: skip


def config_of(port: int, language: str = "zh") -> CentralConfig:
    """A configuration with the console on a port of the loopback."""
    return CentralConfig.model_validate(
        {
            "central": {"name": "陕西示范监管中心", "data_dir": "data"},
            "gateways": {"listen": "127.0.0.1:7443", "cert": "c", "key": "k"},
            "pki": {"root": "r"},
            "http": {"listen": f"127.0.0.1:{port}", "language": language},
        }
    )


async def serve(port: int, bureau: Bureau, stop: asyncio.Event) -> None:
    """Serve a bureau until `stop`; it moves each second."""
    config = config_of(port)
    app = build_http(config, bureau, bureau, bureau, clock=bureau.clock)

    async def move() -> None:
        while not stop.is_set():
            await asyncio.sleep(1.0)
            bureau.touch()

    async with asyncio.TaskGroup() as group:
        moving = group.create_task(move())
        await serve_http(app, f"127.0.0.1:{port}", stop)
        moving.cancel()


async def _main(port: int) -> None:
    bureau, stop = Bureau(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def heard() -> None:
        lines = os.read(sys.stdin.fileno(), 65_536).decode()
        for line in lines.splitlines():
            bureau.inject(line)
        if not lines:
            stop.set()

    loop.add_reader(sys.stdin.fileno(), heard)
    await serve(port, bureau, stop)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
