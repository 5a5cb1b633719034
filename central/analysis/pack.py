"""Rule packs: TOML text to frozen rules, every fault at once.  Pure.

Inputs are named by parameter id, never by tag: a pack is written against the catalogue, not
against a plant.
Source: `central.md` 3.6.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from central.analysis.finding import ClauseText
from proto.clause import HazardPack
from proto.errors import Fault, PackError
from proto.parameter import Catalogue

Basis = Literal["legal", "standard", "design", "practice", "placeholder"]
Severity = Literal["blue", "yellow", "orange", "red"]
Judge = Literal["channel_health", "demand_unanswered", "bypass_while_running"]

_UNITS_US: Final = {
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
_DURATION = re.compile(r"([0-9]+)(ms|s|min|h|d)")

# Thresholds that each judge needs, with the unit it reads them in.
NEEDED: Final[Mapping[str, Mapping[str, str]]] = {
    "channel_health": {
        "samples_min": "1",
        "running_share_min": "1",
        "dead_share_min": "1",
        "flat_span_min": "1",
        "clamped_share_min": "1",
        "resolution_share_max": "1",
    },
    "demand_unanswered": {"good_inputs_min": "1"},
    "bypass_while_running": {"bypassed_min": "s"},
}


def _duration_us(value: object) -> int:
    """Return microseconds of `"10s"`; a bare number has no unit and is refused."""
    matched = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        raise ValueError('a duration is a text with unit, as in "10s"')
    return int(matched[1]) * _UNITS_US[matched[2]]


DurationUs = Annotated[int, BeforeValidator(_duration_us)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ThresholdConfig(_Model):
    """One threshold as people write it."""

    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: str
    basis: Basis
    source: str = ""
    verified: bool = False


class RuleConfig(_Model):
    """One rule as people write it."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,40}$")]
    version: Annotated[int, Field(ge=1)]
    judge: Judge
    title_zh: Annotated[str, Field(min_length=1)]
    title_en: Annotated[str, Field(min_length=1)]
    clauses: Annotated[list[str], Field(min_length=1)]
    inputs: list[str] = []
    process: list[str] = []
    severity: Severity
    remedy_zh: Annotated[str, Field(min_length=1)]
    remedy_en: Annotated[str, Field(min_length=1)]
    thresholds: dict[str, ThresholdConfig]


