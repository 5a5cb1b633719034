"""The codec returns every bit, agrees with a plain decoder, and meets arbitrary bytes calmly."""

import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proto import limits
from proto.axis import Axis, PointTypes
from proto.batch import decompress, open_frame
from proto.columns import decode_columns, decode_samples, encode_samples, halve
from proto.errors import BatchDamaged
from proto.point import PointType
from tests.property.proto_strategies import axes_and_types, expected
from tests.unit.proto.builders import axis, same, samples_frame
from tests.unit.proto.plain_codec import decode_plain

Batch = tuple[list[Axis], list[PointType]]


@settings(max_examples=150, deadline=None)
@given(axes_and_types())
def test_decoding_returns_every_bit(batch: Batch) -> None:
    axes, types = batch
    made = encode_samples(axes, types)
    back = decode_samples(made.raw, made.n, made.t_first_us, types)
    wanted = [expected(one) for one in axes]
    same(back, wanted)
    for one, other in zip(back, wanted, strict=True):
        coarse = 999 if one.uncertainty_us % 1000 == 0 else 0  # rounded up to whole time units
        assert other.uncertainty_us <= one.uncertainty_us <= other.uncertainty_us + coarse
    assert made.t_first_us == min(int(one.time_us[0]) for one in axes)
    assert made.t_last_us == max(int(one.time_us[-1]) for one in axes)
    assert encode_samples(back, types).raw == made.raw  # canonical: the same bytes again


@settings(max_examples=80, deadline=None)
@given(axes_and_types())
def test_a_plain_decoder_without_numpy_reads_the_same(batch: Batch) -> None:
    axes, types = batch
    made = encode_samples(axes, types)
    plain = decode_plain(made.raw, made.t_first_us, [kind.value for kind in types])
    for one, other in zip(
        decode_samples(made.raw, made.n, made.t_first_us, types), plain, strict=True
    ):
        assert (one.point_first, one.period_us, one.slot_first) == (
            other.point_first,
            other.period_us,
            other.slot_first,
        )
        assert (one.source_kind, one.uncertainty_us) == (other.source_kind, other.uncertainty_us)
        assert one.time_us.tolist() == other.time_us
        assert (None if one.source_us is None else one.source_us.tolist()) == other.source_us
        assert (None if one.skipped is None else one.skipped.tolist()) == other.skipped
        assert one.raw.tolist() == other.raw
        assert one.quality.tolist() == other.quality
        assert one.detail.tolist() == other.detail


@settings(max_examples=60, deadline=None)
@given(axes_and_types())
def test_halving_by_rows_loses_and_moves_nothing(batch: Batch) -> None:
    axes, types = batch
    upper, lower = halve(axes)
    assert sum(one.raw.size for one in upper + lower) == sum(one.raw.size for one in axes)
    tails = {one.point_first: one for one in lower}
    for part in (upper, lower):
        if part:
            made = encode_samples(part, types)
            same(
                decode_samples(made.raw, made.n, made.t_first_us, types),
                [expected(p) for p in part],
            )
    for whole, head in zip(axes, upper, strict=True):
        tail = tails.get(whole.point_first)
        both = [head] if tail is None else [head, tail]
        assert np.array_equal(np.concatenate([p.time_us for p in both]), whole.time_us)
        assert np.array_equal(np.concatenate([p.raw for p in both], axis=1), whole.raw)
        if tail is not None and whole.slot_first is not None:
            row = len(head.time_us)
            holes = 0 if whole.skipped is None else int(whole.skipped[row])
            assert tail.slot_first == whole.slot_first + row + holes


