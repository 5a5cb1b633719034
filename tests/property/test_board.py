"""The board is a fold: any order, any repetition, any restart gives the same board."""

import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from central.archive.decode import Decoded, decode
from central.status import snapshot
from central.status.board import Board
from central.status.link import Link
from central.status.model import LinkState, SiteStatus
from central.status.view import Around, view
from proto.ledger import Account
from proto.site import Site
from tests.builders import WALL_US
from tests.central_builders import Plant, alarm, interlock

SITE = Site("hancheng-steel", "韩城", "610581", ("610581-bof1a",), simulated=True)
STATES = ("UNACKED", "ACKED", "RETURNED", "NORMAL")
SHOWN = ("NORMAL", "PENDING", "TRIPPED")

steps = st.lists(
    st.one_of(
        st.tuples(st.just("samples"), st.integers(1, 5), st.sets(st.integers(0, 2), max_size=2)),
        st.tuples(st.just("alarm"), st.sampled_from("AB"), st.sampled_from(STATES)),
        st.tuples(st.just("interlock"), st.sampled_from("IJ"), st.sampled_from(SHOWN)),
        st.tuples(st.just("boot"), st.just(0), st.just(0)),
    ),
    min_size=1,
    max_size=12,
)


def batches(story: Sequence[tuple[str, object, object]]) -> list[Decoded]:
    """Return what a gateway sends when it lives through the story."""
    plant = Plant()
    parts = {plant.part.hash: plant.part}
    frames = [plant.frames[0], plant.schema()]
    for m, (kind, what, how) in enumerate(story, 1):
        if kind == "samples":
            frames.append(plant.samples(int(str(what)), bad=sorted(how)))  # type: ignore[call-overload]
        elif kind == "alarm":
            frames.append(plant.records(alarm(str(what), str(how), m=m)))
        elif kind == "interlock":
            frames.append(plant.records(interlock(str(what), str(how), m=m)))
        else:
            plant.boot_id += 1
    return [
        decode(SITE.id, plant.gateway, frame, parts, late=False, received_us=0) for frame in frames
    ]


def shown(board: Board) -> SiteStatus:
    around = Around(SITE, {"610581-bof1a": Link(LinkState.LIVE, 5, 6)}, {}, Account(), 0, 1)
    return view(board, around, WALL_US + 5_000_000)


def folded(found: Sequence[Decoded]) -> Board:
    board = Board(SITE.id)
    for each in found:
        board.fold(each)
    return board


@settings(max_examples=60, deadline=None)
@given(steps, st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_give_the_same_board(
    story: list[tuple[str, object, object]], rng: random.Random
) -> None:
    found = batches(story)
    mixed = found + rng.choices(found, k=3)
    rng.shuffle(mixed)
    assert shown(folded(mixed)) == shown(folded(found))


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(0, 12))
def test_a_board_taken_up_from_its_snapshot_goes_on_as_if_nothing_had_been(
    story: list[tuple[str, object, object]], at: int
) -> None:
    found = batches(story)
    before = folded(found[:at])
    before.prune()
    parts = {each.part.hash: each.part for each in found if each.part is not None}
    after = snapshot.load(SITE.id, snapshot.dump(before), parts)
    assert after is not None
    for each in found[at:]:
        after.fold(each)
    assert shown(after) == shown(folded(found))


def test_a_snapshot_that_cannot_be_read_is_thrown_away() -> None:
    good = snapshot.dump(folded(batches([("samples", 1, set())])))
    assert snapshot.load(SITE.id, good, {}) is None
    assert snapshot.load(SITE.id, b"{", {}) is None
    assert snapshot.load(SITE.id, b'{"format":99}', {}) is None
