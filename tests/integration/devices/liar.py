"""A Modbus TCP server that answers with whatever bytes it is told, one script a request."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Script = Callable[[bytes], Sequence[bytes | float | None]]
"""What happens on a request: bytes are sent, a number is a pause in s, None cuts the line."""


def honest(request: bytes) -> bytes:
    """The right answer: holding register n holds 1000 + n; bit n is set when n is odd."""
    function, start = request[7], int.from_bytes(request[8:10], "big")
    quantity = int.from_bytes(request[10:12], "big")
    if function in (3, 4):
        data = b"".join((1000 + start + at).to_bytes(2, "big") for at in range(quantity))
    else:
        bits = sum(((start + at) % 2) << at for at in range(quantity))
        data = bits.to_bytes(-(-quantity // 8), "little")
    body = bytes([request[6], function, len(data)]) + data
    return request[0:4] + len(body).to_bytes(2, "big") + body


def truth(request: bytes) -> Sequence[bytes]:
    """The script of an honest device."""
    return [honest(request)]


@dataclass
class Liar:
    """What the server was asked, and what it does next.

    Attributes:
        scripts: used up in order; then it is honest.
        requests: every request, on whatever connection.
        connections: how many were accepted.
    """

    scripts: list[Script] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        self.connections += 1
        try:
            while True:
                request = await reader.readexactly(12)
                self.requests.append(request)
                script = self.scripts.pop(0) if self.scripts else truth
                for step in script(request):
                    if step is None:
                        return
                    if isinstance(step, bytes):
                        writer.write(step)
                        await writer.drain()
                    else:
                        await asyncio.sleep(step)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def lying(*scripts: Script) -> AsyncIterator[Liar]:
    """Run the server on a free port."""
    liar = Liar(list(scripts))
    server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
    liar.port = server.sockets[0].getsockname()[1]
    try:
        yield liar
    finally:
        server.close()
