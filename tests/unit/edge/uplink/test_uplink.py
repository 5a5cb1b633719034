"""Whole sessions against a centre in memory, in virtual time: it delivers, whatever goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge.claim import Belief
from edge.uplink.settings import ClockWord, Ears, UplinkSettings
from edge.uplink.uplink import Uplink
from proto.batch import Lane
from proto.ledger import RangeSet
from proto.v1 import uplink_pb2 as wire
from tests.fake_centre import Centre, HeldSource
from tests.uplink_builders import EPOCH, held


class LoopClock:
    """The loop's own time, so that virtual time moves it."""

    def wall_us(self) -> int:
        return 1_790_000_000_000_000 + self.mono_ns() // 1_000

    def mono_ns(self) -> int:
        return int(asyncio.get_running_loop().time() * 1e9)


def _source(bulk: int = 0, alarm: int = 0) -> HeldSource:
    return HeldSource(held(Lane.META, 3), held(Lane.ALARM, alarm), held(Lane.BULK, bulk))


@asynccontextmanager
async def _running(
    centre: Centre, source: HeldSource, diagnosis: str | None = None
) -> AsyncIterator[Uplink]:
    exchanged: list[tuple[int, ...]] = []
    ears = Ears(
        word=lambda: ClockWord(3, 5, 100, 1000),
        exchanged=lambda *times: exchanged.append(times),
        diagnose=lambda _: diagnosis,
    )
    settings = UplinkSettings("centre:1", "0.1.0", b"c" * 32)
    uplink = Uplink(settings, source, centre.connect, LoopClock(), ears)
    task = asyncio.create_task(uplink.run())
    try:
        yield uplink
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_everything_that_waits_is_delivered_once() -> None:
    centre, source = Centre(), _source(bulk=100, alarm=3)
    async with _running(centre, source) as uplink:
        await asyncio.sleep(1)
        pending, state = uplink.pending(), uplink.state

    assert pending == 0
    assert sorted(centre.stored[EPOCH, 2]) == list(range(1, 101))
    assert centre.duplicates == 0
    assert (state.state, state.sessions, state.frames_sent) == ("OPEN", 1, 106)
    assert state.last_ack_us is not None
    assert max(centre.messages) == 32


async def test_bulk_opens_after_urgent_with_the_same_session() -> None:
    centre = Centre()
    async with _running(centre, _source()):
        await asyncio.sleep(1)

    assert [hello.kind for hello in centre.hellos] == [wire.URGENT, wire.BULK]
    assert len({hello.session for hello in centre.hellos}) == 1


async def test_a_batch_goes_as_soon_as_it_is_on_disk() -> None:
    centre, source = Centre(), _source()
    async with _running(centre, source):
        await asyncio.sleep(1)
        source.grow(Lane.ALARM)
        await asyncio.sleep(0.01)
        known = list(centre.stored.get((EPOCH, 0), {}))

    assert known == [1]


async def test_a_cut_line_is_back_within_seconds_and_nothing_is_lost() -> None:
    centre, source = Centre(), _source(bulk=5)
    async with _running(centre, source) as uplink:
        await asyncio.sleep(1)
        centre.cut = True
        source.grow(Lane.BULK)
        await asyncio.sleep(1)
        during = uplink.state.state
        for _ in range(19):
            source.grow(Lane.BULK)
            await asyncio.sleep(1)
        centre.cut = False
        await asyncio.sleep(6)
        pending, after = uplink.pending(), uplink.state.state

    assert (during, after, pending) == ("LOST", "OPEN", 0)
    assert sorted(centre.stored[EPOCH, 2]) == list(range(1, 26))


async def test_a_centre_that_goes_silent_is_left_and_found_again() -> None:
    centre, source = Centre(), _source(bulk=2)
    async with _running(centre, source) as uplink:
        await asyncio.sleep(1)
        centre.silent = True
        await asyncio.sleep(24)
        still = uplink.state.state
        await asyncio.sleep(3)
        lost = uplink.state.state
        centre.silent = False
        await asyncio.sleep(25)
        back = uplink.state.state

    assert (still, lost, back) == ("OPEN", "LOST", "OPEN")


async def test_an_unheard_alarm_reopens_the_stream_sooner() -> None:
    centre, source = Centre(), _source()
    async with _running(centre, source) as uplink:
        await asyncio.sleep(1)
        centre.silent = True
        source.grow(Lane.ALARM)
        await asyncio.sleep(5.6)
        lost = uplink.state.state
        centre.silent = False
        await asyncio.sleep(16)
        pending = uplink.pending()

    assert (lost, pending) == ("LOST", 0)


