"""Unit tests: virtual time, no socket, no sleep."""

import asyncio
import socket
import time
from collections.abc import Callable, Mapping

import async_solipsism
import pytest


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give coroutines virtual time, unless the test is marked `real_time`."""
    if item.get_closest_marker("real_time"):
        return {"real_time": asyncio.new_event_loop}
    return {"virtual_time": async_solipsism.EventLoop}


@pytest.fixture(autouse=True)
def _no_socket_and_no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a unit test touches no socket and does not sleep: tests/integration")

    for name in ("connect", "connect_ex", "bind", "listen"):
        monkeypatch.setattr(socket.socket, name, refuse, raising=False)
    monkeypatch.setattr(time, "sleep", refuse)
