"""Opening and closing one OPC UA session; nodes and values in asyncua's types.  Shell: sockets.

Endpoints are asked for in the open, then the certificate is checked by our own trust list before
anything else is said; only SignAndEncrypt with a current policy is spoken.
"""

import asyncio
import logging
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.security_policies import (
    SecurityPolicy,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
)
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError

from devices.opcua.plan import NodeItem
from devices.opcua.status_code import GOOD
from devices.opcua.trust import OwnCertificate, check_server, first_certificate
from devices.opcua.value import NodeValue, decode
from proto.errors import DeviceRefused

logging.getLogger("asyncua").addHandler(logging.NullHandler())
logging.getLogger("asyncua").propagate = False  # ours is one event a change of state

PolicyName = Literal["Basic256Sha256", "Aes256_Sha256_RsaPss"]
_POLICIES: dict[str, type[SecurityPolicy]] = {
    "Aes256_Sha256_RsaPss": SecurityPolicyAes256Sha256RsaPss,
    "Basic256Sha256": SecurityPolicyBasic256Sha256,
}
"""What is spoken, the better one first."""

FOREIGN_ERRORS = (
    UaError,
    struct.error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    AssertionError,
    RuntimeError,
)
"""What asyncua raises while it takes an answer apart that is none."""

_CLOSE_S = 0.5
_SESSION_TIMEOUT_MS = 300_000
_QUEUE_SIZE = 16  # values that a server keeps of one item between two publishes
_NAMESPACES = 2255  # Server_NamespaceArray, Part 5
_READ_LIMIT = 11705  # MaxNodesPerRead, Part 5
_ITEMS_LIMIT = 11714  # MaxMonitoredItemsPerCall, Part 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class OpcUaSecurity:
    """How a session is secured: always SignAndEncrypt.

    Attributes:
        pki: directory with `own/`, `trusted/`, `rejected/`.
        policy: the one policy to speak; None = the best that the server offers.
    """

    pki: Path
    policy: PolicyName | None = None


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself: namespace URI -> index; limits of one call (0 = none)."""

    namespaces: Mapping[str, int] = field(default_factory=dict)
    reads_max: int = 0
    items_max: int = 0


async def open_session(
    endpoint: str, own: OwnCertificate, security: OpcUaSecurity, timeout_s: float
) -> Client:
    """Choose an endpoint, check the server's certificate, and open a session with a new client.

    Raises:
        DeviceRefused: no strong policy is offered, or the certificate was not approved.
    """
    scout = _new_client(endpoint, own, timeout_s)
    try:
        endpoints = await scout.connect_and_get_server_endpoints()
    finally:
        _abort(scout)
    chosen, policy = _choose(endpoints, security.policy, endpoint)
    der, server_uri = chosen.ServerCertificate or b"", chosen.Server.ApplicationUri or ""
    check = partial(check_server, security.pki, der, server_uri, place=endpoint)
    await asyncio.to_thread(check)
    client = _new_client(endpoint, own, timeout_s)
    await client.set_security(
        policy,
        CertProperties(own.certificate),
        CertProperties(own.key),
        server_certificate=CertProperties(first_certificate(der), "der"),
        mode=ua.MessageSecurityMode.SignAndEncrypt,
    )
    is_up = False
    try:
        await client.connect(auto_reconnect=False)
        is_up = True
    finally:
        if not is_up:
            await discard(client)
    return client


async def discard(client: Client) -> None:
    """Close a client for good within 1 s; a silent server is not waited for."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await client.disconnect()
    except (TimeoutError, OSError, *FOREIGN_ERRORS):
        pass  # it is given up in any case
    finally:
        _abort(client)


def _abort(client: Client) -> None:
    """Drop the socket with whatever is still to be sent."""
    protocol = client.uaclient.protocol
    transport = protocol.transport if protocol is not None else None
    client.disconnect_socket()
    if transport is not None:
        transport.abort()


