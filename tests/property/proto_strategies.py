"""Random columns that a gateway could have: every type, any bits, any quality, any times."""

import numpy as np
from hypothesis import strategies as st

from proto.axis import Axis
from proto.point import PointType
from proto.quality import NO_VALUE_BIT, Reason

T0_US = 1_700_000_000_000_000

RANGES = {
    PointType.BOOL: (0, 1),
    PointType.I16: (-(2**15), 2**15 - 1),
    PointType.U16: (0, 2**16 - 1),
    PointType.I32: (-(2**31), 2**31 - 1),
    PointType.U32: (0, 2**32 - 1),
    PointType.I64: (-(2**63), 2**63 - 1),
    PointType.U64: (-(2**63), 2**63 - 1),  # by its bit pattern
    PointType.F32: (0, 2**32 - 1),  # any bits: NaN payloads, subnormals, infinities
    PointType.F64: (-(2**63), 2**63 - 1),
}
NUMBERS_F32 = [0.0, -0.0, np.inf, -np.inf, 1e-45, 3.4028235e38, 0.1, 63.5, -12.25, 16777216.0]
NUMBERS_F64 = [0.0, -0.0, np.inf, -np.inf, 5e-324, 1.7976931348623157e308, 0.1, 2.0**53, 1e-9]
EDGES_F32 = [
    *np.array(NUMBERS_F32, np.float32).view(np.uint32).tolist(),
    *(0x7FC00000, 0x7F800001, 0xFFFFFFFF),  # NaNs: quiet, signalling, with a payload
]
EDGES_F64 = [
    *np.array(NUMBERS_F64, np.float64).view(np.int64).tolist(),
    *(0x7FF8000000000001, 0x7FF0000000000001, -1),
]

QUALITIES = st.one_of(
    st.just((0, 0)),
    st.tuples(
        st.builds(
            lambda severity, blank, reason: (
                severity << 14 | (NO_VALUE_BIT if blank else 0) | reason
            ),
            st.integers(0, 2),
            st.booleans(),
            st.sampled_from([int(reason) for reason in Reason]),
        ),
        st.sampled_from([0, 1, 2, 0x80350000, 0xFFFFFFFF]),
    ),
)


@st.composite
def series(draw: st.DrawFn, kind: PointType, rows: int) -> list[int]:
    """Values of one series: constant, stepping, decimal, at the edges, or any bits at all."""
    low, high = RANGES[kind]
    style = draw(st.sampled_from(["constant", "steps", "edges", "any"]))
    if kind.is_float and style in ("constant", "steps"):
        places = draw(st.integers(0, 9))
        start = draw(st.integers(-(10**6), 10**6))
        moves = draw(st.lists(st.integers(-50, 50), min_size=rows, max_size=rows))
        steps = np.cumsum(moves) * (style == "steps")
        value = (start + steps) / 10.0**places
        if kind is PointType.F32:
            return value.astype(np.float32).view(np.uint32).astype(np.int64).tolist()
        return np.asarray(value, np.float64).view(np.int64).tolist()
    if style == "constant":
        return [draw(st.integers(low, high))] * rows
    if style == "steps":
        start = draw(st.integers(low, high))
        reach = draw(st.sampled_from([1, 100, 30_000, 2**31, 2**63]))
        moves = draw(st.lists(st.integers(-reach, reach), min_size=rows, max_size=rows))
        span = high - low + 1
        return [(start + sum(moves[:k]) - low) % span + low for k in range(rows)]
    edges = {PointType.F32: EDGES_F32, PointType.F64: EDGES_F64}.get(kind, [low, high, 0, 1])
    any_value = st.sampled_from(edges) if style == "edges" else st.integers(low, high)
    return draw(st.lists(any_value, min_size=rows, max_size=rows))


@st.composite
def qualities(draw: st.DrawFn, series_count: int, rows: int) -> tuple[list, list]:
    """Quality codes and details: mostly good, whole rows bad, or anything per sample."""
    style = draw(st.sampled_from(["good", "rows", "any"]))
    if style == "good":
        one = [[(0, 0)] * rows] * series_count
    elif style == "rows":
        shared = draw(st.lists(QUALITIES, min_size=rows, max_size=rows))
        one = [shared] * series_count
    else:
        one = draw(
            st.lists(
                st.lists(QUALITIES, min_size=rows, max_size=rows),
                min_size=series_count,
                max_size=series_count,
            )
        )
    codes = [[key[0] for key in line] for line in one]
    details = [[key[1] for key in line] for line in one]
    return codes, details


@st.composite
def axes_and_types(draw: st.DrawFn) -> tuple[list[Axis], list[PointType]]:
    """A batch's worth of axes, and the table that they belong to."""
    types: list[PointType] = []
    made: list[Axis] = []
    for _ in range(draw(st.integers(1, 4))):
        types += [PointType.I16] * draw(st.integers(0, 2))  # points of other polls between
        count, rows = draw(st.integers(1, 3)), draw(st.integers(1, 7))
        kinds = draw(st.lists(st.sampled_from(list(PointType)), min_size=count, max_size=count))
        raw = np.array([draw(series(kind, rows)) for kind in kinds], np.int64)
        quality, detail = draw(qualities(count, rows))
        unit = draw(st.sampled_from([1, 1000]))
        moves = draw(st.lists(st.integers(0, 5000), min_size=rows, max_size=rows))
        holes = draw(st.lists(st.integers(0, 3), min_size=rows - 1, max_size=rows - 1))
        kind = draw(st.integers(0, 2))
        behind = draw(st.lists(st.integers(-(10**9), 10**9), min_size=rows, max_size=rows))
        time = T0_US + np.cumsum(np.array(moves, np.int64)) * unit
        made.append(
            Axis(
                point_first=len(types),
                period_us=draw(st.sampled_from([0, 1, 1000, 100_000, 1_000_000])) * unit,
                slot_first=draw(st.one_of(st.none(), st.integers(0, 2**32 - 100))),
                skipped=draw(st.sampled_from([None, np.cumsum([0, *holes])])),
                time_us=time,
                source_us=time + np.array(behind, np.int64) * unit if kind else None,
                source_kind=kind,
                uncertainty_us=draw(st.integers(0, 60)) * unit,
                raw=raw,
                quality=np.array(quality, np.uint16),
                detail=np.array(detail, np.uint32),
            )
        )
        types += kinds
    return made, types


def expected(axis: Axis) -> Axis:
    """What must come back: the same axis, with filler beside NO_VALUE and no empty slot stream."""
    raw = axis.raw.copy()
    for line, codes in zip(raw, axis.quality, strict=True):
        before = 0
        for k, code in enumerate(codes):
            if code & NO_VALUE_BIT:
                line[k] = before
            before = line[k]
    skipped = axis.skipped
    return Axis(
        axis.point_first,
        axis.period_us,
        axis.slot_first,
        skipped if skipped is not None and skipped.any() else None,
        axis.time_us,
        axis.source_us,
        axis.source_kind,
        axis.uncertainty_us,
        raw,
        axis.quality,
        axis.detail,
    )
