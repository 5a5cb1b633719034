"""Words of device profiles: names, durations, byte orders, addresses.  Pure."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from devices.address import Order, order_of

NS = {"us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
"""Units of a duration in nanoseconds."""
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(us|ms|s|min|h)")
DURATION_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,6})?(us|ms|s|min|h)$"
ORDER_NAMES = ("ABCD", "CDAB", "BADC", "DCBA", "ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA")


class Model(BaseModel):
    """Root of everything people write here: no unknown keys, no coercion, no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


def parse_duration(text: object) -> int:
    """Return nanoseconds of `"250ms"`, `"1.5s"`, `"10min"`.

    Raises:
        ValueError: no such text.
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError('write a duration as text with a unit, such as "250ms", "1s", "10min"')
    return round(float(found[1]) * NS[found[2]])


def _order(name: object) -> Order:
    if not isinstance(name, str) or name not in ORDER_NAMES:
        raise ValueError(f"an order is one of {', '.join(ORDER_NAMES)}")
    return order_of(name)


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, Field(min_length=1, max_length=400)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Register = Annotated[int, Field(ge=0, le=0xFFFF)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
OrderName = Annotated[
    Order,
    BeforeValidator(_order),
    WithJsonSchema({"type": "string", "enum": list(ORDER_NAMES)}),
]
Node = Annotated[str, Field(pattern=r"^nsu=[^;]+;[sigb]=.+$", max_length=400)]
