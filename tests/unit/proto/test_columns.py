"""The SAMPLES payload: layout, choice of encodings, refusals before allocation."""

import struct

import numpy as np
import pytest

from proto import limits
from proto.axis import PointTypes
from proto.columns import Axis, decode_columns, decode_samples, encode_samples, halve, values
from proto.errors import BatchDamaged, LimitExceeded
from proto.point import PointType
from proto.quality import Quality, Reason, pack_quality
from tests.unit.proto.builders import T0_US, axis, f32, f64, same

BAD = pack_quality(Quality.BAD, Reason.COMM_LOSS, no_value=True)
DEAD = pack_quality(Quality.BAD, Reason.DEVICE_ERROR)


def described(raw: bytes, streams: int) -> list[tuple[int, int]]:
    """(width class, encoding) of every stream of a payload of one axis."""
    at = 8 + 19
    return [(byte & 7, byte >> 3) for byte in raw[at : at + streams]]


def round_trip(axes: list[Axis], types: list[PointType]) -> bytes:
    made = encode_samples(axes, types)
    same(decode_samples(made.raw, made.n, made.t_first_us, types), axes)
    return made.raw


def damaged(raw: bytes, n: int, types: list[PointType], t_first: int = T0_US) -> str:
    with pytest.raises(BatchDamaged) as caught:
        decode_columns(raw, n, t_first, types)
    return caught.value.code


def test_the_payload_stands_byte_for_byte_as_on_the_page() -> None:
    made = encode_samples(
        [axis([[5, 6, 8], [1, 0, 1]], point_first=2)], [PointType.U16] * 3 + [PointType.BOOL]
    )
    head = struct.pack("<BBHI", 1, 0, 1, 0) + struct.pack("<IHHIIHB", 2, 2, 3, 1000, 100, 1, 0)
    desc = bytes((0, 1, 5 | 1 << 3))  # time: constant; u16: one byte; bool: toggles
    first = bytes((0, 10, 2)) + bytes(7 * 3)  # zigzag of 0, 5, 1 as eight planes
    assert made.raw == head + desc + first + bytes((0b11,)) + bytes((2, 4))
    assert (made.n, made.t_first_us, made.t_last_us) == (6, T0_US, T0_US + 2_000_000)


def test_a_float_that_is_a_decimal_takes_the_fewest_places() -> None:
    raw = round_trip(
        [axis([f32(63.5, 63.25, 64.0), f64(0.1, 0.2, 0.3)])], [PointType.F32, PointType.F64]
    )
    assert [encoding for _, encoding in described(raw, 3)] == [0, 4 + 2, 4 + 1]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), -0.0, 1e300, 5e-324])
def test_one_value_that_is_no_decimal_sends_the_bits_of_its_series(value: float) -> None:
    raw = round_trip([axis([f64(1.5, value, 2.5), f64(1.5, 2.0, 2.5)])], [PointType.F64] * 2)
    assert [encoding for _, encoding in described(raw, 3)] == [0, 3, 5]


def test_nan_payloads_and_signalling_nans_return_bit_for_bit() -> None:
    bits32 = [0x7FC00001, 0x7F800001, 0xFFFFFFFF, 0x80000000]
    bits64 = [0x7FF8000000000001, 0x7FF0000000000001, -1, -(2**63)]
    round_trip([axis([bits32, bits64])], [PointType.F32, PointType.F64])


def test_the_extremes_of_64_bit_integers_return() -> None:
    low, high = -(2**63), 2**63 - 1
    round_trip([axis([[low, high, 0, low], [high, low, -1, high]])], [PointType.I64, PointType.U64])


def test_a_dead_device_costs_one_run_an_axis() -> None:
    blank = np.zeros((25, 5), np.int64).tolist()
    axes = [
        axis(blank, point_first=k, quality=[[BAD] * 5] * 25, detail=[[0x100] * 5] * 25)
        for k in range(0, 200, 25)
    ]
    made = encode_samples(axes, [PointType.I16] * 200)
    assert struct.unpack_from("<I", made.raw, 4) == (8,)
    same(decode_samples(made.raw, made.n, made.t_first_us, [PointType.I16] * 200), axes)


