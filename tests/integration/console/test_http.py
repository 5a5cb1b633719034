"""The HTTP listener over real sockets: guard, headers, pages, errors, live stream."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser

import httpx
import pytest

from central.clock import SystemClock
from central.console import sse
from central.console.live import Block
from central.listeners.http import bind
from proto.errors import ConfigError, NotFound
from proto.notice import NOTICE_EN, NOTICE_ZH
from tests.integration.console.bureau import Bureau, serve

PAGES = (
    "/overview",
    "/sites/hancheng-steel",
    "/sites/hancheng-steel/trend?point=bof1_plc/lance_out_t_a&range=5m",
    "/leads",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def bureau() -> Bureau:
    return Bureau()


@pytest.fixture
async def client(bureau: Bureau) -> AsyncIterator[httpx.AsyncClient]:
    port, stop = free_port(), asyncio.Event()
    serving = asyncio.create_task(serve(port, bureau, stop))
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"accept": "text/html"}, trust_env=False
    ) as made:
        for _ in range(100):
            with contextlib.suppress(httpx.ConnectError):
                await made.get("/health")
                break
            await asyncio.sleep(0.02)
        yield made
        stop.set()
        await asyncio.wait_for(serving, 5.0)


async def test_the_root_leads_to_the_overview(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/overview")


@pytest.mark.parametrize("path", [*PAGES, "/static/live.js", "/no-such-page", "/health"])
async def test_every_answer_carries_the_security_headers(
    client: httpx.AsyncClient, path: str
) -> None:
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"https?:|\*", policy) == []
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


class Page(HTMLParser):
    """Collects what a policy would refuse, and what people read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_page_stands_without_scripts_and_says_what_the_system_is_not(
    client: httpx.AsyncClient, bureau: Bureau, path: str, language: str
) -> None:
    for fault in ("trip hancheng-steel", "bad weinan-dust", "lead"):
        bureau.inject(fault)
    separator = "&" if "?" in path else "?"
    answer = await client.get(f"{path}{separator}lang={language}")
    page = Page(answer.text)
    assert answer.status_code == 200
    assert (NOTICE_ZH if language == "zh" else NOTICE_EN) in page.text
    scripts = [attrs for tag, attrs in page.tags if tag == "script"]
    assert [attrs for attrs in scripts if not (attrs.get("src") or "").startswith("/static/")] == []
    assert [name for _, attrs in page.tags for name in attrs if name in ("style", "onclick")] == []
    assert len(re.findall(r"<html|<main|</html>", answer.text)) == 3
    assert "北京时间" in page.text or "Beijing time" in page.text


async def test_every_number_of_the_chinese_page_stands_on_the_english_one(
    client: httpx.AsyncClient, bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed_us = bureau.clock.wall_us()
    monkeypatch.setattr(bureau.clock, "wall_us", lambda: fixed_us)
    bureau.inject("trip hancheng-steel")
    numbers = []
    for language in ("zh", "en"):
        text = Page((await client.get(f"/sites/hancheng-steel?lang={language}")).text).text
        numbers.append(sorted(re.findall(r"\d+\.\d+|\d{3,}", text.split("数据对账")[0])))
    common = [each for each in numbers[0] if each not in ("61511", "21109")]
    assert [each for each in common if each not in numbers[1]] == []


async def test_a_name_that_looks_like_markup_is_text(client: httpx.AsyncClient) -> None:
    answer = await client.get("/sites/weinan-dust")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text


async def test_a_bad_value_is_never_printed_as_a_value(
    client: httpx.AsyncClient, bureau: Bureau
) -> None:
    bureau.inject("bad weinan-dust")
    text = (await client.get("/sites/weinan-dust")).text
    row = next(part for part in text.split("<tr") if "TE-202" in part)
    assert '<span class="number">—</span>' in row
    assert "传感器故障" in row
    assert "最后好值" in row


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", "/overview", "evil.example", 421),
        ("GET", "/overview", "", 421),
        ("POST", "/overview", None, 405),
        ("DELETE", "/sites/hancheng-steel", None, 405),
        ("GET", "/overview?x=" + "a" * 5000, None, 414),
        ("GET", "/sites/nope", None, 404),
        ("GET", "/sites/..%2f..%2fetc", None, 404),
        ("GET", "/static/..%2f..%2fframe.py", None, 404),
        ("GET", "/static/../frame.py", None, 404),
        ("GET", "/sites/hancheng-steel/trend?point=none", None, 404),
        ("GET", "/sites/hancheng-steel/trend?range=99y", None, 422),
        ("GET", "/live?page=nothing", None, 422),
        ("GET", "/live?page=site&site=nope", None, 404),
        ("GET", "/overview?lang=xx", None, 200),
    ],
)
async def test_what_is_refused_is_refused_with_its_own_status(
    client: httpx.AsyncClient, method: str, path: str, host: str | None, status: int
) -> None:
    headers = {} if host is None else {"host": host}
    assert (await client.request(method, path, headers=headers)).status_code == status


