"""From points to requests: the cases that planners of others get wrong."""

import pytest

from devices.address import RegisterType, Table
from devices.modbus.plan import (
    Cost,
    Forbidden,
    Limits,
    ModbusRead,
    Read,
    Span,
    plan_blocks,
    plan_reads,
)
from tests.unit.devices.builders import bof, modbus_settings, register

H = Table.HOLDING
TCP = Cost()
SLOW_LINE = Cost(request_ns=15_000_000, register_ns=2_300_000)  # 9,600 baud


def reads(spans: list[Span], cost: Cost = TCP, **more: object) -> tuple[Read, ...]:
    limits = more.get("limits", Limits())
    forbidden = more.get("forbidden", [])
    return plan_reads(spans, limits, forbidden, cost).reads  # type: ignore[arg-type]


def test_neighbours_share_one_request() -> None:
    assert reads([Span(H, 0, 2), Span(H, 2, 2)]) == (Read(H, 0, 4, "", (0, 1)),)


def test_a_hole_is_bridged_when_that_is_cheaper_than_a_request() -> None:
    far = [Span(H, 0, 1), Span(H, 100, 1)]
    assert [(r.start, r.quantity) for r in reads(far)] == [(0, 101)]
    assert [(r.start, r.quantity) for r in reads(far, SLOW_LINE)] == [(0, 1), (100, 1)]


def test_bits_of_one_status_word_are_one_register() -> None:
    plan = reads([Span(H, 7, 1), Span(H, 7, 1), Span(H, 7, 1)])
    assert plan == (Read(H, 7, 1, "", (0, 1, 2)),)


def test_a_span_inside_another_rides_along() -> None:
    plan = reads([Span(H, 0, 8), Span(H, 2, 1), Span(H, 9, 1)], SLOW_LINE)
    assert plan == (Read(H, 0, 10, "", (0, 1, 2)),)


def test_no_value_is_split_by_a_limit() -> None:
    plan = reads([Span(H, at, 2) for at in range(0, 250, 2)], limits=Limits(max_registers=125))
    assert len(plan) == 3
    assert all(read.quantity <= 125 for read in plan)
    assert [read.start % 2 or read.quantity % 2 for read in plan] == [0, 0, 0]
    assert sum(read.quantity for read in plan) == 250


def test_tables_and_classes_are_never_mixed() -> None:
    spans = [Span(H, 0, 1, "fast"), Span(H, 1, 1, "slow"), Span(Table.INPUT, 2, 1, "fast")]
    assert [(r.poll, r.table) for r in reads(spans)] == [
        ("fast", H),
        ("slow", H),
        ("fast", Table.INPUT),
    ]


def test_a_forbidden_range_is_never_touched() -> None:
    spans = [Span(H, 0, 2), Span(H, 10, 2)]
    plan = plan_reads(spans, Limits(), [Forbidden(H, 5, 6)], TCP)
    assert [(r.start, r.quantity) for r in plan.reads] == [(0, 2), (10, 2)]
    assert plan.refused == ()


def test_a_point_in_a_forbidden_range_is_refused_alone() -> None:
    spans = [Span(H, 0, 2), Span(H, 4, 2), Span(H, 8, 2)]
    plan = plan_reads(spans, Limits(), [Forbidden(H, 5, 5)], TCP)
    assert plan.refused == (1,)
    assert [(r.start, r.quantity) for r in plan.reads] == [(0, 2), (8, 2)]


def test_what_belongs_together_stays_together() -> None:
    spans = [Span(H, 0, 1, together="t"), Span(H, 1, 1), Span(H, 30, 1, together="t")]
    plan = plan_reads(spans, Limits(), [], SLOW_LINE)
    assert plan.reads == (Read(H, 0, 31, "", (0, 1, 2)),)


def test_what_belongs_together_and_fits_no_request_is_refused() -> None:
    spans = [Span(H, 0, 1, together="t"), Span(H, 200, 1, together="t"), Span(H, 1, 1)]
    assert plan_reads(spans, Limits(), [], TCP).refused == (0, 1)


def test_the_converter_is_read_in_two_fast_requests_and_a_slow_one() -> None:
    blocks = plan_blocks(bof())
    assert [block.request.describe() for block in blocks] == [
        "unit 1 FC3 0+12",
        "unit 1 FC2 0+6",
        "unit 1 FC3 12+4",
    ]
    assert [block.poll for block in blocks] == ["fast", "fast", "normal"]
    names = [point.name for block in blocks for point in block.points]
    assert sorted(names) == sorted(b.point.name for b in bof().points)


def test_a_hidden_point_has_a_block_of_its_own_without_a_request() -> None:
    options = 'forbidden = [{ table = "holding", from = 3, to = 3, why = "exception 2" }]'
    device = modbus_settings([register("plc/a", 0), register("plc/b", 3)], options=options)
    blocks = plan_blocks(device)
    assert [point.name for block in blocks for point in block.points] == ["plc/a", "plc/b"]
    request = blocks[1].request
    assert isinstance(request, ModbusRead)
    assert request.layout is None


@pytest.mark.parametrize(("table", "code"), [(Table.COIL, 1), (Table.INPUT, 4)])
def test_each_table_has_its_function_code(table: Table, code: int) -> None:
    kind = RegisterType.BOOL if table.is_bits else RegisterType.UINT16
    blocks = plan_blocks(modbus_settings([register("plc/a", 9, kind, table=table)]))
    assert blocks[0].describe() == f"plc fast read 1 points: unit 1 FC{code} 9+1"
