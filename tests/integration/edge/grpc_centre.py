"""A centre on a real port with mTLS: follows the protocol in memory, or misbehaves on purpose."""

import asyncio
from types import TracebackType

import grpc
import grpc.aio

from edge.uplink.carriage import SessionEnded
from proto.rpc import UPLINK_STREAM
from proto.v1 import uplink_pb2 as wire
from tests.certificates import Authority
from tests.fake_centre import Centre, WirePipe


class GrpcCentre:
    """Serves `centre` on loopback."""

    def __init__(self, authority: Authority, centre: Centre, *, port: int = 0) -> None:
        self.centre, self.port = centre, port
        self._authority = authority
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])

    async def __aenter__(self) -> "GrpcCentre":
        own = self._authority.centre()
        credentials = grpc.ssl_server_credentials(
            [(own.key, own.cert)], self._authority.pem, require_client_auth=True
        )
        _, service, method = UPLINK_STREAM.split("/")
        handler = grpc.stream_stream_rpc_method_handler(self._stream)
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, {method: handler})]
        )
        self.port = self._server.add_secure_port(f"127.0.0.1:{self.port}", credentials)
        await self._server.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._server.stop(None)

    async def _stream(self, _requests: object, context: grpc.aio.ServicerContext) -> None:
        if self.centre.refusal:
            await context.abort(grpc.StatusCode[self.centre.refusal], "refused")
        pipe = WirePipe(self.centre, wire.STREAM_UNSET)
        answers = asyncio.create_task(self._answer(pipe, context))
        try:
            while True:
                data = await context.read()
                if data is grpc.aio.EOF or self.centre.cut:
                    break
                await pipe.send(data)
                if pipe.ended:
                    break
        except SessionEnded:
            pass
        finally:
            answers.cancel()
        if pipe.ended:
            await context.abort(grpc.StatusCode[pipe.ended], "as the test wants it")

    async def _answer(self, pipe: WirePipe, context: grpc.aio.ServicerContext) -> None:
        while (data := await pipe.answers.get()) is not None:
            await context.write(data)