async def test_a_batch_that_the_centre_calls_malformed_twice_is_set_aside_alone() -> None:
    guilty = (EPOCH, Lane.BULK, 7)
    centre, source = Centre(refuse=guilty), _source(bulk=20)
    async with _running(centre, source) as uplink:
        await asyncio.sleep(30)
        pending = uplink.pending()

    bulk = source.lane(Lane.BULK)
    assert bulk.refused.spans == ((7, 7),)
    assert sorted(centre.stored[EPOCH, 2]) == [*range(1, 7), *range(8, 21)]
    assert pending == 0


async def test_a_quarantined_batch_is_kept_and_not_sent_again() -> None:
    key = (EPOCH, Lane.BULK, 2)
    centre, source = Centre(quarantine=key), _source(bulk=4)
    async with _running(centre, source) as uplink:
        await asyncio.sleep(2)
        centre.hang_up()
        await asyncio.sleep(10)
        pending, sessions = uplink.pending(), uplink.state.sessions

    assert sessions == 2
    assert source.lane(Lane.BULK).apart.spans == ((2, 2),)
    assert centre.received.count(key) == 1
    assert pending == 0


async def test_an_acknowledgement_with_another_hash_marks_nothing_and_opens_a_new_epoch() -> None:
    centre, source = Centre(wrong_hash=True), _source(bulk=4)
    async with _running(centre, source) as uplink:
        await asyncio.sleep(0.1)
        error = uplink.state.last_error

    assert error is not None
    assert "the centre and this log differ: forked" in error
    assert source.reopened[0] is Belief.FORKED
    assert source.lane(Lane.BULK).stored.spans == ()


async def test_no_more_is_in_flight_than_the_centre_allows() -> None:
    centre = Centre(mute=True, pace=wire.Pace(window_messages=8, window_bytes=20_000))
    source = HeldSource(held(Lane.BULK, 9, size=9_000))
    async with _running(centre, source):
        await asyncio.sleep(5)

    assert [key[2] for key in centre.received] == [1, 2]


async def test_a_centre_that_holds_more_than_was_written_means_a_rollback() -> None:
    ahead = held(Lane.BULK, 9)
    centre, source = Centre(), _source(bulk=4)
    centre.stored[EPOCH, 2] = {seq: one.data for seq, one in ahead.frames.items()}
    async with _running(centre, source):
        await asyncio.sleep(0.1)

    assert source.reopened[0] is Belief.BEYOND


async def test_a_restored_centre_gets_again_what_it_no_longer_holds() -> None:
    centre, source = Centre(), _source(bulk=10)
    async with _running(centre, source):
        await asyncio.sleep(1)
        centre.stored[EPOCH, 2] = {
            seq: data for seq, data in centre.stored[EPOCH, 2].items() if seq <= 4
        }
        centre.hang_up()
        await asyncio.sleep(10)

    assert sorted(centre.stored[EPOCH, 2]) == list(range(1, 11))


async def test_a_damaged_batch_is_passed_over() -> None:
    centre, source = Centre(), _source(bulk=5)
    source.damaged.add((EPOCH, Lane.BULK, 3))
    async with _running(centre, source) as uplink:
        await asyncio.sleep(1)
        pending = uplink.pending()

    assert sorted(centre.stored[EPOCH, 2]) == [1, 2, 4, 5]
    assert pending == 0


async def test_a_refused_identity_waits_and_says_what_to_mend() -> None:
    centre, source = Centre(refusal="UNAUTHENTICATED"), _source()
    async with _running(centre, source) as uplink:
        await asyncio.sleep(120)
        state = uplink.state

    assert state.state == "REFUSED"
    assert state.last_error is not None
    assert "certificate" in state.last_error


async def test_its_own_expired_certificate_is_named_before_the_line_is_blamed() -> None:
    centre, source = Centre(refusal="UNAVAILABLE"), _source()
    async with _running(centre, source, "own certificate gw.pem has expired: renew it") as uplink:
        await asyncio.sleep(1)
        state = uplink.state

    assert (state.state, state.last_error) == (
        "REFUSED",
        "own certificate gw.pem has expired: renew it",
    )


async def test_heartbeats_say_what_waits_and_stop_nothing() -> None:
    centre, source = Centre(), _source(bulk=3)
    centre.pace = wire.Pace(not_before_ms=15_000)
    async with _running(centre, source):
        await asyncio.sleep(11)
        first = centre.beats[0]
        waiting = [(p.lane, p.batches) for p in first.pending]
        stored_then = dict(centre.stored)
        await asyncio.sleep(10)

    assert waiting == [(3, 3), (2, 3)]
    assert (first.disk_used, first.disk_quota, first.clock_state) == (100, 1000, 3)
    assert stored_then == {}
    assert sorted(centre.stored[EPOCH, 2]) == [1, 2, 3]
    assert RangeSet.of((beat.id, beat.id) for beat in centre.beats).spans[0][0] == 1
