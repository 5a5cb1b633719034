"""Notification messages: in order, each once, acknowledged when on disk."""

from devices.opcua.sequence import UNACKNOWLEDGED_MAX, Sequence, after, distance


def test_messages_in_order_are_handed_on_at_once() -> None:
    order: Sequence[str] = Sequence()
    assert [d.body for d in order.message(1, "a")] == ["a"]
    assert [d.body for d in order.message(2, "b")] == ["b"]
    assert order.missing is None


def test_a_message_that_came_twice_is_dropped() -> None:
    order: Sequence[str] = Sequence()
    order.message(1, "a")
    assert order.message(1, "a") == []


def test_what_comes_behind_a_hole_waits_for_it() -> None:
    order: Sequence[str] = Sequence()
    assert order.message(2, "b") == []
    assert order.message(3, "c") == []
    assert order.missing == 1
    assert [d.body for d in order.message(1, "a")] == ["a", "b", "c"]
    assert order.missing is None


def test_a_keep_alive_tells_of_a_hole_that_no_message_shows() -> None:
    order: Sequence[str] = Sequence()
    order.message(1, "a")
    order.keep_alive(2)
    assert order.missing is None
    order.keep_alive(4)
    assert order.missing == 2


def test_a_message_that_the_server_no_longer_has_is_shown_as_lost() -> None:
    order: Sequence[str] = Sequence()
    order.message(3, "c")
    first = order.not_available(1)
    second = order.not_available(2)
    assert [(d.sequence, d.body) for d in first + second] == [(1, None), (2, None), (3, "c")]
    assert order.lost == 2


def test_the_end_of_what_the_server_keeps_is_no_loss() -> None:
    order: Sequence[str] = Sequence()
    order.message(1, "a")
    assert order.not_available(2) == []
    assert (order.lost, order.expected) == (0, 2)


def test_only_what_is_on_disk_is_acknowledged() -> None:
    order: Sequence[str] = Sequence()
    for sequence in (1, 2, 3):
        order.message(sequence, "x")
        order.handed_on(sequence, token=10 + sequence)
    assert order.take_acks() == []
    order.committed(12)
    assert order.take_acks() == [1, 2]
    assert order.unacknowledged == 1


def test_acknowledgements_of_a_failed_publish_come_back() -> None:
    order: Sequence[str] = Sequence()
    for sequence in (1, 2):
        order.message(sequence, "x")
        order.handed_on(sequence, token=sequence)
    order.committed(2)
    taken = order.take_acks()
    order.put_back(taken)
    assert order.take_acks() == [1, 2]


def test_beyond_fifty_the_oldest_is_acknowledged_early_and_counted() -> None:
    order: Sequence[str] = Sequence()
    for sequence in range(1, UNACKNOWLEDGED_MAX + 3):
        order.message(sequence, "x")
        order.handed_on(sequence, token=sequence)
    assert order.take_acks() == [1, 2]
    assert order.early_acks == 2


def test_numbers_wrap_to_one() -> None:
    order: Sequence[str] = Sequence(expected=0xFFFF_FFFF)
    assert [d.body for d in order.message(0xFFFF_FFFF, "z")] == ["z"]
    assert [d.body for d in order.message(1, "a")] == ["a"]
    assert after(0xFFFF_FFFF) == 1
    assert distance(0xFFFF_FFFF, 1) == 1
    assert distance(1, 0xFFFF_FFFF) == -1