async def test_an_error_for_a_program_is_a_problem_with_a_stable_type(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/sites/nope", headers={"accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["type"], answer.json()["status"]) == ("query.site_unknown", 404)


async def test_our_own_failure_shows_an_incident_and_no_reason(
    client: httpx.AsyncClient, bureau: Bureau, capsys: pytest.CaptureFixture[str]
) -> None:
    bureau.broken = True
    answer = await client.get("/sites/hancheng-steel")
    assert answer.status_code == 500
    assert "the board is broken" not in answer.text
    assert re.search(r"<code>[0-9a-f]{12}</code>", answer.text)
    assert "content-security-policy" in answer.headers


async def test_a_trend_says_where_it_has_no_data(client: httpx.AsyncClient) -> None:
    path = "/sites/hancheng-steel/trend/data?point=TE-103A&range=5m"
    body = (await client.get(path)).json()
    lengths = {len(body[name]) for name in ("t", "average", "low", "high")} | {len(body["quality"])}
    assert len(lengths) == 1
    gap = [
        value for value, code in zip(body["average"], body["quality"], strict=True) if code == "N"
    ]
    assert gap
    assert set(gap) == {None}
    assert body["end"] < body["t1"]


async def events_of(answer: httpx.Response) -> AsyncIterator[tuple[str, str, str]]:
    """Yield (event, id, data) by the rules of server-sent events."""
    name, identity, data = "", "", []
    async for line in answer.aiter_lines():
        if not line:
            yield name, identity, "\n".join(data)
            name, identity, data = "", "", []
        elif line.startswith("event: "):
            name = line[7:]
        elif line.startswith("id: "):
            identity = line[4:]
        elif line.startswith("data: "):
            data.append(line[6:])


async def read_until(
    stream: AsyncIterator[tuple[str, str, str]], wanted: str, seconds: float = 5.0
) -> list[tuple[str, str, str]]:
    found = []
    async with asyncio.timeout(seconds):
        async for event in stream:
            found.append(event)
            if wanted in event[2] or wanted == event[0]:
                return found
    raise AssertionError(f"the stream ended before {wanted!r}: {found}")


async def test_a_live_page_gets_each_block_a_beat_and_then_what_changes(
    client: httpx.AsyncClient, bureau: Bureau
) -> None:
    async with client.stream("GET", "/live?page=site&site=hancheng-steel") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        stream = events_of(answer)
        first = await read_until(stream, "beat")
        blocks = [re.findall(r'<section id="(\w+)"', data) for name, _, data in first if not name]
        assert sorted(each for found in blocks for each in found) == [
            "accounting",
            "alarms",
            "gateways",
            "head",
            "interlocks",
            "points",
        ]
        bureau.inject("trip hancheng-steel")
        later = await read_until(stream, "跳车保持", 2.0)
        assert {name for name, _, _ in later} <= {"", "beat"}


async def test_what_a_slow_look_missed_is_replaced_by_the_newest_state(
    client: httpx.AsyncClient, bureau: Bureau
) -> None:
    async with client.stream("GET", "/live?page=overview") as answer:
        stream = events_of(answer)
        await read_until(stream, "beat")
        for _ in range(200):
            bureau.inject("trip hancheng-steel")
            bureau.inject("clear hancheng-steel")
        bureau.inject("bypass hancheng-steel")
        found = await read_until(stream, "旁路 1", 3.0)
        assert len(found) <= 12


