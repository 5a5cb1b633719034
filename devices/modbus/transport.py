"""Connections of Modbus lines over pymodbus 3.16: TCP, TLS, an accepted socket.  Shell: sockets.

What we lean on, and why it is done so:

* The library opens and closes.  Every byte that comes is taken at its very entrance
  (`data_received`), so that it neither parses nor drops any; the guard judges raw bytes.  The
  frames that leave are the guard's, with transaction ids that it knows, straight to the transport.
* `retries=0`, `reconnect_delay=0`, and a huge number of answers missed: the owner of the line
  retries and reconnects; one dead unit closes nobody's connection.
* `trace_connect(False)` tells a loss at once.
* `ctx.call_create` is replaced by what opens the connection: our own socket (fixed local port), TLS
  over it, one that a device has dialled, or a serial port.  TLS uses the SOCKET framer: the
  library's TLS framer takes each chunk for a whole frame.
"""

import asyncio
import hashlib
import hmac
import logging
import select
import socket
import ssl
from collections.abc import Awaitable, Callable

from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient

from devices.failure import LinkFailed
from devices.modbus.line_settings import TcpEndpoint, Tls
from devices.modbus.role import role_in
from proto.errors import DeviceRefused

logging.getLogger("pymodbus").addHandler(logging.NullHandler())
logging.getLogger("pymodbus").propagate = False  # it logs each failure; ours is one event a change

_NEVER = 1 << 30
_UNACKNOWLEDGED_MS = 10_000

Opener = Callable[[Callable[[], asyncio.BaseProtocol]], Awaitable[tuple[object, object]]]
"""Opens a transport for the protocol that the factory makes."""


class Connection:
    """One connection; made by `open`, used until it is lost or closed."""

    def __init__(
        self, opener: Opener, on_bytes: Callable[[bytes], None], on_lost: Callable[[], None]
    ) -> None:
        self._opener, self._on_bytes, self._on_lost = opener, on_bytes, on_lost
        self._error: Exception | None = None
        self._client: AsyncModbusTcpClient | None = None
        self._is_up = False

    @property
    def is_open(self) -> bool:
        """True while it stands, as far as the kernel has told."""
        return self._is_up

    @property
    def error_number(self) -> int | None:
        """The system's number of why it could not be opened."""
        return self._error.errno if isinstance(self._error, OSError) else None

    async def open(self, timeout_s: float, place: str) -> None:
        """Open it.

        Raises:
            DeviceUnreachable: nobody accepts within the time-out.
            DeviceRefused: the peer is not who it ought to be, or refuses us.
        """
        client = AsyncModbusTcpClient(
            place,
            framer=FramerType.SOCKET,
            timeout=timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_connect=self._on_connect,
        )
        client.set_max_no_responses(_NEVER)
        client.ctx.data_received = self._on_data  # type: ignore[method-assign]
        client.ctx.call_create = self._create
        self._client, self._is_up = client, True
        if not await client.connect():
            self.close()
            if isinstance(self._error, ssl.SSLError | DeviceRefused):
                reason = getattr(self._error, "verify_message", "") or str(self._error)
                raise DeviceRefused("device.certificate_refused", reason, place=place)
            why = f": {self._error}" if self._error is not None else ""
            raise LinkFailed(f"no connection within {timeout_s:g} s{why}", place=place)

    def send(self, data: bytes) -> None:
        """Send bytes; never waits."""
        assert self._client is not None
        transport = self._client.ctx.transport
        if isinstance(transport, asyncio.WriteTransport):  # else it is lost: that is told elsewhere
            transport.write(data)

    def has_bytes(self) -> bool:
        """Return True when bytes wait in the kernel that nobody has been told of."""
        transport = self._client.ctx.transport if self._client is not None else None
        if transport is None:
            return False
        port = getattr(transport, "sync_serial", None)
        fd = port.fileno() if port is not None else transport.get_extra_info("socket").fileno()
        if fd < 0:
            return False
        waiting = select.poll()  # select() ends at descriptor 1023
        waiting.register(fd, select.POLLIN)
        return bool(waiting.poll(0))

    def close(self) -> None:
        """Close; never waits for the peer, and may be called twice."""
        client, self._client, self._is_up = self._client, None, False
        if client is not None:
            client.close()

    async def _create(self) -> tuple[object, object]:
        assert self._client is not None
        try:
            return await self._opener(self._client.ctx.handle_new_connection)
        except (OSError, ssl.SSLError) as error:
            self._error = error
            raise
        except DeviceRefused as error:
            self._error = error
            raise OSError(str(error)) from error

    def _on_data(self, data: bytes) -> None:
        if self._client is not None:
            self._on_bytes(data)

    def _on_connect(self, is_connected: bool) -> None:
        if not is_connected and self._client is not None:
            self._is_up = False
            self._on_lost()


