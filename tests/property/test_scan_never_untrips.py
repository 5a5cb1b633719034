"""For any vote, any sequence: an input that turns bad never takes a trip away (property P1)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.edge.rig import Rig, facts

N_MAX = 4
POINTS = facts(**{f"plc__x{i}": "m3/h" for i in range(N_MAX)})
HIGH, LOW, BAD = 20.0, 5.0, None
TRIPPED = ("TRIPPED", "LATCHED")


def matrix(need: int, total: int, on_delay: str) -> str:
    """One cause, `need` out of `total`, no deadband, no grace."""
    inputs = "\n".join(
        f'x{i} = {{ point = "plc/x{i}", unit = "m3/h", bad_grace = "0ms" }}' for i in range(total)
    )
    conditions = ", ".join(f'"x{i} >= 15"' for i in range(total))
    return f"""
schema = "cem/1"
version = 1
title = "vote"
[input]
{inputs}
[cause.C]
title = "C"
vote = "{need}oo{total}"
of = [{conditions}]
deadband = 0
on_delay = "{on_delay}"
[effect]
E = {{ title = "E", kind = "stop", output = "plc/o", safe = false }}
[interlock.I]
title = "I"
[interlock.I.matrix]
C = ["E"]
"""


ARCHITECTURE = st.integers(1, N_MAX).flatmap(
    lambda total: st.tuples(st.integers(1, total), st.just(total))
)


def run(text: str, rows: list[list[float | None]]) -> list[bool]:
    """Run one row a poll; returns whether the interlock stands tripped after each."""
    rig = Rig(text, POINTS)
    rig.put(**dict.fromkeys((f"x{i}" for i in range(N_MAX)), LOW)).run("400ms")
    found = []
    for row in rows:
        for i, value in enumerate(row):
            if value is None:
                rig.spoil(f"x{i}")
            else:
                rig.put(**{f"x{i}": value})
        rig.run("100ms")
        found.append(rig.view().protection in TRIPPED)
    return found


@settings(max_examples=120, deadline=None)
@given(data=st.data(), shape=ARCHITECTURE, on_delay=st.sampled_from(["0ms", "200ms", "500ms"]))
def test_no_bad_sample_removes_a_trip(
    data: st.DataObject, shape: tuple[int, int], on_delay: str
) -> None:
    need, total = shape
    cell = st.sampled_from([HIGH, LOW, BAD])
    rows = data.draw(st.lists(st.lists(cell, min_size=total, max_size=total), max_size=14))
    spoiled_at = data.draw(st.integers(0, max(len(rows) - 1, 0)))
    which = data.draw(st.integers(0, total - 1))
    length = data.draw(st.integers(1, 14))
    spoiled = [
        [
            BAD if i == which and spoiled_at <= n < spoiled_at + length else v
            for i, v in enumerate(r)
        ]
        for n, r in enumerate(rows)
    ]
    text = matrix(need, total, on_delay)
    for n, (with_data, without) in enumerate(zip(run(text, rows), run(text, spoiled), strict=True)):
        assert without or not with_data, f"poll {n}: {need}oo{total} lost its trip"


@settings(max_examples=40, deadline=None)
@given(shape=ARCHITECTURE, on_delay_ms=st.sampled_from([0, 100, 300, 1000]))
def test_inputs_that_are_bad_for_good_trip_when_the_on_delay_ends(
    shape: tuple[int, int], on_delay_ms: int
) -> None:
    need, total = shape
    rig = Rig(matrix(need, total, f"{on_delay_ms}ms"), POINTS)
    rig.put(**dict.fromkeys((f"x{i}" for i in range(N_MAX)), LOW)).run("400ms")
    for i in range(need):
        rig.spoil(f"x{i}")
    spoiled_ns = rig.now_ns
    rig.run(f"{on_delay_ms + 300}ms")
    waited_ns = rig.last("interlock.tripped").mono_ns - spoiled_ns
    assert on_delay_ms * 10**6 <= waited_ns <= (on_delay_ms + 150) * 10**6


@settings(max_examples=40, deadline=None)
@given(shape=ARCHITECTURE, seconds=st.integers(1, 70))
def test_a_cut_line_makes_no_trip_however_long(shape: tuple[int, int], seconds: int) -> None:
    need, total = shape
    rig = Rig(matrix(need, total, "0ms"), POINTS)
    rig.put(**dict.fromkeys((f"x{i}" for i in range(N_MAX)), LOW)).run("400ms")
    rig.cut("plc").run(f"{seconds}s")
    rig.join("plc").run("2s")
    assert rig.view().protection == "NORMAL"
    assert rig.view().occurrence == 0
