"""The catalogue of monitored parameters: rules and packs bind by its ids, never by tag.  Pure.

The catalogue is data (`proto/domain/parameters.toml`); `proto.catalogue` loads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from proto.clause import Table


class Collect(StrEnum):
    """How far a site must offer a parameter."""

    MANDATORY = "mandatory"
    CONDITIONAL = "conditional"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class Threshold:
    """One limit of the catalogue; `value` is a number in the row's unit, or a rule in words.

    `basis` says where it comes from; no number of the catalogue is law in the product.
    """

    level: str
    value: float | str
    basis: str
    op: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row of the catalogue.

    Attributes:
        id: `<family>.<…>.<name>`.
        zh, en: names for screens.
        family, subsystem: place in the catalogue.
        kind: analog, digital, derived, event or config.
        value_type: real, bool, enum, count, record, hash or date.
        unit: UCUM; `1` = no unit.
        range: low and high of the transmitter; None = none.
        sample_s: period wanted at the source; 0 = on event.
        collect: how far a site must offer it.
        thresholds: see `Threshold`.
        actions: ids of what has to follow.
        clauses: clause ids of the hazard pack.
        confidence: what is verified and what is not.
    """

    id: str
    zh: str
    en: str
    family: str
    subsystem: str
    kind: str
    value_type: str
    unit: str
    range: tuple[float, float] | None
    sample_s: float
    collect: Collect
    thresholds: tuple[Threshold, ...]
    actions: tuple[str, ...]
    clauses: tuple[str, ...]
    confidence: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All parameters of one version of the catalogue, by id; families by id as (zh, en)."""

    version: str
    parameters: Mapping[str, Parameter]
    families: Mapping[str, tuple[str, str]]


def parse_parameters(text: str, *, place: str = "parameters.toml") -> Catalogue:
    """Return the catalogue in a TOML text.

    Raises:
        ConfigError: every fault at once.
    """
    table = Table.parse(text, place, "parameters/1")
    families = {row.text("id"): (row.text("zh"), row.text("en")) for row in table.rows("family")}
    made = [_parameter(row, families) for row in table.rows("parameter")]
    parameters = {parameter.id: parameter for parameter in made}
    if len(parameters) != len(made):
        table.fault("parameter", "two parameters have one id")
    version = table.text("version")
    table.finish()
    return Catalogue(version, parameters, families)


def _parameter(row: Table, families: Mapping[str, tuple[str, str]]) -> Parameter:
    collect, family = row.text("collect"), row.text("family")
    if collect not in set(Collect):
        row.fault("collect", f"{collect!r} is none of {', '.join(Collect)}")
        collect = Collect.OPTIONAL
    if family not in families:
        row.fault("family", f"family {family!r} is not in the catalogue")
    return Parameter(
        id=row.text("id"),
        zh=row.text("zh"),
        en=row.text("en"),
        family=family,
        subsystem=row.text("subsystem"),
        kind=row.text("kind"),
        value_type=row.text("value_type"),
        unit=row.text("unit"),
        range=_range(row),
        sample_s=row.real("sample_s"),
        collect=Collect(collect),
        thresholds=tuple(_threshold(inner) for inner in row.rows("thresholds")),
        actions=row.texts("actions"),
        clauses=row.texts("clauses"),
        confidence=row.text("confidence"),
    )


def _range(row: Table) -> tuple[float, float] | None:
    value = row.values.get("range")
    if value == []:
        return None
    if isinstance(value, list) and len(value) == 2:
        low, high = value
        numbers = isinstance(low, int | float) and isinstance(high, int | float)
        if numbers and low < high:
            return float(low), float(high)
    row.fault("range", "[low, high] with low < high, or [], is due")
    return None


def _threshold(row: Table) -> Threshold:
    value = row.values.get("value")
    level = row.text("level")
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = float(value)
    elif not isinstance(value, str):
        row.fault("value", "a number or a rule in words is due")
        value = ""
    default = {"H": ">=", "HH": ">=", "L": "<=", "LL": "<="}.get(level, "is")
    op = row.text("op", optional=True) or default
    return Threshold(level, value, row.text("basis"), op)
