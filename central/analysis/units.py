"""Units as people read them, by UCUM code; what is not listed stands as it is.  Pure."""

from collections.abc import Mapping
from typing import Final

SIGNS: Final[Mapping[str, str]] = {
    "Cel": "℃",
    "m3/h": "m³/h",
    "%{LEL}": "%LEL",
    "%{vol}": "%vol",
    "[ppm]": "ppm",
    "mg/m3": "mg/m³",
}


def sign(unit: str) -> str:
    """Return the sign of a unit; empty for a switch and for no unit."""
    return "" if unit in ("", "1", "bool") else SIGNS.get(unit, unit)