def corpus() -> list[tuple[bytes, int, int, PointTypes]]:
    """Payloads of many shapes, for mutation."""
    rng = np.random.default_rng(20)
    found = []
    for shape in ((1, 1), (1, 9), (4, 6), (12, 3)):
        count, rows = shape
        types = PointTypes([list(PointType)[k % 9] for k in range(2 * count)])
        axes = []
        for start in (0, count):
            lines = [
                rng.integers(0, 2 if types[start + k] is PointType.BOOL else 1000, rows).tolist()
                for k in range(count)
            ]
            bad = (rng.random((count, rows)) < 0.2) * np.int64(2 << 14 | 2)
            axes.append(
                axis(
                    lines,
                    point_first=start,
                    quality=bad.tolist(),
                    skipped=[k // 2 for k in range(rows)] if start else None,
                    source_us=[1_700_000_000_000_000 + k for k in range(rows)] if start else None,
                    source_kind=1 if start else 0,
                )
            )
        made = encode_samples(axes, types)
        found.append((made.raw, made.n, made.t_first_us, types))
    return found


def mutate(raw: bytes, rng: random.Random) -> bytes:
    broken = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        choice = rng.random()
        at = rng.randrange(len(broken)) if broken else 0
        if choice < 0.5 and broken:
            broken[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif choice < 0.7 and broken:
            broken[at] ^= 1 << rng.randrange(8)
        elif choice < 0.8:
            del broken[at : at + rng.randint(1, 8)]
        elif choice < 0.9:
            broken[at:at] = rng.randbytes(rng.randint(1, 8))
        else:
            broken[at : at + 4] = rng.choice((b"\xff" * 4, bytes(4), rng.randbytes(4)))
    return bytes(broken)


def test_mutated_payloads_decode_or_are_damaged_and_nothing_else() -> None:
    rng = random.Random(4)
    outcomes = {"decoded": 0, "damaged": 0}
    samples = corpus()
    tracemalloc.start()
    for _ in range(4000):
        raw, n, t_first, types = rng.choice(samples)
        claimed = rng.choice((n, n, n, n + 1, 65_536, 0))
        try:
            back = decode_columns(mutate(raw, rng), claimed, t_first, types)
            assert len(back.raw) == claimed
            outcomes["decoded"] += 1
        except BatchDamaged:
            outcomes["damaged"] += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outcomes["damaged"] > 1000
    assert outcomes["decoded"] > 100
    assert peak < 16 * 2**20


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.integers(-1, 70_000), st.integers(-(2**63), 2**63 - 1))
def test_arbitrary_bytes_are_damaged_and_nothing_else(raw: bytes, n: int, t_first: int) -> None:
    types = PointTypes(list(PointType))
    for data in (raw, b"\x01\x00" + raw, b"\x01\x00\x01\x00\x00\x00\x00\x00" + raw):
        try:
            decode_columns(data, n, t_first, types)
        except BatchDamaged:
            continue


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600))
def test_arbitrary_bytes_are_no_frame_and_nothing_else_is_raised(data: bytes) -> None:
    frame = samples_frame([axis([[1, 2, 3]])], [PointType.I16])
    for candidate in (data, b"YJB1" + data, frame.block + data):
        with pytest.raises(BatchDamaged):
            open_frame(candidate)


@pytest.mark.parametrize("shape", ["one axis", "axes of one sample", "rows", "bad"])
def test_memory_stays_within_sixteen_mebibytes_and_64_bytes_a_sample(shape: str) -> None:
    n = limits.SAMPLES_PER_BATCH_MAX if shape != "axes of one sample" else 4096
    types = PointTypes([PointType.I64] * 4096)
    rng = np.random.default_rng(1)
    time = [1_700_000_000_000_000 + k for k in range(max(16, n))]
    if shape == "axes of one sample":
        axes = [
            axis([[k]], point_first=k, source_us=time[:1], source_kind=1, period_us=0)
            for k in range(n)
        ]
    else:
        rows = {"one axis": 16, "rows": 65_535, "bad": 32}[shape]
        n = n // rows * rows
        values = rng.integers(-(2**62), 2**62, (n // rows, rows)).tolist()
        quality = None
        if shape == "bad":
            quality = (np.arange(n) % 2 * (2 << 14 | 2)).reshape(-1, rows).tolist()
        axes = [
            axis(values, quality=quality, time_us=time[:rows], source_us=time[:rows], source_kind=2)
        ]
    made = encode_samples(axes, types)
    assert made.n == n
    del axes
    tracemalloc.start()
    decode_columns(made.raw, made.n, made.t_first_us, types)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 16 * 2**20 + 64 * n


def test_a_frame_of_samples_travels_whole() -> None:
    axes = [axis([[1, 2, 3], [7, 7, 7]])]
    types = [PointType.I16, PointType.U32]
    opened = open_frame(samples_frame(axes, types).data)
    header = opened.header
    same(decode_samples(decompress(opened), header.n, header.t_first_us, types), axes)
