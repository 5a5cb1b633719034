"""What a matrix must know of a point that it reads.  Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PointFacts:
    """One point of the plant.

    Attributes:
        column: number in the process image.
        device: number of its controller in the process image.
        device_name: its name.
        unit: UCUM code, or `bool`.
        low, high: engineering range; None where there is none.
        poll_ns: period of its block.
        subscribed: values come as reported changes, so that their age proves nothing.
    """

    column: int
    device: int
    device_name: str
    unit: str
    low: float | None
    high: float | None
    poll_ns: int
    subscribed: bool = False
