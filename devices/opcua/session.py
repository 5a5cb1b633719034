"""Opening, resuming and closing one OPC UA session, secured.  Shell: sockets.

Endpoints are asked for in the open, then the certificate is checked by our own trust list before
anything else is said.  Only SignAndEncrypt with a current policy is spoken; a broken one only where
the site allows it, with a reason and an end.  After a cut the same session is activated on a new
channel; a client object is used for one channel only.

Clause: OPC UA Part 4, 5.5.2, 5.7.2, 5.7.3, 6.7 (re-establishing connections); Part 2, 4.10.
"""

import asyncio
import logging
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.security_policies import (
    SecurityPolicy,
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic128Rsa15,
    SecurityPolicyBasic256,
    SecurityPolicyBasic256Sha256,
    SecurityPolicyNone,
)
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from devices.opcua.certificate import Judge, Presented, Standing, Verdict, strict
from devices.opcua.trust import OwnCertificate, check_server, first_certificate
from proto.errors import DeviceRefused

logging.getLogger("asyncua").addHandler(logging.NullHandler())
logging.getLogger("asyncua").propagate = False  # ours is one event a change of state

PolicyName = Literal[
    "Aes256_Sha256_RsaPss",
    "Aes128_Sha256_RsaOaep",
    "Basic256Sha256",
    "Basic256",
    "Basic128Rsa15",
    "None",
]
_STRONG: dict[str, type[SecurityPolicy]] = {
    "Aes256_Sha256_RsaPss": SecurityPolicyAes256Sha256RsaPss,
    "Aes128_Sha256_RsaOaep": SecurityPolicyAes128Sha256RsaOaep,
    "Basic256Sha256": SecurityPolicyBasic256Sha256,
}
"""What is spoken, the better one first."""
_BROKEN: dict[str, type[SecurityPolicy]] = {
    "Basic256": SecurityPolicyBasic256,
    "Basic128Rsa15": SecurityPolicyBasic128Rsa15,
    "None": SecurityPolicyNone,
}
"""What is spoken only by exception."""

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

MESSAGE_BYTES_MAX = 16 << 20
_CLOSE_S = 0.5
SESSION_TIMEOUT_MS = 300_000


@dataclass(frozen=True, slots=True)
class OpcUaSecurity:
    """How a session is secured.

    Attributes:
        pki: directory with `own/`, `trusted/`, `rejected/`, `crl/`, `revoked/`.
        policy: the one policy to speak; None = the best that the server offers.
        judge: what a certificate is worth.
        insecure_until_us: until when a broken `policy` may be spoken; 0 = never.
        user, password: login, or None for an anonymous session.
    """

    pki: Path
    policy: PolicyName | None = None
    judge: Judge = strict
    insecure_until_us: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """An endpoint that was chosen, and what its server is worth.

    Attributes:
        policy: class of the security policy.
        policy_name: its name.
        der: the server's certificate; empty without security.
        presented, verdict: what it shows and what that is worth; None without security.
    """

    policy: type[SecurityPolicy]
    policy_name: str
    der: bytes
    application_uri: str
    presented: Presented | None
    verdict: Verdict

    @property
    def is_insecure(self) -> bool:
        """True where the policy is spoken by exception."""
        return self.policy_name in _BROKEN


@dataclass(frozen=True, slots=True)
class Ticket:
    """What activates a session on another channel: its token, and the server's last nonce."""

    token: ua.NodeId = field(repr=False)
    nonce: bytes | None = field(repr=False)
    policies: Sequence[ua.UserTokenPolicy] = ()


async def scout(
    endpoint: str, own: OwnCertificate, security: OpcUaSecurity, timeout_s: float, now_us: int
) -> Found:
    """Ask for the endpoints, choose one, and judge its server.

    Raises:
        DeviceRefused: no policy that may be spoken is offered, or the server is not trusted.
    """
    client = _new_client(endpoint, own, timeout_s)
    try:
        endpoints = await client.connect_and_get_server_endpoints()
    finally:
        abort(client)
    chosen, name, policy = _choose(endpoints, security, endpoint, now_us)
    uri = chosen.Server.ApplicationUri or ""
    if name == "None":
        return Found(policy, name, b"", uri, None, Verdict(Standing.IN_FORCE))
    return await judged(
        Found(policy, name, chosen.ServerCertificate or b"", uri, None, Verdict(Standing.REFUSED)),
        security,
        endpoint,
        now_us,
    )


async def judged(found: Found, security: OpcUaSecurity, endpoint: str, now_us: int) -> Found:
    """Return the same endpoint with the verdict of today.

    Raises:
        DeviceRefused: the server is not trusted, or no more.
    """
    if not found.der:
        return found
    check = partial(check_server, place=endpoint, judge=security.judge, now_us=now_us)
    presented, verdict = await asyncio.to_thread(
        check, security.pki, found.der, found.application_uri
    )
    return Found(
        found.policy, found.policy_name, found.der, found.application_uri, presented, verdict
    )


