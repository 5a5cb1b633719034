"""SQL of the findings book: rows by rule version and window, cursors.  Shell: database."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

Row = tuple[str, str, int, str, str, int, int, int, str]
Key = tuple[str, str, int, str, str, int]

_COLUMNS = "site_id, rule, rule_version, subject, symptom, t0_us, t1_us, merge_gap_us, window_hash"


class StoredFinding(NamedTuple):
    """One finding as it stands in the table; `body` is JSON."""

    site: str
    rule: str
    rule_version: int
    subject: str
    symptom: str
    t0_us: int
    t1_us: int
    merge_gap_us: int
    window_hash: str
    body: str


def rows(connection: sqlite3.Connection, site: str | None) -> list[Row]:
    """Return every finding without its body, of one site or of all."""
    where, given = ("WHERE site_id = ?", (site,)) if site is not None else ("", ())
    return connection.execute(
        f"SELECT {_COLUMNS} FROM finding {where} ORDER BY site_id, t0_us",  # noqa: S608 - constants
        given,
    ).fetchall()


def bodies(connection: sqlite3.Connection, keys: Sequence[Key]) -> dict[Key, str]:
    """Return the bodies of some findings."""
    found: dict[Key, str] = {}
    for key in keys:
        row = connection.execute(
            "SELECT body FROM finding WHERE site_id = ? AND rule = ? AND rule_version = ?"
            " AND subject = ? AND symptom = ? AND t0_us = ?",
            key,
        ).fetchone()
        if row is not None:
            found[key] = row[0]
    return found


def cursor(
    connection: sqlite3.Connection, site: str, pack: str, version: int
) -> tuple[int, str] | None:
    """Return where a pack stands with a site: the next window, and the thin ones as JSON."""
    row = connection.execute(
        "SELECT next_us, thin FROM analysis_cursor"
        " WHERE site_id = ? AND pack = ? AND pack_version = ?",
        (site, pack, version),
    ).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


def horizons(connection: sqlite3.Connection) -> dict[str, int]:
    """Return, per site, up to when every pack that has a cursor has judged."""
    return dict(
        connection.execute("SELECT site_id, MIN(next_us) FROM analysis_cursor GROUP BY site_id")
    )


def replace(
    connection: sqlite3.Connection,
    site: str,
    rules: Sequence[tuple[str, int]],
    t0_us: int,
    found: Sequence[StoredFinding],
    mark: tuple[str, str, int, int, str],
) -> int:
    """Put what some rules found in one window in place of what they found before; move the cursor.

    Returns:
        How many rows of findings changed; 0 for a re-run over equal data.
    """
    connection.execute("BEGIN IMMEDIATE")
    with connection:  # commits, or rolls back when anything fails
        before = _of_window(connection, site, rules, t0_us)
        after = {each[:6]: each for each in found}
        gone = [key for key in before if key not in after]
        new = [each for key, each in after.items() if before.get(key) != tuple(each)]
        connection.executemany(
            "DELETE FROM finding WHERE site_id = ? AND rule = ? AND rule_version = ?"
            " AND subject = ? AND symptom = ? AND t0_us = ?",
            gone,
        )
        connection.executemany(
            f"INSERT OR REPLACE INTO finding ({_COLUMNS}, body)"  # noqa: S608 - constants
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            new,
        )
        connection.execute("INSERT OR REPLACE INTO analysis_cursor VALUES (?, ?, ?, ?, ?)", mark)
    return len(gone) + len(new)


def _of_window(
    connection: sqlite3.Connection, site: str, rules: Sequence[tuple[str, int]], t0_us: int
) -> dict[tuple[object, ...], tuple[object, ...]]:
    before: dict[tuple[object, ...], tuple[object, ...]] = {}
    for rule, version in rules:
        for row in connection.execute(
            f"SELECT {_COLUMNS}, body FROM finding"  # noqa: S608 - constants
            " WHERE site_id = ? AND rule = ? AND rule_version = ? AND t0_us = ?",
            (site, rule, version, t0_us),
        ):
            before[tuple(row[:6])] = tuple(row)
    return before