def test_a_bad_sample_that_has_a_value_keeps_it() -> None:
    round_trip(
        [axis([[1, 999, 3], [4, 5, 6]], quality=[[0, DEAD, 0], [0, 0, 0]])], [PointType.U16] * 2
    )


def test_the_code_beside_no_value_is_the_one_before_and_zero_at_row_0() -> None:
    one = axis([[7, 8, 9], [9, 8, 7]], quality=[[BAD, 0, BAD], [0, BAD, BAD]])
    made = encode_samples([one], [PointType.U16] * 2)
    back = decode_samples(made.raw, made.n, made.t_first_us, [PointType.U16] * 2)
    assert back[0].raw.tolist() == [[0, 8, 8], [9, 9, 9]]


def test_a_good_sample_with_the_devices_own_code_keeps_the_code() -> None:
    round_trip([axis([[1, 2]], detail=[[0, 0x00960000]])], [PointType.U16])


def test_times_in_whole_milliseconds_go_in_milliseconds_else_in_microseconds() -> None:
    coarse = round_trip([axis([[1, 2]], time_us=[T0_US, T0_US + 1_003_000])], [PointType.U16])
    fine = round_trip([axis([[1, 2]], time_us=[T0_US, T0_US + 1_000_003])], [PointType.U16])
    assert (coarse[26] & 4, fine[26] & 4) == (0, 4)


def test_skipped_slots_and_source_times_return() -> None:
    one = axis(
        [[1, 2, 3]],
        skipped=[0, 2, 2],
        time_us=[T0_US, T0_US + 3_000_100, T0_US + 4_000_050],
        source_us=[T0_US - 77, T0_US - 77, -(2**63)],
        source_kind=2,
    )
    round_trip([one], [PointType.U16])


def test_no_slot_skipped_needs_no_slot_stream() -> None:
    made = encode_samples([axis([[1, 2]], skipped=[0, 0])], [PointType.U16])
    assert made.raw[26] & 2 == 0
    assert decode_samples(made.raw, 2, T0_US, [PointType.U16])[0].skipped is None


def test_uncertainty_is_rounded_up_and_saturates() -> None:
    for given, read in ((1, 1000), (1000, 1000), (1001, 2000), (10**9, 65_535_000)):
        made = encode_samples([axis([[1]], uncertainty_us=given)], [PointType.U16])
        assert decode_samples(made.raw, 1, T0_US, [PointType.U16])[0].uncertainty_us == read


def test_a_salt_stands_at_the_end_and_only_where_it_is_expected() -> None:
    made = encode_samples([axis([[1, 2]])], [PointType.U16], salt=b"s" * 16)
    assert made.raw.endswith(b"s" * 16)
    decode_samples(made.raw, 2, T0_US, [PointType.U16], salted=True)
    assert damaged(made.raw, 2, [PointType.U16]) == "batch.layout"


@pytest.mark.parametrize(
    "axes",
    [
        [axis([[1]], point_first=1)],
        [axis([[1]]), axis([[2]])],
        [axis([[1, 2]], time_us=[T0_US, T0_US - 1])],
        [axis([[2]], point_first=0, period_us=-1)],
        [axis([[1, 2]], skipped=[1, 1])],
        [axis([[1, 2, 3]], skipped=[0, 2, 1])],
        [axis([[1]], source_kind=1)],
        [axis([[1]], source_us=[T0_US])],
        [axis([[1]], slot_first=2**32 - 1 + 1)],
        [axis([[70_000]])],
        [axis([[1, 2]], time_us=[0, 2**62])],
        [axis([[1, 2]], time_us=[T0_US])],
    ],
)
def test_axes_that_contradict_themselves_are_a_fault_of_the_program(axes: list[Axis]) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode_samples(axes, [PointType.U16])


def test_a_batch_over_a_limit_says_so_and_its_halves_fit() -> None:
    types = [PointType.U16] * 2
    big = axis(np.zeros((2, 40_000), np.int64).tolist(), period_us=1000)
    with pytest.raises(LimitExceeded, match=r"batch\.limit"):
        encode_samples([big], types)
    upper, lower = halve([big])
    assert encode_samples(upper, types).n + encode_samples(lower, types).n == 80_000
    mixed = axis([[1] * 65_535], quality=[[DEAD, 0] * 32_767 + [DEAD]])
    assert encode_samples([mixed], types).n == 65_535
    random = np.random.default_rng(0).integers(-(2**62), 2**62, (8, 8192)).tolist()
    wide = axis(random, period_us=1000, source_us=[T0_US] * 8192, source_kind=1)
    assert len(encode_samples([wide], [PointType.I64] * 8).raw) < limits.RAW_BYTES_MAX


