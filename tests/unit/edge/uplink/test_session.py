"""The session row by row: what is sent, what is in flight, what is proven, when it is dead."""

import pytest

from edge.uplink.session import (
    Acknowledged,
    ClockHeard,
    Disputed,
    Session,
    Welcomed,
)
from proto import limits
from proto.batch import Lane
from proto.errors import CentralUnreachable, UplinkError
from proto.prescan import prescan_edge
from proto.v1 import uplink_pb2 as wire
from tests.uplink_builders import (
    EPOCH,
    SECOND,
    SESSION,
    ack,
    facts,
    held,
    lanes,
    opened,
    range_of,
    welcome,
)

MIB = 2**20


def _frames(count: int, *, lane: Lane = Lane.BULK, size: int = 0) -> list:  # type: ignore[type-arg]
    return list(held(lane, count, size=size).frames.values())


def test_hello_names_session_boot_schemas_and_every_lane() -> None:
    views = lanes((Lane.META, 3), (Lane.BULK, 5))
    session = Session(facts(), 0)

    message = wire.EdgeMsg.FromString(session.hello(wire.URGENT, views, 0))

    hello = message.hello
    assert (hello.kind, hello.session, hello.boot_id) == (wire.URGENT, SESSION, 1)
    assert (hello.proto_min, hello.proto_max) == (1, 1)
    assert list(hello.schemas) == [b"s" * 32]
    assert [(t.lane, t.held_lo, t.tip_seq, t.tip_sample) for t in hello.tips] == [
        (3, 1, 3, 3),
        (2, 1, 5, 5),
    ]
    assert hello.tips[1].tip_hash == views[1].frames[5].header.hash


def test_hello_goes_once() -> None:
    session = Session(facts(), 0)
    session.hello(wire.URGENT, [], 0)

    with pytest.raises(UplinkError, match="hello has no place in GREETING"):
        session.hello(wire.URGENT, [], 0)


def test_nothing_may_go_before_the_welcome() -> None:
    session = Session(facts(), 0)
    before = session.room(wire.URGENT)
    session.hello(wire.URGENT, [], 0)

    assert (before, session.room(wire.URGENT), session.is_open(wire.URGENT)) == (0, 0, False)


def test_the_welcome_opens_the_call_and_says_what_is_held() -> None:
    session = Session(facts(), 0)
    session.hello(wire.URGENT, [], 0)
    frames = _frames(4)
    data = welcome([range_of(frames)], wanted=[b"w" * 32])

    events = session.received(wire.URGENT, data, 1)

    [welcomed] = events
    assert isinstance(welcomed, Welcomed)
    assert [tuple(c) for c in welcomed.claims] == [(EPOCH, Lane.BULK, 1, 4, frames[-1].header.hash)]
    assert welcomed.schemas_wanted == (b"w" * 32,)
    assert session.is_open(wire.URGENT)


@pytest.mark.parametrize("data", [welcome(session=b"x" * 16), welcome(proto=2)])
def test_a_welcome_of_another_session_or_protocol_ends_it(data: bytes) -> None:
    session = Session(facts(), 0)
    session.hello(wire.URGENT, [], 0)

    with pytest.raises(UplinkError, match="Welcome of another"):
        session.received(wire.URGENT, data, 1)


@pytest.mark.parametrize("data", [ack(0), welcome()])
def test_a_message_out_of_order_ends_it(data: bytes) -> None:
    session = Session(facts(), 0)
    if data == welcome():
        session.hello(wire.URGENT, [], 0)
        session.received(wire.URGENT, data, 0)

    with pytest.raises(UplinkError, match="has no place"):
        session.received(wire.URGENT, data, 1)


def test_bytes_that_are_no_message_end_it() -> None:
    with pytest.raises(UplinkError, match="cannot be read"):
        opened().received(wire.URGENT, b"\xff\xff\xff", 1)


def test_an_offer_of_a_later_version_is_passed_over() -> None:
    assert opened().received(wire.URGENT, b"\x22\x00", 1) == []


def test_in_flight_is_sent_less_what_is_disposed_of() -> None:
    session, frames = opened(), _frames(5)
    session.pack(wire.BULK, frames[:3], 0)
    session.pack(wire.BULK, frames[3:], 0)
    before = session.in_flight(wire.BULK)
    session.received(wire.BULK, ack(3, [range_of(frames[:3])]), 1)

    assert (before, session.in_flight(wire.BULK)) == (5, 2)
    assert session.in_flight(wire.URGENT) == 0


def test_nth_never_goes_back() -> None:
    session = opened()
    session.pack(wire.BULK, _frames(5), 0)
    session.received(wire.BULK, ack(4), 1)
    session.received(wire.BULK, ack(2), 2)
    session.received(wire.BULK, ack(0), 3)

    assert session.in_flight(wire.BULK) == 1


