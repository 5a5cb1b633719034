"""Loop sheets: who may sign what, what passes, and when a point is proven."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge import marks
from edge.acquisition import loop_sheet as core
from edge.acquisition.loop_sheet import Instrument, Sheet, Step
from edge.acquisition.loop_store import FILE, LoopStore, Record
from edge.mark_store import calibrating
from edge.marks import Mark, MarkKind
from proto.batch import Lane
from proto.errors import BadRequest, Conflict
from tests.unit.edge.plant import plant

PLANT = plant()
BINDING = next(b for b in PLANT.bindings if b.point.range_low is not None)
NAME = BINDING.point.name
LEVELS = core.levels(BINDING)
STEPS = tuple(Step(percent, value, None, value, value, None) for percent, value in LEVELS)
SHEET = Sheet(
    point=NAME,
    tag=BINDING.point.tag,
    binding=core.binding_hash(BINDING, "p", 1),
    as_found=STEPS,
    as_left=STEPS,
    allowed=core.allowed_error(BINDING),
    basis="placeholder",
    instrument=Instrument("FLUKE-754", "C-1", "2027-01-01"),
    persons=("张三", "李四"),
    date="2026-11-23",
    signed_us=1,
)


class Fixed:
    """A clock that stands."""

    def __init__(self, wall_us: int = 10**15) -> None:
        self.now_us = wall_us

    def wall_us(self) -> int:
        return self.now_us

    def mono_ns(self) -> int:
        return 5 * 10**9


def test_five_levels_of_the_range_are_applied() -> None:
    low, high = BINDING.point.range_low, BINDING.point.range_high
    assert low is not None
    assert high is not None
    assert [percent for percent, _ in LEVELS] == [0, 25, 50, 75, 100]
    assert (LEVELS[0][1], LEVELS[4][1]) == (low, high)
    switch = next(b for b in PLANT.bindings if b.point.unit == "bool")
    assert core.levels(switch) == ((0, 0.0), (100, 1.0))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "PASS"),
        ({"ours": STEPS[2].applied + SHEET.allowed * 0.99}, "PASS"),
        ({"ours": STEPS[2].applied + SHEET.allowed * 1.01}, "FAIL"),
        ({"panel": STEPS[2].applied - SHEET.allowed * 1.01}, "FAIL"),
        ({"centre": STEPS[2].applied - SHEET.allowed * 1.01}, "FAIL"),
        ({"ours": None}, "FAIL"),
        ({"panel": None}, "PASS"),
    ],
)
def test_every_step_as_left_must_be_within_the_allowed_error(
    change: dict[str, float | None], verdict: str
) -> None:
    steps = (*STEPS[:2], replace(STEPS[2], **change), *STEPS[3:])  # type: ignore[arg-type]
    assert replace(SHEET, as_left=steps).verdict == verdict
    assert replace(SHEET, as_found=steps).verdict == "PASS"  # what was found is history


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"as_left": STEPS[:4]}, "as left: one step each"),
        ({"persons": ("张三", " 张三 ")}, "two different persons"),
        ({"persons": ("张三", "")}, "two different persons"),
        ({"instrument": Instrument("F", "C", "2026-11-22")}, "ended on 2026-11-22"),
        ({"instrument": Instrument("", "C", "2027-01-01")}, "name the instrument"),
        ({"allowed": -1.0}, "allowed error"),
        ({"basis": ""}, "basis"),
        ({"allowed": float("nan")}, "allowed error"),
    ],
)
def test_an_incomplete_sheet_is_not_signed(change: dict[str, object], said: str) -> None:
    [fault] = core.sheet_faults(replace(SHEET, **change), LEVELS)  # type: ignore[arg-type]
    assert said in fault


def test_only_the_newest_sheet_with_the_present_binding_proves() -> None:
    failed = replace(SHEET, signed_us=2, as_left=(replace(STEPS[0], ours=None), *STEPS[1:]))
    assert core.proven([SHEET], NAME, SHEET.binding) == SHEET
    assert core.proven([SHEET, failed], NAME, SHEET.binding) is None
    assert core.proven([failed, replace(SHEET, signed_us=3)], NAME, SHEET.binding) is not None
    assert core.proven([SHEET], NAME, "other") is None
    assert core.proven([SHEET], "other/point", SHEET.binding) is None


def test_any_change_of_the_binding_opens_the_loop() -> None:
    before = core.binding_hash(BINDING, "p", 1)
    point = BINDING.point
    others = [
        core.binding_hash(replace(BINDING, point=replace(point, scale=2.0)), "p", 1),
        core.binding_hash(replace(BINDING, point=replace(point, range_high=1e9)), "p", 1),
        core.binding_hash(replace(BINDING, point=replace(point, name="other/x")), "p", 1),
        core.binding_hash(
            replace(BINDING, address=replace(BINDING.address, address=999)),  # type: ignore[type-var]
            "p",
            1,
        ),
        core.binding_hash(BINDING, "p", 2),
        core.binding_hash(BINDING, "q", 1),
    ]
    assert before not in others
    assert len(set(others)) == len(others)
    titled = replace(BINDING, point=replace(point, title="anders"))
    assert core.binding_hash(titled, "p", 1) == before


def test_a_sheet_comes_back_from_its_line() -> None:
    assert core.from_body(json.loads(json.dumps(core.to_body(SHEET)))) == SHEET


def store_of(folder: Path, clock: Fixed, record: Record | None = None) -> LoopStore:
    return LoopStore(folder, PLANT, clock, calibrating(folder, clock), record)


def open_mark(folder: Path, clock: Fixed) -> None:
    device = NAME.partition("/")[0]
    mark = Mark(MarkKind.CALIBRATION, device, "loop test", "x", clock.now_us, clock.now_us + 10**9)
    (folder / "marks.json").write_text(marks.to_json((mark,)))


def test_without_a_mark_nothing_is_signed(tmp_path: Path) -> None:
    store = store_of(tmp_path, Fixed())
    with pytest.raises(Conflict, match="CALIBRATION"):
        store.sign({"sheet": core.to_body(SHEET)})
    assert not (tmp_path / FILE).exists()


def test_a_signed_sheet_is_on_disk_recorded_and_proves_after_a_restart(tmp_path: Path) -> None:
    clock, records = Fixed(), list[tuple[Lane, dict[str, object]]]()
    open_mark(tmp_path, clock)
    store = store_of(tmp_path, clock, lambda lane, body: records.append((lane, body)))
    signed = store.sign({"sheet": core.to_body(SHEET)})
    assert signed["verdict"] == "PASS"
    [(lane, body)] = records
    assert (lane, body["k"], body["point"]) == (Lane.EVENT, "loop.signed", NAME)
    again = store_of(tmp_path, clock)
    assert again.of(NAME)["loop"]["proven"] is True  # type: ignore[index]
    rows = again.listed()["loops"]
    assert isinstance(rows, list)
    assert [row["point"] for row in rows if row["proven"]] == [NAME]


def test_a_torn_line_proves_nothing_and_spoils_no_other(tmp_path: Path) -> None:
    clock = Fixed()
    open_mark(tmp_path, clock)
    (tmp_path / FILE).write_text('{"schema": "loop/1", "poi')
    store = store_of(tmp_path, clock)
    store.sign({"sheet": core.to_body(SHEET)})
    assert store_of(tmp_path, clock).of(NAME)["loop"]["proven"] is True  # type: ignore[index]


def test_a_sheet_that_is_none_is_refused(tmp_path: Path) -> None:
    open_mark(tmp_path, Fixed())
    store = store_of(tmp_path, Fixed())
    with pytest.raises(BadRequest):
        store.sign({"sheet": {"point": NAME}})
    with pytest.raises(BadRequest, match="two different persons"):
        store.sign({"sheet": {**core.to_body(SHEET), "persons": ["a", "a"]}})
