"""Loads the domain data of the package, once.  Shell: reads package data.

Everything that decides about the data is in `proto.parameter` and `proto.clause`.
"""

from functools import cache
from importlib import resources

from proto.clause import Clause, HazardPack, parse_hazards
from proto.parameter import Catalogue, Parameter, parse_parameters


@cache
def catalogue() -> Catalogue:
    """Return the catalogue of monitored parameters.

    Raises:
        ConfigError: the package's own data are wrong.
    """
    return parse_parameters(_read("parameters.toml"))


@cache
def hazards() -> HazardPack:
    """Return the clauses of the hazard order.

    Raises:
        ConfigError: the package's own data are wrong.
    """
    return parse_hazards(_read("major_hazards.toml"))


def parameter(identity: str) -> Parameter | None:
    """Return the parameter with this id; None when the catalogue has none."""
    return catalogue().parameters.get(identity)


def clause(identity: str) -> Clause | None:
    """Return the clause with this id; None when the pack has none."""
    return hazards().clauses.get(identity)


def _read(name: str) -> str:
    return resources.files("proto").joinpath("domain", name).read_text(encoding="utf-8")
