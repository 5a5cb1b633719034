"""A centre in this process with real files and real gRPC, and a gateway told what to do."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

from central.app import Parts, build
from central.config.file import load_settings
from central.listeners.client import build_client_server
from central.listeners.gateway import build_gateway_server
from central.store.database import Database
from proto.batch import Frame
from proto.rpc import UPLINK_STREAM
from proto.v1 import uplink_pb2 as wire
from tests.integration.central.certificates import Credentials, authority

GATEWAY = "610581-bof1a"
SITE = "hancheng-steel"
URI = f"spiffe://yujing-test/edge/{GATEWAY}"
SESSION = b"s" * 16

CONFIG = """
central = {{ name = "test", data_dir = "data" }}
gateways = {{ listen = "127.0.0.1:{port}", cert = "server.pem", key = "server.key" }}
pki = {{ root = "root.pem" }}
analysis = {{ packs = [] }}

[[site]]
id = "hancheng-steel"
name = "韩城示范钢厂"
region = "610581"
gateways = ["610581-bof1a"]
simulated = true

[[site]]
id = "weinan-dust"
name = "渭南示范抛光厂"
region = "610502"
gateways = ["610502-dust1a"]
simulated = true
"""


def write_centre(folder: Path, port: int = 0, more: str = "") -> Path:
    """Write configuration and certificates; return the configuration."""
    server = authority().server()
    (folder / "root.pem").write_bytes(authority().root)
    (folder / "server.pem").write_bytes(server.cert)
    (folder / "server.key").write_bytes(server.key)
    os.chmod(folder / "server.key", 0o600)
    config = folder / "central.toml"
    config.write_text(CONFIG.format(port=port) + more, "utf-8")
    return config


def short_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder whose unix sockets have short names."""
    return tempfile.TemporaryDirectory(prefix="yjc-")


@dataclass
class Centre:
    """A running centre."""

    folder: Path
    parts: Parts
    port: int

    def call(self, who: Credentials | None = None) -> "Uplink":
        """Return an uplink of the registered gateway, or of somebody else."""
        return Uplink(self.port, who or authority().gateway(URI))


@asynccontextmanager
async def centre(folder: Path) -> AsyncIterator[Centre]:
    """Run a centre in this process: the doors and the writer, without console and analysis."""
    settings = load_settings(write_centre(folder))
    database = Database(Path(settings.data_dir))
    database.open()
    try:
        parts = await build(settings, database)
        gateways, port = build_gateway_server(settings, parts.door)
        clients, _port = build_client_server(settings, parts.queries)
        await gateways.start()
        await clients.start()
        writer = asyncio.create_task(parts.writer.run())
        try:
            yield Centre(folder, parts, port)
        finally:
            parts.door.drain()
            await asyncio.gather(gateways.stop(2), clients.stop(0))
            writer.cancel()
            await asyncio.wait({writer})
    finally:
        database.close()


class Uplink:
    """One call of a gateway; sends exactly what it is told to."""

    def __init__(self, port: int, who: Credentials) -> None:
        credentials = grpc.ssl_channel_credentials(authority().root, who.key, who.cert)
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
        self._channel = grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options)
        self._call = self._channel.stream_stream(UPLINK_STREAM)()

    async def __aenter__(self) -> "Uplink":
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._call.cancel()
        await self._channel.close(0)

    async def hello(self, kind: str = "URGENT", **more: object) -> wire.Welcome:
        """Send a Hello and return the Welcome."""
        said: dict[str, object] = {
            "proto_min": 1,
            "proto_max": 1,
            "kind": kind,
            "session": SESSION,
            "version": "test",
            "boot_id": 1,
        }
        await self.send(wire.EdgeMsg(hello=wire.Hello(**(said | more))))
        return (await self.receive()).welcome

    async def send(self, message: wire.EdgeMsg) -> None:
        """Send one message."""
        await self.send_bytes(message.SerializeToString())

    async def send_bytes(self, data: bytes) -> None:
        """Send raw bytes as one message."""
        async with asyncio.timeout(5):
            await self._call.write(data)

    async def frames(self, *frames: Frame | bytes) -> None:
        """Send frames in one message."""
        data = [frame.data if isinstance(frame, Frame) else frame for frame in frames]
        await self.send(wire.EdgeMsg(frames=wire.Frames(frame=data)))

    async def receive(self) -> wire.CentralMsg:
        """Return the next message of the centre."""
        async with asyncio.timeout(5):
            data = await self._call.read()
        assert isinstance(data, bytes), await self.ending()
        return wire.CentralMsg.FromString(data)

    async def ack(self, *frames: Frame | bytes) -> wire.Ack:
        """Send frames and return the acknowledgement that disposes of all of them."""
        await self.frames(*frames)
        return (await self.receive()).ack

    async def acked(self, nth: int) -> list[wire.Ack]:
        """Return acknowledgements up to a number of frames."""
        acks = [(await self.receive()).ack]
        while acks[-1].nth < nth:
            acks.append((await self.receive()).ack)
        return acks

    async def ending(self) -> tuple[grpc.StatusCode, str]:
        """Return how the centre has ended the call; what it sent before is passed over."""
        async with asyncio.timeout(10):
            with contextlib.suppress(grpc.aio.AioRpcError):
                while isinstance(await self._call.read(), bytes):
                    pass
            return await self._call.code(), await self._call.details() or ""

    async def done(self) -> None:
        """Say that nothing more comes."""
        await self._call.done_writing()


def held(ranges: Sequence[wire.Range], lane: int) -> list[tuple[int, int]]:
    """Return the spans of one lane."""
    return [(found.lo, found.hi) for found in ranges if found.lane == lane]