class PackConfig(_Model):
    """A pack as people write it."""

    schema_: Literal["rule-pack/1"] = Field(alias="schema")
    pack: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,40}$")]
    version: Annotated[int, Field(ge=1)]
    title_zh: str
    title_en: str
    note: str = ""
    window: DurationUs
    grace: DurationUs
    late: DurationUs
    lookback: DurationUs
    merge_gap: DurationUs
    rules: Annotated[list[RuleConfig], Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number that a rule holds data against; `flag` says when it is not confirmed."""

    name: str
    value: float
    unit: str
    basis: str
    source: str
    verified: bool

    @property
    def flag(self) -> str:
        """The basis, marked when the number is a placeholder or unverified."""
        return (
            self.basis
            if self.verified or self.basis == "placeholder"
            else f"{self.basis} (unverified)"
        )


@dataclass(frozen=True, slots=True)
class ParameterFacts:
    """What the catalogue says of one parameter, as far as rules need it."""

    parameter: str
    zh: str
    en: str
    clauses: tuple[ClauseText, ...]
    limits: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, resolved against the catalogue: what `judge` is given beside window and register.

    Attributes:
        clauses: the rule's own; inputs: parameter facts by id; process: parameters in order of
            preference.
        clause_texts: short texts of every clause of the catalogue, for clauses that a record names.
    """

    rule: str
    version: int
    judge: str
    title_zh: str
    title_en: str
    clauses: tuple[ClauseText, ...]
    inputs: Mapping[str, ParameterFacts]
    process: tuple[str, ...]
    severity: str
    remedy_zh: str
    remedy_en: str
    thresholds: Mapping[str, Threshold]
    clause_texts: Mapping[str, ClauseText]
    pack: str

    def limit(self, name: str) -> float:
        """Return the value of one threshold."""
        return self.thresholds[name].value


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack, ready to run: window grid, patience, rules; all lengths in microseconds."""

    pack: str
    version: int
    title_zh: str
    title_en: str
    window_us: int
    grace_us: int
    late_us: int
    lookback_us: int
    merge_gap_us: int
    rules: tuple[Rule, ...]
    hash: str


@dataclass(frozen=True, slots=True)
class Domain:
    """The domain catalogue that packs are checked against: clauses and parameters by id."""

    clauses: Mapping[str, ClauseText]
    parameters: Mapping[str, ParameterFacts]


def domain_of(hazards: HazardPack, catalogue: Catalogue) -> Domain:
    """Return the part of the catalogue that packs need; numeric limits only."""
    clauses = {each.id: ClauseText(each.id, each.zh, each.en) for each in hazards.clauses.values()}
    parameters = {
        each.id: ParameterFacts(
            parameter=each.id,
            zh=each.zh,
            en=each.en,
            clauses=tuple(clauses[name] for name in each.clauses if name in clauses),
            limits=tuple(
                limit.value for limit in each.thresholds if isinstance(limit.value, float)
            ),
        )
        for each in catalogue.parameters.values()
    }
    return Domain(clauses, parameters)


def parse_pack(text: str, domain: Domain, *, place: str) -> Pack:
    """Return the pack of one TOML text, checked against the catalogue.

    Raises:
        PackError: every fault of the text at once, each with its place.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackError([Fault(place, "pack.toml", str(error))]) from None
    try:
        config = PackConfig.model_validate(raw)
    except ValidationError as error:
        raise PackError([_model_fault(place, dict(each)) for each in error.errors()]) from None
    faults = _pack_faults(config, place)
    for number, rule in enumerate(config.rules):
        faults += _rule_faults(rule, domain, f"{place}: rules.{number} ({rule.id})")
    if faults:
        raise PackError(faults)
    return Pack(
        pack=config.pack,
        version=config.version,
        title_zh=config.title_zh,
        title_en=config.title_en,
        window_us=config.window,
        grace_us=config.grace,
        late_us=config.late,
        lookback_us=config.lookback,
        merge_gap_us=config.merge_gap,
        rules=tuple(_resolve(rule, domain, config.pack) for rule in config.rules),
        hash=hashlib.sha256(text.encode()).hexdigest(),
    )


def _model_fault(place: str, error: Mapping[str, object]) -> Fault:
    location = error["loc"]
    path = (
        ".".join(str(part) for part in location) if isinstance(location, tuple) else str(location)
    )
    return Fault(f"{place}: {path}", f"pack.{error['type']}", str(error["msg"]))


def _pack_faults(config: PackConfig, place: str) -> list[Fault]:
    faults: list[Fault] = []
    if config.window < _UNITS_US["s"]:
        faults.append(Fault(f"{place}: window", "pack.window", "a window is at least 1s long"))
    seen: set[str] = set()
    for rule in config.rules:
        if rule.id in seen:
            faults.append(
                Fault(f"{place}: rules ({rule.id})", "pack.duplicate", "two rules have this id")
            )
        seen.add(rule.id)
    return faults


def _rule_faults(rule: RuleConfig, domain: Domain, place: str) -> list[Fault]:
    faults = [
        Fault(f"{place}.clauses", "pack.clause_unknown", f"no clause {each!r} in the catalogue")
        for each in rule.clauses
        if each not in domain.clauses
    ]
    for key, listed in (("inputs", rule.inputs), ("process", rule.process)):
        faults += [
            Fault(
                f"{place}.{key}",
                "pack.parameter_unknown",
                f"no parameter {each!r} in the catalogue",
            )
            for each in listed
            if each not in domain.parameters
        ]
    if rule.judge != "demand_unanswered" and not (rule.inputs and rule.process):
        faults.append(Fault(place, "pack.inputs", "this judge needs inputs and process parameters"))
    return faults + _threshold_faults(rule, place)


def _threshold_faults(rule: RuleConfig, place: str) -> list[Fault]:
    needed, faults = NEEDED[rule.judge], []
    for name in sorted(needed.keys() | rule.thresholds.keys()):
        where, given = f"{place}.thresholds.{name}", rule.thresholds.get(name)
        if name not in needed:
            faults.append(
                Fault(where, "pack.threshold_unknown", f"{rule.judge} reads no such threshold")
            )
        elif given is None:
            faults.append(
                Fault(
                    where, "pack.threshold_missing", f"{rule.judge} needs it, in {needed[name]!r}"
                )
            )
        elif given.unit != needed[name]:
            faults.append(
                Fault(where, "pack.unit", f"unit is {given.unit!r}, must be {needed[name]!r}")
            )
        elif given.basis in ("legal", "standard", "design") and not given.source:
            faults.append(Fault(where, "pack.source", f"basis {given.basis!r} needs a source"))
        elif given.value < 0:
            faults.append(Fault(where, "pack.value", "a threshold is not negative"))
    return faults


def _resolve(rule: RuleConfig, domain: Domain, pack: str) -> Rule:
    return Rule(
        rule=rule.id,
        version=rule.version,
        judge=rule.judge,
        title_zh=rule.title_zh,
        title_en=rule.title_en,
        clauses=tuple(domain.clauses[each] for each in rule.clauses),
        inputs={each: domain.parameters[each] for each in rule.inputs},
        process=tuple(rule.process),
        severity=rule.severity,
        remedy_zh=rule.remedy_zh,
        remedy_en=rule.remedy_en,
        thresholds={
            name: Threshold(name, each.value, each.unit, each.basis, each.source, each.verified)
            for name, each in rule.thresholds.items()
        },
        clause_texts=domain.clauses,
        pack=pack,
    )
