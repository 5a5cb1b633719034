"""Questions to a running centre: over the socket, by the command line, over HTTP."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from central.api.rest import api_routes
from central.client import Client
from proto.errors import BadRequest, CentralUnreachable, NotFound
from proto.v1 import query_pb2 as pb
from tests.builders import WALL_US
from tests.central_builders import Plant, alarm, interlock
from tests.integration.central.centre import SITE, Centre, centre, short_folder, write_centre

PROGRAM = Path(sys.executable).parent / "yujing-central"


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as path:
        yield Path(path)


@pytest.fixture
async def running(folder: Path) -> AsyncIterator[Centre]:
    """A centre that has heard a little of one plant."""
    async with centre(folder) as made:
        plant = Plant()
        epoch, schema = plant.frames[0], plant.schema()
        samples = [plant.samples(), plant.samples(bad=[1])]
        records = plant.records(
            interlock("BOF1-LANCE", "TRIPPED", m=1), alarm("HIGH", "UNACKED", m=2)
        )
        async with made.call() as urgent, made.call() as bulk:
            await urgent.hello()
            await urgent.ack(epoch, schema)
            await urgent.ack(records)
            await bulk.hello("BULK")
            await bulk.ack(*samples)
        yield made


async def run(running: Centre, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command against the centre."""
    command = [str(PROGRAM), *arguments, "--config", str(running.folder / "central.toml")]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=30, check=False
    )


async def lines(running: Centre, *arguments: str) -> list[dict[str, object]]:
    done = await run(running, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_a_site_is_shown_with_quality_and_age_and_never_a_bad_number(
    running: Centre,
) -> None:
    [site] = await lines(running, "status", SITE)
    first, second, _third = site["values"]
    assert (site["schema"], site["link"], site["simulated"]) == ("site-status/1", "LIVE", True)
    assert first["value"] == pytest.approx(1.9)
    assert (first["quality"], first["situation"]) == ("GOOD", "simulated")
    assert second["value"] is None
    assert (second["quality"], second["reason"], second["situation"]) == ("BAD", "COMM_LOSS", "bad")
    assert second["last_good"]["value"] == pytest.approx(0.9)
    assert all("age_ms" in value for value in site["values"])
    [shown] = site["interlocks"]
    assert (shown["interlock"], shown["shown"]) == ("BOF1-LANCE", "TRIPPED")
    assert [standing["alarm"] for standing in site["alarms"]] == ["HIGH"]


async def test_sites_lists_every_site_also_one_that_was_never_heard(running: Centre) -> None:
    found = await lines(running, "sites")
    assert [(site["site"], site["link"]) for site in found] == [
        (SITE, "LIVE"),
        ("weinan-dust", "NEVER"),
    ]


async def test_tables_are_for_people_and_say_bad_in_words(running: Centre) -> None:
    done = await run(running, "status", SITE, "--lang", "zh")
    assert "— 通信中断" in done.stdout
    assert "氧枪漏水" in done.stdout
    english = await run(running, "status", SITE, "--lang", "en")
    assert "— communication lost" in english.stdout


async def test_history_draws_gaps_as_gaps(running: Centre) -> None:
    start = ("--from", "2027-01-15T16:00:00+08:00", "--to", "2027-01-15T16:00:04+08:00")
    found = await lines(running, "history", SITE, "FT-0", *start, "--buckets", "4")
    assert [(bucket["n"], bucket["gap"]) for bucket in found] == [
        (10, False),
        (10, False),
        (0, True),
        (0, True),
    ]
    assert found[0]["min"] == 0.0
    assert found[1]["max"] == pytest.approx(1.9)
    assert found[2]["avg"] is None


async def test_completeness_accounts_for_every_sample(running: Centre) -> None:
    [account] = await lines(running, "completeness", SITE)
    assert {key: account[key] for key in ("expected", "stored", "unexplained", "duplicates")} == {
        "expected": 60,
        "stored": 60,
        "unexplained": 0,
        "duplicates": 0,
    }
    assert (account["trips"], account["alarms"]) == (1, 1)
    [grid] = account["grids"]
    assert (grid["slots"], grid["stored"], grid["skipped"]) == (20, 20, 0)


async def test_watch_shows_what_is_and_then_each_change(running: Centre) -> None:
    done = await lines(running, "watch", SITE, "--count", "1")
    assert [delta["schema"] for delta in done] == ["status-delta/1"]
    quiet = await lines(running, "watch", SITE, "--seconds", "1")
    assert len(quiet) >= 1
    waiting = asyncio.create_task(lines(running, "watch", SITE, "--count", "2", "--seconds", "20"))
    await asyncio.sleep(2)
    running.parts.status.touch(SITE)
    assert len(await waiting) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("status", "nowhere"), 1, "nowhere"),
        (("history", SITE, "XX-9"), 1, "XX-9"),
        (("history", SITE, "FT-0", "--from", "sometime"), 1, "sometime"),
        (("history", SITE, "FT-0", "--buckets", "many"), 2, "buckets"),
        (("sites", "--colour"), 2, "colour"),
    ],
)
async def test_a_wrong_question_is_answered_in_one_line(
    running: Centre, arguments: tuple[str, ...], code: int, word: str
) -> None:
    done = await run(running, *arguments)
    assert done.returncode == code
    assert word in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


