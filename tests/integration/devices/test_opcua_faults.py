"""What a foreign server does to us: the fault kinds of OPC UA, each by name.

| fault                                      | test                                             |
|--------------------------------------------|--------------------------------------------------|
| cuts of 0.5-30 s                           | test_opcua_sessions, `make soak`, tests/property |
| kill -9 of the server                      | test_opcua_node                                  |
| SIGSTOP, slow read                         | here, test_opcua_node                            |
| session or subscription dropped            | test_opcua_sessions                              |
| limits 1-100, stated                       | test_opcua_sessions                              |
| Bad_TooManyOperations, limits unstated     | here                                             |
| Bad_TooManyPublishRequests                 | here                                             |
| queue overflow                             | here                                             |
| namespace index changed                    | here                                             |
| good, uncertain, bad codes in turn         | test_opcua_sessions                              |
| null, future, past source times            | here                                             |
| bad certificates, empty trust directory    | test_opcua_trust, test_opcua_sessions            |
| revoked by a list                          | here                                             |
| 100,000 nodes browsed                      | here                                             |
| one node refused of 1,000                  | here                                             |
| ServiceLevel, EstimatedReturnTime          | here, test_opcua_sessions                        |
| our kill -9 between receipt and commit     | tests/integration/edge/test_opcua_restart        |
"""

import asyncio
import json
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from devices.address import NodeType
from devices.driver import Change, Outcome
from devices.failure import LinkFailed
from devices.opcua.browsing import walk
from devices.opcua.driver import OpcUaDriver, OpcUaSecurity
from edge.trust.pin import judge
from proto.errors import DeviceError, DeviceRefused
from proto.quality import Detail, Quality, Reason
from tests.integration.devices.clock import RealClock
from tests.integration.devices.test_opcua_node import NS, device, server, set_node
from tests.integration.devices.test_opcua_sessions import LEVEL, count, driver_to, live, until
from tests.unit.devices.builders import node

READ_LEVEL = [node("d/level", f"{NS}Level", NodeType.DOUBLE)]
BOTH = [*READ_LEVEL, node("d/current", f"{NS}Current", NodeType.DOUBLE)]


async def connected(driver: OpcUaDriver) -> None:
    """Connect as the owner of a line does: again and again."""
    async with asyncio.timeout(10):
        while not driver.connected:
            try:
                await driver.connect()
            except DeviceError:
                await asyncio.sleep(0.2)


async def reads(driver: OpcUaDriver, times: int) -> None:
    for _ in range(times):
        await driver.read(driver.blocks[0])


async def test_a_slow_read_costs_its_own_row_and_its_late_answer_is_dropped(tmp_path: Path) -> None:
    async with server(tmp_path) as (peer, pki):
        driver = driver_to(
            peer.port, OpcUaSecurity(pki), bindings=READ_LEVEL, timeout_ns=1_000_000_000
        )
        await driver.connect()
        channel = driver._client
        await peer.tell(json.dumps({"slow": "Level", "ms": 1800}))
        for _ in range(4):  # the watchdog is answered between them: the server is not silent
            columns = await driver.read(driver.blocks[0])
            assert columns.outcome is Outcome.TIMED_OUT
            assert (columns.reason[0], columns.detail[0]) == (Reason.COMM_LOSS, Detail.TIMED_OUT)
            assert columns.no_value.all()
        await peer.tell(json.dumps({"slow": "Level", "ms": 1}))
        await asyncio.sleep(2.0)  # the late answers come in now: nobody waits for them
        columns = await driver.read(driver.blocks[0])
        assert (columns.value[0], columns.quality[0]) == (7.0, Quality.GOOD)
        assert driver._client is channel
        await driver.close()


