"""The one line that the demo ends with, and whether it may exit 0.  Pure.

Two witnesses who do not know each other: the gateways count what they acquired before it reaches
the spool (`stopped.json`); the centre counts what it holds (`completeness`).  They must agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Json = Mapping[str, object]
COUNTS = ("stored", "pending", "gaps", "unexplained", "duplicates", "trips", "alarms")


@dataclass(frozen=True, slots=True)
class GatewayEnd:
    """How one gateway ended: exit code, and what `stopped.json` says (None where it is missing)."""

    gateway: str
    exit_code: int | None
    stopped: Json | None


@dataclass(frozen=True, slots=True)
class Counted:
    """Samples of one gateway as it counted them itself."""

    acquired: int
    pending: int


def is_ready(sites: Sequence[Json], wanted: int) -> bool:
    """Return True when every site is LIVE and each of its points is GOOD and fresh."""
    return len(sites) == wanted and all(_is_live(site) for site in sites)


def _is_live(site: Json) -> bool:
    points = site.get("points")
    if site.get("link") != "LIVE" or not isinstance(points, Mapping):
        return False
    total = points.get("total", 0)
    return bool(total) and points.get("good") == total and not points.get("stale")


def why_not_ready(sites: Sequence[Json]) -> str:
    """Return one line about the sites that are not there yet."""
    waiting = [
        f"{site.get('site')}: {site.get('link')}, {site.get('points')}"
        for site in sites
        if not _is_live(site)
    ]
    return "; ".join(waiting) or "the centre knows no site"


def counted(end: GatewayEnd) -> Counted:
    """Return what a gateway counted; all zero where it left nothing."""
    samples = (end.stopped or {}).get("samples")
    if not isinstance(samples, Mapping):
        return Counted(0, 0)
    return Counted(_whole(samples.get("acquired")), _whole(samples.get("pending")))


def summarise(
    ends: Sequence[GatewayEnd],
    accounts: Sequence[Json],
    *,
    sites: int,
    seconds: float,
    ready_s: float | None,
    leaked: bool,
) -> tuple[dict[str, object], list[str]]:
    """Return the summary and every reason why the demo must not exit 0.

    Args:
        ends: how each gateway ended.
        accounts: `completeness/1` of each site, asked after the gateways had ended.
        sites: number of sites that were started.
        seconds: length of the run.
        ready_s: time until all sites were live; None when they never were.
        leaked: True when the lance leaked, so that a trip must have come.
    """
    total = {key: sum(_whole(each.get(key)) for each in accounts) for key in COUNTS}
    gateways = [counted(end) for end in ends]
    acquired = sum(each.acquired for each in gateways)
    pending = sum(each.pending for each in gateways) + total["pending"]
    faults = _faults(ends, total, acquired=acquired, pending=pending)
    if ready_s is None:
        faults.insert(0, "not every site became live")
    if len(accounts) != sites:
        faults.append(f"the centre accounts for {len(accounts)} of {sites} sites")
    if leaked and not total["trips"]:
        faults.append("the lance leaked, but no trip reached the centre")
    line: dict[str, object] = {
        "schema": "demo-summary/1",
        "ok": not faults,
        "seconds": round(seconds, 1),
        "ready_s": None if ready_s is None else round(ready_s, 1),
        "sites": sites,
        "samples_acquired": acquired,
        "samples_archived": total["stored"],
        "samples_pending": pending,
        "gaps": total["gaps"],
        "duplicates": total["duplicates"],
        "unexplained": total["unexplained"],
        "trips": total["trips"],
        "alarms": total["alarms"],
    }
    return line, faults


def _faults(
    ends: Sequence[GatewayEnd], total: Mapping[str, int], *, acquired: int, pending: int
) -> list[str]:
    faults = [
        f"{end.gateway}: ended with exit code {end.exit_code}"
        for end in ends
        if end.exit_code != 0 or end.stopped is None
    ]
    faults += [f"{total[key]} samples {key}" for key in ("unexplained", "duplicates") if total[key]]
    if pending:
        faults.append(f"{pending} samples pending")
    if acquired != total["stored"]:
        faults.append(f"{acquired} samples acquired, but {total['stored']} archived")
    return faults


def _whole(value: object) -> int:
    """Return a count; numbers may travel as text."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
