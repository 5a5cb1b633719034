"""What goes next: alarms before all, live before history, shares and rates."""

from edge.uplink.lanes import Lanes, Part, Pick
from proto.batch import Lane
from proto.ledger import RangeSet
from tests.uplink_builders import EPOCH, SECOND, HeldLane, held

OLD = b"O" * 16


def _lanes(*views: HeldLane, epoch: bytes = EPOCH) -> Lanes:
    return Lanes(lambda: list(views), epoch=epoch, now_ns=0)


def _walk(made: Lanes, steps: int = 50) -> list[tuple[Lane, int, int]]:
    order = []
    for _ in range(steps):
        pick = made.urgent()
        if pick is None:
            break
        made.sent(pick, pick.high, 100, 0)
        order.append((pick.lane, pick.low, pick.high))
    return order


def test_urgent_goes_epoch_then_alarm_then_meta_then_event() -> None:
    made = _lanes(held(Lane.ALARM, 2), held(Lane.EVENT, 1), held(Lane.BULK, 4), held(Lane.META, 3))

    assert _walk(made) == [
        (Lane.META, 1, 1),
        (Lane.ALARM, 1, 2),
        (Lane.META, 2, 3),
        (Lane.EVENT, 1, 1),
    ]


def test_a_schema_that_the_centre_wants_goes_before_alarms_whatever_was_acknowledged() -> None:
    meta = held(Lane.META, 3)
    meta.stored = RangeSet(((1, 3),))
    made = _lanes(meta, held(Lane.ALARM, 1))
    made.want([2])

    assert _walk(made) == [(Lane.META, 2, 2), (Lane.ALARM, 1, 1)]


def test_older_epochs_drain_first() -> None:
    made = _lanes(held(Lane.ALARM, 1, epoch=OLD), held(Lane.ALARM, 1))

    first = made.urgent()

    assert first is not None
    assert first.epoch == OLD


def test_only_alarms_go_while_the_centre_asks_to_wait() -> None:
    made = _lanes(held(Lane.META, 2), held(Lane.EVENT, 1), held(Lane.ALARM, 1))

    assert made.urgent(alarm_only=True) == Pick(Part.URGENT, EPOCH, Lane.ALARM, 1, 1)


def test_what_was_sent_is_not_sent_again_in_this_session() -> None:
    bulk = held(Lane.BULK, 3)
    made = _lanes(bulk)
    pick = made.bulk(0)
    assert pick is not None
    made.sent(pick, 2, 100, 0)

    rest = made.bulk(0)

    assert rest is not None
    assert (rest.low, rest.high) == (3, 3)


def test_a_message_holds_at_most_32_frames() -> None:
    pick = _lanes(held(Lane.BULK, 40)).bulk(0)

    assert pick is not None
    assert (pick.part, pick.low, pick.high) == (Part.BACKFILL, 1, 32)


def test_batches_closed_since_the_session_began_are_live() -> None:
    bulk = held(Lane.BULK, 40)
    made = _lanes(bulk)
    bulk.grow()

    pick = made.bulk(0)

    assert pick == Pick(Part.LIVE, EPOCH, Lane.BULK, 41, 41)


def test_live_that_lags_restarts_at_the_newest_and_the_rest_joins_the_backfill() -> None:
    bulk = held(Lane.BULK, 2)
    made = _lanes(bulk)
    bulk.grow(3)

    first = made.bulk(0)
    assert first is not None
    made.sent(first, first.high, 100, 0)
    second = made.bulk(0)

    assert first == Pick(Part.LIVE, EPOCH, Lane.BULK, 5, 5)
    assert second == Pick(Part.BACKFILL, EPOCH, Lane.BULK, 1, 4)


def test_backfill_goes_oldest_epoch_first_and_an_old_epoch_is_never_live() -> None:
    old, new = held(Lane.BULK, 2, epoch=OLD), held(Lane.BULK, 2)
    made = _lanes(old, new)
    old.grow()

    pick = made.bulk(0)

    assert pick == Pick(Part.BACKFILL, OLD, Lane.BULK, 1, 3)


def test_live_and_backfill_share_seventy_to_thirty_by_bytes() -> None:
    bulk = held(Lane.BULK, 400)
    made = _lanes(bulk)
    sent = {Part.LIVE: 0, Part.BACKFILL: 0}
    for _ in range(200):
        bulk.grow()
        pick = made.bulk(0)
        assert pick is not None
        made.sent(pick, pick.low, 1000, 0)
        sent[pick.part] += 1000

    share = sent[Part.LIVE] / (sent[Part.LIVE] + sent[Part.BACKFILL])
    assert 0.68 <= share <= 0.72


def test_an_unused_share_passes_on() -> None:
    bulk = held(Lane.BULK, 100)
    made = _lanes(bulk)
    for _ in range(50):
        pick = made.bulk(0)
        assert pick is not None
        made.sent(pick, pick.low, 1000, 0)
    bulk.grow()

    pick = made.bulk(0)

    assert pick is not None
    assert pick.part is Part.LIVE


def test_backfill_obeys_the_rate_and_live_does_not() -> None:
    bulk = held(Lane.BULK, 10)
    made = _lanes(bulk)
    made.backfill_bytes_per_s = 1000
    first = made.bulk(0)
    assert first is not None
    made.sent(first, 1, 2000, 0)
    held_back = made.bulk(2 * SECOND - 1)
    bulk.grow()
    live = made.bulk(2 * SECOND - 1)
    assert live is not None
    made.sent(live, live.high, 100, 0)

    assert held_back is None
    assert live.part is Part.LIVE
    assert made.bulk(2 * SECOND) == Pick(Part.BACKFILL, EPOCH, Lane.BULK, 2, 10)


def test_the_backlog_counts_what_is_neither_sent_nor_live() -> None:
    bulk = held(Lane.BULK, 5)
    made = _lanes(bulk)
    bulk.grow(2)
    made.sent(Pick(Part.BACKFILL, EPOCH, Lane.BULK, 1, 2), 2, 10, 0)

    assert made.backlog() == 3


def test_a_wanted_schema_that_cannot_be_read_is_not_asked_for_ever() -> None:
    meta = held(Lane.META, 3)
    meta.stored = RangeSet(((1, 3),))
    made = _lanes(meta)
    made.want([2])
    pick = made.urgent()
    assert pick is not None
    made.skip(pick)

    assert made.urgent() is None
