"""Fences and riders on random maps: distinct counts, no forbidden address, every point read."""

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.address import RegisterType, Table
from devices.driver import Block
from devices.modbus import search
from devices.modbus.ask import Ask
from devices.modbus.cost import serial_wire
from devices.modbus.fences import SHORTEST, Fence, neighbours, width
from devices.modbus.holes_model import Fact, FactKind
from devices.modbus.partition import Read
from devices.modbus.plan import ModbusRead, Shaping, plan_blocks, plan_hash
from tests.unit.devices.builders import modbus_settings, register

POLL_NS = {"fast": 10**8, "normal": 10**9, "slow": 10**10, "odd": 7 * 10**8}
WIRE = serial_wire(9600, "8N1").prior
POINTS = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from([RegisterType.UINT16, RegisterType.FLOAT32]),
        st.sampled_from(["fast", "normal", "slow", "odd"]),
        st.sampled_from([Table.HOLDING, Table.HOLDING, Table.INPUT, Table.DISCRETE]),
    ),
    min_size=1,
    max_size=40,
)
HOLES = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), max_size=4)


def planned(points: list[tuple[int, RegisterType, str, Table]], shaping: Shaping) -> list[Block]:
    bindings = [
        register(
            f"plc/p{i}",
            at,
            RegisterType.BOOL if table.is_bits else kind,
            table=table,
            poll=poll,
        )
        for i, (at, kind, poll, table) in enumerate(points)
    ]
    return list(plan_blocks(modbus_settings(bindings, poll_ns=POLL_NS), shaping))


def shaping(fence: Fence, ranges: list[tuple[int, int]]) -> Shaping:
    facts = tuple(Fact(FactKind.HOLE, 3, first, first + more) for first, more in ranges)
    return Shaping(costs=dict.fromkeys((1, 2, 3, 4), WIRE), fence=fence, facts=facts)


@settings(max_examples=80, deadline=None)
@given(POINTS, HOLES, st.sampled_from(["none", "alternate", "fixed"]))
def test_every_point_is_read_once_and_no_request_leaves_its_bounds(
    points: list[tuple[int, RegisterType, str, Table]],
    ranges: list[tuple[int, int]],
    fence: Fence,
) -> None:
    how = shaping(fence, ranges)
    blocks = planned(points, how)
    names = [point.name for block in blocks for point in block.points]
    assert sorted(names) == sorted(f"plc/p{i}" for i in range(len(points)))
    for block in blocks:
        request = block.request
        assert isinstance(request, ModbusRead)
        if request.layout is None:
            continue
        assert (block.rides_on is None) == bool(request.asks)
        for ask in request.asks:
            assert ask.start <= request.start
            assert request.start + request.quantity <= ask.end
            assert ask.quantity <= (2000 if ask.is_bits else 120)
            if ask.function == 3:
                assert not any(fact.forbids(ask.start, ask.end) for fact in how.facts)


@settings(max_examples=80, deadline=None)
@given(POINTS, HOLES, st.sampled_from(["alternate", "fixed"]))
def test_counts_within_four_requests_differ_unless_the_fence_is_partial(
    points: list[tuple[int, RegisterType, str, Table]],
    ranges: list[tuple[int, int]],
    fence: Fence,
) -> None:
    blocks = planned(points, shaping(fence, ranges))
    for function in (2, 3, 4):
        mine = [
            (block, block.request)
            for block in blocks
            if isinstance(block.request, ModbusRead)
            and block.request.function == function
            and block.request.asks
        ]
        reads = [Read(Table.HOLDING, r.start, r.quantity, b.poll, ()) for b, r in mine]
        for at, others in enumerate(neighbours(reads)):
            request = mine[at][1]
            if request.is_partial:
                continue
            assert min(width(ask) for ask in request.asks) >= SHORTEST
            assert len(request.asks) == (2 if fence == "alternate" else 1)
            for other in others:
                if mine[other][1].is_partial:
                    continue
                ours = {width(ask) for ask in request.asks}
                assert ours.isdisjoint(width(ask) for ask in mine[other][1].asks)


@settings(max_examples=80, deadline=None)
@given(POINTS)
def test_a_rider_lies_in_a_faster_host_whose_slots_meet_its_own(
    points: list[tuple[int, RegisterType, str, Table]],
) -> None:
    blocks = planned(points, shaping("none", []))
    for block in blocks:
        if block.rides_on is None:
            continue
        host = blocks[block.rides_on]
        assert host.rides_on is None
        assert block.period_ns > host.period_ns
        assert block.period_ns % host.period_ns == 0
        request, of_host = block.request, host.request
        assert isinstance(request, ModbusRead)
        assert isinstance(of_host, ModbusRead)
        assert request.hull == of_host.hull
        for start, length in request.spans:
            assert of_host.start <= start
            assert start + length <= of_host.start + of_host.quantity


@settings(max_examples=30, deadline=None)
@given(POINTS)
def test_a_plan_is_deterministic(points: list[tuple[int, RegisterType, str, Table]]) -> None:
    how = shaping("alternate", [])
    assert plan_hash(planned(points, how)) == plan_hash(planned(points, how))


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 125),
    st.sets(st.integers(0, 124), max_size=6),
)
def test_bisect_finds_exactly_the_bad_set_within_its_bound(count: int, bad: set[int]) -> None:
    bad = {at for at in bad if at < count}
    if not bad:
        return
    atoms = [search.Atom(at, at + 1) for at in range(count)]
    job = search.begin(3, atoms, 2)
    asked = 0
    while not job.is_done:
        ask: Ask = search.ask(job)
        asked += 1
        is_bad = any(ask.start <= at < ask.end for at in bad)
        job = search.step(job, 2 if is_bad else 0)
    assert {each.first for each in job.found} == bad
    assert all(each.first == each.last for each in job.found)
    bound = 2 * max(count - 1, 1).bit_length() + 1
    assert asked <= bound * len(bad)
