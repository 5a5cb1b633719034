"""Our driver against node-opcua, written by others in another language."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devices.address import NodeType
from devices.driver import BlockColumns, Change, DeviceSettings, Outcome, PointBinding
from devices.failure import LinkFailed, failure_of
from devices.opcua.driver import OpcUaDriver, OpcUaSecurity
from proto.errors import DeviceError, DeviceRefused
from proto.quality import Detail, Quality, Reason
from tests.integration.devices.certificates import THEIRS, make, our_pki
from tests.integration.devices.clock import RealClock
from tests.integration.devices.peers import Peer, opcua
from tests.unit.devices.builders import dust, node
from tests.unit.devices.contract import check_columns, check_life_cycle

NS = "nsu=urn:peer:dust;s="
NODES: list[dict[str, object]] = [
    {"id": "Pressure", "type": "Double", "value": 1200.5, "source": "2026-01-02T03:04:05.678Z"},
    {"id": "Running", "type": "Boolean", "value": True},
    {"id": "Count", "type": "UInt16", "value": 40000},
    {"id": "Small", "type": "Float", "value": 412.5},
    {"id": "Long", "type": "Int32", "value": -123456},
    {"id": "Broken", "type": "Double", "value": 63.5, "status": "BadSensorFailure"},
    {"id": "Lost", "type": "Double", "value": 63.5, "status": "BadNoCommunication"},
    {"id": "Doubtful", "type": "Double", "value": 63.5, "status": "UncertainSubstituteValue"},
    {"id": "Current", "type": "Double", "value": 85.25},
    {"id": "Level", "type": "Double", "value": 1.0},
]
READ = [
    node("d/pressure", f"{NS}Pressure", NodeType.DOUBLE),
    node("d/running", f"{NS}Running", NodeType.BOOLEAN),
    node("d/count", f"{NS}Count", NodeType.UINT16),
    node("d/small", f"{NS}Small", NodeType.FLOAT),
    node("d/long", f"{NS}Long", NodeType.INT32),
    node("d/broken", f"{NS}Broken", NodeType.DOUBLE),
    node("d/lost", f"{NS}Lost", NodeType.DOUBLE),
    node("d/doubtful", f"{NS}Doubtful", NodeType.DOUBLE),
    node("d/unknown", f"{NS}Nowhere", NodeType.DOUBLE),
    node("d/foreign", "nsu=urn:nobody;s=X", NodeType.DOUBLE),
    node("d/typed", f"{NS}Current", NodeType.INT16),
]
SUBSCRIBED = [
    node("d/current", f"{NS}Current", NodeType.DOUBLE, acquire="subscribe"),
    node("d/level", f"{NS}Level", NodeType.DOUBLE, acquire="subscribe"),
    node("d/gone", f"{NS}Nowhere", NodeType.DOUBLE, acquire="subscribe"),
    node("d/alien", "nsu=urn:nobody;s=X", NodeType.DOUBLE, acquire="subscribe"),
]


def device(bindings: Sequence[PointBinding]) -> DeviceSettings:
    """A device with these points; its profile is not looked at by the driver."""
    return DeviceSettings("d", 0, dust().profile, tuple(bindings), {"fast": 100_000_000})


@asynccontextmanager
async def server(
    tmp_path: Path, *, trusts_us: bool = True, **more: object
) -> AsyncIterator[tuple[Peer, Path]]:
    """A node-opcua server, and our pki, which trusts it."""
    theirs = make(tmp_path / "server", THEIRS)
    pki = our_pki(tmp_path / "pki", theirs)
    settings: Mapping[str, object] = {
        "pki": str(tmp_path / "server_pki"),
        "certificate": str(theirs),
        "key": str(theirs.parent / "key.pem"),
        "trusted": [str(pki / "own" / "cert.pem")] if trusts_us else [],
        "uri": THEIRS,
        "nodes": NODES,
        **more,
    }
    async with opcua(settings) as peer:
        yield peer, pki


def driver_of(
    peer: Peer, pki: Path, bindings: Sequence[PointBinding], timeout_s: float = 10.0
) -> OpcUaDriver:
    return OpcUaDriver(
        f"opc.tcp://127.0.0.1:{peer.port}",
        [device(bindings)],
        OpcUaSecurity(pki),
        RealClock(),
        timeout_ns=int(timeout_s * 1e9),
    )


@asynccontextmanager
async def session(
    tmp_path: Path, bindings: Sequence[PointBinding], **more: object
) -> AsyncIterator[tuple[OpcUaDriver, Peer]]:
    """A connected driver and its server."""
    async with server(tmp_path, **more) as (peer, pki):
        driver = driver_of(peer, pki, bindings)
        await driver.connect()
        try:
            yield driver, peer
        finally:
            await driver.close()


def row(columns: BlockColumns, bindings: Sequence[PointBinding], name: str) -> tuple[object, ...]:
    """Value, quality, reason and detail of one point."""
    at = [binding.point.name for binding in bindings].index(f"d/{name}")
    value = None if columns.no_value[at] else float(columns.value[at])
    return value, columns.quality[at], columns.reason[at], columns.detail[at]


async def reported(driver: OpcUaDriver, rows: int, within_s: float = 5.0) -> list[Change]:
    """Wait for so many rows, keep-alives left out."""
    found: list[Change] = []
    async with asyncio.timeout(within_s):
        while len(found) < rows:
            found += [change for change in driver.changes() if not change.keep_alive]
            await asyncio.sleep(0.02)
    return found


async def set_node(peer: Peer, name: str, value: object, status: str = "Good") -> None:
    await peer.tell(json.dumps({"set": name, "value": value, "status": status}))


async def test_a_bulk_read_gives_every_node_its_own_quality(tmp_path: Path) -> None:
    good = (Quality.GOOD, Reason.NONE, 0)
    async with session(tmp_path, READ) as (driver, _):
        columns = await driver.read(driver.blocks[0])
        check_columns(columns, len(READ))
        assert row(columns, READ, "pressure") == (1200.5, *good)
        assert row(columns, READ, "running") == (1.0, *good)
        assert row(columns, READ, "count") == (40000.0, *good)
        assert row(columns, READ, "small") == (412.5, *good)
        assert row(columns, READ, "long") == (-123456.0, *good)
        bad = Quality.BAD
        assert row(columns, READ, "broken") == (63.5, bad, Reason.SENSOR_FAULT, 0x808C0000)
        assert row(columns, READ, "lost") == (63.5, bad, Reason.COMM_LOSS, 0x80310000)
        doubtful = (63.5, Quality.UNCERTAIN, Reason.SUBSTITUTED, 0x40910000)
        assert row(columns, READ, "doubtful") == doubtful
        assert row(columns, READ, "unknown") == (None, bad, Reason.CONFIG, 0x80340000)
        assert row(columns, READ, "foreign") == (None, bad, Reason.CONFIG, Detail.NODE_UNKNOWN)
        assert row(columns, READ, "typed") == (None, bad, Reason.CONFIG, 0x80740000)


async def test_raw_and_source_time_are_the_devices_own(tmp_path: Path) -> None:
    async with session(tmp_path, READ[:4]) as (driver, _):
        columns = await driver.read(driver.blocks[0])
        assert columns.raw.tolist() == [0x4092C20000000000, 1, 40000, 0x43CE4000]
        assert columns.source_us[0] == 1_767_323_045_678_000  # 2026-01-02T03:04:05.678Z


async def test_a_read_is_as_true_as_its_moment(tmp_path: Path) -> None:
    async with session(tmp_path, READ[:1]) as (driver, peer):
        for value in (1.0, 2.5, -3.0):
            await set_node(peer, "Pressure", value)
            assert (await driver.read(driver.blocks[0])).value.tolist() == [value]


async def test_a_server_that_allows_few_nodes_a_call_is_asked_in_parts(tmp_path: Path) -> None:
    async with session(tmp_path, READ + SUBSCRIBED, limit=3) as (driver, _):
        columns = await driver.read(driver.blocks[0])
        assert row(columns, READ, "long") == (-123456.0, Quality.GOOD, Reason.NONE, 0)


async def test_changes_are_reported_and_a_refused_item_stays_alone(tmp_path: Path) -> None:
    async with session(tmp_path, SUBSCRIBED) as (driver, peer):
        first = await reported(driver, 2)
        columns = first[-1].columns
        check_columns(columns, len(SUBSCRIBED))
        assert row(columns, SUBSCRIBED, "current") == (85.25, Quality.GOOD, Reason.NONE, 0)
        bad = Quality.BAD
        assert row(columns, SUBSCRIBED, "gone") == (None, bad, Reason.CONFIG, 0x80340000)
        alien = (None, bad, Reason.CONFIG, Detail.NODE_UNKNOWN)
        assert row(columns, SUBSCRIBED, "alien") == alien
        await set_node(peer, "Current", 90.5)
        [change] = await reported(driver, 1)
        assert row(change.columns, SUBSCRIBED, "current")[0] == 90.5
        assert row(change.columns, SUBSCRIBED, "level")[0] == 1.0
        await set_node(peer, "Current", 91.5, "BadSensorFailure")
        [change] = await reported(driver, 1)
        broken = (91.5, bad, Reason.SENSOR_FAULT, 0x808C0000)
        assert row(change.columns, SUBSCRIBED, "current") == broken


async def test_several_changes_between_two_publishes_are_all_kept(tmp_path: Path) -> None:
    slow = [node("d/level", f"{NS}Level", NodeType.DOUBLE, acquire="subscribe")]
    async with session(tmp_path, slow) as (driver, peer):
        await reported(driver, 1)
        for value in (2.0, 3.0, 4.0, 5.0):
            await set_node(peer, "Level", value)
            await asyncio.sleep(0.15)
        changes = await reported(driver, 4)
        assert [change.columns.value[0] for change in changes] == [2.0, 3.0, 4.0, 5.0]


async def test_a_keep_alive_vouches_for_values_that_do_not_change(tmp_path: Path) -> None:
    async with session(tmp_path, SUBSCRIBED) as (driver, _):
        last = (await reported(driver, 2))[-1].columns
        async with asyncio.timeout(10):
            while not (alive := [each for each in driver.changes() if each.keep_alive]):
                await asyncio.sleep(0.05)
        assert alive[0].columns.receive_mono_ns > last.receive_mono_ns
        assert alive[0].columns.source_us.tolist() == last.source_us.tolist()
        assert driver.connected


async def test_a_killed_server_is_lost_and_found_again_by_a_new_session(tmp_path: Path) -> None:
    async with session(tmp_path, READ[:2]) as (driver, peer):
        await peer.kill()
        with pytest.raises(LinkFailed) as lost:
            await driver.read(driver.blocks[0])
        assert failure_of(lost.value)[0] is Reason.COMM_LOSS
        assert not driver.connected
        with pytest.raises(DeviceError):
            await driver.connect()
    async with session(tmp_path / "again", READ[:2]) as (driver, _):
        assert (await driver.read(driver.blocks[0])).value.tolist() == [1200.5, 1.0]


async def read_often(driver: OpcUaDriver, times: int) -> None:
    for _ in range(times):
        await driver.read(driver.blocks[0])


async def test_a_silent_server_is_a_time_out_and_closing_does_not_wait_for_it(
    tmp_path: Path,
) -> None:
    import signal

    async with server(tmp_path) as (peer, pki):
        driver = driver_of(peer, pki, READ[:2] + SUBSCRIBED, timeout_s=3.0)
        await driver.connect()
        peer.process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        columns = await driver.read(driver.blocks[0])
        assert columns.outcome is Outcome.TIMED_OUT
        assert (columns.reason[0], columns.detail[0]) == (Reason.COMM_LOSS, Detail.TIMED_OUT)
        assert columns.no_value.all()
        assert time.monotonic() - started < 4.5
        with pytest.raises(LinkFailed) as lost:  # nothing at all is heard: given up at the third
            await read_often(driver, 3)
        assert failure_of(lost.value)[0] is Reason.COMM_LOSS
        peer.process.send_signal(signal.SIGCONT)
        await driver.connect()
        peer.process.send_signal(signal.SIGSTOP)
        task = asyncio.create_task(driver.read(driver.blocks[0]))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await driver.close()
        assert time.monotonic() - started < 1.0


async def test_a_server_that_drops_the_session_is_lost(tmp_path: Path) -> None:
    async with session(tmp_path, READ[:1]) as (driver, peer):
        await peer.tell(json.dumps({"do": "drop_sessions"}))
        with pytest.raises(LinkFailed):
            await driver.read(driver.blocks[0])
        await driver.connect()
        assert (await driver.read(driver.blocks[0])).quality.tolist() == [Quality.GOOD]


async def test_an_unknown_server_is_refused_and_its_certificate_kept(tmp_path: Path) -> None:
    async with server(tmp_path) as (peer, pki):
        [trusted] = list((pki / "trusted").iterdir())
        trusted.unlink()
        driver = driver_of(peer, pki, READ)
        with pytest.raises(DeviceRefused) as refused:
            await driver.connect()
        assert refused.value.code == "device.certificate_refused"
        [kept] = list((pki / "rejected").iterdir())
        assert kept.stem in str(refused.value)
        assert not driver.connected
        kept.rename(pki / "trusted" / kept.name)
        await driver.connect()
        await driver.close()


@pytest.mark.parametrize(
    ("policies", "mode", "offered"),
    [
        (["None"], "None", "None/None_"),
        (["Basic256Sha256"], "Sign", "Basic256Sha256/Sign"),
        (["Basic256"], "SignAndEncrypt", "Basic256/SignAndEncrypt"),
    ],
)
async def test_a_server_without_strong_encryption_is_refused(
    tmp_path: Path, policies: list[str], mode: str, offered: str
) -> None:
    async with server(tmp_path, policies=policies, mode=mode) as (peer, pki):
        with pytest.raises(DeviceRefused) as refused:
            await driver_of(peer, pki, READ).connect()
        assert refused.value.code == "device.policy_refused"
        assert offered in str(refused.value)


@pytest.mark.parametrize("policy", ["Basic256Sha256", "Aes256_Sha256_RsaPss"])
async def test_both_strong_policies_are_spoken(tmp_path: Path, policy: str) -> None:
    async with session(tmp_path, READ[:1], policies=[policy]) as (driver, _):
        assert (await driver.read(driver.blocks[0])).value.tolist() == [1200.5]


async def test_a_server_that_does_not_know_us_refuses(tmp_path: Path) -> None:
    async with server(tmp_path, trusts_us=False) as (peer, pki):
        with pytest.raises(DeviceError):
            await driver_of(peer, pki, READ).connect()


async def test_nobody_listening_is_unreachable(tmp_path: Path) -> None:
    async with server(tmp_path) as (peer, pki):
        await peer.kill()
        with pytest.raises(LinkFailed):
            await driver_of(peer, pki, READ).connect()


async def test_the_driver_passes_the_contract(tmp_path: Path) -> None:
    async with server(tmp_path) as (peer, pki):
        await check_life_cycle(driver_of(peer, pki, READ + SUBSCRIBED))
