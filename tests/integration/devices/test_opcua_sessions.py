"""Our driver and a foreign server: cuts, lost subscriptions, history, limits, logins, levels."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from devices.address import NodeType
from devices.driver import Change, Note
from devices.opcua.certificate import strict
from devices.opcua.driver import OpcUaDriver, OpcUaSecurity
from devices.opcua.trust_store import approve, entries, revoke
from edge.trust.pin import judge
from proto.errors import DeviceError, DeviceRefused, NotFound
from proto.quality import Detail, Quality, Reason
from tests.e2e.proxy import Proxy
from tests.harness.opcua_cuts import campaign
from tests.integration.devices.clock import RealClock
from tests.integration.devices.peers import Peer
from tests.integration.devices.test_opcua_node import NS, device, server
from tests.unit.devices.builders import node

SECRET = "of-this-test-only"
LEVEL = [node("d/level", f"{NS}Level", NodeType.DOUBLE, acquire="subscribe")]
HISTORY = [{"id": "Level", "type": "Double", "value": 0, "history": True}]


def driver_to(port: int, security: OpcUaSecurity, **more: object) -> OpcUaDriver:
    bindings = more.pop("bindings", LEVEL)
    endpoint = f"opc.tcp://127.0.0.1:{port}"
    return OpcUaDriver(endpoint, [device(bindings)], security, RealClock(), **more)  # type: ignore[arg-type]


async def until(driver: OpcUaDriver, found: list[Change], enough: object, within_s: float) -> None:
    """Fetch reports into `found` until `enough(found)`."""
    async with asyncio.timeout(within_s):
        while not enough(found):  # type: ignore[operator]
            found += driver.changes()
            await asyncio.sleep(0.02)


def live(found: list[Change]) -> list[float]:
    """The values of one point in the order of their source times."""
    values: list[float] = []
    last = 0
    for change in found:
        at = int(change.columns.source_us[0])
        if not change.replayed and at != last and not change.columns.no_value[0]:
            last = at
            values.append(float(change.columns.value[0]))
    return values


async def count(peer: Peer, ms: int = 250) -> None:
    await peer.tell(json.dumps({"count": ["Level"] if ms else [], "ms": ms}))


@pytest.mark.parametrize("kind", ["node", "asyncua"])
async def test_ten_random_cuts_lose_nothing_and_double_nothing(tmp_path: Path, kind: str) -> None:
    cuts = 10 if kind == "node" else 3
    figures = await campaign(kind, cuts, seed=7, low_s=0.5, high_s=2.0, folder=tmp_path)
    assert (figures["lost"], figures["doubled"], figures["shown"]) == (0, 0, 0), figures
    assert figures["numbers"] > 100


async def test_cuts_in_which_the_server_forgets_us_are_filled_from_history(tmp_path: Path) -> None:
    figures = await campaign(
        "node", 3, seed=5, low_s=0.5, high_s=2.0, folder=tmp_path, is_forgetful=True
    )
    assert (figures["lost"], figures["doubled"]) == (0, 0), figures
    assert int(str(figures["replayed"])) > 100


async def test_a_lost_subscription_is_built_anew_and_the_gap_comes_from_history(
    tmp_path: Path,
) -> None:
    async with server(tmp_path, nodes=HISTORY) as (peer, pki):
        with Proxy(peer.port) as proxy:
            driver = driver_to(proxy.port, OpcUaSecurity(pki))
            await driver.connect()
            found: list[Change] = []
            await count(peer)
            await until(driver, found, lambda all_: len(live(all_)) >= 4, 10)
            await asyncio.to_thread(proxy.cut)
            await peer.tell(json.dumps({"do": "drop_sessions"}))
            await asyncio.sleep(2.0)
            proxy.restore()
            await driver.connect()
            await until(driver, found, lambda _: driver.errand_ns is not None, 10)
            while (due := driver.errand_ns) is not None:
                await asyncio.sleep(max(0, due - time.monotonic_ns()) / 1e9)
                await driver.run_errand()
            await count(peer, 0)
            await asyncio.sleep(0.5)
            found += driver.changes()
            replayed = [c for c in found if c.replayed]
            stored = live(found) + [float(c.columns.value[0]) for c in replayed]
            assert len(replayed) >= 6
            assert sorted(stored) == list(range(int(max(stored)) + 1))
            assert {int(c.columns.reason[0]) for c in replayed} == {Reason.REPLAYED}
            filled = [n for n in driver.notes() if n.code == "device.history_filled"]
            assert filled[0].body["points_filled"] == 1
            await driver.close()


async def test_a_subscription_that_vanishes_in_a_standing_session_is_mended(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as (peer, pki):
        driver = driver_to(peer.port, OpcUaSecurity(pki))
        await driver.connect()
        found: list[Change] = []
        await until(driver, found, lambda all_: bool(live(all_)), 5)
        await peer.tell(json.dumps({"do": "drop_subscriptions"}))
        await asyncio.sleep(0.5)
        await count(peer)
        await until(driver, found, lambda all_: len(live(all_)) >= 4, 20)
        assert driver.connected
        await driver.close()


async def test_standby_samples_without_reporting(tmp_path: Path) -> None:
    async with server(tmp_path) as (peer, pki):
        driver = driver_to(peer.port, OpcUaSecurity(pki))
        driver.stand_by(is_standby=True)
        await driver.connect()
        await count(peer)
        await asyncio.sleep(1.0)
        assert live(driver.changes()) == []
        driver.stand_by(is_standby=False)
        found: list[Change] = []
        await until(driver, found, lambda all_: len(live(all_)) >= 2, 5)
        await driver.close()


@pytest.mark.parametrize(
    ("order", "quality", "detail"),
    [
        ({"level": 150}, Quality.UNCERTAIN, 150),
        ({"level": 1}, Quality.BAD, 1),
        ({"state": 3}, Quality.BAD, Detail.SERVER_NOT_RUNNING),
    ],
)
async def test_what_a_server_says_of_itself_hangs_over_every_value(
    tmp_path: Path, order: dict[str, int], quality: Quality, detail: int
) -> None:
    async with server(tmp_path) as (peer, pki):
        bindings = [*LEVEL, node("d/current", f"{NS}Current", NodeType.DOUBLE)]
        driver = driver_to(peer.port, OpcUaSecurity(pki), bindings=bindings)
        await driver.connect()
        assert driver.service_level == 255
        await peer.tell(json.dumps(order))
        found: list[Change] = []
        await until(driver, found, lambda all_: all_ and all_[-1].columns.quality[0] == quality, 5)
        assert found[-1].columns.detail[0] == detail
        columns = await driver.read(driver.blocks[0])
        assert (columns.quality[0], columns.reason[0]) == (quality, Reason.DEVICE_ERROR)
        assert columns.value[0] == 85.25
        clock = driver.take_clock()
        assert clock is not None
        assert abs(clock.server_us - time.time_ns() // 1000) < 5_000_000
        assert driver.take_clock() is None
        await driver.close()


async def test_a_server_at_level_zero_is_left_alone(tmp_path: Path) -> None:
    async with server(tmp_path) as (peer, pki):
        driver = driver_to(peer.port, OpcUaSecurity(pki))
        await driver.connect()
        await peer.tell(json.dumps({"level": 0}))
        async with asyncio.timeout(5):
            while driver.connected:
                await asyncio.sleep(0.05)
        with pytest.raises(DeviceError):
            await driver.connect()
        await peer.tell(json.dumps({"level": 255}))
        await driver.connect()
        await driver.close()


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_small_limits_are_kept_and_one_refused_of_many_stays_alone(
    tmp_path: Path, limit: int
) -> None:
    nodes = [{"id": f"N{at}", "type": "Double", "value": at} for at in range(40)]
    bindings = [
        node(f"d/n{at}", f"{NS}{'Nowhere' if at == 17 else f'N{at}'}", NodeType.DOUBLE, acquire=how)
        for at, how in ((a, h) for h in ("read", "subscribe") for a in range(40))
        if how == "subscribe" or at < 40
    ]
    reads = [b for b in bindings if b.acquire == "read"]
    subscribed = [b for b in bindings if b.acquire == "subscribe"]
    async with server(tmp_path, nodes=nodes, limit=limit) as (peer, pki):
        for mine in (reads, subscribed):
            driver = driver_to(peer.port, OpcUaSecurity(pki), bindings=mine)
            await driver.connect()
            if mine is reads:
                columns = await driver.read(driver.blocks[0])
            else:
                found: list[Change] = []
                await until(
                    driver,
                    found,
                    lambda all_: all_ and int((all_[-1].columns.quality == 0).sum()) == 39,
                    10,
                )
                columns = found[-1].columns
                notes = [n for n in driver.notes() if n.code == "device.item_refused"]
                assert [n.body["count"] for n in notes] == [1]
            assert columns.detail[17] == 0x80340000
            assert [int(q) for q in columns.quality].count(int(Quality.GOOD)) == 39
            await driver.close()


async def test_cycling_codes_and_odd_times_are_told_apart(tmp_path: Path) -> None:
    async with server(tmp_path) as (peer, pki):
        driver = driver_to(peer.port, OpcUaSecurity(pki))
        await driver.connect()
        await peer.tell(json.dumps({"cycle": "Level", "ms": 150}))
        found: list[Change] = []
        wanted = {Reason.NONE, Reason.SUBSTITUTED, Reason.SENSOR_FAULT, Reason.COMM_LOSS}
        await until(
            driver, found, lambda all_: wanted <= {int(c.columns.reason[0]) for c in all_}, 10
        )
        await driver.close()


async def test_a_login_is_spoken_on_an_encrypted_channel_only(tmp_path: Path) -> None:
    async with server(tmp_path, users={"yujing": SECRET}) as (peer, pki):
        good = OpcUaSecurity(pki, user="yujing", password=SECRET)
        driver = driver_to(peer.port, good)
        await driver.connect()
        await driver.close()
        wrong = OpcUaSecurity(pki, user="yujing", password=SECRET[:-1])
        with pytest.raises(DeviceRefused):
            await driver_to(peer.port, wrong).connect()
        assert SECRET not in repr(good)
    open_ = {"policies": ["None"], "mode": "None", "users": {"yujing": SECRET}}
    async with server(tmp_path / "open", **open_) as (peer, pki):
        until_us = time.time_ns() // 1000 + 10**9
        bare = OpcUaSecurity(
            pki,
            "None",
            insecure_until_us=until_us,
            user="yujing",
            password=SECRET,
        )
        with pytest.raises(DeviceRefused) as refused:
            await driver_to(peer.port, bare).connect()
        assert refused.value.code == "device.login_insecure"


async def test_an_open_server_is_spoken_to_only_by_exception_and_shown_as_a_weakness(
    tmp_path: Path,
) -> None:
    async with server(tmp_path, policies=["None"], mode="None") as (peer, pki):
        now_us = time.time_ns() // 1000
        allowed = OpcUaSecurity(pki, "None", insecure_until_us=now_us + 10**9)
        driver = driver_to(peer.port, allowed)
        await driver.connect()
        assert "device.policy_insecure" in codes(driver.notes())
        await driver.close()
        with pytest.raises(DeviceRefused) as refused:
            await driver_to(peer.port, OpcUaSecurity(pki, "None", insecure_until_us=1)).connect()
        assert "not allowed any more" in str(refused.value)


def codes(notes: list[Note]) -> set[str]:
    return {note.code for note in notes}


class LateClock(RealClock):
    """A clock that is 40 days ahead: the certificates of the tests hold 30."""

    def wall_us(self) -> int:
        return super().wall_us() + 40 * 86_400_000_000


async def test_an_approved_key_out_of_its_dates_keeps_its_session_and_every_point_says_so(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as (peer, pki):
        endpoint = f"opc.tcp://127.0.0.1:{peer.port}"
        pinned = OpcUaSecurity(pki, judge=judge)
        driver = OpcUaDriver(endpoint, [device(LEVEL)], pinned, LateClock())
        await driver.connect()
        found: list[Change] = []
        await until(driver, found, lambda all_: bool(live(all_)), 5)
        last = found[-1].columns
        assert (last.quality[0], last.reason[0]) == (Quality.UNCERTAIN, Reason.CONFIG)
        assert last.detail[0] == Detail.CERTIFICATE_DATE
        assert "device.certificate_lapsed" in codes(driver.notes())
        await driver.close()
        cut = OpcUaDriver(endpoint, [device(LEVEL)], OpcUaSecurity(pki, judge=strict), LateClock())
        with pytest.raises(DeviceRefused):
            await cut.connect()


async def test_a_person_approves_and_revokes(tmp_path: Path) -> None:
    async with server(tmp_path) as (peer, pki):
        for file in (pki / "trusted").iterdir():
            file.unlink()
        driver = driver_to(peer.port, OpcUaSecurity(pki, judge=judge))
        with pytest.raises(DeviceRefused):
            await driver.connect()
        [waiting] = [one for one in entries(pki) if one.folder == "rejected"]
        with pytest.raises(NotFound):
            approve(pki, waiting.thumbprint[:4])
        approve(pki, waiting.thumbprint[:8].upper())
        await driver.connect()
        revoke(pki, waiting.thumbprint)
        await driver._drop()  # a cut: the next connect must look again
        with pytest.raises(DeviceRefused) as refused:
            await driver.connect()
        assert "revoked" in str(refused.value)
        with pytest.raises(NotFound, match="revoked"):
            approve(pki, waiting.thumbprint)
        await driver.close()
