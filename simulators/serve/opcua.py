"""An OPC UA server for one plant: SignAndEncrypt, known clients.  Shell: sockets, pki files.

Directory `pki`: `own/cert.pem`, `own/key.pem`, `trusted/`, `rejected/`.  SourceTimestamp is the
time of the controller's scan.  Nodes come from the device profile that the driver reads.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, timedelta
from pathlib import Path

from asyncua import ua
from asyncua.common.callback import CallbackType, ServerItemCallback
from asyncua.server.internal_server import InternalServer
from asyncua.server.server import Server
from cryptography import x509

from devices.address import NodeType
from simulators.box import Image
from simulators.plants.model import Value
from simulators.plc.image import NodeCell
from simulators.serve.opcua_trust import Trust

CONNECTIONS_MAX = 32
CLOSE_S = 2.0
EPOCH = ua.DateTime(1970, 1, 1, tzinfo=UTC)
POLICIES = [
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
]
_VARIANTS = {
    NodeType.BOOLEAN: ua.VariantType.Boolean,
    NodeType.SBYTE: ua.VariantType.SByte,
    NodeType.BYTE: ua.VariantType.Byte,
    NodeType.INT16: ua.VariantType.Int16,
    NodeType.UINT16: ua.VariantType.UInt16,
    NodeType.INT32: ua.VariantType.Int32,
    NodeType.UINT32: ua.VariantType.UInt32,
    NodeType.INT64: ua.VariantType.Int64,
    NodeType.UINT64: ua.VariantType.UInt64,
    NodeType.FLOAT: ua.VariantType.Float,
    NodeType.DOUBLE: ua.VariantType.Double,
}
_FLOATS = (NodeType.FLOAT, NodeType.DOUBLE)


def to_variant(kind: NodeType, value: Value) -> ua.Variant:
    """Return a value as a variant of the node's type."""
    if kind is NodeType.BOOLEAN:
        return ua.Variant(bool(value), ua.VariantType.Boolean)
    number: float | int = float(value) if kind in _FLOATS else round(float(value))
    return ua.Variant(number, _VARIANTS[kind])


class OpcUaServer:
    """Serves one image of nodes; nothing but reading is allowed."""

    def __init__(
        self,
        cells: Sequence[NodeCell],
        *,
        name: str,
        pki: Path,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._cells = tuple(cells)
        self._name = name
        self._pki = pki
        self._host = host
        self._port = port
        trust = Trust(pki)
        self._inner = InternalServer(user_manager=trust)
        self._inner.certificate_validator = trust.validate
        self._inner.max_connections = CONNECTIONS_MAX
        self._server: Server | None = None
        self._is_open = False
        self._writes = 0
        self._nodes: list[tuple[NodeCell, ua.NodeId]] = []

    @property
    def port(self) -> int:
        """The port, once opened."""
        return self._port

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._inner.asyncio_transports)

    @property
    def writes_refused(self) -> int:
        """The trip-wire: how often a client tried to write."""
        return self._writes

    def _count_write(self, event: ServerItemCallback, _service: object) -> None:
        """Count a client's write; the nodes refuse it afterwards, none of them is writable."""
        self._writes += event.is_external

    async def prepare(self) -> None:
        """Make the address space; it takes a second or two."""
        if self._server is None:
            self._server = await self._make()

    async def open(self) -> None:
        """Listen, on the same port as before."""
        if self._is_open:
            return
        await self.prepare()
        server = self._server
        assert server is not None
        if server.bserver is None:
            await server.start()
        else:
            await server.bserver.start()
        assert server.bserver is not None
        self._port = server.bserver.port
        self._is_open = True

    async def close(self) -> None:
        """Close every connection and refuse new ones; the address space stays."""
        if not self._is_open or self._server is None or self._server.bserver is None:
            return
        self._is_open = False
        with contextlib.suppress(TimeoutError):  # the listener is closed first; sessions may linger
            async with asyncio.timeout(CLOSE_S):
                await self._server.bserver.stop()

    async def stop(self) -> None:
        """End for good, and stop the server's own tasks."""
        await self.close()
        if self._server is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._inner.stop()

    async def publish(self, image: Image, scan_us: int) -> None:
        """Write a new image into the nodes, with the time of the controller's scan."""
        stamp = EPOCH + timedelta(microseconds=scan_us)
        for cell, node in self._nodes:
            value = ua.DataValue(
                to_variant(cell.address.type, image.values[cell.name]),
                SourceTimestamp=stamp,
                ServerTimestamp=stamp,
            )
            await self._inner.write_attribute_value(node, value)

    async def _make(self) -> Server:
        server = Server(iserver=self._inner)
        await server.init()
        server.subscribe_server_callback(CallbackType.PreWrite, self._count_write)
        certificate = self._pki / "own" / "cert.pem"
        await server.set_application_uri(_application_uri(certificate))
        server.set_server_name(f"yujing-sim {self._name}")
        server.application_type = ua.ApplicationType.Server
        await server.set_build_info(
            "urn:yujing-sim", "yujing-sim", self._name, "1", "1", EPOCH.replace(tzinfo=None)
        )
        server.set_endpoint(f"opc.tcp://{self._host}:{self._port}/yujing-sim/{self._name}")
        server.set_identity_tokens([ua.AnonymousIdentityToken])
        server.set_security_policy(POLICIES)
        await server.load_certificate(certificate)
        await server.load_private_key(self._pki / "own" / "key.pem")
        await self._add_nodes(server)
        return server

    async def _add_nodes(self, server: Server) -> None:
        """Make a folder of variables, one per cell, each under the identifier of the profile."""
        folder: ua.NodeId | None = None
        for cell in self._cells:
            uri, _, identifier = cell.address.node.removeprefix("nsu=").partition(";")
            index = await server.register_namespace(uri)
            if folder is None:
                made = await server.nodes.objects.add_object(index, self._name)
                folder = made.nodeid
            node_id = ua.NodeId.from_string(f"ns={index};{identifier}")
            browse = ua.QualifiedName(identifier.partition("=")[2], index)
            empty = ua.Variant(to_variant(cell.address.type, 0).Value, _VARIANTS[cell.address.type])
            await server.get_node(folder).add_variable(node_id, browse, empty)
            self._nodes.append((cell, node_id))


def _application_uri(certificate: Path) -> str:
    """Return the URI of the certificate: server and certificate must name the same application."""
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris: list[str] = names.get_values_for_type(x509.UniformResourceIdentifier)
    return uris[0]