def test_an_ack_of_what_was_never_sent_ends_the_session() -> None:
    session = opened()
    session.pack(wire.BULK, _frames(2), 0)

    with pytest.raises(UplinkError, match="Ack of frame 3, 2 were sent"):
        session.received(wire.BULK, ack(3), 1)


def test_only_a_range_marks_what_is_stored() -> None:
    session, frames = opened(), _frames(2)
    session.pack(wire.BULK, frames, 0)

    disposed = session.received(wire.BULK, ack(2), 1)
    stored = session.received(wire.BULK, ack(2, [range_of(frames)]), 2)

    assert disposed == []
    [event] = stored
    assert isinstance(event, Acknowledged)
    assert [(c.low, c.high) for c in event.claims] == [(1, 2)]


def test_a_range_that_cannot_be_meant_is_passed_over() -> None:
    session = opened()
    bad = [
        wire.Range(epoch=EPOCH, lane=9, lo=1, hi=2),
        wire.Range(epoch=EPOCH, lane=2, lo=3, hi=2),
        wire.Range(epoch=EPOCH, lane=2, lo=0, hi=2),
    ]

    [event] = session.received(wire.BULK, ack(0, bad), 1)

    assert isinstance(event, Acknowledged)
    assert event.claims == ()


def test_an_item_names_a_frame_by_nth_even_if_its_header_is_rubbish() -> None:
    session, frames = opened(), _frames(3)
    session.pack(wire.BULK, frames, 0)
    items = [wire.Item(nth=2, status=wire.QUARANTINED, code=7)]

    [event] = session.received(wire.BULK, ack(3, items=items), 1)

    assert event == Disputed((EPOCH, Lane.BULK, 2), wire.QUARANTINED, 7)


def test_a_duplicate_needs_no_action_beyond_its_range() -> None:
    session, frames = opened(), _frames(1)
    session.pack(wire.BULK, frames, 0)
    items = [wire.Item(nth=1, status=wire.DUPLICATE)]

    events = session.received(wire.BULK, ack(1, [range_of(frames)], items), 1)

    assert [type(event) for event in events] == [Acknowledged]


def test_eight_messages_may_be_in_flight() -> None:
    session, frames = opened(), _frames(9)
    for number in range(8):
        assert session.fits(wire.BULK, 1)
        session.pack(wire.BULK, [frames[number]], 0)
    full = session.room(wire.BULK)
    session.received(wire.BULK, ack(1), 1)

    assert full == 0
    assert session.room(wire.BULK) > 0


def test_a_message_is_in_flight_until_its_last_frame_is_disposed_of() -> None:
    session, frames = opened(), _frames(16)
    for number in range(8):
        session.pack(wire.BULK, frames[2 * number : 2 * number + 2], 0)
    session.received(wire.BULK, ack(1), 1)
    half = session.room(wire.BULK)
    session.received(wire.BULK, ack(2), 2)

    assert half == 0
    assert session.room(wire.BULK) > 0


def test_128_kib_may_be_in_flight_and_one_larger_message_alone() -> None:
    session = opened()
    big = _frames(1, size=200_000)
    size = sum(len(frame.data) for frame in big)
    assert size > 128 * 1024
    alone = session.fits(wire.BULK, size)
    session.pack(wire.BULK, big, 0)

    assert alone
    assert not session.fits(wire.BULK, 1)
    assert session.room(wire.BULK) == 0


def test_a_small_message_does_not_make_room_for_a_large_one() -> None:
    session = opened()
    session.pack(wire.BULK, _frames(1), 0)

    assert session.fits(wire.BULK, 1000)
    assert not session.fits(wire.BULK, 128 * 1024)


def test_credits_return_whole() -> None:
    session = opened()
    fresh = session.room(wire.BULK)
    for frame in _frames(8, size=100):
        session.pack(wire.BULK, [frame], 0)
    session.received(wire.BULK, ack(8), 1)

    assert session.room(wire.BULK) == fresh


def test_pace_changes_the_window_within_its_bounds() -> None:
    session = opened(pace=wire.Pace(window_messages=2, window_bytes=64 * MIB))
    frames = _frames(3)
    session.pack(wire.BULK, frames[:1], 0)
    session.pack(wire.BULK, frames[1:2], 0)

    assert session.room(wire.BULK) == 0
    assert not session.fits(wire.BULK, 5 * MIB)


def test_not_before_holds_back_until_its_time() -> None:
    session = opened(now_ns=SECOND, pace=wire.Pace(not_before_ms=500))

    assert session.held_back(wire.BULK, SECOND + 499_999_999)
    assert not session.held_back(wire.BULK, SECOND + 500_000_000)


def test_a_full_message_passes_the_centres_own_scan() -> None:
    session = opened(pace=wire.Pace(window_messages=64, window_bytes=4 * MIB))

    data = session.pack(wire.BULK, _frames(limits.FRAMES_PER_MESSAGE_MAX), 0)

    prescan_edge(data)
    assert len(wire.EdgeMsg.FromString(data).frames.frame) == 32