def _new_client(endpoint: str, own: OwnCertificate, timeout_s: float) -> Client:
    client = Client(endpoint, timeout=timeout_s, watchdog_intervall=5.0)
    client.application_uri = own.application_uri
    client.name = client.description = "yujing-edge"
    client.session_timeout = _SESSION_TIMEOUT_MS
    return client


def _choose(
    endpoints: Sequence[ua.EndpointDescription], wanted: PolicyName | None, place: str
) -> tuple[ua.EndpointDescription, type[SecurityPolicy]]:
    """Return the best endpoint that is strong enough, and its policy.

    Raises:
        DeviceRefused: `device.policy_refused`, with what the server offers.
    """
    for policy_name, policy in _POLICIES.items():
        for endpoint in endpoints:
            is_encrypted = endpoint.SecurityMode == ua.MessageSecurityMode.SignAndEncrypt
            is_wanted = wanted in (None, policy_name)
            if is_wanted and is_encrypted and endpoint.SecurityPolicyUri == policy.URI:
                return endpoint, policy
    offered = sorted(
        {f"{str(e.SecurityPolicyUri).rpartition('#')[2]}/{e.SecurityMode.name}" for e in endpoints}
    )
    message = f"endpoint offers only {', '.join(offered) or 'nothing'}"
    raise DeviceRefused("device.policy_refused", message, place=place)


async def read_facts(client: Client) -> ServerFacts:
    """Read the namespaces and limits of the server."""
    wanted = [ua.NodeId(ua.Int32(at)) for at in (_NAMESPACES, _READ_LIMIT, _ITEMS_LIMIT)]
    uris, reads, items = (_content(data) for data in await read_nodes(client, wanted))
    if not isinstance(uris, list):
        raise UaError("the server has no namespace array")
    return ServerFacts(
        {str(uri): at for at, uri in reversed(list(enumerate(uris)))},
        reads if isinstance(reads, int) else 0,
        items if isinstance(items, int) else 0,
    )


def _content(data: ua.DataValue) -> object:
    return data.Value.Value if data.Value is not None else None


def node_id(node: str, namespaces: Mapping[str, int]) -> ua.NodeId | None:
    """Return today's id of `nsu=<URI>;s=<name>`; None when the server does not know the URI."""
    uri, _, identifier = node.removeprefix("nsu=").partition(";")
    if uri not in namespaces:
        return None
    try:
        return ua.NodeId.from_string(f"ns={namespaces[uri]};{identifier}")
    except FOREIGN_ERRORS:
        return None


async def read_nodes(client: Client, nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
    """Read the values of `nodes` as they are now (maxAge 0), one for each, in their order.

    Raises:
        ValueError: the answer has another number of values.
    """
    wanted = ua.ReadParameters(
        MaxAge=0,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        NodesToRead=[ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.Value) for node in nodes],
    )
    answer: list[ua.DataValue] = await client.uaclient.session.read(wanted)
    if len(answer) != len(nodes):
        raise ValueError(f"asked {len(nodes)} got {len(answer)} values")
    return answer


def item_request(handle: int, node: ua.NodeId, period_ms: float) -> ua.MonitoredItemCreateRequest:
    """Return the request to report `node` under `handle`; the server's queue is bounded."""
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=handle,
            SamplingInterval=period_ms,
            QueueSize=_QUEUE_SIZE,
            DiscardOldest=True,
        ),
    )


def decode_value(item: NodeItem, data: ua.DataValue) -> tuple[NodeValue, int]:
    """Return what a data value says, and its source time in µs (0 = none)."""
    variant = data.Value
    value = decode(
        item.type,
        "" if variant is None or variant.VariantType is None else variant.VariantType.name,
        None if variant is None else variant.Value,
        GOOD if data.StatusCode is None else int(data.StatusCode.value),
        scale=item.scale,
        offset=item.offset,
        fault_values=item.fault_values,
    )
    return value, _time_us(data.SourceTimestamp) or _time_us(data.ServerTimestamp)


def _time_us(when: datetime | None) -> int:
    """Return µs since 1970 UTC, rounded down; 0 for none and for all before 1970."""
    if when is None:
        return 0
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0, (aware - _EPOCH) // _MICROSECOND)
