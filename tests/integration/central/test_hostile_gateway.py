"""A registered gateway that lies: the centre stores or sets aside, and answers every question."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest
import zstandard

from central.api.messages import site_of
from central.api.rpc import unary_methods
from central.app import Parts, build
from central.archive.model import Admitted
from central.config.file import load_settings
from central.listeners.pipeline import CALLS_MAX, rpcs_max
from central.store.database import Database
from proto import limits
from proto.axis import Axis
from proto.batch import ZERO_HASH, ClockState, Codec, Frame, Header, Kind, Lane, open_frame
from proto.columns import encode_samples
from proto.header import pack_header
from proto.point import PointType
from proto.records import encode_records
from proto.rpc import HISTORY_COMPLETENESS, STATUS_GET_SITE, STATUS_LIST_SITES
from proto.schema import SchemaAxis, SchemaPart, SchemaPoint
from proto.v1 import query_pb2 as pb
from proto.v1 import uplink_pb2 as wire
from tests.builders import WALL_US
from tests.central_builders import GOOD, Plant, alarm, interlock
from tests.integration.central.centre import (
    GATEWAY,
    SESSION,
    SITE,
    Centre,
    centre,
    held,
    short_folder,
)


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as path:
        yield Path(path)


@pytest.fixture
async def running(folder: Path) -> AsyncIterator[Centre]:
    async with centre(folder) as made:
        yield made


def forged(
    plant: Plant, lane: Lane, kind: Kind, raw: bytes, *, magic: bytes = b"YJB1", **fields: object
) -> bytes:
    """Seal what `seal` refuses: hashes are right, whatever the fields say."""
    payload = zstandard.ZstdCompressor().compress(raw)
    stamp = plant.stamp
    honest = Header(
        lane=lane,
        kind=kind,
        codec=Codec.ZSTD,
        hash_alg=1,
        gateway_uid=stamp.gateway_uid,
        epoch=stamp.epoch,
        seq=50,
        sample_first=50_000,
        n=1,
        payload_len=len(payload),
        raw_len=len(raw),
        flags=0,
        t_first_us=WALL_US,
        t_last_us=WALL_US,
        anchor_wall_us=stamp.anchor_wall_us,
        anchor_mono_us=stamp.anchor_mono_us,
        clock_offset_us=0,
        clock_err_us=limits.CLOCK_ERR_UNKNOWN,
        boot_id=stamp.boot_id,
        config_version=1,
        step_no=0,
        clock_state=ClockState.SYNCED,
        schema_hash=plant.part.hash if kind is Kind.SAMPLES else ZERO_HASH,
        payload_hash=hashlib.sha256(payload).digest(),
        prev_hash=ZERO_HASH,
        hash=ZERO_HASH,
    )
    _header, block = pack_header(replace(honest, **fields))
    body = magic + block[4:224]
    return body + hashlib.sha256(b"yujing/batch/1\0" + body).digest() + payload


def forged_samples(plant: Plant, times: list[int], **fields: object) -> bytes:
    """Seal one row of every point at each of the times."""
    series, rows = len(plant.part.types), len(times)
    axis = Axis(
        point_first=0,
        period_us=100_000,
        slot_first=0,
        skipped=None,
        time_us=np.array(times, np.int64),
        source_us=None,
        source_kind=0,
        uncertainty_us=0,
        raw=np.zeros((series, rows), np.int64),
        quality=np.full((series, rows), GOOD, np.uint16),
        detail=np.zeros((series, rows), np.uint32),
    )
    made = encode_samples([axis], plant.part.types)
    true = {"n": made.n, "t_first_us": made.t_first_us, "t_last_us": made.t_last_us}
    return forged(plant, Lane.BULK, Kind.SAMPLES, made.raw, **(true | fields))


def record(plant: Plant, **body: object) -> bytes:
    """Seal one record."""
    return forged(plant, Lane.ALARM, Kind.RECORDS, encode_records([body]))


def verdict(response_ms: float) -> dict[str, object]:
    body = interlock("BOF1-LANCE", "TRIPPED", m=5)
    verdicts = [{"effect": "raise", "verdict": "PROVEN", "response_ms": response_ms}]
    state = body["state"]
    assert isinstance(state, dict)
    return {**body, "id": "v", "state": {**state, "verdicts": verdicts}}


EMPTY = encode_records([{"k": "x.y"}])
Forger = Callable[[Plant], bytes]
LIES: dict[str, Forger] = {
    "a time of two signs": lambda p: record(p, k="x.y", id="a", t="--5"),
    "a time beyond 64 bits": lambda p: record(p, k="x.y", id="a", t="9999999999999999999"),
    "an alarm before the calendar": lambda p: record(
        p, **(alarm("a", "UNACKED", m=5) | {"id": "a", "t": "-9223372036854775808"})
    ),
    "an occurrence below zero": lambda p: record(
        p, **(alarm("a", "UNACKED", m=5, occurrence=-1) | {"id": "a"})
    ),
    "an interlock's occurrence below zero": lambda p: record(
        p, **(interlock("i", "TRIPPED", m=5) | {"id": "i", "occurrence": -7, "state": {}})
    ),
    "a response beyond 64 bits": lambda p: record(p, **verdict(1e308)),
    "version 2 with a number beyond 63 bits": lambda p: forged(
        p, Lane.ALARM, Kind.RECORDS, EMPTY, magic=b"YJB2", seq=2**64 - 1, sample_first=2**64 - 1
    ),
    "version 2 with no sample": lambda p: forged(
        p, Lane.ALARM, Kind.RECORDS, EMPTY, magic=b"YJB2", n=0
    ),
    "the first hour of 64 bits": lambda p: forged_samples(p, [-(2**63) + 5]),
    "a clock offset of 64 bits": lambda p: forged_samples(
        p, [WALL_US], clock_offset_us=2**63 - 1, clock_err_us=0, anchor_mono_us=9_000_000
    ),
}


async def answers(parts: Centre | Parts) -> list[pb.SiteStatus]:
    """Ask what every reader asks; a question that cannot be answered raises."""
    queries = parts.parts.queries if isinstance(parts, Centre) else parts.queries
    ask = unary_methods(queries)
    everything = pb.ListSitesRequest(values=True).SerializeToString()
    found = pb.ListSitesReply.FromString(await ask[STATUS_LIST_SITES](everything))
    one = pb.GetSiteRequest(site=SITE).SerializeToString()
    site_of(pb.SiteStatus.FromString(await ask[STATUS_GET_SITE](one)))
    await ask[HISTORY_COMPLETENESS](pb.CompletenessRequest().SerializeToString())
    return list(found.sites)


async def submit(running: Centre, *frames: Frame | bytes) -> list[int]:
    """Store frames as the door does; return their statuses, QUARANTINED where the judge says so."""
    opened = [frame if isinstance(frame, Frame) else open_frame(frame) for frame in frames]
    items = [
        Admitted(SITE, GATEWAY, GATEWAY, f.header, f.block, f.payload, WALL_US, False, ref)
        for ref, f in enumerate(opened)
    ]
    outcomes = sorted(await running.parts.writer.submit(items))
    return [outcome.status for outcome in outcomes]


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_no_lie_of_one_gateway_stops_the_centre(
    running: Centre, folder: Path, lie: Forger
) -> None:
    plant = Plant()
    async with running.call() as urgent, running.call() as bulk:
        await urgent.hello()
        await bulk.hello("BULK")
        await urgent.ack(plant.frames[0], plant.schema())
        data = lie(plant)
        call = bulk if data[4] == Lane.BULK else urgent
        ack = await call.ack(data)
        assert ack.nth == (1 if call is bulk else 3)
        after = await bulk.ack(plant.samples())
        assert held(after.stored, Lane.BULK) == [(1, 1)]
    before = await answers(running)
    database = Database(folder / "copy")
    await running.parts.status.save()
    (folder / "copy").mkdir()
    await running.parts.database.write(
        lambda db: db.execute(f"VACUUM INTO '{folder / 'copy' / 'central.db'}'")
    )
    database.open()
    try:
        again = await build(load_settings(folder / "central.toml"), database)
        after_start = await answers(again)
    finally:
        database.close()
    accounts = [status.accounting for status in before]
    assert accounts == [status.accounting for status in after_start]


async def test_samples_are_found_by_their_times_for_a_header_that_lies_is_set_aside(
    running: Centre,
) -> None:
    plant = Plant()
    await submit(running, *plant.frames, plant.schema())
    lies = forged_samples(plant, [WALL_US, WALL_US + 7], t_last_us=WALL_US)
    inverted = forged_samples(plant, [WALL_US, WALL_US + 7], t_first_us=WALL_US, t_last_us=0)
    true = forged_samples(plant, [WALL_US, WALL_US + 7])
    assert await submit(running, lies) == [wire.QUARANTINED]
    assert await submit(running, inverted) == [wire.QUARANTINED]
    assert await submit(running, true) == [wire.STORED]


async def test_values_whose_sum_is_no_number_are_stored_and_summed_up_without_one(
    running: Centre,
) -> None:
    wide = SchemaPoint("plc1/p0", "FT-0", "测点", PointType.F64, "m3/h")
    axis = SchemaAxis("plc1", "profile", "fast", 100_000, 0, False, "plc", (wide,))
    plant = Plant(part=SchemaPart((axis,)))
    await submit(running, *plant.frames, plant.schema())
    bits = np.array([1.7e308, 1.7e308, -1.7e308, -1.7e308]).view(np.int64)
    for value in (bits[0], bits[2]):
        assert await submit(running, plant.samples(10, value=int(value))) == [wire.STORED]
    t1 = WALL_US + 3_600_000_000
    found = await running.parts.reader.history(SITE, "plc1/p0", WALL_US, t1, 1)
    assert (found[0].n, found[0].v_min, found[0].v_max) == (20, -1.7e308, 1.7e308)


async def test_a_gap_record_in_a_lane_of_alarms_excuses_nothing(running: Centre) -> None:
    plant = Plant()
    await submit(running, *plant.frames, plant.schema())
    kept, lost, third = plant.samples(), plant.samples(), plant.samples()
    excuse = {
        "k": "gap",
        "id": "g",
        "cause": "DISK_FULL",
        "epoch": plant.epoch.hex(),
        "lane": 2,
        "seq": None,
        "samples": [lost.header.sample_first, lost.header.sample_last],
        "n": lost.header.n,
        "n_exact": True,
        "t": [0, 1],
        "points": "all",
    }
    await submit(running, kept, third, record(plant, **excuse))
    account = running.parts.reader.accounting(SITE)
    assert (account.gapped, account.unexplained) == (0, lost.header.n)


async def test_a_tip_beyond_63_bits_is_refused_and_the_site_is_still_shown(
    running: Centre,
) -> None:
    tip = wire.LaneTip(epoch=b"e" * 16, lane=2, held_lo=1, tip_seq=5, tip_sample=2**64 - 1)
    async with running.call() as urgent:
        hello = wire.Hello(proto_min=1, proto_max=1, kind=wire.URGENT, session=SESSION, tips=[tip])
        await urgent.send(wire.EdgeMsg(hello=hello))
        code, _details = await urgent.ending()
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert len(await answers(running)) == 2


async def test_tips_that_together_pass_64_bits_leave_the_site_shown(running: Centre) -> None:
    tips = [
        wire.LaneTip(epoch=bytes([n]) * 16, lane=2, held_lo=1, tip_seq=5, tip_sample=2**63 - 1)
        for n in range(3)
    ]
    async with running.call() as urgent:
        await urgent.hello(tips=tips)
    assert (await answers(running))[0].accounting.expected == 2**64 - 1


async def test_a_heartbeat_of_absurd_counts_leaves_the_site_shown(running: Centre) -> None:
    async with running.call() as urgent:
        await urgent.hello()
        most = 2**64 - 1
        pending = [wire.Pending(lane=2, batches=most, bytes=most, samples=most)] * 3
        await urgent.send(wire.EdgeMsg(heartbeat=wire.Heartbeat(id=1, pending=pending)))
        await urgent.receive()
    [gateway] = (await answers(running))[0].gateways
    assert gateway.pending_samples == 2**63 - 1


async def test_lanes_that_are_announced_and_never_sent_are_bounded(running: Centre) -> None:
    last: grpc.StatusCode | None = None
    for session in range(20):
        tips = [
            wire.LaneTip(epoch=bytes([session, n]) * 8, lane=2, held_lo=1, tip_seq=1, tip_sample=1)
            for n in range(limits.TIPS_MAX)
        ]
        async with running.call() as urgent:
            hello = wire.Hello(
                proto_min=1, proto_max=1, kind=wire.URGENT, session=SESSION, tips=tips
            )
            await urgent.send(wire.EdgeMsg(hello=hello))
            await urgent.done()
            last, _details = await urgent.ending()
    assert last is grpc.StatusCode.INVALID_ARGUMENT
    assert running.parts.archive.lanes.promised(SITE) <= 1_024


async def test_a_gateway_speaks_for_its_own_epochs_only(running: Centre) -> None:
    running.parts.archive.lanes.owners[b"o" * 16] = (SITE, "610581-bof2a")
    tip = wire.LaneTip(epoch=b"o" * 16, lane=2, held_lo=1, tip_seq=9, tip_sample=9)
    async with running.call() as urgent:
        hello = wire.Hello(proto_min=1, proto_max=1, kind=wire.URGENT, session=SESSION, tips=[tip])
        await urgent.send(wire.EdgeMsg(hello=hello))
        code, _details = await urgent.ending()
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert running.parts.reader.lanes(SITE) == []


async def test_what_is_set_aside_is_bounded_and_its_count_stays(
    running: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.archive.append.QUARANTINE_BYTES_MAX", 5_000)
    archive = running.parts.archive
    for number in range(20):
        await archive.quarantine(SITE, GATEWAY, bytes([number]) * 1_000, "batch.magic", number)
    kept = await running.parts.database.read(
        lambda db: db.execute(
            "SELECT sum(length(bytes)), sum(times), max(bytes) FROM quarantine"
        ).fetchone()
    )
    assert kept == (3_000, 20, bytes([19]) * 1_000)
    assert archive.quarantined == {SITE: 20}
    await archive.open()
    assert archive.quarantined == {SITE: 20}


async def test_samples_that_waited_for_their_table_and_then_do_not_decode_are_counted(
    running: Centre,
) -> None:
    plant = Plant()
    lie = forged_samples(plant, [WALL_US, WALL_US + 7], t_last_us=WALL_US)
    assert await submit(running, plant.frames[0], lie) == [wire.STORED, wire.STORED]
    assert await submit(running, plant.schema()) == [wire.STORED]
    assert running.parts.archive.quarantined == {SITE: 1}
    assert running.parts.status.site(SITE).quarantined == 1
    await running.parts.archive.open()
    assert running.parts.archive.quarantined == {SITE: 1}


async def test_one_gateway_cannot_take_the_calls_of_all(running: Centre) -> None:
    calls = []
    try:
        for number in range(CALLS_MAX):
            calls.append(running.call())
            await calls[-1].hello(boot_id=9 - number)  # an older boot keeps delivering
        calls.append(running.call())
        code, details = await calls[-1].ending()
    finally:
        for each in calls:
            await each.__aexit__()
    assert (code, "rate.calls" in details) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)


async def test_a_hello_costs_as_much_as_any_message(running: Centre) -> None:
    running.parts.door.buckets.clear()
    async with running.call() as urgent:
        await urgent.hello()
    assert running.parts.door.buckets[GATEWAY].level < 400


def test_every_registered_gateway_has_room_for_its_two_calls() -> None:
    assert rpcs_max(1_000) >= 2 * 1_000
