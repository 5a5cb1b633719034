"""The tables of `central.db`, as SQLAlchemy Core describes them.  Pure.

Source: `central.md` 3.2.  Every primary key begins with `site_id`: it is the distribution key of
every table.  What is on disk is made by the migrations; a test compares the two.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData()


def _key(name: str, kind: type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, primary_key=True, nullable=False)


def _must(name: str, kind: type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, nullable=False)


site = Table(
    "site",
    metadata,
    _key("site_id", Text),
    _must("name", Text),
    _must("region", Text),
    _must("simulated", Boolean),
    _must("since_us", BigInteger),
)

gateway = Table(
    "gateway",
    metadata,
    _key("site_id", Text),
    _key("gateway_id", Text),
    _must("gateway_uid", LargeBinary),
    _must("since_us", BigInteger),
    UniqueConstraint("gateway_id"),
    UniqueConstraint("gateway_uid"),
)

gateway_epoch = Table(
    "gateway_epoch",
    metadata,
    _key("site_id", Text),
    _key("epoch", LargeBinary),
    _must("gateway_id", Text),
    _must("since_us", BigInteger),
    UniqueConstraint("epoch"),
)

# `payload` last: a scan over the keys does not read it.  `decoded`: 0 waits for its point table, 1
# folded, 2 unusable
block = Table(
    "block",
    metadata,
    _key("site_id", Text),
    _key("epoch", LargeBinary),
    _key("lane", SmallInteger),
    _key("seq", BigInteger),
    _must("arrival", BigInteger),
    _must("kind", SmallInteger),
    _must("n", Integer),
    _must("sample_first", BigInteger),
    _must("t_first_us", BigInteger),
    _must("t_last_us", BigInteger),
    _must("boot_id", BigInteger),
    _must("received_us", BigInteger),
    _must("late", Boolean),
    _must("decoded", SmallInteger),
    _must("schema_hash", LargeBinary),
    _must("prev_hash", LargeBinary),
    _must("hash", LargeBinary),
    _must("header", LargeBinary),
    _must("payload", LargeBinary),
    Index("block_arrival", "arrival", unique=True),
    Index("block_time", "site_id", "lane", "t_last_us"),
)

schema_part = Table(
    "schema_part",
    metadata,
    _key("site_id", Text),
    _key("hash", LargeBinary),
    _must("gateway_id", Text),
    _must("received_us", BigInteger),
    _must("body", LargeBinary),
)

point = Table(
    "point",
    metadata,
    _key("site_id", Text),
    _key("point_id", BigInteger),
    _must("name", Text),
    UniqueConstraint("site_id", "name"),
)

series_summary = Table(
    "series_summary",
    metadata,
    _key("site_id", Text),
    _key("point_id", BigInteger),
    _key("hour_us", BigInteger),
    _key("late", SmallInteger),
    _must("n", BigInteger),
    _must("n_good", BigInteger),
    Column("v_min", Float),
    Column("v_max", Float),
    Column("v_first", Float),
    Column("v_last", Float),
    _must("t_first_us", BigInteger),
    _must("t_last_us", BigInteger),
    _must("v_sum", Float),
    _must("n_value", BigInteger),
    _must("quality", SmallInteger),
)

event = Table(
    "event",
    metadata,
    _key("site_id", Text),
    _key("epoch", LargeBinary),
    _key("lane", SmallInteger),
    _key("seq", BigInteger),
    _key("ordinal", BigInteger),
    _must("kind", Text),
    _must("id", Text),
    _must("t_us", BigInteger),
    _must("m_us", BigInteger),
    _must("boot_id", BigInteger),
    _must("late", Boolean),
    _must("body", Text),
    Index("event_time", "site_id", "t_us"),
    Index("event_kind", "site_id", "kind", "t_us"),
)

alarm = Table(
    "alarm",
    metadata,
    _key("site_id", Text),
    _key("alarm_id", Text),
    _key("boot_id", BigInteger),
    _key("occurrence", BigInteger),
    _must("m_us", BigInteger),
    _must("state", Text),
    _must("level", Text),
    _must("priority", Text),
    _must("raised_us", BigInteger),
    _must("time_us", BigInteger),
)

interlock = Table(
    "interlock",
    metadata,
    _key("site_id", Text),
    _key("interlock_id", Text),
    _must("boot_id", BigInteger),
    _must("m_us", BigInteger),
    _must("shown", Text),
    _must("occurrence", BigInteger),
    _must("time_us", BigInteger),
    _must("body", Text),
)

gap = Table(
    "gap",
    metadata,
    _key("site_id", Text),
    _key("epoch", LargeBinary),
    _key("seq", BigInteger),
    _key("ordinal", BigInteger),
    _must("of_epoch", LargeBinary),
    _must("cause", Text),
    Column("lane", SmallInteger),
    Column("sample_lo", BigInteger),
    Column("sample_hi", BigInteger),
    _must("n", BigInteger),
    _must("t0_us", BigInteger),
    _must("t1_us", BigInteger),
    _must("body", Text),
    Index("gap_time", "site_id", "t1_us"),
)

link_journal = Table(
    "link_journal",
    metadata,
    _key("site_id", Text),
    _key("gateway_id", Text),
    _key("number", BigInteger),
    _must("at_us", BigInteger),
    _must("state", Text),
    _must("backlog", BigInteger),
    Column("clock_offset_us", BigInteger),
    _must("reason", Text),
)

announced = Table(
    "announced",
    metadata,
    _key("site_id", Text),
    _key("epoch", LargeBinary),
    _key("lane", SmallInteger),
    _must("held_lo", BigInteger),
    _must("tip_seq", BigInteger),
    _must("tip_sample", BigInteger),
)

quarantine = Table(
    "quarantine",
    metadata,
    _key("site_id", Text),
    _key("digest", LargeBinary),
    _must("gateway_id", Text),
    _must("code", Text),
    _must("times", BigInteger),
    _must("first_us", BigInteger),
    _must("last_us", BigInteger),
    _must("bytes", LargeBinary),
)

fork = Table(
    "fork",
    metadata,
    _key("site_id", Text),
    _key("epoch", LargeBinary),
    _key("lane", SmallInteger),
    _key("seq", BigInteger),
    _key("other_hash", LargeBinary),
    _must("stored_hash", LargeBinary),
    _must("received_us", BigInteger),
    _must("bytes", LargeBinary),
)

axis_ledger = Table(
    "axis_ledger",
    metadata,
    _key("site_id", Text),
    _key("epoch", LargeBinary),
    _key("boot_id", BigInteger),
    _key("schema_hash", LargeBinary),
    _key("point_first", BigInteger),
    _must("period_us", BigInteger),
    _must("slot_lo", BigInteger),
    _must("slot_hi", BigInteger),
    _must("stored", BigInteger),
    _must("skipped", BigInteger),
)

board = Table(
    "board",
    metadata,
    _key("site_id", Text),
    _must("arrival", BigInteger),
    _must("body", LargeBinary),
)
