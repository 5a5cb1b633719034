"""Who is supervised: enterprise and site.  Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Industry(StrEnum):
    """The industries of the hazard order; the names are those of its clauses."""

    METALLURGY = "metallurgy"
    NONFERROUS = "nonferrous"
    BUILDING_MATERIALS = "building_materials"
    MACHINERY = "machinery"
    LIGHT_INDUSTRY = "light_industry"
    TEXTILE = "textile"
    TOBACCO = "tobacco"
    COMMERCE = "commerce"


@dataclass(frozen=True, slots=True)
class Enterprise:
    """A legal person (企业).

    Attributes:
        id: unified social credit code, or a register's own id.
        name: as registered.
    """

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Site:
    """One plant under supervision (厂区).

    Attributes:
        id: `[a-z0-9-]{3,40}`.
        name: what people read.
        region: six-digit administrative code (GB/T 2260).
        gateways: ids of the gateways that serve it; several may.
        simulated: True for a plant in a box; shown with its mark, never ranked or used as evidence.
    """

    id: str
    name: str
    region: str
    gateways: tuple[str, ...] = ()
    simulated: bool = False
