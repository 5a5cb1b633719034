"""The control socket: mode 0600, one line in, one out; nothing that a caller sends breaks it."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.control import SOCKET_NAME, ControlServer, ask, short_address
from proto.errors import NotFound


def _echo(request: Mapping[str, object]) -> dict[str, object]:
    if request.get("id") == "nothing":
        raise NotFound("edge.unknown_id", "no such thing")
    return {"told": request.get("id")}


@asynccontextmanager
async def _serving(folder: Path) -> AsyncIterator[Path]:
    task = asyncio.create_task(ControlServer(folder, {"echo": _echo}).run())
    async with asyncio.timeout(5):
        while not (folder / SOCKET_NAME).exists():
            await asyncio.sleep(0.005)
    try:
        yield folder
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_request_is_answered_with_one_object(tmp_path: Path) -> None:
    async with _serving(tmp_path):
        assert await ask(tmp_path, {"do": "echo", "id": "氧枪"}) == {"told": "氧枪"}


async def test_only_the_owner_may_connect(tmp_path: Path) -> None:
    async with _serving(tmp_path):
        mode = stat.S_IMODE((tmp_path / SOCKET_NAME).stat().st_mode)

    assert mode == 0o600


async def test_the_socket_is_gone_after_the_stop(tmp_path: Path) -> None:
    async with _serving(tmp_path):
        pass

    assert not (tmp_path / SOCKET_NAME).exists()


async def test_a_stale_socket_of_a_killed_gateway_is_replaced(tmp_path: Path) -> None:
    (tmp_path / SOCKET_NAME).write_text("stale")
    task = asyncio.create_task(ControlServer(tmp_path, {"echo": _echo}).run())
    await asyncio.sleep(0.1)
    answer = await ask(tmp_path, {"do": "echo", "id": 1})
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert answer == {"told": 1}


async def test_an_error_of_ours_is_an_answer(tmp_path: Path) -> None:
    async with _serving(tmp_path):
        answer = await ask(tmp_path, {"do": "echo", "id": "nothing"})

    assert answer == {
        "error": {"code": "edge.unknown_id", "message": "edge.unknown_id no such thing"}
    }


async def test_nobody_there_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no gateway answers here"):
        await ask(tmp_path, {"do": "echo"})


@pytest.mark.parametrize(
    "line", [b"\n", b"{}\n", b"[1]\n", b'{"do": ["x"]}\n', b'{"do":"rm"}\n', b"[" * 50_000 + b"\n"]
)
async def test_nonsense_gets_an_answer_and_the_socket_lives(tmp_path: Path, line: bytes) -> None:
    async with _serving(tmp_path):
        with short_address(tmp_path / SOCKET_NAME) as address:
            reader, writer = await asyncio.open_unix_connection(address)
        writer.write(line)
        async with asyncio.timeout(5):
            answer = json.loads(await reader.readline())
        writer.close()
        alive = await ask(tmp_path, {"do": "echo", "id": 1})

    assert answer["error"]["code"] == "control.request"
    assert alive == {"told": 1}


async def test_a_line_without_end_is_cut_off(tmp_path: Path) -> None:
    async with _serving(tmp_path):
        with short_address(tmp_path / SOCKET_NAME) as address:
            reader, writer = await asyncio.open_unix_connection(address)
        writer.write(b"x" * 200_000)
        async with asyncio.timeout(5):
            rest = await reader.read()
        writer.close()

    assert rest == b""


async def test_a_directory_deeper_than_a_socket_name_allows_still_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    async with _serving(deep):
        assert await ask(deep, {"do": "echo", "id": 1}) == {"told": 1}


@pytest.mark.parametrize("answer", [b"hello\n", b"[]\n", b"[" * 100_000 + b"\n"])
async def test_what_answers_without_being_a_gateway_is_no_traceback(
    tmp_path: Path, answer: bytes
) -> None:
    async def junk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(junk, tmp_path / SOCKET_NAME):
        with pytest.raises(NotFound, match="no gateway"):
            await ask(tmp_path, {"do": "echo"})