async def test_a_server_stopped_for_a_moment_keeps_its_channel_and_its_values_say_so(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as (peer, pki):
        bindings = [
            *READ_LEVEL,
            node("d/other", f"{NS}Current", NodeType.DOUBLE, acquire="subscribe"),
        ]
        driver = driver_to(
            peer.port, OpcUaSecurity(pki), bindings=bindings, timeout_ns=1_000_000_000
        )
        await driver.connect()
        channel = driver._client
        found: list[Change] = []
        await until(driver, found, lambda all_: all_, 5)
        peer.process.send_signal(signal.SIGSTOP)
        columns = await driver.read(driver.blocks[0])
        assert columns.outcome is Outcome.TIMED_OUT
        await until(driver, found, lambda all_: all_[-1].columns.quality[0] == Quality.BAD, 4)
        assert found[-1].columns.reason[0] == Reason.COMM_LOSS
        peer.process.send_signal(signal.SIGCONT)
        await until(driver, found, lambda all_: all_[-1].columns.quality[0] == Quality.GOOD, 4)
        assert (await driver.read(driver.blocks[0])).quality.tolist() == [Quality.GOOD]
        assert driver._client is channel
        peer.process.send_signal(signal.SIGSTOP)
        with pytest.raises(LinkFailed):  # silent for good: given up at the third
            await reads(driver, 4)
        peer.process.send_signal(signal.SIGCONT)
        await driver.close()


async def test_too_many_publish_requests_cost_one_loop_for_good_and_no_value(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as (peer, pki):
        driver = driver_to(peer.port, OpcUaSecurity(pki))
        await driver.connect()
        found: list[Change] = []
        await until(driver, found, lambda all_: bool(live(all_)), 5)
        await peer.tell(json.dumps({"publishes": 2}))
        await count(peer, 100)
        await until(driver, found, lambda all_: len(live(all_)) >= 15, 15)
        await count(peer, 0)
        await asyncio.sleep(1.0)
        found += driver.changes()
        assert driver._publisher.allowed == 2
        numbers = live(found)
        assert numbers == [float(at) for at in range(1, len(numbers) + 1)]
        await driver.close()


@pytest.mark.parametrize("how", ["read", "subscribe"])
async def test_a_call_too_big_for_unstated_limits_is_asked_in_halves(
    tmp_path: Path, how: str
) -> None:
    nodes = [{"id": f"N{at}", "type": "Double", "value": at} for at in range(40)]
    bindings = [
        node(f"d/n{at}", f"{NS}N{at}", NodeType.DOUBLE, acquire=how)  # type: ignore[arg-type]
        for at in range(40)
    ]
    async with server(tmp_path, nodes=nodes, limit=9) as (peer, pki):
        await peer.tell(json.dumps({"limits": "unstated"}))
        driver = driver_to(peer.port, OpcUaSecurity(pki), bindings=bindings)
        await driver.connect()
        if how == "read":
            columns = await driver.read(driver.blocks[0])
            assert driver._reader.pace.most <= 9
        else:
            found: list[Change] = []
            await until(driver, found, lambda all_: all_ and not all_[-1].columns.quality.any(), 10)
            columns = found[-1].columns
        assert columns.value.tolist() == [float(at) for at in range(40)]
        await driver.close()


async def test_one_node_refused_of_a_thousand_stays_alone(tmp_path: Path) -> None:
    nodes = [{"id": f"N{at}", "type": "Double", "value": at} for at in range(1000)]
    bindings = [
        node(
            f"d/n{at}",
            f"{NS}{'Nowhere' if at == 617 else f'N{at}'}",
            NodeType.DOUBLE,
            acquire="subscribe",
        )
        for at in range(1000)
    ]
    async with server(tmp_path, nodes=nodes) as (peer, pki):
        driver = driver_to(peer.port, OpcUaSecurity(pki), bindings=bindings)
        await driver.connect()
        found: list[Change] = []
        await until(
            driver,
            found,
            lambda all_: all_ and int((all_[-1].columns.quality == Quality.GOOD).sum()) == 999,
            20,
        )
        last = found[-1].columns
        assert (last.quality[617], last.reason[617]) == (Quality.BAD, Reason.CONFIG)
        [note] = [one for one in driver.notes() if one.code == "device.item_refused"]
        assert note.body["count"] == 1
        await driver.close()


async def test_a_queue_that_ran_over_is_uncertain_and_counted(tmp_path: Path) -> None:
    async with server(tmp_path) as (peer, pki):
        driver = driver_to(peer.port, OpcUaSecurity(pki), bridge_ns=200_000_000)
        await driver.connect()
        found: list[Change] = []
        await until(driver, found, lambda all_: bool(live(all_)), 5)
        driver._publisher.pause()  # nobody asks: the server's queue fills
        await count(peer, 60)
        await asyncio.sleep(3.0)
        driver.changes()
        await until(
            driver,
            found,
            lambda all_: any(c.columns.reason[0] == Reason.OVERFLOW for c in all_),
            10,
        )
        [over] = [c for c in found if c.columns.reason[0] == Reason.OVERFLOW][:1]
        assert over.columns.quality[0] == Quality.UNCERTAIN
        assert not over.columns.no_value[0]
        assert driver.inbox.overflows >= 1
        await driver.close()


async def test_a_server_rebuilt_with_its_namespaces_in_another_order_is_read_by_name(
    tmp_path: Path,
) -> None:
    nodes = [
        {"id": "Level", "type": "Double", "value": 1.0},
        {"id": "Current", "type": "Double", "value": 2.0},
    ]
    bindings = [*READ_LEVEL, node("d/c", f"{NS}Current", NodeType.DOUBLE, acquire="subscribe")]
    async with server(tmp_path, nodes=nodes) as (peer, pki):
        security = OpcUaSecurity(pki, judge=judge)  # the same key: the same server, made anew
        driver = driver_to(peer.port, security, bindings=bindings)
        await driver.connect()
        port = peer.port
        first = driver._node_ids[f"{NS}Level"]
        assert (await driver.read(driver.blocks[0])).value.tolist() == [1.0]
    changed = {
        "names": ["urn:a", "urn:b", "urn:c"],
        "port": port,
        "trusted": [str(pki / "own" / "cert.pem")],
    }
    async with server(tmp_path / "again", nodes=nodes, **changed) as (peer, _):
        await connected(driver)
        assert driver._node_ids[f"{NS}Level"] != first
        assert (await driver.read(driver.blocks[0])).value.tolist() == [1.0]
        found: list[Change] = []
        await set_node(peer, "Current", 5.0)
        await until(driver, found, lambda all_: all_ and all_[-1].columns.value[0] == 5.0, 10)
        await driver.close()


async def test_source_times_that_are_missing_future_or_past_stay_the_devices_own(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as (peer, pki):
        driver = driver_to(peer.port, OpcUaSecurity(pki), bindings=READ_LEVEL)
        await driver.connect()
        for year in (1998, 2099):
            order = {"set": "Level", "value": 3.0, "source": f"{year}-01-02T03:04:05.678Z"}
            await peer.tell(json.dumps(order))
            columns = await driver.read(driver.blocks[0])
            wanted = datetime(year, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
            assert columns.source_us[0] == round(wanted.timestamp() * 1e6)
            assert (columns.value[0], columns.quality[0]) == (3.0, Quality.GOOD)
        await peer.tell(json.dumps({"timeless": "Level", "value": 4.0}))
        columns = await driver.read(driver.blocks[0])
        assert columns.value[0] == 4.0
        is_now = abs(int(columns.source_us[0]) - time.time_ns() // 1000) < 5_000_000
        assert columns.source_us[0] == 0 or is_now  # none, or the time of the server: never ours
        await driver.close()


async def test_a_certificate_on_a_revocation_list_is_refused_at_the_next_connect(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as (peer, pki):
        driver = driver_to(peer.port, OpcUaSecurity(pki, judge=judge))
        await driver.connect()
        theirs = tmp_path / "server"
        certificate = x509.load_pem_x509_certificate((theirs / "cert.pem").read_bytes())
        key = serialization.load_pem_private_key((theirs / "key.pem").read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        now = datetime.now(UTC)  # noqa: TID251 - lists need the day
        one = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
        listed = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(certificate.issuer)
            .last_update(now)
            .next_update(now + timedelta(days=1))
            .add_revoked_certificate(one.revocation_date(now).build())
            .sign(key, hashes.SHA256())
        )
        (pki / "crl").mkdir(exist_ok=True)
        der = listed.public_bytes(serialization.Encoding.DER)
        (pki / "crl" / "site.crl").write_bytes(der)
        await driver._drop()  # a cut: the next connect looks again
        with pytest.raises(DeviceRefused, match="revoked"):
            await driver.connect()
        await driver.close()


async def test_a_server_at_level_zero_is_left_alone_until_its_estimated_return(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as (peer, pki):
        driver = driver_to(peer.port, OpcUaSecurity(pki))
        await driver.connect()
        back = datetime.now(UTC) + timedelta(seconds=5)  # noqa: TID251 - the server's own word
        await peer.tell(json.dumps({"back": back.isoformat()}))
        await peer.tell(json.dumps({"level": 0}))
        async with asyncio.timeout(5):
            while driver.connected:
                await asyncio.sleep(0.05)
        await peer.tell(json.dumps({"level": 255}))
        with pytest.raises(LinkFailed, match="not to be disturbed"):
            await driver.connect()
        await connected(driver)
        assert datetime.now(UTC) >= back - timedelta(seconds=0.5)  # noqa: TID251 - as above
        await driver.close()


async def test_a_hundred_thousand_nodes_are_browsed_whole_or_cut_and_said_so(
    tmp_path: Path,
) -> None:
    async with server(tmp_path, many=100_000) as (peer, pki):
        endpoint = f"opc.tcp://127.0.0.1:{peer.port}"
        now_us = RealClock().wall_us()
        found = await walk(endpoint, OpcUaSecurity(pki), now_us=now_us, limit=20_000)
        assert (found.nodes, found.is_cut) == (20_000, True)
        found = await walk(endpoint, OpcUaSecurity(pki), now_us=now_us, limit=200_000)
        assert not found.is_cut
        assert found.nodes >= 100_000


async def test_a_server_that_grants_less_than_was_asked_is_named_with_its_figures(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as (peer, pki):
        fast = {"fast": 20_000_000}  # node-opcua publishes at 50 ms at best
        settings = replace(device(LEVEL), poll_ns=fast)
        endpoint = f"opc.tcp://127.0.0.1:{peer.port}"
        driver = OpcUaDriver(endpoint, [settings], OpcUaSecurity(pki), RealClock())
        await driver.connect()
        [note] = [one for one in driver.notes() if one.code == "device.server_slower"]
        served = driver.served(0)
        assert served["asked_publishing_ms"] == note.body["asked_publishing_ms"] == 20.0
        assert served["publishing_ms"] > 20.0
        assert served["lifetime_ms"] >= 300_000.0
        await driver.close()
