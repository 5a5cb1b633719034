"""The gRPC connection: one channel with mTLS, one stream a call.  Shell: gRPC.

A new channel for each session, with its own connection (`use_local_subchannel_pool`); a message is
bytes already, so that no object is ever written twice.

Clause: batches.md 3.13 (Half-open links), security.md 3.4.
"""

import asyncio
from typing import NoReturn

import grpc
import grpc.aio

from edge.uplink.carriage import Pipe, SessionEnded
from proto import limits
from proto.rpc import UPLINK_STREAM
from proto.v1 import uplink_pb2 as wire

WRITE_S = 30.0
CLOSE_S = 1.0
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", limits.CENTRAL_MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", limits.MESSAGE_BYTES_MAX),
)


class GrpcCarriage:
    """One connection to the centre."""

    def __init__(self, address: str, *, root: bytes, cert: bytes, key: bytes) -> None:
        credentials = grpc.ssl_channel_credentials(root, key, cert)
        self._channel = grpc.aio.secure_channel(address, credentials, options=CHANNEL_OPTIONS)
        self._method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = (
            self._channel.stream_stream(UPLINK_STREAM)
        )

    def open(self, kind: wire.StreamKind) -> Pipe:
        """Open one call."""
        return _GrpcPipe(self._method(), kind)

    async def close(self) -> None:
        """Close the channel; calls that are open are cancelled."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._channel.close(grace=None)
        except TimeoutError:
            return  # nothing waits for it


class _GrpcPipe:
    """One stream."""

    def __init__(
        self, call: "grpc.aio.StreamStreamCall[bytes, bytes]", kind: wire.StreamKind
    ) -> None:
        self._call, self._kind = call, kind
        self._writing = asyncio.Lock()

    async def send(self, message: bytes) -> None:
        try:
            async with self._writing, asyncio.timeout(WRITE_S):
                await self._call.write(message)
        except TimeoutError as error:
            raise SessionEnded("UNAVAILABLE", "the centre does not read", self._kind) from error
        except grpc.aio.AioRpcError as error:
            self._ended(error.code(), error.details())
        except (asyncio.InvalidStateError, grpc.aio.UsageError):
            self._ended(await self._call.code(), await self._call.details())

    async def receive(self) -> bytes:
        try:
            data = await self._call.read()
        except grpc.aio.AioRpcError as error:
            self._ended(error.code(), error.details())
        except (asyncio.InvalidStateError, grpc.aio.UsageError):
            self._ended(await self._call.code(), await self._call.details())
        if not isinstance(data, bytes):
            self._ended(await self._call.code(), await self._call.details())
        return data

    def _ended(self, code: grpc.StatusCode, details: str | None) -> NoReturn:
        name = "CANCELLED" if code is grpc.StatusCode.OK else code.name
        raise SessionEnded(name, details or name.lower(), self._kind)
