"""Work marks: who may, for how long, and that nothing but the disk makes them hold."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from edge import marks, platform
from edge.mark_store import FILE, MarkStore, open_marks
from edge.marks import Mark, MarkKind, Refusal
from proto.batch import Lane
from proto.errors import Conflict, NotFound

HOUR_US = 3600 * 10**6
NOW_US = 1_800_000_000_000_000


class HandClock:
    """Time that moves by hand."""

    def __init__(self) -> None:
        self.us = NOW_US

    def wall_us(self) -> int:
        return self.us

    def mono_ns(self) -> int:
        return self.us * 1000


def mark(device: str = "bof1", *, hours: float = 1, reason: str = "new map") -> Mark:
    return Mark(MarkKind.MAINTENANCE, device, reason, "li", NOW_US, NOW_US + int(hours * HOUR_US))


def store(folder: Path, clock: HandClock) -> tuple[MarkStore, list[Mapping[str, object]]]:
    records: list[Mapping[str, object]] = []

    def record(lane: Lane, body: dict[str, object]) -> None:
        assert lane is Lane.EVENT
        records.append(body)

    return MarkStore(folder, ["bof1", "bof2"], clock, record), records


def ask(made: MarkStore, word: str, **request: object) -> dict[str, object]:
    return made.table()[word](request)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (mark(hours=25), "mark.duration"),
        (mark(hours=0.001), "mark.duration"),
        (mark(reason=" "), "mark.reason"),
        (mark(), "mark.open_already"),
    ],
)
def test_a_mark_without_reason_or_end_is_refused(wrong: Mark, code: str) -> None:
    found = marks.opened((mark(),), wrong)
    assert isinstance(found, Refusal)
    assert found.code == code


def test_marks_are_bounded() -> None:
    full = tuple(mark(f"d{at}") for at in range(marks.MARKS_MAX))
    found = marks.opened(full, mark("one_more"))
    assert isinstance(found, Refusal)
    assert found.code == "mark.limit"


def test_a_clock_that_was_set_back_ends_a_mark() -> None:
    held, over = marks.expired((mark(),), NOW_US - 1)
    assert (held, over) == ((), (mark(),))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"schema":"marks/1","marks":[{}]}', b"\xff"])
def test_a_file_that_cannot_be_read_permits_nothing(data: bytes) -> None:
    assert marks.from_json(data) == ()


def test_a_mark_permits_probing_of_its_device_until_its_end(tmp_path: Path) -> None:
    clock = HandClock()
    made, records = store(tmp_path, clock)
    assert not made.may_probe("bof1")
    ask(made, "mark.open", device="bof1", reason="commissioning", for_us=HOUR_US, by="li")
    assert made.may_probe("bof1")
    assert not made.may_probe("bof2")
    assert not made.is_open(MarkKind.CALIBRATION, "bof1")
    clock.us += HOUR_US
    assert not made.may_probe("bof1"), "over by itself, before anybody looks"
    made.expire()
    assert [(body["k"], body.get("why")) for body in records] == [
        ("mark.opened", None),
        ("mark.closed", "over"),
    ]


def test_a_mark_survives_a_restart_and_is_closed_by_hand(tmp_path: Path) -> None:
    clock = HandClock()
    made, _ = store(tmp_path, clock)
    ask(made, "mark.open", device="bof1", reason="commissioning", for_us=HOUR_US)
    again, records = store(tmp_path, clock)
    assert again.may_probe("bof1")
    assert [m.device for m in open_marks(tmp_path, clock.us)] == ["bof1"]
    listed = ask(again, "mark.list")["marks"]
    assert isinstance(listed, list)
    assert len(listed) == 1
    ask(again, "mark.close", device="bof1")
    assert not again.may_probe("bof1")
    assert open_marks(tmp_path, clock.us) == ()
    assert records[-1]["why"] == "by hand"
    with pytest.raises(Conflict, match=r"mark\.not_open"):
        ask(again, "mark.close", device="bof1")


def test_a_mark_for_an_unknown_device_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    made, _ = store(tmp_path, HandClock())
    with pytest.raises(NotFound, match="bof1, bof2"):
        ask(made, "mark.open", device="bof3", reason="commissioning", for_us=HOUR_US)


def test_what_the_disk_does_not_take_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, records = store(tmp_path, HandClock())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(platform, "write_whole", full)
    with pytest.raises(Conflict, match="No space"):
        ask(made, "mark.open", device="bof1", reason="commissioning", for_us=HOUR_US)
    assert not made.may_probe("bof1")
    assert records == []
    assert not (tmp_path / FILE).exists()
