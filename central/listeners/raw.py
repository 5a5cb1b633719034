"""Raw-bytes handlers and ports: the thin part of gRPC that has no types.  Shell: gRPC."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc
import grpc.aio

from proto.errors import ConfigError, Fault

Handler = Any  # grpc.RpcMethodHandler: the library has no types
Unary = Callable[[bytes, Any], Awaitable[bytes]]
ServerStream = Callable[[bytes, Any], AsyncIterator[bytes]]


def streaming(behaviour: Callable[[Any, Any], Awaitable[None]]) -> Handler:
    """Return a handler of bytes in both directions."""
    return grpc.stream_stream_rpc_method_handler(behaviour)


def unary(behaviour: Unary) -> Handler:
    """Return a handler of one request and one answer."""
    return grpc.unary_unary_rpc_method_handler(behaviour)


def server_streaming(behaviour: ServerStream) -> Handler:
    """Return a handler of one request and many answers."""
    return grpc.unary_stream_rpc_method_handler(behaviour)


def serve(server: grpc.aio.Server, handlers: Mapping[str, Handler]) -> None:
    """Register handlers by their full path, `/package.Service/Method`."""
    services: dict[str, dict[str, Handler]] = {}
    for path, handler in handlers.items():
        service, method = path.removeprefix("/").split("/")
        services.setdefault(service, {})[method] = handler
    generic = tuple(
        grpc.method_handlers_generic_handler(name, methods) for name, methods in services.items()
    )
    server.add_generic_rpc_handlers(generic)


def mutual_tls(key: bytes, cert: bytes, root: bytes) -> Any:
    """Return credentials that require a client certificate of `root`."""
    return grpc.ssl_server_credentials([(key, cert)], root, require_client_auth=True)


def bind(server: grpc.aio.Server, address: str, place: str, credentials: Any = None) -> int:
    """Bind the server to an address and return the port; without credentials in the clear.

    Raises:
        ConfigError: the address cannot be bound.
    """
    try:
        if credentials is None:
            return int(server.add_insecure_port(address))
        return int(server.add_secure_port(address, credentials))
    except RuntimeError as error:
        message = f"{address} cannot be bound; is another program there?"
        raise ConfigError([Fault(place, "config.port_in_use", message)]) from error
