"""What our OPC UA driver leans on in the pinned library: signatures and order of calls."""

import inspect

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClient, UaClientState, UASocketProtocol
from asyncua.client.ua_session import UaSession
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.crypto.security_policies import SecurityPolicyNone
from asyncua.ua.uaerrors import BadTooManyPublishRequests, UaStatusCodeError


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_the_services_that_we_call_keep_their_signatures() -> None:
    assert parameters(UaSession.publish) == ["self", "acks"]
    assert parameters(UaSession.republish) == [
        "self",
        "subscription_id",
        "retransmit_sequence_number",
    ]
    assert parameters(UaSession.transfer_subscriptions) == ["self", "params"]
    assert parameters(UaSession.create_subscription) == ["self", "params", "callback"]
    assert parameters(UaSession.restore_authentication_token) == ["self", "token"]
    assert parameters(Client.activate_session)[:3] == ["self", "username", "password"]
    assert parameters(Client.open_secure_channel) == ["self", "renew"]


def test_the_publish_loop_starts_only_where_we_replace_it() -> None:
    source = inspect.getsource(UaSession)
    assert source.count("self._publish_loop()") == 1
    assert "self._publish_loop()" in inspect.getsource(UaSession.ensure_publish_loop)
    assert source.count("self.ensure_publish_loop()") == 1
    assert "self.ensure_publish_loop()" in inspect.getsource(UaSession.create_subscription)


def test_a_publish_has_no_deadline_of_its_own_and_no_status_is_swallowed() -> None:
    assert "timeout=0" in inspect.getsource(UaSession.publish)
    assert issubclass(BadTooManyPublishRequests, UaStatusCodeError)


async def test_a_session_can_be_taken_to_another_client() -> None:
    first, second = Client("opc.tcp://127.0.0.1:1"), Client("opc.tcp://127.0.0.1:1")
    assert first._server_nonce is None
    assert first._policy_ids == []
    token = ua.NodeId(5)
    second.uaclient.session.restore_authentication_token(token)
    assert second.uaclient.session.authentication_token == token
    second.uaclient.session.reset_authentication_token()
    assert second.uaclient.session.authentication_token.is_null()
    body = inspect.getsource(Client.activate_session)
    assert body.index("self._server_nonce is not None") < body.index("self._server_nonce = res")


def test_a_client_that_only_activates_has_no_task_of_the_library() -> None:
    """Supervisor, watchdog and renewal belong to `connect`, which we do not call."""
    for one in (Client.create_session, Client.activate_session, Client.open_secure_channel):
        assert "create_task" not in inspect.getsource(one)
    assert UaClient(1.0).state is UaClientState.DISCONNECTED


@pytest.mark.parametrize("stated", [0, 1 << 30])
def test_the_size_of_an_answer_can_be_bounded(stated: int) -> None:
    limits = TransportLimits(65535, 65535, 0, stated)
    protocol = UASocketProtocol(1.0, limits=limits)
    assert isinstance(protocol._connection, SecureConnection)
    protocol._connection._limits.max_message_size = 100
    assert not protocol._connection._limits.is_msg_size_within_limit(101)
    assert SecureConnection(SecurityPolicyNone(), limits)._limits is limits
