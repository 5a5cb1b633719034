"""The console in a browser: live without reload, honest when frozen, nothing foreign."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from central.console.present import age_text

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATHS = (
    "/overview",
    "/sites/hancheng-steel",
    "/sites/weinan-dust",
    "/sites/hancheng-steel/trend?point=bof1_plc/lance_out_t_a",
    "/leads",
)


class Server:
    """A bureau in memory as a process of its own."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.console.bureau", str(self.port)],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            text=True,
        )
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("the server did not start")

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def close(self) -> None:
        self.send(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(10)
        if self.process.stdin is not None:
            self.process.stdin.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("no Chromium at /usr/bin/chromium")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield made
        made.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(scope="module")
def troubled() -> Iterator[Server]:
    """One server for the tests that only look; everything that can be wrong is wrong."""
    made = Server()
    for line in ("fail hancheng-steel", "trip hancheng-steel", "bad weinan-dust", "lead"):
        made.say(line)
    yield made
    made.close()


class Watched:
    """A page whose errors and requests are written down."""

    def __init__(self, browser: Browser, server: Server, width: int = 1366) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 768})
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.loads = 0
        self._origin = server.url + "/"
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._request)
        self.page.on("load", lambda _page: self._loaded())

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith(self._origin):
            self.foreign.append(request.url)

    def _loaded(self) -> None:
        self.loads += 1


@pytest.fixture
def watched(browser: Browser, server: Server) -> Iterator[Watched]:
    made = Watched(browser, server)
    yield made
    made.context.close()


def test_the_overview_lives_without_reload_and_shows_a_trip(
    watched: Watched, server: Server
) -> None:
    page = watched.page
    page.goto(f"{server.url}/overview")
    assert page.locator("#exceptions").inner_text().strip() == "当前无异常。"
    started = time.monotonic()
    server.say("trip hancheng-steel")
    page.locator("#exceptions .chip.tripped").wait_for(timeout=2_000)
    assert time.monotonic() - started < 2.0
    assert "跳车 1" in page.locator("#site-hancheng-steel").inner_text()
    first = page.locator("#site-weinan-dust .age").last.inner_text()
    page.wait_for_timeout(2_500)
    assert page.locator("#site-weinan-dust .age").last.inner_text() not in ("", None)
    assert first.endswith(" s")
    assert watched.loads == 1
    assert watched.errors == []
    assert watched.foreign == []


def test_a_frozen_server_makes_the_page_stale_and_a_thawed_one_makes_it_live(
    watched: Watched, server: Server
) -> None:
    page = watched.page
    page.goto(f"{server.url}/sites/hancheng-steel")
    page.wait_for_timeout(1_500)
    server.send(signal.SIGSTOP)
    started = time.monotonic()
    page.locator("tr.point.stale").first.wait_for(timeout=16_000)  # older than its max age
    page.locator("body.stale").wait_for(timeout=30_000 - int((time.monotonic() - started) * 1000))
    took = time.monotonic() - started
    assert 10.0 < took <= 28.0
    assert page.locator("#stale").is_visible()
    assert "中心已无更新" in page.locator("#stale").inner_text()
    assert page.title().startswith("⌀")
    assert "⌀" in page.locator("tr.point .mark").first.inner_text()
    server.send(signal.SIGCONT)
    page.locator("body:not(.stale)").wait_for(timeout=15_000)
    page.locator("tr.point:not(.stale)").first.wait_for(timeout=5_000)
    assert not page.title().startswith("⌀")
    assert watched.loads == 1
    assert watched.foreign == []


def test_a_killed_server_makes_the_page_stale(watched: Watched, server: Server) -> None:
    page = watched.page
    page.goto(f"{server.url}/overview")
    page.wait_for_timeout(1_000)
    server.send(signal.SIGKILL)
    started = time.monotonic()
    page.locator("body.stale").wait_for(timeout=30_000)
    assert time.monotonic() - started <= 28.0


@pytest.fixture
def looking(browser: Browser, troubled: Server) -> Iterator[Watched]:
    made = Watched(browser, troubled)
    yield made
    made.context.close()


def test_the_browsers_wall_clock_does_not_matter(looking: Watched, troubled: Server) -> None:
    page = looking.page
    page.add_init_script("Date.now = () => 0; Date = class { constructor() { throw 1; } };")
    page.goto(f"{troubled.url}/sites/hancheng-steel")
    page.wait_for_timeout(2_000)
    assert page.locator("tr.point.stale").count() == 0
    assert looking.errors == []


@pytest.mark.parametrize("width", [390, 1366, 1920])
@pytest.mark.parametrize("path", PATHS)
def test_every_page_fits_its_screen_without_error_or_foreign_request(
    browser: Browser, troubled: Server, path: str, width: int
) -> None:
    made = Watched(browser, troubled, width)
    made.page.goto(troubled.url + path)
    made.page.wait_for_timeout(700)
    root = "document.documentElement"
    assert made.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") == 0
    assert made.page.locator("script:not([src])").count() == 0
    assert (made.errors, made.foreign) == ([], [])
    made.context.close()


def test_the_page_stands_with_scripts_off(browser: Browser, troubled: Server) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in PATHS:
        page.goto(troubled.url + path)
        assert page.locator("footer .notice").inner_text().startswith("本系统为监测与辅助联锁系统")
    page.goto(troubled.url + PATHS[3])
    assert page.locator("svg.plot path.line").get_attribute("d")
    context.close()


def test_the_trend_is_drawn_with_its_gap(looking: Watched, troubled: Server) -> None:
    looking.page.goto(troubled.url + PATHS[3])
    looking.page.locator("#plot .uplot canvas").wait_for(timeout=5_000)
    assert looking.page.locator("svg.plot").count() == 0
    assert looking.errors == []


def test_focus_stays_where_it_was_when_blocks_are_replaced(
    looking: Watched, troubled: Server
) -> None:
    page = looking.page
    page.goto(f"{troubled.url}/sites/hancheng-steel")
    page.locator("tr.point a").nth(3).focus()
    before = page.evaluate("document.activeElement.textContent")
    page.wait_for_timeout(3_000)
    assert page.evaluate("document.activeElement.textContent") == before


def test_page_and_server_tell_ages_in_the_same_words(looking: Watched, troubled: Server) -> None:
    looking.page.goto(f"{troubled.url}/overview")
    ages_ms = [0, 49, 950, 9_949, 9_950, 59_499, 59_500, 250_000, 3_599_500, 7_500_000, 273_600_000]
    told = looking.page.evaluate("ages => ages.map(window.yujingAgeText)", ages_ms)
    assert told == [age_text(age * 1_000) for age in ages_ms]
