"""The newest sample of every point of one point table, in columns.  Pure.

Rule: a sample replaces another only when it is newer in source order, (boot, monotonic time of the
gateway); so the columns do not depend on the order in which batches arrive.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proto.axis import Axis
from proto.batch import Header
from proto.columns import values
from proto.quality import NO_VALUE_BIT, REASON_MASK, Quality
from proto.schema import SchemaPart

_NEVER = -1
_ARRAYS = (
    ("boot", _NEVER),
    ("mono_us", _NEVER),
    ("time_us", 0),
    ("received_us", 0),
    ("raw", 0),
    ("code", 0),
    ("detail", 0),
    ("good_boot", _NEVER),
    ("good_mono_us", _NEVER),
    ("good_time_us", 0),
    ("good_raw", 0),
)
Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest sample of one point; `time_us` None when it was never received.

    `received_us` is the centre's own time: no sample is older than its clock says, and none is
    younger than its arrival.
    """

    order: tuple[int, int]
    time_us: int | None
    received_us: int
    value: float | None
    quality: Quality
    reason: int
    detail: int
    good_order: tuple[int, int]
    last_good: tuple[float, int] | None


class PartColumns:
    """Columns over the points of one table; every array has one cell a point."""

    __slots__ = ("arrays", "gateway", "part", "points")

    def __init__(self, gateway: str, part: SchemaPart) -> None:
        self.gateway = gateway
        self.part = part
        self.points = part.points
        count = len(part.types)
        self.arrays: dict[str, Int64s] = {
            name: np.full(count, fill, np.int64) for name, fill in _ARRAYS
        }

    def fold(self, axis: Axis, header: Header, received_us: int) -> None:
        """Take one axis of one batch in."""
        last = len(axis.time_us) - 1
        span = slice(axis.point_first, axis.point_first + len(axis.raw))
        mono = header.anchor_mono_us + axis.time_us - header.anchor_wall_us
        newer = self._newer(span, "", header.boot_id, mono[last])
        if newer.any():
            self._put(span, "boot", newer, header.boot_id)
            self._put(span, "mono_us", newer, mono[last])
            self._put(span, "time_us", newer, axis.time_us[last])
            self._put(span, "received_us", newer, received_us)
            self._put(span, "raw", newer, axis.raw[:, last])
            self._put(span, "code", newer, axis.quality[:, last])
            self._put(span, "detail", newer, axis.detail[:, last])
        self._fold_good(axis, span, header.boot_id, mono)

    def newest(self, number: int) -> Newest:
        """Return one point's newest sample in engineering values."""
        arrays = self.arrays
        order = (int(arrays["boot"][number]), int(arrays["mono_us"][number]))
        good_order = (int(arrays["good_boot"][number]), int(arrays["good_mono_us"][number]))
        code = int(arrays["code"][number])
        quality = Quality(code >> 14) if order[0] != _NEVER else Quality.BAD
        value = None
        if order[0] != _NEVER and quality is not Quality.BAD and not code & NO_VALUE_BIT:
            value = self._value(number, "raw")
        last_good = None
        if good_order[0] != _NEVER:
            found = self._value(number, "good_raw")
            last_good = None if found is None else (found, int(arrays["good_time_us"][number]))
        return Newest(
            order=order,
            time_us=int(arrays["time_us"][number]) if order[0] != _NEVER else None,
            received_us=int(arrays["received_us"][number]),
            value=value,
            quality=quality,
            reason=code & REASON_MASK,
            detail=int(arrays["detail"][number]),
            good_order=good_order,
            last_good=last_good,
        )

    def newest_times_of(self, number: int) -> tuple[int, int] | None:
        """Return gateway time and arrival of one point's newest sample; None when there is none."""
        if self.arrays["boot"][number] == _NEVER:
            return None
        return int(self.arrays["time_us"][number]), int(self.arrays["received_us"][number])

    def dump(self) -> dict[str, list[int]]:
        """Return the columns as plain integers."""
        return {name: array.tolist() for name, array in self.arrays.items()}

    def load(self, body: dict[str, list[int]]) -> None:
        """Take dumped columns back."""
        for name, _fill in _ARRAYS:
            self.arrays[name] = np.array(body[name], np.int64)

    def _fold_good(self, axis: Axis, span: slice, boot_id: int, mono: Int64s) -> None:
        usable = ((axis.quality >> 14) != Quality.BAD) & ((axis.quality & NO_VALUE_BIT) == 0)
        at = usable.shape[1] - 1 - np.argmax(usable[:, ::-1], axis=1)
        newer = usable.any(axis=1) & self._newer(span, "good_", boot_id, mono[at])
        if newer.any():
            rows = np.arange(len(at))
            self._put(span, "good_boot", newer, boot_id)
            self._put(span, "good_mono_us", newer, mono[at])
            self._put(span, "good_time_us", newer, axis.time_us[at])
            self._put(span, "good_raw", newer, axis.raw[rows, at])

    def _newer(
        self, span: slice, prefix: str, boot_id: int, mono: Int64s | np.int64
    ) -> NDArray[np.bool_]:
        boots = self.arrays[f"{prefix}boot"][span]
        monos = self.arrays[f"{prefix}mono_us"][span]
        newer: NDArray[np.bool_] = (boots < boot_id) | ((boots == boot_id) & (monos < mono))
        return newer

    def _put(
        self,
        span: slice,
        name: str,
        newer: NDArray[np.bool_],
        value: NDArray[np.integer[Any]] | np.integer[Any] | int,
    ) -> None:
        held = self.arrays[name][span]
        held[newer] = value[newer] if isinstance(value, np.ndarray) else value

    def _value(self, number: int, name: str) -> float | None:
        point = self.points[number]
        raw = self.arrays[name][number : number + 1]
        value = float(values(raw, point.type, point.scale, point.offset)[0])
        return value if np.isfinite(value) else None