async def open_session(
    endpoint: str,
    own: OwnCertificate,
    security: OpcUaSecurity,
    found: Found,
    timeout_s: float,
    ticket: Ticket | None = None,
) -> tuple[Client, bool]:
    """Open a channel with a new client and activate a session on it.

    Returns the client, and True where it is the session of the ticket.

    Raises:
        DeviceRefused: a password would travel without encryption.
        UaStatusCodeError: the server refuses.
    """
    if security.user is not None and found.policy_name == "None":
        message = "login only on an encrypted channel"
        raise DeviceRefused("device.login_insecure", message, place=endpoint)
    client = _new_client(endpoint, own, timeout_s)
    if found.policy_name != "None":
        await client.set_security(
            found.policy,
            CertProperties(own.certificate),
            CertProperties(own.key),
            server_certificate=CertProperties(first_certificate(found.der), "der"),
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )
    if security.user is not None:
        client.set_user(security.user)
        client.set_password(security.password or "")
    is_up = False
    try:
        await client.connect_socket()
        await client.send_hello()
        _limit(client)
        await client.open_secure_channel()
        is_resumed = ticket is not None and await _resume(client, security, ticket)
        if not is_resumed:
            await client.create_session()
            await client.activate_session(security.user, security.password)
        is_up = True
    finally:
        if not is_up:
            abort(client)
    return client, is_resumed


async def _resume(client: Client, security: OpcUaSecurity, ticket: Ticket) -> bool:
    """Activate the session of `ticket` on this channel; False where the server forgot it."""
    client.uaclient.session.restore_authentication_token(ticket.token)
    setattr(client, "_server_nonce", ticket.nonce)  # noqa: B010 - no public way; contract test
    client._policy_ids = list(ticket.policies)  # noqa: SLF001 - as above
    try:
        await client.activate_session(security.user, security.password)
    except UaStatusCodeError:
        client.uaclient.session.reset_authentication_token()
        return False
    return True


def ticket_of(client: Client) -> Ticket:
    """Return what activates this client's session on another channel."""
    return Ticket(
        client.uaclient.session.authentication_token,
        client._server_nonce,  # noqa: SLF001 - no public way; contract test
        tuple(client._policy_ids),  # noqa: SLF001 - as above
    )


def _limit(client: Client) -> None:
    """Bound what one answer may hold: a server that says 0 means no bound at all."""
    protocol = client.uaclient.protocol
    assert protocol is not None
    limits = protocol._connection._limits  # noqa: SLF001 - no public way; contract test
    stated = limits.max_message_size
    limits.max_message_size = min(stated, MESSAGE_BYTES_MAX) if stated else MESSAGE_BYTES_MAX


async def renew(client: Client) -> None:
    """Take a new token for the channel before the old one ends."""
    await client.open_secure_channel(renew=True)
    client.uaclient.revolve_security_token()


async def discard(client: Client, *, keeps_subscriptions: bool = False) -> None:
    """Close a session for good within 1 s; a silent server is not waited for.

    Args:
        client: connected or not.
        keeps_subscriptions: True lets them live on, for the next start to take over.
    """
    try:
        async with asyncio.timeout(_CLOSE_S):
            if keeps_subscriptions:
                await client.uaclient.close_session(delete_subscriptions=False)
                await client.close_secure_channel()
            else:
                await client.disconnect()
    except (TimeoutError, OSError, *FOREIGN_ERRORS):
        pass  # it is given up in any case
    finally:
        abort(client)


def abort(client: Client) -> None:
    """Drop the socket with whatever is still to be sent; the server keeps the session."""
    protocol = client.uaclient.protocol
    transport = protocol.transport if protocol is not None else None
    client.disconnect_socket()
    if transport is not None:
        transport.abort()


def _new_client(endpoint: str, own: OwnCertificate, timeout_s: float) -> Client:
    client = Client(endpoint, timeout=timeout_s)
    client.application_uri = own.application_uri
    client.name = client.description = "yujing-edge"
    client.session_timeout = SESSION_TIMEOUT_MS
    client.max_messagesize = MESSAGE_BYTES_MAX
    return client


def _choose(
    endpoints: Sequence[ua.EndpointDescription], security: OpcUaSecurity, place: str, now_us: int
) -> tuple[ua.EndpointDescription, str, type[SecurityPolicy]]:
    """Return the best endpoint that may be spoken to, and its policy.

    Raises:
        DeviceRefused: `device.policy_refused`, with what the server offers.
    """
    wanted = security.policy
    policies = dict(_STRONG)
    if wanted in _BROKEN and now_us < security.insecure_until_us:
        policies = {wanted: _BROKEN[wanted]}
    for name, policy in policies.items():
        mode = ua.MessageSecurityMode.SignAndEncrypt
        if name == "None":
            mode = ua.MessageSecurityMode.None_
        for endpoint in endpoints:
            if (
                wanted in (None, name)
                and endpoint.SecurityMode == mode
                and endpoint.SecurityPolicyUri == policy.URI
            ):
                return endpoint, name, policy
    offered = sorted(
        {f"{str(e.SecurityPolicyUri).rpartition('#')[2]}/{e.SecurityMode.name}" for e in endpoints}
    )
    message = f"endpoint offers only {', '.join(offered) or 'nothing'}"
    if wanted in _BROKEN:
        message = f"{wanted} is not allowed any more; {message}"
    raise DeviceRefused("device.policy_refused", message, place=place)
