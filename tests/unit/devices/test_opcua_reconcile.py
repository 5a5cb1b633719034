"""Desired state: it converges, asks nothing twice, and one refusal is nobody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.opcua import reconcile as r
from devices.opcua.reconcile import Actual, ItemResult, ItemState, Wanted
from devices.opcua.status_code import (
    BAD_NODE_ID_UNKNOWN,
    BAD_TOO_MANY_ITEMS,
    BAD_USER_ACCESS_DENIED,
)

MINUTE = r.MINUTE_NS


def wanted(n: int = 3, **more: object) -> Wanted:
    return Wanted(0, tuple(range(n)), 1000.0, 500.0, 61, **more)


def created(actual: dict[int, Actual]) -> None:
    actual[0] = r.subscribed(
        actual.get(0, Actual()),
        server_id=7,
        asked_ms=1000.0,
        publishing_ms=1000.0,
        keep_alive_ms=2000.0,
        lifetime_ms=300_000.0,
    )


def play(
    desired: list[Wanted],
    actual: dict[int, Actual],
    now: int,
    statuses: dict[int, int],
    per_call: int = 2,
) -> list[r.Action]:
    """Do what is asked, as a server that refuses some slots; return every action."""
    asked: list[r.Action] = []
    for _ in range(20):
        actions = r.reconcile(desired, actual, per_call, now)
        if not actions:
            return asked
        for action in actions:
            asked.append(action)
            if isinstance(action, r.CreateSubscription):
                created(actual)
                continue
            if isinstance(action, r.DeleteSubscription):
                actual[action.block] = Actual()
                continue
            results = [
                ItemResult(statuses.get(slot, 0), 100 + slot, 500.0, 61) for slot in action.slots
            ]
            actual[action.block] = r.applied(actual[action.block], action, results, now)
    raise AssertionError("it does not converge")


def test_what_is_wanted_is_created_in_calls_of_the_allowed_size() -> None:
    actual: dict[int, Actual] = {}
    asked = play([wanted(5)], actual, 0, {})
    assert [type(a).__name__ for a in asked] == ["CreateSubscription"] + ["CreateItems"] * 3
    assert [a.slots for a in asked[1:]] == [(0, 1), (2, 3), (4,)]  # type: ignore[union-attr]
    assert {i.state for i in actual[0].items.values()} == {ItemState.CREATED}
    assert r.reconcile([wanted(5)], actual, 2, 10**12) == []


def test_one_refused_item_changes_no_other() -> None:
    actual: dict[int, Actual] = {}
    play([wanted(4)], actual, 0, {1: BAD_NODE_ID_UNKNOWN})
    states = [actual[0].items[at].state for at in range(4)]
    created_state = ItemState.CREATED
    assert states == [created_state, ItemState.REFUSED, created_state, created_state]
    assert actual[0].items[1].status == BAD_NODE_ID_UNKNOWN


@pytest.mark.parametrize(
    ("status", "pauses"),
    [
        (BAD_NODE_ID_UNKNOWN, [5, 10, 20, 40, 60, 60]),
        (BAD_USER_ACCESS_DENIED, [30, 30, 30]),
        (BAD_TOO_MANY_ITEMS, [1, 2, 4, 8, 16, 30, 30]),
    ],
)
def test_a_refused_item_is_asked_again_after_a_pause_that_fits_the_reason(
    status: int, pauses: list[int]
) -> None:
    actual: dict[int, Actual] = {}
    now = 0
    for minutes in pauses:
        play([wanted(1)], actual, now, {0: status})
        assert actual[0].items[0].retry_ns - now == minutes * MINUTE
        assert r.reconcile([wanted(1)], actual, 2, now + minutes * MINUTE - 1) == []
        assert r.next_ns([wanted(1)], actual) == now + minutes * MINUTE
        now += minutes * MINUTE
    play([wanted(1)], actual, now, {})
    assert actual[0].items[0].state is ItemState.CREATED
    assert r.next_ns([wanted(1)], actual) is None


def test_items_without_a_namespace_are_never_asked_for() -> None:
    actual: dict[int, Actual] = {}
    desired = [wanted(3, unnamed=frozenset({0, 2}))]
    asked = play(desired, actual, 0, {})
    assert [a.slots for a in asked if isinstance(a, r.CreateItems)] == [(1,)]


def test_a_lost_subscription_is_made_anew_and_refusals_are_remembered() -> None:
    actual: dict[int, Actual] = {}
    play([wanted(2)], actual, 0, {1: BAD_USER_ACCESS_DENIED})
    actual[0] = r.unsubscribed(actual[0])
    asked = play([wanted(2)], actual, MINUTE, {})
    assert [a.slots for a in asked if isinstance(a, r.CreateItems)] == [(0,)]


def test_a_refused_subscription_waits_longer_each_time() -> None:
    actual = {0: r.unsubscribed(Actual(), 0, is_refused=True)}
    assert r.reconcile([wanted()], actual, 2, r.SUBSCRIPTION_NS - 1) == []
    actual[0] = r.unsubscribed(actual[0], 0, is_refused=True)
    assert actual[0].retry_ns == 2 * r.SUBSCRIPTION_NS


def test_the_standby_samples_without_reporting_and_goes_back_by_one_request() -> None:
    actual: dict[int, Actual] = {}
    play([wanted(2, is_reporting=False)], actual, 0, {})
    assert not any(item.is_reporting for item in actual[0].items.values())
    [mode] = play([wanted(2)], actual, 0, {})
    assert isinstance(mode, r.SetMode)
    assert mode.is_reporting
    assert mode.server_ids == (100, 101)


def test_items_and_blocks_that_nobody_wants_any_more_are_deleted() -> None:
    actual: dict[int, Actual] = {}
    play([wanted(3)], actual, 0, {})
    [gone] = play([wanted(2)], actual, 0, {})
    assert isinstance(gone, r.DeleteItems)
    assert gone.slots == (2,)
    [dropped] = play([], actual, 0, {})
    assert dropped == r.DeleteSubscription(0, 7)


def test_a_server_that_is_slower_than_asked_is_named() -> None:
    actual: dict[int, Actual] = {}
    play([wanted(1)], actual, 0, {})
    assert r.slower(wanted(1), actual[0]) == (0.0, 0.0)
    fast = Wanted(0, (0,), 100.0, 50.0, 61)
    assert r.slower(fast, actual[0]) == (1000.0, 500.0)


@given(
    st.integers(1, 40),
    st.integers(1, 50),
    st.dictionaries(
        st.integers(0, 39),
        st.sampled_from([BAD_NODE_ID_UNKNOWN, BAD_USER_ACCESS_DENIED, BAD_TOO_MANY_ITEMS]),
    ),
    st.booleans(),
)
def test_reconcile_converges_and_is_idempotent(
    n: int, per_call: int, statuses: dict[int, int], is_reporting: bool
) -> None:
    actual: dict[int, Actual] = {}
    desired = [wanted(n, is_reporting=is_reporting)]
    asked = play(desired, actual, 0, statuses, per_call)
    per_slot = [slot for a in asked if isinstance(a, r.CreateItems) for slot in a.slots]
    assert sorted(per_slot) == list(range(n))  # each asked once
    assert r.reconcile(desired, actual, per_call, 0) == []
    for slot in range(n):
        refused = slot in statuses
        assert (actual[0].items[slot].state is ItemState.REFUSED) == refused
