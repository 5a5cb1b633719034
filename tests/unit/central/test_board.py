"""The board of one site: what is shown, and what late data may not do."""

from dataclasses import replace

from central.api.body import situation_of
from central.archive.decode import Decoded, decode
from central.status.board import Board
from central.status.link import Link
from central.status.model import LinkState, SiteStatus
from central.status.view import Around, view
from proto.batch import Frame
from proto.ledger import Account
from proto.quality import Quality, Reason
from proto.sample import Situation
from proto.site import Site
from tests.builders import WALL_US
from tests.central_builders import PERIOD_US, Plant, alarm, interlock, table

LIMIT_US = 3 * PERIOD_US + 12_000_000
SITE = Site("hancheng-steel", "韩城", "610581", ("610581-bof1a",), simulated=True)


def decoded(plant: Plant, frame: Frame) -> Decoded:
    parts = {plant.part.hash: plant.part}
    came_us = frame.header.t_last_us
    return decode(SITE.id, plant.gateway, frame, parts, late=False, received_us=came_us)


def board(plant: Plant, *frames: Frame) -> Board:
    made = Board(SITE.id)
    for frame in frames:
        made.fold(decoded(plant, frame))
    return made


def shown(made: Board, *, after_us: int = 1_000_000) -> SiteStatus:
    around = Around(SITE, {"610581-bof1a": Link(LinkState.LIVE, 5, 6)}, {}, Account(), 0, 1)
    return view(made, around, WALL_US + after_us)


def test_a_point_of_the_table_that_was_never_received_is_bad_init() -> None:
    plant = Plant()
    status = shown(board(plant, plant.schema()))
    assert [value.reason for value in status.values] == [Reason.INIT] * 3
    assert (status.points_total, status.points_bad, status.points_stale) == (3, 3, 0)
    assert status.values[0].time_us is None
    assert status.worst_quality is Quality.BAD


def test_the_newest_sample_is_shown_in_engineering_units() -> None:
    plant = Plant()
    status = shown(board(plant, plant.schema(), plant.samples(10)))
    first = status.values[0]
    assert first.value == 9 * 0.1
    assert first.time_us == WALL_US + 9 * PERIOD_US
    assert (status.points_good, status.newest_us) == (3, first.time_us)


def test_a_bad_value_is_no_number_and_the_last_good_one_keeps_its_time() -> None:
    plant = Plant()
    made = board(plant, plant.schema(), plant.samples(10), plant.samples(10, bad=[1]))
    value = shown(made, after_us=3_000_000).values[1]
    assert (value.value, value.quality, value.reason) == (None, Quality.BAD, Reason.COMM_LOSS)
    assert value.last_good == (9 * 0.1, WALL_US + 9 * PERIOD_US)
    assert value.time_us == WALL_US + 19 * PERIOD_US


def test_late_data_never_overwrite_newer_data() -> None:
    plant = Plant()
    schema, old, new = plant.schema(), plant.samples(10), plant.samples(10)
    assert shown(board(plant, schema, new, old)) == shown(board(plant, schema, old, new))


def test_a_value_older_than_three_periods_and_the_window_is_stale() -> None:
    plant = Plant()
    made = board(plant, plant.schema(), plant.samples(1))
    assert shown(made, after_us=LIMIT_US).points_stale == 0
    assert shown(made, after_us=LIMIT_US + 1).points_stale == 3


def test_a_value_on_change_is_as_fresh_as_the_newest_word_of_its_device() -> None:
    plant = Plant(part=table(2, subscribed=True))
    made = board(plant, plant.schema(), plant.samples(1))
    [columns] = made.tables()
    for name in ("time_us", "mono_us", "received_us"):
        columns.arrays[name][1] += 60_000_000
    status = shown(made, after_us=60_000_000)
    assert status.points_stale == 0
    assert status.values[0].time_us == WALL_US
    assert shown(made, after_us=120_000_000).points_stale == 2


def test_an_interlock_shows_its_newest_record_and_since_when() -> None:
    plant = Plant()
    first = plant.records(interlock("I", "TRIPPED", m=10))
    second = plant.records(interlock("I", "TRIPPED", m=20, k="interlock.judged"))
    for order in ((first, second), (second, first)):
        [found] = shown(board(plant, *order)).interlocks
        assert (found.shown, found.since_us, found.time_us) == (
            "TRIPPED",
            WALL_US + 10,
            WALL_US + 20,
        )
        assert found.last_verdicts == (("raise", "PROVEN", 2100),)