def tcp_opener(endpoint: TcpEndpoint, port: int, local_port: int = 0) -> Opener:
    """Return what opens a TCP connection, with TLS where the endpoint has it.

    Args:
        endpoint: where to.
        port: which of its ports.
        local_port: ours; 0 = the kernel's choice.
    """

    async def opened(factory: Callable[[], asyncio.BaseProtocol]) -> tuple[object, object]:
        loop = asyncio.get_running_loop()
        sock = await _connected(loop, endpoint.host, port, local_port)
        if endpoint.tls is None:
            return await loop.create_connection(factory, sock=sock)
        try:
            context = await loop.run_in_executor(None, _context, endpoint.tls)
        except BaseException:
            sock.close()
            raise
        name = endpoint.tls.server_name or endpoint.host
        transport, protocol = await loop.create_connection(
            factory, sock=sock, ssl=context, server_hostname=name
        )
        _check_pin(endpoint.tls, transport)
        return transport, protocol

    return opened


def socket_opener(sock: socket.socket) -> Opener:
    """Return what takes over a socket that a device has dialled."""

    async def opened(factory: Callable[[], asyncio.BaseProtocol]) -> tuple[object, object]:
        return await asyncio.get_running_loop().create_connection(factory, sock=sock)

    return opened


async def _connected(
    loop: asyncio.AbstractEventLoop, host: str, port: int, local_port: int
) -> socket.socket:
    """Return a connected socket; from a fixed port, a dead connection of ours is found there."""
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    error: OSError = OSError(f"{host}: no address")
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            if local_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("", local_port))
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
            await loop.sock_connect(sock, address)
        except OSError as failed:
            sock.close()
            error = failed
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise error


def _context(tls: Tls) -> ssl.SSLContext:
    """Return how the peer is verified and who we are; reads the files of `tls`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.ca:
        context.load_verify_locations(cafile=tls.ca)
    else:  # the pin stands for the peer: its very certificate, checked before a byte is sent
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert:
        context.load_cert_chain(tls.cert, tls.key or None)
        _check_role(tls)
    return context


def _check_role(tls: Tls) -> None:
    if not tls.role:
        return
    with open(tls.cert, encoding="ascii") as file:
        text = file.read(1 << 20)
    end = "-----END CERTIFICATE-----"
    first = text[text.find("-----BEGIN CERTIFICATE-----") : text.find(end) + len(end)]
    role = role_in(ssl.PEM_cert_to_DER_cert(first))
    if role != tls.role:
        message = f"our certificate has the role {role!r}, the line wants {tls.role!r}"
        raise DeviceRefused("device.certificate_refused", message, place=tls.cert)


def _check_pin(tls: Tls, transport: asyncio.Transport) -> None:
    if not tls.pin:
        return
    peer = transport.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
    thumbprint = hashlib.sha256(peer).hexdigest()
    if not hmac.compare_digest(thumbprint, tls.pin.lower()):
        transport.abort()
        message = f"{thumbprint} is not the approved certificate; approve on site 证书未受信任"
        raise DeviceRefused("device.certificate_refused", message)
