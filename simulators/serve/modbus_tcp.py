"""A Modbus TCP server with our own codec.  Shell: sockets on loopback.

Limits: 32 connections, 260 bytes an ADU, 120 s without a request, 5 s to take an answer.
"""

import asyncio

from simulators.box import Image
from simulators.physics.noise import normal
from simulators.plc.image import RegisterMap, Registers, encode
from simulators.serve.modbus_pdu import (
    MBAP_LENGTH,
    PLAIN,
    Habits,
    Identity,
    answer,
    parse_header,
    wrap,
)

CONNECTIONS_MAX = 32
IDLE_S = 120.0
DRAIN_S = 5.0
CLOSE_S = 2.0


class ModbusTcpServer:
    """Serves one image of registers to any unit id, as controllers without a serial side do."""

    def __init__(
        self,
        layout: RegisterMap,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        product: str = "",
        answer_s: float = 0.0,
        jitter_s: float = 0.0,
        seed: int = 0,
        habits: Habits = PLAIN,
    ) -> None:
        self._layout = layout
        self._habits = habits
        self._host = host
        self._port = port
        self._identity = Identity(product=product)
        self._answer_s = answer_s
        self._jitter_s = jitter_s
        self._seed = seed
        self._registers = Registers(
            layout.extents, dict.fromkeys(layout.extents, b""), layout.holes
        )
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._answered = 0
        self._writes = 0

    @property
    def port(self) -> int:
        """The port, once opened."""
        return self._port

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._tasks)

    @property
    def writes_refused(self) -> int:
        """The trip-wire: how often a client tried to write."""
        return self._writes

    async def prepare(self) -> None:
        """Nothing takes time here."""

    async def open(self) -> None:
        """Listen, on the same port as before."""
        if self._server is not None:
            return
        self._server = await asyncio.start_server(self._accept, self._host, self._port)
        self._port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Close every connection and refuse new ones."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_S)

    async def stop(self) -> None:
        """End for good."""
        await self.close()

    async def publish(self, image: Image, scan_us: int) -> None:
        """Show a new image; Modbus has no place for the time of the scan."""
        self._registers = encode(self._layout, image.values)

    def show(self, registers: Registers) -> None:
        """Show registers that are encoded already."""
        self._registers = registers

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._tasks) >= CONNECTIONS_MAX or self._server is None:
            writer.close()
            return
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            pass  # the client went away, or said nothing for too long
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, one request at a time, until it ends or sends no Modbus."""
        while True:
            async with asyncio.timeout(IDLE_S):
                header = parse_header(await reader.readexactly(MBAP_LENGTH))
                if header is None:
                    return
                pdu = await reader.readexactly(header.pdu_length)
            habits = self._habits
            reply = answer(pdu, self._registers, self._identity, habits)
            self._writes += reply.is_write
            await self._wait_as_a_controller_does()
            transaction = 0 if habits.tid_zero else header.transaction
            unit = header.unit if habits.unit_alias is None else habits.unit_alias
            writer.write(wrap(transaction, unit, reply.pdu))
            async with asyncio.timeout(DRAIN_S):
                await writer.drain()
            if habits.closes_after_each:
                writer.close()
                await writer.wait_closed()
                return

    async def _wait_as_a_controller_does(self) -> None:
        self._answered += 1
        if self._answer_s <= 0.0:
            return
        spread = self._jitter_s * normal(self._seed, 0x7C9, self._answered)
        await asyncio.sleep(max(self._answer_s + spread, 0.0))
