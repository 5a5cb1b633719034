"""The seam itself, and the fake that stands in for real drivers."""

import pytest

from devices.driver import BlockColumns, Note, Outcome, bad_columns
from devices.failure import AnswerRejected, LinkFailed, failure_of
from devices.fake import FakeDriver, good_columns
from devices.modbus.outcome import exception_reason, exception_text
from devices.modbus.plan import plan_blocks
from proto.errors import DeviceRefused, DeviceUnreachable
from proto.quality import Detail, Quality, Reason
from tests.unit.devices.builders import bof
from tests.unit.devices.contract import check_columns, check_life_cycle


def test_bad_columns_have_a_reason_and_no_value() -> None:
    columns = bad_columns(3, Reason.COMM_LOSS, Detail.TIMED_OUT, 500, sent_mono_ns=100)
    check_columns(columns, 3)
    assert columns.quality.tolist() == [Quality.BAD] * 3
    assert columns.detail.tolist() == [0x100] * 3
    assert (columns.mid_mono_ns, columns.uncertainty_us) == (300, 1)


def test_the_uncertainty_is_half_the_round_trip_rounded_up() -> None:
    columns = bad_columns(1, Reason.NONE, 0, 3_000_001, sent_mono_ns=0)
    assert columns.uncertainty_us == 1501


def test_a_failure_says_reason_and_detail() -> None:
    timed_out = LinkFailed("no answer", place="x", detail=Detail.TIMED_OUT)
    rejected = AnswerRejected("wrong", place="x", detail=Detail.WRONG_UNIT)
    assert failure_of(timed_out) == (Reason.COMM_LOSS, Detail.TIMED_OUT)
    assert failure_of(rejected) == (Reason.PROTOCOL, Detail.WRONG_UNIT)
    assert failure_of(DeviceRefused("device.refused", "no")) == (Reason.DEVICE_ERROR, 0)
    assert failure_of(DeviceUnreachable("x", "y")) == (Reason.COMM_LOSS, Detail.LINK_DOWN)


def test_a_gateway_that_cannot_reach_its_unit_is_a_lost_unit() -> None:
    reasons = [exception_reason(code) for code in (1, 2, 10, 11, 99)]
    device, lost = Reason.DEVICE_ERROR, Reason.COMM_LOSS
    assert reasons == [device, device, lost, lost, device]
    assert exception_text(2) == "exception 2 (illegal data address)"


async def test_the_fake_passes_the_contract() -> None:
    fake = FakeDriver(plan_blocks(bof()), lambda: 5_000_000)
    fake.values = {point.name: 1.0 for block in fake.blocks for point in block.points}
    await check_life_cycle(fake)
    assert fake.reads == {0: 2, 1: 2, 2: 2}


async def test_the_fake_raises_what_it_is_told_and_is_closed_then() -> None:
    fake = FakeDriver(plan_blocks(bof()), lambda: 0)
    await fake.connect()
    fake.errors.append(LinkFailed("cut", place="x"))
    with pytest.raises(LinkFailed):
        await fake.read(fake.blocks[0])
    assert not fake.connected


async def test_the_fake_answers_raw_and_value_that_agree() -> None:
    fake = FakeDriver(plan_blocks(bof()), lambda: 0)
    fake.values = {"bof1_plc/lance_in_flow": 412.5, "bof1_plc/lance_position": 12500.0}
    await fake.connect()
    columns: BlockColumns = await fake.read(fake.blocks[0])
    names = [point.name for point in fake.blocks[0].points]
    assert columns.raw[names.index("bof1_plc/lance_in_flow")] == 0x43CE4000
    assert columns.raw[names.index("bof1_plc/lance_position")] == 25000
    missing = names.index("bof1_plc/life_counter")
    assert (columns.reason[missing], columns.no_value[missing]) == (Reason.CONFIG, True)


async def test_the_fake_hands_on_each_report_once() -> None:
    fake = FakeDriver(plan_blocks(bof()), lambda: 0)
    fake.report(0, good_columns(fake.blocks[0], {}, 0, 0), keep_alive=True)
    assert [(change.block_index, change.keep_alive) for change in fake.changes()] == [(0, True)]
    assert fake.changes() == []


async def test_the_fake_fails_as_scripted_and_stays_open() -> None:
    fake = FakeDriver(plan_blocks(bof()), lambda: 5_000_000)
    fake.values = {point.name: 1.0 for block in fake.blocks for point in block.points}
    await fake.connect()
    block = fake.blocks[0]
    fake.script.append(Outcome.BUSY)
    fake.outcomes[block.device] = Outcome.TIMED_OUT
    outcomes = [(await fake.read(block)).outcome for _ in range(2)]
    assert outcomes == [Outcome.BUSY, Outcome.TIMED_OUT]
    assert not await fake.probe(block.device)
    del fake.outcomes[block.device]
    assert (await fake.read(block)).outcome is Outcome.ANSWERED
    assert await fake.probe(block.device)
    assert fake.connected
    assert fake.probes == {block.device: 2}


async def test_the_fake_runs_its_errands_and_tells_its_notes_once() -> None:
    fake = FakeDriver(plan_blocks(bof()), lambda: 0)
    fake.errands_at.append(7)
    fake.pending.append(Note("device.answer_late", "bof1_plc"))
    await fake.connect()
    assert fake.errand_ns == 7
    await fake.run_errand()
    assert (fake.errand_ns, fake.errands) == (None, 1)
    assert [note.code for note in fake.notes()] == ["device.answer_late"]
    assert fake.notes() == []
