"""sites, status, watch, history, completeness, leads: questions to a running centre.  Shell: gRPC.

Arguments come from `central/cli.py`; every function returns the exit code.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from central.api import body
from central.api.messages import site_of
from central.client import Client, find_config
from central.commands import output, tables
from central.commands.words import Language, say
from central.status.model import SiteStatus
from proto import limits
from proto.errors import BadRequest
from proto.v1 import query_pb2 as pb

OK, WRONG = 0, 1
_RELATIVE = re.compile(r"-?([0-9]{1,9})(s|min|m|h|d)")
_BUCKETS_MAX = 10_000
_UNITS_US = {
    "s": 1_000_000,
    "m": 60_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}


@dataclass(frozen=True, slots=True)
class How:
    """How to ask and how to answer."""

    config: Path | None
    as_json: bool
    language: Language

    def client(self) -> Client:
        """Return a client of the centre to ask."""
        return Client(find_config(self.config))


async def sites(how: How) -> int:
    """List all sites."""
    async with how.client() as client:
        reply = await client.sites(values=True)
    found = [site_of(message) for message in reply.sites]
    if how.as_json:
        for status in found:
            output.line(body.site_body(status, with_values=False))
        return OK
    keys = ("site", "name", "region", "link", "points", "newest")
    heads = [say(how.language, key) for key in (*keys, "interlocks", "alarms", "accounting")]
    output.table("", heads, (tables.site_row(status, how.language) for status in found))
    return OK


async def status(how: How, site: str | None) -> int:
    """Show one site, or all, with their values."""
    async with how.client() as client:
        if site:
            found = [site_of(await client.site(site))]
        else:
            found = [site_of(message) for message in (await client.sites(values=True)).sites]
    for each in found:
        if how.as_json:
            output.line(body.site_body(each))
        else:
            _show_site(how, each)
    return OK


async def watch(how: How, site: str | None, seconds: float | None, count: int | None) -> int:
    """Stream changes: first every site as it is now, then each change."""
    if count is not None and count < 1:
        return OK
    shown = 0
    until = None if seconds is None else time.monotonic() + seconds
    try:
        async with (
            asyncio.timeout(seconds),
            how.client() as client,
            aclosing(_changes(client, site or "")) as changes,
        ):
            async for delta in changes:
                _show_change(how, delta)
                shown += 1
                if count is not None and shown >= count:
                    return OK
    except TimeoutError:
        if until is None or time.monotonic() < until:
            raise  # not ours
    return OK


async def _changes(client: Client, site: str) -> AsyncGenerator[body.Body]:
    """Yield `status-delta/1`; after a resync all sites anew."""
    since: int | None = None
    while True:
        for status in await _now(client, site):
            since = max(since or 0, status.version)
            yield _delta(status.version, status)
        async with aclosing(client.watch(site, since or None)) as deltas:
            async for message in deltas:
                since = message.version
                if message.resync:
                    break
                if message.HasField("status"):
                    yield _delta(message.version, site_of(message.status))


async def _now(client: Client, site: str) -> list[SiteStatus]:
    if site:
        return [site_of(await client.site(site))]
    return [site_of(message) for message in (await client.sites(values=True)).sites]


def _delta(version: int, status: SiteStatus) -> body.Body:
    shown = body.site_body(status)
    return {
        "schema": "status-delta/1",
        "version": str(version),
        "site": status.site,
        "status": shown,
    }


def _show_change(how: How, delta: body.Body) -> None:
    if how.as_json:
        output.line(delta)
        return
    shown = delta["status"]
    assert isinstance(shown, dict)
    points, account = shown["points"], shown["accounting"]
    output.say(
        f"{shown['as_of']} {tables.safe(str(shown['site']))} {shown['link']}"
        f" {points['good']}/{points['total']}"
        f" {say(how.language, 'alarms')} {len(shown['alarms'])}"
        f" {_interlock_words(shown['interlocks'])}"
        f" {account['stored']}/{account['expected']}"
    )


def _interlock_words(interlocks: list[dict[str, object]]) -> str:
    return " ".join(f"{tables.safe(str(each['interlock']))}={each['shown']}" for each in interlocks)


async def history(
    how: How, site: str, tag: str, window: tuple[str | None, str | None], buckets: int
) -> int:
    """Show the history of a point by name or tag."""
    if not 1 <= buckets <= _BUCKETS_MAX:
        raise BadRequest("query.range", f"buckets: 1 to {_BUCKETS_MAX}")
    now_us = time.time_ns() // 1_000
    t1_us = _time_us(window[1], now_us) if window[1] else now_us
    t0_us = _time_us(window[0], now_us) if window[0] else t1_us - 10 * _UNITS_US["min"]
    request = pb.HistoryRequest(site=site, point=tag, t0_us=t0_us, t1_us=t1_us, buckets=buckets)
    async with how.client() as client:
        reply = await client.history(request)
    if how.as_json:
        for each in body.history_bodies(reply):
            output.line(each)
        return OK
    keys = ("time", "min", "max", "avg", "last", "samples")
    title = f"{tables.safe(reply.title)} {tables.safe(reply.tag)} [{tables.safe(reply.unit)}]"
    heads = [say(how.language, key) for key in keys]
    output.table(title, heads, (tables.bucket_row(b, how.language) for b in reply.buckets))
    for gap in reply.gaps:
        row = body.gap_body(gap)
        output.say(f"{row['from']} … {row['to']}  {row['cause']}  {row['samples']}")
    return OK


async def completeness(how: How, site: str | None) -> int:
    """Show the accounting; exit 1 when something is unexplained or stored twice."""
    async with how.client() as client:
        reply = await client.completeness(site or "")
    if how.as_json:
        for each in reply.sites:
            output.line(body.completeness_body(each, reply.as_of_us))
    else:
        keys = ("site", "expected", "stored", "gapped", "withheld", "pending", "unexplained")
        heads = [say(how.language, key) for key in (*keys, "duplicates", "quarantined")]
        output.table("", heads, (tables.account_row(each) for each in reply.sites))
    lost = [s for s in reply.sites if s.accounting.unexplained or s.accounting.duplicates]
    return WRONG if lost else OK


async def leads(how: How, site: str | None) -> int:
    """List leads; an empty answer is no line at all."""
    async with how.client() as client:
        reply = await client.leads(site or "")
    found = [json.loads(lead) for lead in reply.lead]
    if how.as_json:
        for each in found:
            output.line(each)
        return OK
    if not found:
        output.say(say(how.language, "none"))
    heads = [say(how.language, key) for key in ("lead", "site", "severity", "clauses", "title")]
    word = how.language.value
    rows = (
        (
            tables.safe(str(each["lead"])),
            tables.safe(str(each["site"])),
            str(each["severity"]),
            tables.safe(", ".join(str(clause) for clause in _clauses(each["clauses"]))),
            tables.safe(f"{each['title'][word]}: {each['text'][word]}"),
        )
        for each in found
    )
    output.table("", heads, rows)
    return OK


def _clauses(listed: list[object]) -> list[object]:
    return [item.get("clause", item) if isinstance(item, dict) else item for item in listed]


def _show_site(how: How, status: SiteStatus) -> None:
    language = how.language
    as_of = status.as_of_us
    mark = f" [{say(language, 'simulated')}]" if status.simulated else ""
    since = body.iso(status.link_since_us) or "—"
    name = f"{status.site} {tables.safe(status.name)}{mark}"
    output.say(f"{name}  {status.link.value} {say(language, 'since')} {since}")
    keys = ("tag", "title", "value", "quality", "age", "point")
    heads = [say(language, key) for key in keys]
    output.table(
        say(language, "values"),
        heads,
        (tables.value_row(value, status, language) for value in status.values),
    )
    heads = ["ID", say(language, "title"), say(language, "state"), say(language, "health")]
    heads += [say(language, key) for key in ("service", "plant", "verdicts", "since")]
    rows = (tables.interlock_row(each, language) for each in status.interlocks)
    output.table(say(language, "interlocks"), heads, rows)
    heads = [say(language, key) for key in ("tag", "title", "level", "priority", "state")]
    heads += [say(language, "value"), say(language, "age")]
    alarms = (tables.alarm_row(alarm, as_of) for alarm in status.alarms)
    output.table(say(language, "alarms"), heads, alarms)


def _time_us(text: str, now_us: int) -> int:
    """Return a time: ISO 8601 (without offset: +08:00), or so long ago, such as 10min or 2h."""
    relative = _RELATIVE.fullmatch(text)
    if relative is not None:
        ago_us = int(relative[1]) * _UNITS_US[relative[2]]
        return max(now_us - ago_us, -limits.TIME_US_ABS_MAX)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no time: 2026-11-23T14:05:09+08:00, or 10min, 2h, 1d (ago)"
        raise BadRequest("query.time", message) from None
    at = at if at.tzinfo is not None else at.replace(tzinfo=body.CHINA)
    return round(at.timestamp() * 1_000_000)
