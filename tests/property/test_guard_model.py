"""The guard in virtual time: no wrong and no old value, whatever is late or lost; its mutants die.

The table of the page (`acquisition.md` 3.8) is reproduced here in small; `make soak` runs it long.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.modbus import frame, guard, guard_bytes
from devices.modbus.frame import Framing
from devices.modbus.guard_model import (
    Answer,
    Connected,
    Deadline,
    Due,
    Lost,
    Phase,
    Received,
    Rules,
    Transmit,
    drain_ns,
    start,
)
from tests.property.guard_world import BOUND_NS, FENCES, Tally, blocks, run, unguarded

READS = 4000
EQUAL = [(8, 8, 8, 8)]
DISTINCT = [(8, 10, 12, 14)]
ALTERNATING = [(8, 10, 12, 14), (9, 11, 13, 15)]


def rules(d_ns: float, *, is_probing: bool = True) -> Rules:
    return Rules(Framing.RTU, True, 1_750_000, int(d_ns), is_probing)


def is_clean(tally: Tally) -> bool:
    return tally.wrong == tally.old == 0 and tally.good > READS // 2


def test_without_a_guard_nearly_every_answer_belongs_to_another_question() -> None:
    none = unguarded(READS, (8, 8, 8, 8))
    assert none.wrong + none.old > READS // 2
    counted = unguarded(READS, (8, 10, 12, 14))
    assert counted.wrong + counted.old > READS // 10


def test_a_drain_of_half_the_bound_is_no_defence_and_fences_are_the_second_net() -> None:
    half = rules(BOUND_NS / 2, is_probing=False)
    equal = run(READS, half, counts=EQUAL, fix_d=True)
    fenced = run(READS, half, counts=ALTERNATING, fix_d=True)
    assert equal.wrong > 0
    assert fenced.wrong + fenced.old < (equal.wrong + equal.old) // 100 + 1


@pytest.mark.parametrize("counts", [EQUAL, DISTINCT, ALTERNATING])
def test_a_drain_of_the_true_bound_lets_nothing_through(counts: list[tuple[int, ...]]) -> None:
    assert is_clean(run(READS, rules(BOUND_NS, is_probing=False), counts=counts, fix_d=True))


def test_an_echo_proves_however_short_the_drain() -> None:
    assert is_clean(run(READS, rules(BOUND_NS / 4), counts=EQUAL, fix_d=True))


def test_fence_probe_and_fences_stand_in_for_the_echo() -> None:
    quarter = rules(BOUND_NS / 4)
    assert is_clean(run(READS, quarter, counts=ALTERNATING, fix_d=True, has_echo=False))


def test_lateness_is_learnt_and_then_bounds_the_drain() -> None:
    assert is_clean(run(READS, rules(BOUND_NS / 4), counts=EQUAL, has_echo=False))


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    part=st.sampled_from([4, 2, 1]),
    has_echo=st.booleans(),
)
def test_no_seed_and_no_device_gets_a_wrong_value_through(
    seed: int, part: int, has_echo: bool
) -> None:
    tally = run(600, rules(BOUND_NS / part), counts=ALTERNATING, seed=seed, has_echo=has_echo)
    assert (tally.wrong, tally.old) == (0, 0)
    assert tally.good > 300


MUTANTS = {
    "units stay synced": (
        lambda patch: patch.setattr(guard, "is_synced", lambda *_: True),
        BOUND_NS / 4,
        True,
    ),
    "no drain": (
        lambda patch: patch.setattr(guard_bytes, "drain_ns", lambda *_: 0),
        BOUND_NS,
        False,
    ),
    "any echo proves": (
        lambda patch: patch.setattr(
            guard, "echo_request", lambda unit, _, **more: frame.echo_request(unit, 7, **more)
        ),
        BOUND_NS / 8,
        True,
    ),
    "anything proves": (
        lambda patch: patch.setattr(
            guard_bytes, "ends_with_answer", lambda *_, **__: frame.Accepted(b"")
        ),
        BOUND_NS / 8,
        True,
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_each_mutant_of_the_guard_dies(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutate, d_ns, is_probing = MUTANTS[name]
    line = rules(d_ns, is_probing=is_probing)
    before = run(READS, line, counts=EQUAL, fix_d=True)
    assert (before.wrong, before.old) == (0, 0)
    mutate(monkeypatch)
    after = run(READS, line, counts=EQUAL, fix_d=True)
    assert after.wrong + after.old > 0


EVENTS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=20).map(Received),
        st.just(Deadline()),
        st.just(Lost()),
        st.just(Connected(20_000_000)),
        st.integers(0, 3).map(
            lambda at: Due(blocks((8, 8, 8, 8))[at], 20_000_000, 1, 0xBEEF, FENCES)
        ),
    ),
    max_size=60,
)


@given(EVENTS, st.lists(st.integers(0, 60_000_000), min_size=60, max_size=60), st.booleans())
def test_whatever_happens_nothing_is_sent_in_a_drain_and_no_data_of_an_unsynced_unit_is_given(
    events: list[object], gaps: list[int], is_full: bool
) -> None:
    line = Rules(Framing.RTU, is_full, 50_000_000)
    state, now_ns = start(), 1
    for event, gap_ns in zip(events, gaps, strict=False):
        now_ns += gap_ns
        before = state
        was_due = guard.ready_ns(before, line) <= now_ns
        state, actions = guard.step(state, line, event, now_ns)  # type: ignore[arg-type]
        for action in actions:
            if isinstance(action, Transmit):
                assert before.phase is Phase.READY or (before.phase is Phase.DRAIN and was_due)
            if isinstance(action, Answer):
                assert before.phase is Phase.IN_FLIGHT
                assert now_ns < before.deadline_ns
                assert guard.is_synced(before, line, 1)
        assert drain_ns(state, line, 1, 20_000_000) <= 10_000_000_000