async def test_a_client_of_another_run_is_told_to_start_anew(client: httpx.AsyncClient) -> None:
    headers = {"last-event-id": "00000000-5"}
    async with client.stream("GET", "/live?page=overview", headers=headers) as answer:
        await read_until(events_of(answer), "resync")


async def test_a_client_of_this_run_is_not_told_to_start_anew(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/live?page=overview") as answer:
        identity = next(each for _, each, _ in await read_until(events_of(answer), "beat") if each)
    headers = {"last-event-id": identity}
    async with client.stream("GET", "/live?page=overview", headers=headers) as answer:
        names = [name for name, _, _ in await read_until(events_of(answer), "beat")]
        assert "resync" not in names


async def test_the_stream_says_good_bye_when_the_server_ends(bureau: Bureau) -> None:
    port, stop = free_port(), asyncio.Event()
    serving = asyncio.create_task(serve(port, bureau, stop))
    await asyncio.sleep(0.3)
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as made,
        made.stream("GET", "/live?page=overview") as answer,
    ):
        stream = events_of(answer)
        await read_until(stream, "beat")
        stop.set()
        await read_until(stream, "bye")
    await asyncio.wait_for(serving, 3.0)


async def test_streams_are_bounded(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "STREAMS_MAX", 1)
    async with client.stream("GET", "/live?page=overview") as first:
        await read_until(events_of(first), "beat")
        refused = await client.get("/live?page=overview")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "15")
    await asyncio.sleep(0.1)
    async with client.stream("GET", "/live?page=overview") as again:
        assert again.status_code == 200


async def test_a_client_that_does_not_read_is_dropped_and_others_are_not_disturbed(
    client: httpx.AsyncClient, bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "SEND_TIMEOUT_S", 0.5)
    monkeypatch.setattr(sse, "PAUSE_S", 0.0)
    monkeypatch.setattr(sse, "SHARED_NS", 0)
    port = client.base_url.port
    assert port is not None
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    deaf.connect(("127.0.0.1", port))
    deaf.sendall(
        f"GET /live?page=site&site=weinan-dust HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    )
    async with client.stream("GET", "/live?page=overview") as answer:
        stream = events_of(answer)
        await read_until(stream, "beat")
        async with asyncio.timeout(20.0):
            while console_streams(bureau) > 1:
                bureau.inject("bad weinan-dust")
                await asyncio.sleep(0.005)
                bureau.inject("clear weinan-dust")
                await asyncio.sleep(0.005)
        bureau.inject("trip hancheng-steel")
        await read_until(stream, "跳车 1", 3.0)
    deaf.close()


async def test_of_a_crowd_that_wants_one_page_anew_one_looks() -> None:
    looks, asked = sse.Looks(SystemClock()), 0

    async def look() -> list[Block]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.02)
        return []

    found = await asyncio.gather(*(looks.now("overview", look) for _ in range(100)))
    assert asked == 1
    assert len({id(seen) for seen in found}) == 1


async def test_a_look_that_is_refused_is_refused_to_each_and_leaves_nothing_behind() -> None:
    looks = sse.Looks(SystemClock())

    async def refused() -> list[Block]:
        raise NotFound("query.site_unknown", "no such site")

    asking = (looks.now(f"site\n{number}", refused) for number in range(5))
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in found] == [NotFound] * 5
    assert looks._turns == {}


async def test_a_request_whose_head_never_ends_holds_no_place(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.listeners.http.HEAD_WITHIN_S", 0.2)
    host = f"127.0.0.1:{client.base_url.port}"
    whole = f"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    for before, begun in ((b"", b""), (b"", b"GET / HT"), (whole, b"GET / HT")):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        async with asyncio.timeout(5.0):
            if before:
                writer.write(before)
                assert await reader.readuntil(b"}")
            writer.write(begun)
            assert await reader.read() == b""
        writer.close()


def console_streams(bureau: Bureau) -> int:
    return len(bureau.watching)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def test_a_port_in_use_is_one_clear_line(taken: int) -> None:
    with pytest.raises(ConfigError) as caught:
        bind(f"127.0.0.1:{taken}")
    [fault] = caught.value.faults
    assert (fault.place, fault.code) == ("http.listen", "http.listen")
    assert str(taken) in fault.message
    assert "\n" not in str(fault)
