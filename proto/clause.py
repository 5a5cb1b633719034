"""Clauses of the hazard order: what every rule, profile and interlock cites.  Pure.

The pack is data (`proto/domain/major_hazards.toml`); `proto.catalogue` loads it.  Its version is
stored with every finding: the law at the time of the act applies.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from proto.errors import ConfigError, Fault


class Observable(StrEnum):
    """How far telemetry can show a clause."""

    AUTO = "auto"
    AUTO_PARTLY = "auto_partly"
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of an order.

    Attributes:
        id: `O10-<article>.<item>`; the article alone where it has no items.
        article, item: numbers in the order; item 0 where there are none.
        group: management, industry, special, protection or scope.
        industry: whom it concerns; `all` for everybody.
        zh, en: short names for screens, not the text of the order.
        observable: how far telemetry can show it.
        condition: what telemetry must show, in words.
        parameters: ids of the catalogue that the condition needs.
        supporting, stand_in: ids that help; ids taken from another place for want of a row.
        edition: number and date of the order.
        confidence: what is verified and what is not.
    """

    id: str
    article: int
    item: int
    group: str
    industry: str
    zh: str
    en: str
    observable: Observable
    condition: str
    parameters: tuple[str, ...]
    supporting: tuple[str, ...]
    stand_in: tuple[str, ...]
    edition: str
    confidence: str

    @property
    def document(self) -> str:
        """The order's short id, such as `O10`."""
        return self.id.partition("-")[0]

    @property
    def section(self) -> str:
        """Article and item, such as `11.3`."""
        return self.id.partition("-")[2]


@dataclass(frozen=True, slots=True)
class HazardPack:
    """All clauses of one version of the pack, by id."""

    version: str
    order: str
    edition: str
    clauses: Mapping[str, Clause]


def parse_hazards(text: str, *, place: str = "major_hazards.toml") -> HazardPack:
    """Return the pack in a TOML text.

    Raises:
        ConfigError: every fault at once.
    """
    table = Table.parse(text, place, "major_hazards/1")
    order = table.inner("order")
    edition = f"{order.text('number')} {order.text('in_force')}"
    made = [_clause(row, edition) for row in table.rows("clause")]
    clauses = {clause.id: clause for clause in made}
    if len(clauses) != len(made):
        table.fault("clause", "two clauses have one id")
    version, name = table.text("version"), order.text("id")
    table.finish()
    return HazardPack(version, name, edition, clauses)


def _clause(row: "Table", edition: str) -> Clause:
    shown = row.text("observable")
    if shown not in set(Observable):
        row.fault("observable", f"{shown!r} is none of {', '.join(Observable)}")
        shown = Observable.NONE
    return Clause(
        id=row.text("id"),
        article=row.integer("article"),
        item=row.integer("item"),
        group=row.text("group"),
        industry=row.text("industry"),
        zh=row.text("zh"),
        en=row.text("en"),
        observable=Observable(shown),
        condition=row.text("condition"),
        parameters=row.texts("parameters"),
        supporting=row.texts("supporting_parameters", optional=True),
        stand_in=row.texts("stand_in_parameters", optional=True),
        edition=edition,
        confidence=row.text("confidence"),
    )


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a domain file; wrong values are collected as faults and read as empty."""

    place: str
    values: Mapping[str, object]
    faults: list[Fault]

    @classmethod
    def parse(cls, text: str, place: str, schema: str) -> "Table":
        """Return the whole file as a table.

        Raises:
            ConfigError: no TOML, or another schema.
        """
        try:
            values: dict[str, object] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError([Fault(place, "domain.toml", str(error))]) from error
        if values.get("schema") != schema:
            raise ConfigError([Fault(place, "domain.schema", f"schema {schema!r} is due")])
        return cls(place, values, [])

    def fault(self, key: str, message: str) -> None:
        """Note one fault."""
        self.faults.append(Fault(f"{self.place} {key}", "domain.value", message))

    def finish(self) -> None:
        """Raise all faults at once, if there are any."""
        if self.faults:
            raise ConfigError(self.faults)

    def text(self, key: str, *, optional: bool = False) -> str:
        """Return a text; empty where an optional one is absent."""
        value = self.values.get(key)
        if isinstance(value, str):
            return value
        if value is not None or not optional:
            self.fault(key, "text is due")
        return ""

    def integer(self, key: str) -> int:
        """Return an integer."""
        value = self.values.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.fault(key, "an integer is due")
        return 0

    def real(self, key: str) -> float:
        """Return a number."""
        value = self.values.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        self.fault(key, "a number is due")
        return 0.0

    def texts(self, key: str, *, optional: bool = False) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.values.get(key)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        if value is not None or not optional:
            self.fault(key, "a list of texts is due")
        return ()

    def inner(self, key: str) -> "Table":
        """Return a sub-table."""
        value = self.values.get(key)
        if not isinstance(value, dict):
            self.fault(key, "a table is due")
            value = {}
        return Table(f"{self.place} {key}", value, self.faults)

    def rows(self, key: str) -> list["Table"]:
        """Return the tables of a list, each with its number and id as its place."""
        value = self.values.get(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.fault(key, "a list of tables is due")
            return []
        return [
            Table(f"{self.place} {key}[{number}] {item.get('id', '')}".rstrip(), item, self.faults)
            for number, item in enumerate(value)
        ]