def test_engineering_values_are_one_product_and_one_sum() -> None:
    raw = np.array([3, -7], np.int64)
    assert values(raw, PointType.I16, 0.1, 5.0).tolist() == [3 * 0.1 + 5.0, -7 * 0.1 + 5.0]
    assert values(np.array([-1]), PointType.U64, 1.0, 0.0).tolist() == [2.0**64]
    assert values(np.array(f32(63.5, 0.1)), PointType.F32, 1.0, 0.0).tolist() == [
        63.5,
        float(np.float32(0.1)),
    ]
    kept = values(np.array(f64(-0.0)), PointType.F64, 1.0, 0.0)
    assert np.signbit(kept[0])
    assert values(np.array([[1, 0]]), PointType.BOOL, 1.0, 0.0).tolist() == [[1.0, 0.0]]
    assert values(np.array([0x7F800001]), PointType.F32, 1.0, 0.0).shape == (1,)


class TestDamage:
    """What is refused, each by its own code, before anything large is made."""

    TYPES = [PointType.U16, PointType.BOOL, PointType.F32]  # noqa: RUF012 - a constant

    def payload(self) -> bytearray:
        one = axis(
            [[5, 6, 8], [1, 0, 1], f32(0.5, 1.5, 2.5)], quality=[[0, DEAD, 0], [0] * 3, [0] * 3]
        )
        return bytearray(encode_samples([one], self.TYPES).raw)

    def test_forty_seven_bytes_that_claim_milliards_of_samples(self) -> None:
        head = struct.pack("<BBHI", 1, 0, 1, 0)
        axis_part = struct.pack("<IHHIIHB", 0, 65_535, 65_535, 0, 0, 0, 0)
        raw = head + axis_part + bytes(47 - len(head) - len(axis_part))
        assert damaged(raw, 65_535 * 65_535, self.TYPES) == "batch.count"
        assert damaged(raw, 65_536, self.TYPES) == "batch.count"

    def test_a_count_that_is_not_n(self) -> None:
        raw = bytes(self.payload())
        assert damaged(raw, 8, self.TYPES) == "batch.count"
        assert damaged(raw, 0, self.TYPES) == "batch.count"

    @pytest.mark.parametrize(
        ("at", "value", "code"),
        [
            (0, 2, "batch.layout"),
            (1, 1, "batch.layout"),
            (2, 0, "batch.count"),
            (2, 200, "batch.count"),
            (4, 2, "batch.layout"),
            (6, 2, "batch.count"),
            (8, 1, "batch.points"),
            (12, 0, "batch.count"),
            (26, 1, "batch.layout"),
            (26, 8, "batch.layout"),
            (26, 32, "batch.layout"),
            (26, 2, "batch.layout"),
            (27, 8, "batch.streams"),
            (28, 6, "batch.layout"),
            (28, 5, "batch.layout"),
            (28, 9, "batch.values"),
            (30, 3 << 3 | 1, "batch.values"),
            (30, 14 << 3 | 1, "batch.values"),
        ],
    )
    def test_a_wrong_byte_of_the_head(self, at: int, value: int, code: str) -> None:
        raw = self.payload()
        raw[at] = value
        assert damaged(bytes(raw), 9, self.TYPES) == code

    def test_every_truncation_and_every_byte_more(self) -> None:
        raw = bytes(self.payload())
        for length in range(len(raw)):
            damaged(raw[:length], 9, self.TYPES)
        damaged(raw + b"\0", 9, self.TYPES)

    @pytest.mark.parametrize(("offset", "code", "value"), [
        (0, "I", 4), (0, "I", 2**32 - 1), (4, "H", 3), (6, "H", 0), (6, "H", 3),
        (8, "H", 3 << 14), (8, "H", 23), (8, "H", 0),
    ])  # fmt: skip
    def test_a_wrong_quality_run(self, offset: int, code: str, value: int) -> None:
        raw = self.payload()
        struct.pack_into("<" + code, raw, len(raw) - 14 + offset, value)
        assert damaged(bytes(raw), 9, self.TYPES) == "batch.quality"

    def test_two_runs_on_one_sample(self) -> None:
        one = axis([[1, 2], [3, 4]], quality=[[DEAD, 0], [DEAD, DEAD]])
        raw = bytearray(encode_samples([one], [PointType.U16] * 2).raw)
        assert raw[4] == 2
        at = len(raw) - 28
        struct.pack_into("<HH", raw, at + 8, 0, 0)  # the run of the second series on row 0 too
        assert damaged(bytes(raw), 4, [PointType.U16] * 2) == "batch.quality"

    def test_a_value_that_its_type_cannot_hold(self) -> None:
        raw = encode_samples([axis([[70_000, 70_001]])], [PointType.I32]).raw
        assert damaged(raw, 2, [PointType.U16]) == "batch.values"

    def test_times_that_decrease_or_overflow(self) -> None:
        one = axis([[1, 2]], time_us=[T0_US, T0_US + 3_000_000], period_us=0)
        raw = encode_samples([one], [PointType.U16]).raw
        assert damaged(raw, 2, [PointType.U16], 2**63 - 1) == "batch.times"
        backwards = bytearray(raw)
        at = raw.rindex(struct.pack("<H", 6000))
        backwards[at : at + 2] = struct.pack("<H", 5999)  # zigzag: -3000 ms
        assert damaged(bytes(backwards), 2, [PointType.U16]) == "batch.times"

    def test_times_that_decrease_inside_an_axis(self) -> None:
        times = [T0_US, T0_US + 5_000_000, T0_US + 9_000_000]
        one = axis([[1, 2, 3]], time_us=times, period_us=0)
        raw = bytearray(encode_samples([one], [PointType.U16]).raw)
        at = raw.rindex(bytes((10_000 & 0xFF, 8000 & 0xFF, 10_000 >> 8, 8000 >> 8)))
        raw[at + 1], raw[at + 3] = 3 & 0xFF, 0  # zigzag: +5000 ms, then -2 ms
        assert damaged(bytes(raw), 3, [PointType.U16]) == "batch.times"

    def test_runs_out_of_order_or_over_one_another(self) -> None:
        one = axis([[1, 2, 3, 4]], quality=[[DEAD, 0, DEAD, 0]])
        raw = bytearray(encode_samples([one], [PointType.U16]).raw)
        at = len(raw) - 28
        rows, lengths = at + 8, at + 12
        swapped = bytearray(raw)
        struct.pack_into("<HH", swapped, rows, 2, 0)
        assert damaged(bytes(swapped), 4, [PointType.U16]) == "batch.quality"
        struct.pack_into("<HH", raw, lengths, 3, 1)
        assert damaged(bytes(raw), 4, [PointType.U16]) == "batch.quality"

    def test_a_bit_after_the_last_toggle_and_a_switch_that_is_neither_on_nor_off(self) -> None:
        raw = bytearray(encode_samples([axis([[1, 0, 1]])], [PointType.BOOL]).raw)
        assert raw[-1] == 0b11
        raw[-1] = 0b111
        assert damaged(bytes(raw), 3, [PointType.BOOL]) == "batch.streams"
        raw[-1] = 0b11
        first = 8 + 19 + 2 + 1  # head, axis, desc, lowest plane: the time's code, then the switch's
        assert raw[first] == 2
        raw[first] = 4
        assert damaged(bytes(raw), 3, [PointType.BOOL]) == "batch.streams"


def test_the_runs_of_a_lone_series_stand_on_the_series() -> None:
    made = encode_samples([axis([[1, 2]], quality=[[0, DEAD]])], [PointType.U16])
    assert struct.unpack("<IHHHI", made.raw[-14:]) == (1, 1, 1, DEAD, 0)


def test_types_convert_once() -> None:
    types = PointTypes([PointType.BOOL, PointType.F64])
    assert types == (PointType.BOOL, PointType.F64)
    assert types.codes.tolist() == [0, 8]