# Heartbeats and silences.


def _beat(session: Session, now_ns: int) -> wire.Heartbeat:
    data = session.heartbeat(wire.Heartbeat(wall_us=1), now_ns=now_ns)
    return wire.EdgeMsg.FromString(data).heartbeat


def _reply(number: int) -> bytes:
    reply = wire.TimeReply(id=number, edge_wall_us=10, recv_us=20, send_us=30)
    return wire.CentralMsg(time=reply).SerializeToString()


def test_the_first_heartbeat_is_due_at_once_and_then_after_ten_quiet_seconds() -> None:
    session = opened()
    first = session.beat_due(0)
    _beat(session, 0)

    assert first
    assert not session.beat_due(10 * SECOND - 1)
    assert session.beat_due(10 * SECOND)


def test_a_batch_on_urgent_stands_for_a_heartbeat() -> None:
    session = opened()
    _beat(session, 0)
    session.pack(wire.URGENT, _frames(1, lane=Lane.EVENT), 9 * SECOND)

    assert not session.beat_due(19 * SECOND - 1)
    assert session.beat_due(19 * SECOND)


def test_a_batch_on_bulk_does_not() -> None:
    session = opened()
    _beat(session, 0)
    session.pack(wire.BULK, _frames(1), 9 * SECOND)

    assert session.beat_due(10 * SECOND)


def test_the_clock_is_asked_every_minute_however_busy_urgent_is() -> None:
    session = opened()
    _beat(session, 0)
    session.pack(wire.URGENT, _frames(1, lane=Lane.EVENT), 59 * SECOND)

    assert session.beat_due(60 * SECOND)


def test_a_reply_gives_the_clock_and_the_round_trip() -> None:
    session = opened()
    beat = _beat(session, 0)

    events = session.received(wire.URGENT, _reply(beat.id), 40_000_000)
    again = session.received(wire.URGENT, _reply(beat.id), 50_000_000)

    assert events == [ClockHeard(10, 20, 30)]
    assert again == []
    assert session.round_trip_ns == 40_000_000


def test_two_heartbeats_without_an_answer_are_a_dead_line() -> None:
    session = opened()
    _beat(session, 0)
    session.tick(25 * SECOND)

    with pytest.raises(CentralUnreachable, match="heartbeats"):
        session.tick(25 * SECOND + 1)


def test_anything_that_was_heard_keeps_the_line_alive() -> None:
    session = opened()
    _beat(session, 0)
    session.received(wire.BULK, ack(0), 24 * SECOND)

    session.tick(49 * SECOND)


def test_a_welcome_that_does_not_come_is_a_dead_line() -> None:
    session = Session(facts(), 0)
    session.hello(wire.URGENT, [], 0)
    session.tick(10 * SECOND)

    with pytest.raises(CentralUnreachable, match="no Welcome on URGENT"):
        session.tick(10 * SECOND + 1)


def test_an_alarm_that_is_not_heard_reopens_the_stream_after_five_seconds() -> None:
    session = opened()
    session.pack(wire.URGENT, _frames(1, lane=Lane.ALARM), SECOND)
    session.tick(6 * SECOND)

    with pytest.raises(CentralUnreachable, match="alarm"):
        session.tick(6 * SECOND + 1)


def test_an_alarm_on_a_slow_line_is_given_four_round_trips() -> None:
    session = opened()
    session.received(wire.URGENT, _reply(_beat(session, 0).id), 5 * SECOND)
    session.pack(wire.URGENT, _frames(1, lane=Lane.ALARM), 5 * SECOND)

    session.tick(24 * SECOND)


def test_an_acknowledged_alarm_waits_for_nothing() -> None:
    session, frames = opened(), _frames(1, lane=Lane.ALARM)
    session.pack(wire.URGENT, frames, 0)
    session.received(wire.URGENT, ack(1, [range_of(frames)]), SECOND)

    session.tick(24 * SECOND)


def test_a_call_on_which_nothing_is_acknowledged_for_a_minute_is_dead() -> None:
    session = opened()
    session.pack(wire.BULK, _frames(1), 0)
    session.received(wire.URGENT, ack(0), 60 * SECOND)
    session.tick(60 * SECOND)

    with pytest.raises(CentralUnreachable, match="nothing is acknowledged"):
        session.tick(60 * SECOND + 1)


def test_the_oldest_batch_in_flight_is_whom_a_refusal_concerns() -> None:
    session = opened()
    none = session.first_in_flight(wire.BULK)
    session.pack(wire.BULK, _frames(3), 0)
    session.received(wire.BULK, ack(1), 1)

    assert none is None
    assert session.first_in_flight(wire.BULK) == (EPOCH, Lane.BULK, 2)
