"""M4, M9 to M11 at full length: a million reads a wire, mirrors, ten million virtual, tap, rings.

usage: python -m tests.soak acquisition [--reads 1000000] [--virtual 10000000] [--tap 1000000]
           [--ring 1000000] [--wires rtu,rtu-tcp,dial-in,mbap,mbap-tls,mbap-gateway] [--lines 12]
           [--workers N] [--seed 1] [--share 0.01] [--days 30] [--cuts 100] [--no-times]

Shell: processes.  One JSON line per campaign on stdout, progress on stderr; exit code 1 as soon as
one value was called GOOD and was wrong, newer than it says, or never asked for.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing as mp
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from tests.harness import guard_run, mirror_run, pace, tap_model
from tests.harness.campaign import WIRES, campaign
from tests.harness.oracle import Tally
from tests.harness.script import Fault
from tests.soak.rings import rings

CHUNK_VIRTUAL = 50_000


def wire_job(job: tuple[str, int, int, int, float]) -> dict[str, object]:
    """Run some lines of one wire in this process, at once: their drains overlap."""
    name, reads, lines, seed, share = job

    async def run() -> tuple[Tally, Counter[Fault], int, float]:
        began = time.monotonic()
        runs = await asyncio.gather(
            *(campaign(name, reads // lines, seed * 1000 + at, share) for at in range(lines))
        )
        tally, suffered, forbidden = Tally(), Counter[Fault](), 0
        for one, equipment, _ in runs:
            tally.add(one)
            suffered += equipment.suffered
            forbidden += len(equipment.forbidden)
        return tally, suffered, forbidden, time.monotonic() - began

    tally, suffered, forbidden, took = asyncio.run(run())
    return {
        "campaign": name,
        "reads": tally.reads,
        "good": tally.good,
        "bits": tally.bits,
        "wrong": tally.wrong,
        "restamped": tally.restamped,
        "unlogged": tally.unlogged,
        "forbidden": forbidden,
        "outcomes": dict(tally.outcomes),
        "faults": {fault.value: count for fault, count in suffered.items()},
        "seconds": round(took, 1),
        "examples": tally.examples,
    }


VIRTUAL = {
    "drain at the bound, echo": guard_run.Case(guard_run.EQUAL),
    "drain at a quarter, echo": guard_run.Case(guard_run.EQUAL, guard_run.BOUND_NS // 4),
    "drain at a quarter, fences": guard_run.Case(
        guard_run.ALTERNATING, guard_run.BOUND_NS // 4, echo=False
    ),
    "never, drain at the bound": guard_run.Case(guard_run.DISTINCT, never=True),
}


def virtual_job(job: tuple[str, int, int]) -> dict[str, object]:
    """Run the guard in virtual time."""
    name, reads, seed = job
    began = time.monotonic()
    score = guard_run.run(VIRTUAL[name], reads, seed)
    result = {"campaign": f"virtual: {name}", **asdict(score)}
    result["restamped"] = result.pop("old_as_new")
    return {**result, "seconds": round(time.monotonic() - began, 1)}


TAP = {
    "distinct counts": tap_model.Bus(tap_model.DISTINCT, noise=0.01),
    "equal counts, a pause": tap_model.Bus(
        tap_model.EQUAL, pause_ns=tap_model.BOUND_NS + 10 * tap_model.MS, noise=0.01
    ),
    "one request repeated": tap_model.Bus(tap_model.REPEATED, noise=0.01),
    "clean": tap_model.Bus(tap_model.DISTINCT, late=0, lost=0),
}


def tap_job(job: tuple[str, int, int]) -> dict[str, object]:
    """Run the tap in virtual time, with noise that only the listener hears."""
    name, answers, seed = job
    began = time.monotonic()
    newest, ours = tap_model.run(TAP[name], answers, seed)
    return {
        "campaign": f"tap: {name}",
        "reads": ours.answers,
        "good": ours.used,
        "wrong": ours.wrong,
        "restamped": ours.old_as_new,
        "refused": round(ours.refused, 4),
        "wrong_of_newest": newest.wrong + newest.old_as_new,
        "seconds": round(time.monotonic() - began, 1),
    }


def jobs_of(options: argparse.Namespace) -> list[tuple[object, tuple[object, ...]]]:
    """Return everything to run, in pieces of about a minute."""
    jobs: list[tuple[object, tuple[object, ...]]] = []
    piece = max(1, min(options.reads, 2_000 * options.lines))
    for name in options.wires.split(","):
        for at in range(-(-options.reads // piece)):
            args = (name, piece, options.lines, options.seed + at, options.share)
            jobs.append((wire_job, args))
    each = options.virtual // len(VIRTUAL)
    for name in VIRTUAL:
        for at in range(-(-each // CHUNK_VIRTUAL)):
            jobs.append((virtual_job, (name, min(each, CHUNK_VIRTUAL), options.seed + at)))
    each = options.tap // len(TAP)
    for name in TAP:
        for at in range(-(-each // CHUNK_VIRTUAL)):
            jobs.append((tap_job, (name, min(each, CHUNK_VIRTUAL), options.seed + at)))
    return jobs


def mirrors(count: int, days: float, seed: int) -> tuple[list[dict[str, object]], bool]:
    """Return M9: mirrors that freeze, and controllers that run while polls are lost."""
    found = [
        mirror_run.freeze(signal, seed + at)
        for at, signal in enumerate(mirror_run.signals(count, seed))
    ]
    bad = sum(one.is_met for one in found)
    name = "M9 frozen mirrors"
    rows: list[dict[str, object]] = [
        {"campaign": name, "mirrors": count, "bad_in_time": bad, "met": bad == count}
    ]
    second = mirror_run.SECOND
    for moves, update in (("counter", second // 2), ("second", second), ("toggle", 2 * second)):
        signal = mirror_run.Signal(moves, update, second)  # type: ignore[arg-type]
        polls, stops, good = mirror_run.run_days(signal, days, 0.01, seed)
        row: dict[str, object] = {"campaign": f"M9 {days} days, 1 % lost, {moves}", "polls": polls}
        rows.append({**row, "false_stops": stops, "good": round(good, 6), "met": stops == 0})
    return rows, not all(row["met"] for row in rows)


def time_figures() -> tuple[list[dict[str, object]], bool]:
    """Return M8 and the hung PLC of M6, and whether a target was missed; one after the other."""
    results: list[dict[str, object]] = []
    for baud, registers, reads in ((9_600, 125, 12), (38_400, 60, 60), (115_200, 125, 120)):
        took, wire = asyncio.run(pace.poll_times(baud, registers, reads))
        median = statistics.median(took)
        row = {
            "campaign": f"M8 {baud} baud, {registers} registers",
            "polls_s": round(1 / median, 1),
        }
        share = round(wire / median, 3)
        results.append({**row, "share_of_wire": share, "met": share >= 0.9})
    lost = asyncio.run(pace.dead_unit(32, 60.0))
    row = {"campaign": "M8 one dead unit of 32", **lost, "met": lost["lost_share"] < 0.05}
    results.append(row)
    hung = asyncio.run(pace.hung_plc(200, 20.0))
    met = hung["hung_p99_ms"] < hung["calm_p99_ms"] + 20
    results.append({"campaign": "M6 one hung PLC of 200", **hung, "met": met})
    return results, not all(result["met"] for result in results)


def _do(job: tuple[object, tuple[object, ...]]) -> dict[str, object]:
    work, args = job
    return work(args)  # type: ignore[operator, no-any-return]


def _sum(into: dict[str, object], one: dict[str, object]) -> None:
    for key, value in one.items():
        if isinstance(value, int | float) and key != "refused":
            into[key] = round(into.get(key, 0) + value, 1)  # type: ignore[operator, call-overload]
        elif isinstance(value, dict):
            into[key] = dict(Counter(into.get(key, {})) + Counter(value))  # type: ignore[arg-type]
        else:
            into[key] = into.get(key) or value


def is_wrong(result: dict[str, object]) -> bool:
    """True when a value was called GOOD and was not, or a reader sent what it must not."""
    return any(result.get(key) for key in ("wrong", "restamped", "unlogged", "forbidden"))


def main(arguments: Sequence[str]) -> int:
    """Run the section; 1 = something was wrong."""
    parser = argparse.ArgumentParser(prog="soak acquisition", description=__doc__.split("\n")[0])
    parser.add_argument("--reads", type=int, default=1_000_000)
    parser.add_argument("--virtual", type=int, default=10_000_000)
    parser.add_argument("--tap", type=int, default=1_000_000)
    parser.add_argument("--ring", type=int, default=1_000_000)
    parser.add_argument("--wires", default=",".join(WIRES))
    parser.add_argument("--lines", type=int, default=12)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--times", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args(arguments)
    jobs = jobs_of(options)
    totals: dict[str, dict[str, object]] = {}
    failed = False
    with mp.get_context("spawn").Pool(options.workers) as pool:
        for done, result in enumerate(pool.imap_unordered(_do, jobs), 1):
            _sum(totals.setdefault(str(result["campaign"]), {}), result)
            if is_wrong(result):
                failed = True
                print(f"\nWRONG: {json.dumps(result)}", file=sys.stderr)
            _progress(done, len(jobs), totals)
    print(file=sys.stderr)
    for total in totals.values():
        print(json.dumps(total, ensure_ascii=False))
    if options.times:
        results, missed = time_figures()
        failed |= missed
        for result in results:
            print(json.dumps(result))
    for row in (mirror_rows := mirrors(1000, options.days, options.seed))[0]:
        print(json.dumps(row))
    failed |= mirror_rows[1]
    failed |= bool(options.ring) and not rings(options.ring, options.seed)
    for server in ("node", "asyncua") if options.cuts else ():
        command = [sys.executable, "-m", "tests.harness.opcua_cuts"]
        command += ["--cuts", str(options.cuts), "--server", server]
        failed |= subprocess.run(command, check=False).returncode != 0
    return 1 if failed else 0


def _progress(done: int, of: int, totals: dict[str, dict[str, object]]) -> None:
    reads = sum(int(str(total.get("reads", 0)).partition(".")[0]) for total in totals.values())
    wrong = sum(is_wrong(total) for total in totals.values())
    bar = "#" * (40 * done // of)
    with contextlib.suppress(OSError):
        text = f"\r[{bar:<40}] {done}/{of}  {reads:,} reads  {wrong} campaigns with a wrong value"
        print(text, end="", file=sys.stderr, flush=True)
