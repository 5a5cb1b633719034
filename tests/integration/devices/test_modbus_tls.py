"""Modbus/TLS: libmodbus behind a TLS end of OpenSSL; who is not verified is refused."""

import asyncio
import hashlib
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from devices.modbus.driver import ModbusDriver
from devices.modbus.frame import Framing
from devices.modbus.line_settings import ModbusLine, TcpEndpoint, Tls
from devices.modbus.role import role_in
from proto.errors import DeviceError, DeviceRefused
from tests.integration.devices.clock import RealClock
from tests.integration.devices.peers import libmodbus
from tests.unit.devices.builders import modbus_settings, register

ROLE = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1")
PEM = serialization.Encoding.PEM


class Authority:
    """A certificate authority of one test; its files lie in one folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path = folder / f"{name}.pem"
        made = self._builder(self.subject, self.key, is_ca=True)
        self.path.write_bytes(made.sign(self.key, hashes.SHA256()).public_bytes(PEM))

    def issue(self, name: str, *, role: str = "", days: int = 10) -> tuple[Path, Path]:
        """Write a certificate for 127.0.0.1 and its key; negative days = it is over."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key, is_ca=False, days=days).add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        if role:
            text = role.encode()
            value = bytes((0x0C, len(text))) + text
            builder = builder.add_extension(x509.UnrecognizedExtension(ROLE, value), critical=False)
        cert, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(PEM))
        private.write_bytes(
            key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return cert, private

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_ca: bool, days: int = 10
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)  # noqa: TID251 - certificates need the day
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=20))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )


@asynccontextmanager
async def tls_end(
    cert: Path, key: Path, target: int, *, clients: Path | None = None, chunk: int = 4096
) -> AsyncIterator[int]:
    """Take TLS off and pass the bytes on to `target`; answers leave in records of `chunk` bytes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, n: int) -> None:
        with suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(4096):
                for at in range(0, len(data), n):
                    writer.write(data[at : at + n])
                    await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", target)
        for task in (pump(reader, back, 4096), pump(there, writer, chunk)):
            tasks.add(asyncio.create_task(task))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def driver_of(port: int, tls: Tls) -> ModbusDriver:
    endpoint = TcpEndpoint("127.0.0.1", (port,), tls=tls)
    line = ModbusLine("plc_line", endpoint, Framing.MBAP, 1_000_000_000)
    points = [register(f"plc/r{at}", at) for at in range(4)]
    return ModbusDriver(line, [modbus_settings(points)], RealClock())


async def values(port: int, tls: Tls) -> list[float]:
    driver = driver_of(port, tls)
    await driver.connect()
    try:
        found: list[float] = (await driver.read(driver.blocks[0])).value.tolist()
        return found
    finally:
        await driver.close()


@pytest.mark.parametrize("chunk", [4096, 7])
async def test_a_peer_of_our_authority_is_read_even_in_two_records(
    tmp_path: Path, chunk: int
) -> None:
    ca = Authority(tmp_path, "ca")
    async with libmodbus() as peer:
        await peer.tell("holding 2 77")
        async with tls_end(*ca.issue("plc"), peer.port, chunk=chunk) as port:
            assert await values(port, Tls(ca=str(ca.path))) == [0.0, 0.0, 77.0, 0.0]


async def test_a_pinned_certificate_is_read_and_another_refused(tmp_path: Path) -> None:
    ca = Authority(tmp_path, "ca")
    cert, key = ca.issue("plc")
    der = ssl.PEM_cert_to_DER_cert(cert.read_text())
    async with libmodbus() as peer, tls_end(cert, key, peer.port) as port:
        pin = hashlib.sha256(der).hexdigest()
        assert await values(port, Tls(pin=pin)) == [0.0] * 4
        with pytest.raises(DeviceRefused):
            await values(port, Tls(pin="00" * 32))


@pytest.mark.parametrize("why", ["other authority", "other name", "over"])
async def test_a_peer_that_cannot_be_verified_is_refused(tmp_path: Path, why: str) -> None:
    ca, other = Authority(tmp_path, "ca"), Authority(tmp_path, "other")
    cert, key = ca.issue("plc", days=-1 if why == "over" else 10)
    trusted = str(other.path if why == "other authority" else ca.path)
    name = "plc.example" if why == "other name" else ""
    async with libmodbus() as peer, tls_end(cert, key, peer.port) as port:
        with pytest.raises(DeviceRefused) as refused:
            await values(port, Tls(ca=trusted, server_name=name))
        assert refused.value.code == "device.certificate_refused"


async def test_a_device_that_asks_who_we_are_is_told(tmp_path: Path) -> None:
    ca = Authority(tmp_path, "ca")
    ours, key = ca.issue("edge", role="Operator")
    both = {"cert": str(ours), "key": str(key)}
    async with (
        libmodbus() as peer,
        tls_end(*ca.issue("plc"), peer.port, clients=ca.path) as port,
    ):
        assert await values(port, Tls(ca=str(ca.path), role="Operator", **both)) == [0.0] * 4
        with pytest.raises(DeviceRefused, match="Operator"):
            await values(port, Tls(ca=str(ca.path), role="Viewer", **both))
        with pytest.raises(DeviceError):
            await values(port, Tls(ca=str(ca.path)))


def test_the_role_is_found_in_any_certificate_and_in_nothing_else(tmp_path: Path) -> None:
    ca = Authority(tmp_path, "ca")
    with_role, _ = ca.issue("with", role="Engineer 工程师")
    without, _ = ca.issue("without")
    assert role_in(ssl.PEM_cert_to_DER_cert(with_role.read_text())) == "Engineer 工程师"
    der = ssl.PEM_cert_to_DER_cert(without.read_text())
    assert role_in(der) is None
    assert {role_in(der[:n]) for n in range(0, len(der), 7)} == {None}