def test_an_interlock_that_the_new_start_no_longer_names_is_gone() -> None:
    plant = Plant()
    old = plant.records(interlock("OLD", "NORMAL", m=1), interlock("KEPT", "TRIPPED", m=1))
    plant.boot_id = 2
    new = plant.records(interlock("KEPT", "NORMAL", m=2, k="interlock.snapshot"))
    for order in ((old, new), (new, old)):
        status = shown(board(plant, *order))
        assert [(each.interlock, each.shown) for each in status.interlocks] == [("KEPT", "NORMAL")]


def test_an_alarm_stands_until_it_is_cleared_and_late_records_do_not_raise_it_anew() -> None:
    plant = Plant()
    raised = plant.records(alarm("A", "UNACKED", m=10))
    cleared = plant.records(alarm("A", "NORMAL", m=20, k="alarm.cleared"))
    [found] = shown(board(plant, raised)).alarms
    assert (found.raised_us, found.value, found.limit) == (WALL_US + 10, 12.5, 10.0)
    assert shown(board(plant, raised, cleared)).alarms == ()
    assert shown(board(plant, cleared, raised)).alarms == ()


def test_alarms_of_an_earlier_start_end_with_it() -> None:
    plant = Plant()
    raised = plant.records(alarm("A", "UNACKED", m=10))
    plant.boot_id = 2
    started = plant.records({"k": "config.loaded"})
    assert shown(board(plant, raised, started)).alarms == ()
    assert shown(board(plant, started, raised)).alarms == ()


def test_a_later_occurrence_stands_beside_no_earlier_one() -> None:
    plant = Plant()
    made = board(
        plant,
        plant.records(alarm("A", "UNACKED", m=10)),
        plant.records(alarm("A", "NORMAL", m=20, k="alarm.cleared")),
        plant.records(alarm("A", "UNACKED", m=30, occurrence=2)),
    )
    [found] = shown(made).alarms
    assert (found.occurrence, found.raised_us) == (2, WALL_US + 30)
    made.prune()
    assert shown(made).alarms == (found,)


def test_words_of_a_later_version_are_shown_as_the_worst() -> None:
    plant = Plant()
    body = interlock("I", "TRIPPED", m=1)
    state = body["state"]
    assert isinstance(state, dict)
    strange = body | {"state": state | {"protection": "MELTED", "health": "?"}}
    [found] = shown(board(plant, plant.records(strange))).interlocks
    assert (found.protection.value, found.health.value) == ("TRIPPED", "PROTECTION_FAILED")


def test_the_clock_offset_of_the_gateway_counts_in_staleness() -> None:
    made = received(30_000_000, offset_us=30_000_000)
    assert shown(made, after_us=30_000_000).points_stale == 0
    assert shown(made, after_us=30_000_000 + LIMIT_US).points_stale == 0
    assert shown(made, after_us=30_000_000 + LIMIT_US + 1).points_stale == 3


def received(after_us: int, *, offset_us: int) -> Board:
    """Return a board with one row that came so long after the gateway's time of it."""
    plant = Plant()
    made = board(plant, plant.schema())
    came = replace(decoded(plant, plant.samples(1)), received_us=WALL_US + after_us)
    made.fold(came)
    fold = made.gateways[plant.gateway]
    made.gateways[plant.gateway] = replace(fold, clock_offset_us=offset_us)
    return made


def test_a_clock_that_runs_ahead_keeps_nothing_fresh() -> None:
    hour_us = 3_600_000_000
    for offset_us in (0, -hour_us):  # not known yet, and known
        made = received(-hour_us, offset_us=offset_us)
        assert shown(made, after_us=-hour_us + LIMIT_US).points_stale == 0
        stale = shown(made, after_us=-hour_us + LIMIT_US + 1)
        assert stale.points_stale == 3
        how = {situation_of(value, stale.as_of_us, simulated=False) for value in stale.values}
        assert how == {Situation.STALE}


def test_an_offset_that_cannot_be_true_keeps_nothing_fresh() -> None:
    made = received(0, offset_us=3_600_000_000)
    assert shown(made, after_us=LIMIT_US).points_stale == 0
    assert shown(made, after_us=LIMIT_US + 1).points_stale == 3
