"""What is kept over our own restart: it comes back as it was, and junk is nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.driver import Change, Note, Progress
from devices.opcua.gather import Layer, Odd, Plain
from devices.opcua.inbox import Inbox
from devices.opcua.nodes import ServerFacts
from devices.opcua.reconcile import Actual, Item, ItemState
from devices.opcua.remembered import Remembered, Stand, Writer, decode, is_same_run
from devices.opcua.resuming import Memory
from devices.opcua.sift import is_empty, sift
from devices.opcua.subscriptions import Subscriptions
from devices.opcua.value import nothing
from proto.quality import Quality, Reason
from tests.unit.devices.test_opcua_inbox import ITEMS
from tests.unit.devices.test_opcua_notes import Clock

THERE = Actual(
    server_id=77,
    items={
        0: Item(ItemState.CREATED, server_id=5, asked_ms=50.0, sampling_ms=100.0, queue=30),
        1: Item(ItemState.REFUSED, status=0x80340000),
    },
    asked_ms=100.0,
    publishing_ms=200.0,
    keep_alive_ms=2000.0,
    lifetime_ms=300_000.0,
)
FACTS = ServerFacts(namespaces={"urn:x": 3}, start_us=1_000_000)


class Session:
    """An inbox and its subscriptions, as one run of ours has them."""

    def __init__(self, before: bytes | None = None) -> None:
        self.changes: list[Change] = []
        self.notes: list[Note] = []
        self.inbox = Inbox({0: ITEMS}, Clock(), self.changes.append, self.notes.append)
        self.subscriptions = Subscriptions(self.inbox, Clock(), self.notes.append, 10**9)
        self.memory = Memory(before, self.inbox, self.subscriptions)

    def cursor(self, sequence: int, source_us: list[int]) -> bytes:
        """What is kept once a message is on disk."""
        progress = Progress((77, sequence), np.array(source_us, np.int64))
        return self.memory.cursor({0: progress}, FACTS)


def standing() -> Session:
    session = Session()
    session.subscriptions.actual[0] = THERE
    session.inbox.begin(session.inbox.watches[0], 77, 10**9)
    return session


def test_a_session_comes_back_as_it_was() -> None:
    stand = Stand("k", THERE, 9, np.array([5, 6], np.int64), ((0, 1, 2), (1, 3, 0)))
    data = Writer().encode(Remembered({"urn:x": 3}, 12, {4: stand}))
    found = decode(data)
    assert found is not None
    assert (found.namespaces, found.start_us) == ({"urn:x": 3}, 12)
    back = found.stands[4]
    assert (back.key, back.sequence, back.gaps) == ("k", 9, stand.gaps)
    assert back.source_us.tolist() == [5, 6]
    assert back.actual.server_id == 77
    assert dict(back.actual.items) == {0: THERE.items[0]}  # a refused item is asked for anew


@given(st.binary(max_size=200))
def test_junk_is_nothing(data: bytes) -> None:
    assert decode(data) is None


def test_the_next_run_asks_for_what_follows_the_last_message_on_disk() -> None:
    after = Session(standing().cursor(9, [100, 200]))
    watch = after.inbox.by_id[77]
    assert watch.order.expected == 10
    assert watch.is_catching_up
    assert after.subscriptions.actual[0].items[0].server_id == 5
    assert after.memory.facts.namespaces == {"urn:x": 3}
    assert after.subscriptions.is_elsewhere


def test_a_run_that_stored_nothing_hands_on_what_it_was_given() -> None:
    first = Session(standing().cursor(9, [100, 200]))
    second = Session(first.memory.cursor({}, FACTS))
    assert second.inbox.by_id[77].order.expected == 10
    assert second.inbox.watches[0].source_us.tolist() == [100, 200]


def test_a_subscription_that_is_gone_leaves_a_gap_from_the_last_value_on_disk() -> None:
    after = Session(standing().cursor(9, [100, 200]))
    after.subscriptions.rebuild()
    watch = after.inbox.watches[0]
    assert watch.covered is not None
    assert watch.covered.tolist() == [100, 200]
    kept = decode(after.memory.cursor({}, FACTS))
    assert kept is not None
    assert kept.stands[0].gaps == ((0, 100, 0), (1, 200, 0))  # still to be filled by the next run


@pytest.mark.parametrize(
    ("floor", "time", "catching_up", "known", "fresh"),
    [
        (100, 99, True, 0, 0),
        (100, 99, False, 0, 1),  # a clock that went back is no copy
        (100, 100, True, 1, 0),
        (100, 101, True, 0, 1),
        (100, 0, True, 0, 1),
        (0, 99, True, 0, 1),
    ],
)
def test_a_value_that_is_on_disk_is_not_stored_again(
    floor: int, time: int, catching_up: bool, known: int, fresh: int
) -> None:
    odd = Odd(1, nothing(Quality.BAD, Reason.DEVICE_ERROR, 1), time)
    for one in (
        Layer(Plain([1], [2.0], [time]), Plain([], [], []), []),
        Layer(Plain([], [], []), Plain([1], [2], [time]), []),
        Layer(Plain([], [], []), Plain([], [], []), [odd]),
    ):
        old, new = sift(one, [0, floor], is_catching_up=catching_up)
        assert (not is_empty(old), not is_empty(new)) == (bool(known), bool(fresh))


def test_another_start_is_another_run_of_the_server() -> None:
    assert is_same_run(10**15, 10**15 + 1_000_000)
    assert is_same_run(0, 10**15)
    assert not is_same_run(10**15, 10**15 + 3_000_000)
