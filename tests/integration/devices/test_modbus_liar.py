"""A PLC that answers nonsense: BAD with the right reason, never a wrong good value.

Every lie is told twice: to a read in a task, and to one that is called back.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from devices.address import RegisterType, Table
from devices.driver import Block, Outcome
from devices.failure import LinkFailed, failure_of
from devices.modbus.driver import ModbusDriver
from proto.errors import DeviceError
from proto.quality import Detail, Quality, Reason
from tests.integration.devices.liar import Liar, Script, honest, lying, truth
from tests.integration.devices.lines import ByCallBack, tcp_driver
from tests.unit.devices.builders import modbus_settings, register
from tests.unit.devices.contract import check_columns, check_life_cycle

TIMEOUT_NS = 300_000_000
WANTED = [1000.0, 1001.0, 1002.0]
KIND: type[ModbusDriver] = ModbusDriver


@pytest.fixture(autouse=True, params=[ModbusDriver, ByCallBack])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[ModbusDriver]:
    """How the reads of this round are made."""
    monkeypatch.setattr("tests.integration.devices.test_modbus_liar.KIND", request.param)
    found: type[ModbusDriver] = request.param
    return found


@asynccontextmanager
async def session(*scripts: Script) -> AsyncIterator[tuple[ModbusDriver, Liar, Block]]:
    """A driver of three registers, connected to a lying server."""
    points = [register(f"plc/r{at}", at) for at in range(3)]
    async with lying(*scripts) as liar:
        driver = driver_of(liar, points)
        await driver.connect()
        try:
            yield driver, liar, driver.blocks[0]
        finally:
            await driver.close()


def driver_of(liar: Liar, points: Sequence[object]) -> ModbusDriver:
    settings = modbus_settings(points)  # type: ignore[arg-type]
    return tcp_driver(liar.port, [settings], TIMEOUT_NS, kind=KIND)


def changed(request: bytes, at: int, value: int) -> bytes:
    """The right answer with one byte replaced."""
    answer = bytearray(honest(request))
    answer[at] = value
    return bytes(answer)


def resized(request: bytes, registers: int) -> bytes:
    """A consistent answer with another number of registers than asked for."""
    data = b"\x12\x34" * registers
    body = bytes([request[6], request[7], len(data)]) + data
    return request[0:4] + len(body).to_bytes(2, "big") + body


def exception(request: bytes, code: int) -> bytes:
    """An exception answer."""
    return request[0:4] + b"\0\3" + bytes([request[6], request[7] | 0x80, code])


LIES: dict[str, tuple[Script, Detail]] = {
    "wrong transaction": (lambda r: [changed(r, 1, 0x77)], Detail.WRONG_TRANSACTION),
    "transaction zero": (lambda r: [changed(r, 1, 0)], Detail.WRONG_TRANSACTION),
    "protocol not Modbus": (lambda r: [changed(r, 3, 1)], Detail.WRONG_LENGTH),
    "wrong unit": (lambda r: [changed(r, 6, 9)], Detail.WRONG_UNIT),
    "wrong function": (lambda r: [changed(r, 7, 4)], Detail.WRONG_FUNCTION),
    "unknown function": (lambda r: [changed(r, 7, 0x2B)], Detail.WRONG_FUNCTION),
    "exception to another function": (lambda r: [changed(r, 7, 0x84)], Detail.WRONG_FUNCTION),
    "one register short": (lambda r: [resized(r, 2)], Detail.WRONG_BYTE_COUNT),
    "one register more": (lambda r: [resized(r, 4)], Detail.WRONG_BYTE_COUNT),
    "no registers": (lambda r: [resized(r, 0)], Detail.WRONG_BYTE_COUNT),
    "odd byte count": (lambda r: [changed(r, 8, 5)], Detail.WRONG_BYTE_COUNT),
    "length field too long": (lambda r: [changed(r, 5, 11)], Detail.WRONG_LENGTH),
    "length field too short": (lambda r: [changed(r, 5, 7)], Detail.WRONG_LENGTH),
    "a byte behind the answer": (lambda r: [honest(r) + b"\0"], Detail.WRONG_LENGTH),
    "the answer twice at once": (lambda r: [honest(r) * 2], Detail.WRONG_LENGTH),
    "noise before the answer": (lambda r: [b"\xff" * 5 + honest(r)], Detail.WRONG_LENGTH),
    "a flood": (lambda r: [b"\xff" * 200_000 + honest(r)], Detail.WRONG_LENGTH),
    "exception with a byte too many": (
        lambda r: [exception(r, 2)[:5] + b"\4" + exception(r, 2)[6:] + b"\0"],
        Detail.WRONG_LENGTH,
    ),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_rejected_with_the_check_it_failed_and_the_line_drained(lie: str) -> None:
    script, detail = LIES[lie]
    async with session(script) as (driver, liar, block):
        rejected = await driver.read(block)
        assert rejected.outcome is Outcome.REJECTED
        assert (rejected.reason[0], rejected.detail[0]) == (Reason.PROTOCOL, detail)
        assert driver.connected
        assert driver.notes()[0].code == "device.misbehaved"
        columns = await driver.read(block)
        assert columns.value.tolist() == WANTED
        assert liar.connections == 1


SILENCES: dict[str, Script] = {
    "silence": lambda _: [0.4],
    "half an answer": lambda r: [honest(r)[:10], 0.4],
    "an answer too late": lambda r: [0.4, honest(r)],
}


@pytest.mark.parametrize("kind", SILENCES)
async def test_silence_is_a_time_out_and_the_next_answer_is_right(kind: str) -> None:
    async with session(SILENCES[kind]) as (driver, liar, block):
        started = time.monotonic()
        columns = await driver.read(block)
        assert 0.2 < time.monotonic() - started < 0.39
        assert columns.outcome is Outcome.TIMED_OUT
        assert (columns.reason[0], columns.detail[0]) == (Reason.COMM_LOSS, Detail.TIMED_OUT)
        await asyncio.sleep(0.2)
        for _ in range(3):
            columns = await driver.read(block)
        assert columns.value.tolist() == WANTED
        assert liar.connections == 1


CUTS: dict[str, Script] = {
    "a cut line": lambda _: [None],
    "a line cut within an answer": lambda r: [honest(r)[:10], None],
}


@pytest.mark.parametrize("kind", CUTS)
async def test_a_cut_is_a_lost_link_and_the_next_connection_is_clean(kind: str) -> None:
    async with session(CUTS[kind]) as (driver, liar, block):
        started = time.monotonic()
        with pytest.raises(LinkFailed) as lost:
            await driver.read(block)
        assert time.monotonic() - started < 0.2
        assert failure_of(lost.value) == (Reason.COMM_LOSS, Detail.LINK_DOWN)
        assert not driver.connected
        await driver.connect()
        assert (await driver.read(block)).value.tolist() == WANTED
        assert liar.connections == 2


async def test_three_silences_in_a_row_close_the_connection() -> None:
    async with session(*[lambda _: [60.0]] * 3) as (driver, liar, block):
        outcomes = [(await driver.read(block)).outcome for _ in range(2)]
        assert outcomes == [Outcome.TIMED_OUT] * 2
        assert driver.connected
        with pytest.raises(LinkFailed) as lost:
            await driver.read(block)
        assert failure_of(lost.value) == (Reason.COMM_LOSS, Detail.TIMED_OUT)
        await driver.connect()
        liar.scripts.clear()
        assert (await driver.read(block)).value.tolist() == WANTED
        assert liar.connections == 2


async def test_a_late_answer_never_meets_a_later_question() -> None:
    late: Script = lambda r: [0.45, resized(r, 3)]  # noqa: E731 - a script
    async with session(late, truth, truth) as (driver, _, block):
        assert (await driver.read(block)).outcome is Outcome.TIMED_OUT
        for _ in range(3):
            columns = await driver.read(block)
            assert columns.outcome is Outcome.TIMED_OUT or columns.value.tolist() == WANTED
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1, Reason.DEVICE_ERROR), (2, Reason.DEVICE_ERROR), (6, Reason.DEVICE_ERROR),
     (10, Reason.COMM_LOSS), (11, Reason.COMM_LOSS)],
)  # fmt: skip
async def test_an_exception_is_bad_for_its_block_alone(code: int, reason: Reason) -> None:
    points = [register("plc/a", 0), register("plc/b", 0, RegisterType.BOOL, table=Table.DISCRETE)]
    async with lying(lambda r: [exception(r, code)]) as liar:
        driver = driver_of(liar, points)
        await driver.connect()
        bad, good = [await driver.read(block) for block in driver.blocks]
        check_columns(bad, 1)
        assert (bad.quality[0], bad.reason[0], bad.detail[0]) == (Quality.BAD, reason, code)
        assert good.quality.tolist() == [Quality.GOOD]
        assert (driver.connected, liar.connections) == (True, 1)
        await driver.close()


async def test_a_repeated_answer_is_dropped_and_counted() -> None:
    async with session(truth, lambda r: [honest(r)], truth) as (driver, liar, block):
        await driver.read(block)
        liar.scripts[:] = [lambda r: [older(liar, r), honest(r)]]
        columns = await driver.read(block)
        assert columns.value.tolist() == WANTED
        assert driver.figures().answers_dropped == 1
        assert liar.connections == 1


def older(liar: Liar, request: bytes) -> bytes:
    """A consistent but wrong answer under the transaction before."""
    first = liar.requests[0]
    assert first[:2] < request[:2]
    return resized(first, 3)


async def test_bytes_that_nobody_asked_for_never_meet_a_question() -> None:
    async with session(lambda r: [honest(r), 0.05, b"\xde\xad"]) as (driver, _, block):
        assert (await driver.read(block)).value.tolist() == WANTED
        await asyncio.sleep(0.1)
        assert (await driver.read(block)).value.tolist() == WANTED
        assert [note.code for note in driver.notes()] == ["device.bytes_unasked"]


async def test_an_answer_in_single_bytes_is_one_answer() -> None:
    def slowly(request: bytes) -> Sequence[bytes | float]:
        return [part for byte in honest(request) for part in (bytes([byte]), 0.002)]

    async with session(slowly) as (driver, _, block):
        columns = await driver.read(block)
        assert columns.value.tolist() == WANTED
        assert columns.receive_mono_ns - columns.sent_mono_ns > 10_000_000


async def test_one_request_a_read_and_no_retry() -> None:
    async with session(lambda _: [1.0]) as (driver, liar, block):
        await driver.read(block)
        assert len(liar.requests) == 1
        assert liar.requests[0] == bytes.fromhex("0001 0000 0006 01 03 0000 0003")


async def test_a_cancelled_read_ends_at_once_and_leaves_nothing_behind() -> None:
    async with session(lambda r: [0.3, resized(r, 3)]) as (driver, _, block):
        task = asyncio.create_task(driver.read(block))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 0.2
        await asyncio.sleep(0.4)
        assert (await driver.read(block)).value.tolist() == WANTED


async def test_a_poll_loop_with_a_silent_peer_ends_within_a_second_of_its_cancellation() -> None:
    """The library once turned a cancellation into its own error, so that a loop survived it."""
    points = [register("plc/a", 0)]
    async with lying(*[lambda _: [60.0]] * 20) as liar:
        driver = driver_of(liar, points)

        async def poll() -> None:
            try:
                while True:
                    try:
                        if not driver.connected:
                            await driver.connect()
                        await driver.read(driver.blocks[0])
                    except DeviceError:
                        await asyncio.sleep(0.01)
            finally:
                await driver.close()

        for pause in (0.02, 0.31, 0.45):
            task = asyncio.create_task(poll())
            await asyncio.sleep(pause)
            started = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - started < 1.0
            assert not driver.connected


async def test_nobody_listening_is_unreachable_within_the_time_out() -> None:
    async with lying() as liar:
        driver = driver_of(liar, [register("plc/a", 0)])
    with pytest.raises(LinkFailed) as refused:
        await driver.connect()
    assert failure_of(refused.value) == (Reason.COMM_LOSS, Detail.LINK_DOWN)


async def test_a_loss_between_two_reads_is_noticed() -> None:
    async with session(lambda r: [honest(r), None]) as (driver, _, block):
        await driver.read(block)
        await asyncio.sleep(0.1)
        assert not driver.connected
        with pytest.raises(LinkFailed):
            await driver.read(block)


async def test_the_driver_passes_the_contract() -> None:
    async with lying() as liar:
        await check_life_cycle(driver_of(liar, [register(f"plc/r{at}", at) for at in range(3)]))


async def test_a_hidden_point_is_bad_without_being_asked_for() -> None:
    options = 'forbidden = [{ table = "holding", from = 3, to = 3, why = "exception 2" }]'
    async with lying() as liar:
        settings = modbus_settings([register("plc/b", 3)], options=options)
        driver = tcp_driver(liar.port, [settings], TIMEOUT_NS)
        await driver.connect()
        columns = await driver.read(driver.blocks[0])
        assert (columns.reason[0], liar.requests) == (Reason.DEVICE_ERROR, [])
        await driver.close()


async def test_a_device_that_closes_after_each_answer_is_opened_for_each_request() -> None:
    closing: Script = lambda r: [honest(r), None]  # noqa: E731 - a script
    async with lying(*[closing] * 5) as liar:
        points = [register(f"plc/r{at}", at) for at in range(3)]
        settings = modbus_settings(points, options="quirks = { close_after_each = true }")
        driver = tcp_driver(liar.port, [settings], TIMEOUT_NS)
        await driver.connect()
        for _ in range(4):
            assert (await driver.read(driver.blocks[0])).value.tolist() == WANTED
            await asyncio.sleep(0.02)
            assert driver.connected
        assert liar.connections == 4
        await driver.close()
        assert not driver.connected


async def test_a_device_without_ids_and_echo_that_closes_is_read_and_nothing_late_is_believed() -> (
    None
):
    def zero(request: bytes) -> bytes:
        return bytes(2) + honest(request)[2:]

    quirks = "quirks = { tid_zero = true, no_fc8 = true, close_after_each = true }"
    late_s = TIMEOUT_NS / 1e9 * 1.2
    closing: Script = lambda r: [zero(r), None]  # noqa: E731 - a script
    lie: Script = lambda r: [late_s, zero(r)[:9] + bytes(6)]  # noqa: E731 - old values
    async with lying(closing, lie, closing, closing) as liar:
        points = [register(f"plc/r{at}", at) for at in range(3)]
        driver = tcp_driver(liar.port, [modbus_settings(points, options=quirks)], TIMEOUT_NS)
        await driver.connect()
        assert (await driver.read(driver.blocks[0])).value.tolist() == WANTED
        late = await driver.read(driver.blocks[0])
        assert (late.reason[0], bool(late.no_value.all())) == (Reason.COMM_LOSS, True)
        for _ in range(2):
            assert (await driver.read(driver.blocks[0])).value.tolist() == WANTED
            await asyncio.sleep(late_s / 2)
        assert [request[7] for request in liar.requests] == [3, 3, 3, 3]
        assert liar.connections == 4
        await driver.close()


async def test_reads_by_call_back_are_called_back() -> None:
    points = [register(f"plc/r{at}", at) for at in range(3)]
    async with lying() as liar:
        settings = [modbus_settings(points)]  # type: ignore[arg-type]
        driver = tcp_driver(liar.port, settings, TIMEOUT_NS, kind=ByCallBack)
        await driver.connect()
        try:
            assert isinstance(driver, ByCallBack)
            for _ in range(3):
                assert (await driver.read(driver.blocks[0])).value.tolist() == WANTED
            assert driver.called_back == 3
        finally:
            await driver.close()
