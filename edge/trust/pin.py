"""The pinned key: an approved key is the server, the dates on its paper are maintenance.  Pure.

| server shows                                    | verdict                                      |
|-------------------------------------------------|----------------------------------------------|
| approved key, dates in force                    | IN_FORCE                                     |
| approved key, dates over or not begun           | LAPSED, NOT_BEGUN: session kept, points      |
|                                                 | UNCERTAIN; deferred = reminder, else urgent  |
| approved key, new certificate, same URI         | IN_FORCE, renewed: recorded                  |
| any other key; revoked or weak key; other URI   | REFUSED                                      |

Clause: security.md 3.12; acquisition.md 3.13.6 (invariant 16).
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from devices.opcua.certificate import DAY_US, Presented, Verdict, pinned

DEFERRAL_DAYS_MAX = 400
DEFERRALS_BYTES_MAX = 1 << 16


@dataclass(frozen=True, slots=True)
class Deferral:
    """Two local persons put a renewal off to a named stop.

    Attributes:
        key: SHA-256 of the server's public key, hex.
        from_us, until_us: it holds from its day on, until the end of its last day.
        stop: the plant stop at which the certificate is renewed.
        by: the two persons.
    """

    key: str
    from_us: int
    until_us: int
    stop: str
    by: tuple[str, str]


def judge(presented: Presented, now_us: int, deferrals: Iterable[Deferral] = ()) -> Verdict:
    """Return what the presented certificate is worth."""
    verdict = pinned(presented, now_us)
    if not verdict.is_lapsed:
        return verdict
    mine = presented.key.hex()
    is_deferred = any(d.key == mine and d.from_us <= now_us < d.until_us for d in deferrals)
    return replace(verdict, is_deferred=is_deferred)


def parse_deferrals(data: bytes) -> tuple[Deferral, ...]:
    """Return the deferrals of a pki folder (`deferrals.toml`).

    Raises:
        ValueError: no TOML, or an entry that is no deferral.
    """
    if len(data) > DEFERRALS_BYTES_MAX:
        raise ValueError("deferrals.toml is too long")
    entries = tomllib.loads(data.decode("utf-8")).get("deferral", [])
    if not isinstance(entries, list):
        raise ValueError("deferrals.toml: [[deferral]] expected")  # noqa: TRY004
    return tuple(_deferral(entry) for entry in entries)


def deferral(key: str, begin: date, until: date, stop: str, by: tuple[str, ...]) -> Deferral:
    """Return a deferral.

    Raises:
        ValueError: not two different persons, no stop, or more than 400 days.
    """
    if len(by) != 2 or len({name.strip() for name in by}) != 2 or not all(n.strip() for n in by):
        raise ValueError("a deferral needs two different persons")
    if not stop.strip():
        raise ValueError("a deferral names the plant stop at which the certificate is renewed")
    if not 0 < (until - begin).days <= DEFERRAL_DAYS_MAX:
        raise ValueError(f"a deferral lasts 1 to {DEFERRAL_DAYS_MAX} days")
    return Deferral(key, _us(begin), _us(until) + DAY_US, stop, (by[0], by[1]))


def _deferral(entry: object) -> Deferral:
    if not isinstance(entry, dict):
        raise ValueError("deferrals.toml: a table expected")  # noqa: TRY004
    key, stop, by = entry.get("key"), entry.get("stop"), entry.get("by")
    begin, until = entry.get("begin"), entry.get("until")
    if not (isinstance(key, str) and isinstance(stop, str) and isinstance(by, list)):
        raise ValueError("deferrals.toml: key, stop and by are needed")  # noqa: TRY004
    if type(begin) is not date or type(until) is not date:
        raise ValueError("deferrals.toml: begin and until are days (2026-01-31)")
    return deferral(key, begin, until, stop, tuple(str(name) for name in by))


def _us(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000
