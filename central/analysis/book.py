"""The book of findings, kept with the cursor; leads are its fold.  Shell: database.

Keyed by (rule version, window): judging a window again replaces what it gave before, so a re-run
changes nothing.
"""

import json
from collections.abc import Sequence

from central.analysis.finding import Finding, finding_body, finding_from
from central.analysis.lead import FindingRow, Lead, lead_of, spans_of
from central.analysis.pack import Pack
from central.analysis.plan import Cursor
from central.analysis.window import canonical
from central.store import findings as store
from central.store.database import Database


class LeadBook:
    """Findings and cursors in `central.db`, and the leads that they make."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def leads(self, site: str | None = None) -> list[Lead]:
        """Return the leads of one site, or of all, newest first."""
        rows = await self._database.read(lambda connection: store.rows(connection, site))
        return await self._with_bodies([FindingRow(*row) for row in rows])

    async def horizons(self) -> dict[str, int]:
        """Return, per site, up to when its windows have been judged."""
        return await self._database.read(store.horizons)

    async def cursor(self, site: str, pack: Pack) -> Cursor | None:
        """Return how far a pack has come with a site, or None before its first window."""
        found = await self._database.read(
            lambda connection: store.cursor(connection, site, pack.pack, pack.version)
        )
        return None if found is None else Cursor(found[0], tuple(json.loads(found[1])))

    async def keep(
        self, site: str, pack: Pack, t0_us: int, findings: Sequence[Finding], cursor: Cursor
    ) -> int:
        """Replace what this pack found in one window, move the cursor; return the rows changed."""
        rows = [_stored(finding, pack) for finding in findings]
        rules = [(rule.rule, rule.version) for rule in pack.rules]
        mark = (site, pack.pack, pack.version, cursor.next_us, canonical(list(cursor.thin)))
        return await self._database.write(
            lambda connection: store.replace(connection, site, rules, t0_us, rows, mark)
        )

    async def _with_bodies(self, rows: list[FindingRow]) -> list[Lead]:
        spans = spans_of(rows)
        ends = {end for span in spans for end in (span.first, span.last)}
        keys = [(*end.key, end.t0_us) for end in ends]
        bodies = await self._database.read(lambda connection: store.bodies(connection, keys))
        found = {key: finding_from(json.loads(body)) for key, body in bodies.items()}
        return [
            lead_of(
                span,
                found[(*span.first.key, span.first.t0_us)],
                found[(*span.last.key, span.last.t0_us)],
            )
            for span in spans
            if (*span.first.key, span.first.t0_us) in found
            and (*span.last.key, span.last.t0_us) in found
        ]


def _stored(finding: Finding, pack: Pack) -> store.StoredFinding:
    return store.StoredFinding(
        *finding.key,
        finding.t0_us,
        finding.t1_us,
        pack.merge_gap_us,
        finding.window_hash,
        canonical(finding_body(finding)),
    )