async def test_without_a_centre_the_answer_is_one_line_and_exit_1(folder: Path) -> None:
    config = write_centre(folder)
    done = await asyncio.to_thread(
        subprocess.run,
        [str(PROGRAM), "sites", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "client.no_server" in done.stderr


@pytest.mark.parametrize(
    "more",
    [
        ("--buckets=-1",),
        ("--buckets", "99999999999999999999"),
        ("--from", "99999999999999999999d"),
        ("--from", "10min", "--to", "20min"),
    ],
)
async def test_an_absurd_argument_is_one_line_and_exit_1(
    running: Centre, more: tuple[str, ...]
) -> None:
    done = await run(running, "history", SITE, "FT-0", *more)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.parametrize("ends", [">&-", ">/dev/full"])
async def test_an_answer_that_cannot_be_written_leaves_no_trace_of_the_program(
    running: Centre, ends: str
) -> None:
    line = f"{PROGRAM} sites --json --config {running.folder}/central.toml {ends}"
    done = await asyncio.to_thread(
        subprocess.run,
        ["sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) in ((0, 0), (1, 1)), done.stderr


async def test_errors_of_the_server_are_errors_of_ours(running: Centre) -> None:
    async with Client(running.folder / "central.toml") as client:
        with pytest.raises(NotFound, match="nowhere"):
            await client.site("nowhere")
        with pytest.raises(BadRequest):
            await client.history(pb.HistoryRequest(site=SITE, point="FT-0", t1_us=1))
    async with Client(running.folder / "central.toml") as client:
        await running.parts.status.tick()
        assert (await client.site(SITE)).site == SITE


async def test_the_socket_is_for_its_owner_alone(running: Centre) -> None:
    mode = (running.folder / "data" / "client.sock").stat().st_mode
    assert mode & 0o777 == 0o600


@pytest.fixture
async def http(running: Centre) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=api_routes(running.parts.queries))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_a_range_beyond_64_bits_is_refused_with_its_reason(
    running: Centre, http: httpx.AsyncClient
) -> None:
    most = 2**62
    wide: dict[str, str | int] = {"point": "FT-0", "from_us": -most, "to_us": most, "buckets": 1}
    refused = await http.get(f"/api/v1/sites/{SITE}/history", params=wide)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "query.range")
    for value in ("--5", "٣"):
        answer = await http.get("/api/v1/sites", params={"limit": value})
        assert answer.status_code == 422
    request = pb.HistoryRequest(site=SITE, point="FT-0", t0_us=-(2**63), t1_us=2**63 - 1, buckets=1)
    async with Client(running.folder / "central.toml") as client:
        with pytest.raises(BadRequest, match=r"query\.range"):
            await client.history(request)


async def test_the_http_mirror_says_the_same(http: httpx.AsyncClient) -> None:
    answer = (await http.get(f"/api/v1/sites/{SITE}")).json()
    assert set(answer) == {"as_of", "age_ms", "complete", "missing", "items", "next"}
    assert answer["items"][0]["values"][1]["value"] is None
    page = (await http.get("/api/v1/sites", params={"limit": 1})).json()
    assert (len(page["items"]), page["next"]) == (1, SITE)
    rest = (await http.get("/api/v1/sites", params={"cursor": SITE})).json()
    assert [site["site"] for site in rest["items"]] == ["weinan-dust"]
    window = {"from_us": WALL_US, "to_us": WALL_US + 2_000_000, "buckets": 2, "point": "FT-0"}
    found = (await http.get(f"/api/v1/sites/{SITE}/history", params=window)).json()
    assert [bucket["n"] for bucket in found["items"]] == [10, 10]
    window = {"from_us": WALL_US, "to_us": WALL_US + 10, "kind": "interlock.tripped"}
    records = (await http.get(f"/api/v1/sites/{SITE}/records", params=window)).json()
    assert [item["record"]["interlock"] for item in records["items"]] == ["BOF1-LANCE"]
    account = (await http.get(f"/api/v1/sites/{SITE}/completeness")).json()
    assert account["items"][0]["stored"] == 60


@pytest.mark.parametrize(
    ("path", "status", "place"),
    [
        ("/api/v1/sites/nowhere", 404, ""),
        ("/api/v1/sites?colour=red", 422, "colour"),
        (f"/api/v1/sites/{SITE}/history?point=FT-0&buckets=0", 422, "buckets"),
        (f"/api/v1/sites/{SITE}/history", 422, "point"),
        ("/api/v1/leads?site=nowhere", 404, ""),
    ],
)
async def test_a_wrong_request_is_a_problem_with_its_place(
    http: httpx.AsyncClient, path: str, status: int, place: str
) -> None:
    answer = await http.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["errors"][0]["path"] == place
    assert "Traceback" not in answer.text


async def test_a_program_that_may_not_ask_learns_nothing(folder: Path) -> None:
    with pytest.raises(CentralUnreachable):
        async with Client(write_centre(folder)) as client:
            await client.sites()


def of(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a written configuration; no centre runs."""
    command = [str(PROGRAM), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_check_of_a_sound_configuration_says_so_and_starts_nothing(folder: Path) -> None:
    config = write_centre(folder, 7443)
    done = of(folder, "check", str(config), "--lang", "en")
    assert (done.returncode, done.stdout.strip()) == (0, "the configuration is sound")
    assert not (folder / "data").exists()


def test_check_names_a_pack_and_a_certificate_that_are_not_there(folder: Path) -> None:
    config = write_centre(folder, 7443)
    (folder / "root.pem").unlink()
    done = of(folder, "check", str(config), "--json")
    assert done.returncode == 78
    [fault] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (fault["schema"], fault["code"]) == ("fault/1", "config.certificate")
    assert "root.pem" in fault["message"]


def test_doctor_looks_at_everything_and_says_what_to_do(folder: Path) -> None:
    config = write_centre(folder, 7443)
    found = [
        json.loads(line) for line in of(folder, "doctor", str(config), "--json").stdout.splitlines()
    ]
    checks = {finding["check"]: finding for finding in found}
    assert {"files", "gateways.cert", "pki.root", "sqlite", "gateways.listen", "clock"} <= set(
        checks
    )
    (folder / "server.key").chmod(0o644)
    bad = of(folder, "doctor", str(config))
    assert bad.returncode == 1
    assert "chmod 600" in bad.stdout
