"""Off-site analysis: findings by window, and the cursors of packs.  Shell: the database.

Revision: 0002.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = (
    """CREATE TABLE finding (
        site_id TEXT NOT NULL, rule TEXT NOT NULL, rule_version INTEGER NOT NULL, subject TEXT NOT
        NULL, symptom TEXT NOT NULL, t0_us BIGINT NOT NULL, t1_us BIGINT NOT NULL, merge_gap_us
        BIGINT NOT NULL, window_hash TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (site_id, rule, rule_version, subject, symptom, t0_us))""",
    "CREATE INDEX finding_window ON finding (site_id, rule, rule_version, t0_us)",
    """CREATE TABLE analysis_cursor (
        site_id TEXT NOT NULL, pack TEXT NOT NULL, pack_version INTEGER NOT NULL, next_us BIGINT NOT
        NULL, thin TEXT NOT NULL,
        PRIMARY KEY (site_id, pack, pack_version))""",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in TABLES:
        op.execute(statement)
