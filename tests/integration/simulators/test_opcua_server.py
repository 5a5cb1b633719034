"""The OPC UA server seen by asyncua's client: what it serves, and whom it refuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies

from tests.integration.simulators.conftest import (
    CLIENT_URI,
    SERVER_URI,
    STRANGER_URI,
    Running,
    make_pki,
    running,
)

URI = "urn:yujing-sim:dust_dry"
POLICIES = [
    security_policies.SecurityPolicyBasic256Sha256,
    security_policies.SecurityPolicyAes256Sha256RsaPss,
]


pytestmark = pytest.mark.asyncio(loop_scope="module")  # the address space is made once


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("opcua")
    make_pki(made)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant(folder: Path) -> AsyncIterator[Running]:
    async with running("dust_dry", folder) as found:
        yield found


@asynccontextmanager
async def session(
    plant: Running,
    own: Path,
    uri: str,
    policy: type[security_policies.SecurityPolicy] = POLICIES[0],
) -> AsyncIterator[Client]:
    client = Client(f"opc.tcp://127.0.0.1:{plant.port}", timeout=4)
    client.application_uri = uri
    await client.set_security(
        policy,
        certificate=own / "own" / "cert.pem",
        private_key=own / "own" / "key.pem",
        server_certificate=own / "trusted" / "server.der",
    )
    async with client:
        yield client


async def variable(client: Client, name: str) -> ua.DataValue:
    index = await client.get_namespace_index(URI)
    return await client.get_node(ua.NodeId(name, index)).read_data_value()


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_known_client_reads_values_with_the_time_of_the_scan(
    plant: Running, folder: Path, policy: type[security_policies.SecurityPolicy]
) -> None:
    async with session(plant, folder / "client", CLIENT_URI, policy) as client:
        pressure = await variable(client, "Dust.DiffPressure")
        running_now = await variable(client, "Dust.FanRunning")
        life = [
            (await variable(client, "Dust.LifeCounter")),
        ]
        await plant.until(lambda s: s["image"]["life_counter"] > life[0].Value.Value + 4)
        life.append(await variable(client, "Dust.LifeCounter"))
    assert 700 < pressure.Value.Value < 1200
    assert pressure.Value.VariantType is ua.VariantType.Double
    assert running_now.Value.Value is True
    elapsed = (life[1].SourceTimestamp - life[0].SourceTimestamp).total_seconds()
    scans = life[1].Value.Value - life[0].Value.Value
    assert elapsed == pytest.approx(scans * 0.05, abs=0.1)


async def test_the_server_names_itself_a_simulator_and_offers_no_open_endpoint(
    plant: Running,
) -> None:
    client = Client(f"opc.tcp://127.0.0.1:{plant.port}", timeout=4)
    endpoints = await client.connect_and_get_server_endpoints()
    assert {e.SecurityMode for e in endpoints} == {ua.MessageSecurityMode.SignAndEncrypt}
    assert {e.SecurityPolicyUri.rpartition("#")[2] for e in endpoints} == {
        "Basic256Sha256",
        "Aes256_Sha256_RsaPss",
    }
    assert {e.Server.ApplicationUri for e in endpoints} == {SERVER_URI}
    assert "yujing-sim" in SERVER_URI
    assert all("yujing-sim" in e.Server.ApplicationName.Text for e in endpoints)


async def test_an_unknown_client_is_refused_and_its_certificate_kept_for_a_person(
    plant: Running, folder: Path
) -> None:
    with pytest.raises(ua.uaerrors.BadCertificateUntrusted):
        async with session(plant, folder / "stranger", STRANGER_URI):
            pass
    kept = [path.read_bytes() for path in (folder / "pki" / "rejected").iterdir()]
    assert kept == [(folder / "stranger" / "own" / "cert.der").read_bytes()]


async def test_a_known_certificate_under_another_application_uri_is_refused(
    plant: Running, folder: Path
) -> None:
    with pytest.raises(ua.uaerrors.BadCertificateUriInvalid):
        async with session(plant, folder / "client", STRANGER_URI):
            pass


async def test_a_client_without_security_can_neither_activate_nor_read(plant: Running) -> None:
    bare = Client(f"opc.tcp://127.0.0.1:{plant.port}", timeout=4)
    await bare.connect_socket()
    try:
        await bare.send_hello()
        await bare.open_secure_channel()
        create = ua.CreateSessionParameters()
        create.EndpointUrl = bare.server_url.geturl()
        create.ClientNonce = bytes(32)
        await bare.uaclient.create_session(create)
        read = ua.ReadParameters()
        read.NodesToRead = [
            ua.ReadValueId(ua.NodeId(ua.ObjectIds.Server_NamespaceArray), ua.AttributeIds.Value)
        ]
        with pytest.raises(ua.uaerrors.BadSessionNotActivated):
            await bare.uaclient.read(read)
        activate = ua.ActivateSessionParameters()
        activate.UserIdentityToken = ua.AnonymousIdentityToken()
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await bare.uaclient.activate_session(activate)
    finally:
        bare.disconnect_socket()


async def test_a_write_is_refused_and_trips_the_wire(plant: Running, folder: Path) -> None:
    async with session(plant, folder / "client", CLIENT_URI) as client:
        index = await client.get_namespace_index(URI)
        node = client.get_node(ua.NodeId("Dust.GrinderRunning", index))
        before = (await plant.status())["writes_refused"]
        with pytest.raises(ua.UaStatusCodeError):
            await node.write_value(False)
    assert (await plant.status())["writes_refused"] == before + 1


async def test_a_cut_line_refuses_connections_and_comes_back_by_itself(
    plant: Running, folder: Path
) -> None:
    port = plant.port
    await plant.ask(do="fault", kind="cut_line", for_ms=700)
    await plant.until(lambda s: not s["is_serving"])
    with pytest.raises(OSError, match="Connect call failed"):
        async with session(plant, folder / "client", CLIENT_URI):
            pass
    await plant.until(lambda s: s["is_serving"])
    async with session(plant, folder / "client", CLIENT_URI) as client:
        assert (await variable(client, "Dust.DiffPressure")).Value.Value > 0
    assert plant.port == port
