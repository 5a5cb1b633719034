"""The process image: a block at once, one instant for the reader, integers pinned to proto."""

import edge.image
from edge.image import ImageLayout, Link, ProcessImage
from edge.interlock import reading
from edge.interlock.vote import Channel
from proto import interlock, quality
from proto.interlock import Health, Protection, Running, Service, Verdict

PINNED = (
    "NONE",
    "INIT",
    "COMM_LOSS",
    "CONFIG",
    "STALE",
    "NOT_A_NUMBER",
    "OUT_OF_RANGE",
    "STUCK",
    "DEVIATION",
)
LAYOUT = ImageLayout(("a/x", "a/y", "b/z"), ("a", "b"), (0, 0, 1), (0, 0, 1))


def put(image: ProcessImage, first: int, *values: float, at_ns: int = 5) -> None:
    """Switch a block of good values."""
    n = len(values)
    image.switch(
        first,
        value=list(values),
        quality=[0] * n,
        reason=[0] * n,
        detail=[0] * n,
        no_value=[False] * n,
        source_us=[7] * n,
        receive_mono_ns=at_ns,
    )


def test_before_the_first_read_everything_is_bad_init() -> None:
    now = ProcessImage(LAYOUT).freeze()
    assert now.quality == [2, 2, 2]
    assert now.reason == [1, 1, 1]
    assert now.receive_mono_ns == [0, 0, 0]
    assert now.link == [Link.INIT, Link.INIT]


def test_a_switch_replaces_its_block_and_nothing_else() -> None:
    image = ProcessImage(LAYOUT)
    put(image, 0, 1.0, 2.0)
    now = image.freeze()
    assert now.value[:2] == [1.0, 2.0]
    assert now.sequence == [1, 1, 0]
    assert now.quality == [0, 0, 2]
    assert now.source_us == [7, 7, 0]


def test_a_frozen_image_does_not_change_any_more() -> None:
    image = ProcessImage(LAYOUT)
    put(image, 0, 1.0, 2.0)
    before = image.freeze()
    put(image, 0, 8.0, 9.0, at_ns=6)
    image.lose((0,), 2, 3)
    image.set_link(0, Link.LOST)
    assert before.value[:2] == [1.0, 2.0]
    assert before.quality[0] == 0
    assert before.link == [Link.INIT, Link.INIT]


def test_a_loss_keeps_value_and_age_and_is_a_new_sample() -> None:
    image = ProcessImage(LAYOUT)
    put(image, 0, 1.0, 2.0)
    image.lose((0, 1), 2, 0x101)
    now = image.freeze()
    assert now.value[:2] == [1.0, 2.0]
    assert now.receive_mono_ns[:2] == [5, 5]
    assert now.quality[:2] == [2, 2]
    assert now.detail[:2] == [0x101, 0x101]
    assert now.sequence[:2] == [2, 2]


def test_two_layouts_agree_only_when_names_and_order_agree() -> None:
    same = ImageLayout(("a/x", "a/y", "b/z"), ("a", "b"), (0, 0, 1), (0, 0, 1))
    other = ImageLayout(("a/y", "a/x", "b/z"), ("a", "b"), (0, 0, 1), (0, 0, 1))
    assert LAYOUT.hash == same.hash
    assert LAYOUT.hash != other.hash


def test_the_integers_of_image_and_engine_are_those_of_the_shared_language() -> None:
    assert (edge.image.BAD, edge.image.INIT) == (quality.Quality.BAD, quality.Reason.INIT)
    assert list(quality.Quality) == [reading.GOOD, reading.UNCERTAIN, reading.BAD]
    for name in PINNED:
        assert getattr(reading, name) == quality.Reason[name]
    for link in Link:
        assert getattr(reading, f"LINK_{link.name}") == link
    assert [c.name for c in Channel] == ["FALSE", "TRUE", "BAD", "LOST"]


def test_the_words_of_the_engine_are_those_of_the_shared_language() -> None:
    from edge.interlock import health, state, verdict

    assert {state.NORMAL, state.PENDING, state.TRIPPED, state.LATCHED} == set(Protection)
    assert {state.INIT, state.NOT_REQUIRED, state.ARMED} <= set(Service)
    assert set(health.RANK) == set(Health)
    assert set(health.SEVERITY.values()) <= set(Health)
    words = ("PROVEN", "LATE", "NOT_ACTED", "UNPROVABLE", "NOT_DUE", "BYPASSED")
    assert {getattr(verdict, word) for word in words} == set(Verdict)
    assert {"TRUE", "FALSE", "UNKNOWN"} == set(Running)
    assert interlock.shown_state(Protection.NORMAL, Health.HEALTHY, Service.ARMED) == "NORMAL"
