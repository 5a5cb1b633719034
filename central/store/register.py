"""The static register in the database: sites and their gateways.  Shell: the database."""

import sqlite3
from collections.abc import Sequence

from proto.batch import gateway_uid
from proto.errors import ConfigError, Fault
from proto.site import Site


def import_register(db: sqlite3.Connection, sites: Sequence[Site], now_us: int, place: str) -> None:
    """Take the sites of the configuration in; what is known keeps its first date.

    Raises:
        ConfigError: a gateway whose batches stand under one site is now named for another.
    """
    faults = []
    for site in sites:
        for gateway in site.gateways:
            row = db.execute(
                "SELECT site_id FROM gateway WHERE gateway_id=?", (gateway,)
            ).fetchone()
            if row is not None and row[0] != site.id:
                message = f"gateway {gateway} belongs to site {row[0]}; give the new one a new id"
                faults.append(Fault(f"{place}: site {site.id}", "config.gateway_moved", message))
    if faults:
        raise ConfigError(faults)
    db.execute("BEGIN IMMEDIATE")
    for site in sites:
        db.execute(
            """INSERT INTO site (site_id, name, region, simulated, since_us) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET name=excluded.name, region=excluded.region,
               simulated=excluded.simulated""",
            (site.id, site.name, site.region, site.simulated, now_us),
        )
        for gateway in site.gateways:
            db.execute(
                """INSERT INTO gateway (site_id, gateway_id, gateway_uid, since_us)
                   VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING""",
                (site.id, gateway, gateway_uid(gateway), now_us),
            )
    db.execute("COMMIT")
