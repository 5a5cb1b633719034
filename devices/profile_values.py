"""Words of device profiles: names, durations, byte orders, addresses.  Pure."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from devices.address import Order, order_of
from proto.duration import duration_pattern, parse_duration

UNITS = ("us", "ms", "s", "min", "h")
"""Units of a duration in a profile: no device answers in days."""
ORDER_NAMES = ("ABCD", "CDAB", "BADC", "DCBA", "ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA")


class Model(BaseModel):
    """Root of everything people write here: no unknown keys, no coercion, no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


def _duration(text: object) -> int:
    return parse_duration(text, UNITS)


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
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": duration_pattern(UNITS)}),
]
OrderName = Annotated[
    Order,
    BeforeValidator(_order),
    WithJsonSchema({"type": "string", "enum": list(ORDER_NAMES)}),
]
Node = Annotated[str, Field(pattern=r"^nsu=[^;]+;[sigb]=.+$", max_length=400)]
