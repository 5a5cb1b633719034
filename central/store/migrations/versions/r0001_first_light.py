"""First light: archive, register, status, accounting.  Shell: the database.

Revision: 0001.  The analysis issue adds its tables with 0002.
"""

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    """CREATE TABLE site (
        site_id TEXT NOT NULL, name TEXT NOT NULL, region TEXT NOT NULL, simulated BOOLEAN NOT NULL,
        since_us BIGINT NOT NULL, PRIMARY KEY (site_id))""",
    """CREATE TABLE gateway (
        site_id TEXT NOT NULL, gateway_id TEXT NOT NULL UNIQUE, gateway_uid BLOB NOT NULL UNIQUE,
        since_us BIGINT NOT NULL, PRIMARY KEY (site_id, gateway_id))""",
    """CREATE TABLE gateway_epoch (
        site_id TEXT NOT NULL, epoch BLOB NOT NULL UNIQUE, gateway_id TEXT NOT NULL, since_us
        BIGINT NOT NULL,
        PRIMARY KEY (site_id, epoch))""",
    """CREATE TABLE block (
        site_id TEXT NOT NULL, epoch BLOB NOT NULL, lane SMALLINT NOT NULL, seq BIGINT NOT NULL,
        arrival BIGINT NOT NULL, kind SMALLINT NOT NULL, n INTEGER NOT NULL, sample_first BIGINT
        NOT NULL, t_first_us BIGINT NOT NULL, t_last_us BIGINT NOT NULL, boot_id BIGINT NOT NULL,
        received_us BIGINT NOT NULL, late BOOLEAN NOT NULL, decoded SMALLINT NOT NULL,
        schema_hash BLOB NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL, header BLOB NOT
        NULL, payload BLOB NOT NULL, PRIMARY KEY (site_id, epoch, lane, seq))""",
    "CREATE UNIQUE INDEX block_arrival ON block (arrival)",
    "CREATE INDEX block_time ON block (site_id, lane, t_last_us)",
    """CREATE TABLE schema_part (
        site_id TEXT NOT NULL, hash BLOB NOT NULL, gateway_id TEXT NOT NULL, received_us BIGINT NOT
        NULL, body BLOB NOT NULL, PRIMARY KEY (site_id, hash))""",
    """CREATE TABLE point (
        site_id TEXT NOT NULL, point_id BIGINT NOT NULL, name TEXT NOT NULL,
        PRIMARY KEY (site_id, point_id), UNIQUE (site_id, name))""",
    """CREATE TABLE series_summary (
        site_id TEXT NOT NULL, point_id BIGINT NOT NULL, hour_us BIGINT NOT NULL, late SMALLINT NOT
        NULL, n BIGINT NOT NULL, n_good BIGINT NOT NULL, v_min FLOAT, v_max FLOAT, v_first FLOAT,
        v_last FLOAT, t_first_us BIGINT NOT NULL, t_last_us BIGINT NOT NULL, v_sum FLOAT NOT NULL,
        n_value BIGINT NOT NULL, quality SMALLINT NOT NULL,
        PRIMARY KEY (site_id, point_id, hour_us, late))""",
    """CREATE TABLE event (
        site_id TEXT NOT NULL, epoch BLOB NOT NULL, lane SMALLINT NOT NULL, seq BIGINT NOT NULL,
        ordinal BIGINT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, t_us BIGINT NOT NULL,
        m_us BIGINT NOT NULL, boot_id BIGINT NOT NULL, late BOOLEAN NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (site_id, epoch, lane, seq, ordinal))""",
    "CREATE INDEX event_time ON event (site_id, t_us)",
    "CREATE INDEX event_kind ON event (site_id, kind, t_us)",
    """CREATE TABLE alarm (
        site_id TEXT NOT NULL, alarm_id TEXT NOT NULL, boot_id BIGINT NOT NULL, occurrence BIGINT
        NOT NULL, m_us BIGINT NOT NULL, state TEXT NOT NULL, level TEXT NOT NULL, priority TEXT NOT
        NULL, raised_us BIGINT NOT NULL, time_us BIGINT NOT NULL,
        PRIMARY KEY (site_id, alarm_id, boot_id, occurrence))""",
    """CREATE TABLE interlock (
        site_id TEXT NOT NULL, interlock_id TEXT NOT NULL, boot_id BIGINT NOT NULL, m_us BIGINT NOT
        NULL, shown TEXT NOT NULL, occurrence BIGINT NOT NULL, time_us BIGINT NOT NULL, body TEXT
        NOT NULL,
        PRIMARY KEY (site_id, interlock_id))""",
    """CREATE TABLE gap (
        site_id TEXT NOT NULL, epoch BLOB NOT NULL, seq BIGINT NOT NULL, ordinal BIGINT NOT NULL,
        of_epoch BLOB NOT NULL, cause TEXT NOT NULL, lane SMALLINT, sample_lo BIGINT, sample_hi
        BIGINT, n BIGINT NOT NULL, t0_us BIGINT NOT NULL, t1_us BIGINT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (site_id, epoch, seq, ordinal))""",
    "CREATE INDEX gap_time ON gap (site_id, t1_us)",
    """CREATE TABLE link_journal (
        site_id TEXT NOT NULL, gateway_id TEXT NOT NULL, number BIGINT NOT NULL, at_us BIGINT NOT
        NULL, state TEXT NOT NULL, backlog BIGINT NOT NULL, clock_offset_us BIGINT, reason TEXT NOT
        NULL,
        PRIMARY KEY (site_id, gateway_id, number))""",
    """CREATE TABLE announced (
        site_id TEXT NOT NULL, epoch BLOB NOT NULL, lane SMALLINT NOT NULL, held_lo BIGINT NOT NULL,
        tip_seq BIGINT NOT NULL, tip_sample BIGINT NOT NULL, PRIMARY KEY (site_id, epoch, lane))""",
    """CREATE TABLE quarantine (
        site_id TEXT NOT NULL, digest BLOB NOT NULL, gateway_id TEXT NOT NULL, code TEXT NOT NULL,
        times BIGINT NOT NULL, first_us BIGINT NOT NULL, last_us BIGINT NOT NULL, bytes BLOB NOT
        NULL,
        PRIMARY KEY (site_id, digest))""",
    """CREATE TABLE fork (
        site_id TEXT NOT NULL, epoch BLOB NOT NULL, lane SMALLINT NOT NULL, seq BIGINT NOT NULL,
        other_hash BLOB NOT NULL, stored_hash BLOB NOT NULL, received_us BIGINT NOT NULL, bytes
        BLOB NOT NULL,
        PRIMARY KEY (site_id, epoch, lane, seq, other_hash))""",
    """CREATE TABLE axis_ledger (
        site_id TEXT NOT NULL, epoch BLOB NOT NULL, boot_id BIGINT NOT NULL, schema_hash BLOB NOT
        NULL, point_first BIGINT NOT NULL, period_us BIGINT NOT NULL, slot_lo BIGINT NOT NULL,
        slot_hi BIGINT NOT NULL, stored BIGINT NOT NULL, skipped BIGINT NOT NULL,
        PRIMARY KEY (site_id, epoch, boot_id, schema_hash, point_first))""",
    """CREATE TABLE board (
        site_id TEXT NOT NULL, arrival BIGINT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (site_id))""",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in TABLES:
        op.execute(statement)
