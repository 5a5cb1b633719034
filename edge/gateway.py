"""Composition root of the gateway process: builds the parts, keeps them, stops.  Shell: all of it.

The order of a stop: lines, scan and alarms first, then what is in RAM goes to disk, then the uplink
may drain for a while, then the last status is written and the spool closed.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from edge import events, platform
from edge.acquisition.lines import Lines
from edge.acquisition.loop_store import LoopStore
from edge.acquisition.map_desk import MapDesk
from edge.acquisition.resume import Books
from edge.alarm.loop import AlarmLoop
from edge.cabinet import make_cabinet
from edge.clock import SystemClock
from edge.control import ControlServer
from edge.fieldwork import Fieldwork
from edge.figures import alarms_of, lane_health, line_health, uplink_health
from edge.health import summary
from edge.image import ProcessImage
from edge.installation import Installation, load
from edge.mark_store import calibrating
from edge.plant import Plant
from edge.pulse import Pulse
from edge.scan.answers import Answers
from edge.scan.loop import ScanLoop
from edge.spool.axes import axis_shapes
from edge.spool.meta import Identity
from edge.spool.model import ClockNote, Moment
from edge.spool.recorder import Recorder
from edge.spool.source import SpoolSource
from edge.spool.store import Spool, open_spool
from edge.supervisor import Supervisor
from edge.trust import keys
from edge.trust.clock_state import ClockJudge
from edge.trust.keys import Credentials
from edge.uplink.link import GrpcCarriage
from edge.uplink.settings import ClockWord, Ears, UplinkSettings
from edge.uplink.uplink import Uplink
from proto.clock import Clock
from proto.errors import ConfigError, YujingError

STOPPED = "stopped.json"
BOOT_FLOOR = "boot_id"  # beside the spool, so that the number ascends when the spool is lost
DRAIN_S = 10.0
SETTLED_S = 30.0  # lines are open, alarms stand: from here on hardly anything stays
SCAN_DEAD_NS = 10**9
EXPIRY_WARNED_DAYS = 10  # a third of the 30 days of security.md 3.3
EXIT_OK, EXIT_WRONG, EXIT_CONFIG = 0, 1, 78


async def run_gateway(path: Path) -> int:
    """Run one gateway until it is told to stop; returns the exit code.

    0 after a clean stop, 1 when a part gave up, 78 when the configuration cannot be used.
    """
    events.configure()
    try:
        installation = load(path)
        credentials = _credentials(installation)
        platform.own_directory(installation.data_dir, "data_dir")
        clock = SystemClock()
        gateway = await build(installation, credentials, clock)
    except ConfigError as error:
        for fault in error.faults:
            sys.stderr.write(f"{fault}\n")
        return EXIT_CONFIG
    except YujingError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_WRONG
    return await gateway.run()


async def build(installation: Installation, credentials: Credentials, clock: Clock) -> "Gateway":
    """Open the spool and wire all parts; nothing runs yet.

    Raises:
        ConfigError: the spool is in use, of another gateway, or not writable.
    """
    config, plant = installation.config, installation.plant
    identity = Identity(
        gateway=config.gateway.id,
        config_version=config.config.version,
        os_boot_uuid=platform.os_boot_uuid(),
        machine_hash=platform.machine_hash(),
        versions={"yujing": version("yujing")},
    )
    spool = await open_spool(
        installation.data_dir / "spool",
        identity,
        clock,
        schema=plant.schema,
        quota_bytes=config.spool.quota_bytes,
        boot_floor=_boot_floor(installation.data_dir),
    )
    boot_id = str(spool.core.boot_id).encode()
    with suppress(OSError):  # a second copy: the spool itself holds the number
        platform.write_whole(installation.data_dir / BOOT_FLOOR, boot_id)
    return Gateway(installation, credentials, clock, spool)


class Gateway:
    """All parts of one gateway process."""

    def __init__(
        self, installation: Installation, credentials: Credentials, clock: Clock, spool: Spool
    ) -> None:
        self._installation, self._clock, self._spool = installation, clock, spool
        self._credentials = credentials
        config, plant = installation.config, installation.plant
        self._started_ns = clock.mono_ns()
        self._judge = ClockJudge()
        self._image, pulse = ProcessImage(plant.layout), Pulse(clock, start_ns=spool.t0.mono_ns)
        self._recorder = Recorder(
            spool,
            clock,
            parts=plant.schema,
            axes=axis_shapes(plant),
            window_ns=config.spool.window_ns,
            judge=self._clock_note,
            stepped=self._judge.stepped,
            pulse=pulse,
        )
        record, books = self._recorder.record, Books()
        self._recorder.cursors = books.at
        self._field = Fieldwork(installation, clock, record, spool.cursors)
        self._lines = self._read(plant, books, pulse)
        self._scans = ScanLoop(
            installation.models, image=self._image, record=record, clock=clock, pulse=pulse
        )
        self._alarms = AlarmLoop(
            installation.alarms,
            installation.models,
            image=self._image,
            views=self._scans.views,
            record=record,
            clock=clock,
            pulse=pulse,
        )
        self._uplink = Uplink(
            UplinkSettings(
                address=config.central.address,
                version=version("yujing"),
                config_hash=bytes.fromhex(installation.config_hash),
            ),
            SpoolSource(spool),
            self._connect,
            clock,
            Ears(self._clock_word, self._exchanged, self._diagnose),
            pulse,
        )
        answers = Answers(plant, self._image, self._scans, clock, self._more).table()
        self._loops = LoopStore(
            installation.data_dir,
            plant,
            clock,
            calibrating(installation.data_dir, clock),
            record,
        )
        answers |= {"status": lambda _: self.status(), **self._field.table(), **self._loops.table()}
        answers |= MapDesk(plant, self._lines, clock, record).table()
        self._control = ControlServer(installation.data_dir, answers)
        self._supervisor = Supervisor(clock)
        places = (self._image, self._recorder, spool.t0.mono_ns)
        self._cabinet = make_cabinet(installation, clock, places, self._alarms, self._is_healthy)
        self._told = asyncio.Event()
        self._hurry = False

    def _read(self, plant: Plant, books: Books, pulse: Pulse) -> Lines:
        """Return everything that reads; nothing is opened yet."""
        return Lines(
            plant,
            self._field.driver,
            clock=self._clock,
            image=self._image,
            sink=self._recorder,
            start_ns=self._spool.t0.mono_ns,
            durable=self._recorder.durable,
            keeper=self._recorder,
            books=books,
            told=self._recorder.told,
            pulse=pulse,
        )

    async def run(self) -> int:
        """Run until SIGTERM or SIGINT, or until a part gives up; then stop in order."""
        config = self._installation.config
        events.bind(boot_id=self._spool.core.boot_id, config_version=config.config.version)
        with suppress(OSError):
            (self._installation.data_dir / STOPPED).unlink()
        gateway = config.gateway
        events.process_started(gateway=gateway.id, site=gateway.site, version=version("yujing"))
        events.config_loaded(
            version=config.config.version, points=len(self._installation.plant.points)
        )
        self._warn_of_certificate()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        outer = self._start(
            {"uplink": self._uplink.run, "control": self._control.run},
        )
        committers = self._start(
            {"urgent": self._recorder.run_urgent, "bulk": self._recorder.run_bulk}
        )
        inner = self._start(
            {
                **self._lines.tasks(),
                **self._field.tasks(),
                **({"cabinet": self._cabinet.owner.run} if self._cabinet is not None else {}),
                "scan": self._scans.run,
                "alarm": self._alarms.run,
            }
        )
        platform.settle_memory()
        loop.call_later(SETTLED_S, platform.keep_memory)
        await _first(self._told.wait(), self._supervisor.gave_up.wait())
        return await self._stop(inner, committers, outer)

    def _is_healthy(self) -> bool:
        """True while no part has given up and the scan runs."""
        late_ns = self._clock.mono_ns() - self._scans.last_ns
        return not self._supervisor.failed and late_ns < SCAN_DEAD_NS

    def status(self) -> dict[str, object]:
        """Return "gateway-status/1"."""
        config, core = self._installation.config, self._spool.core
        counts, now = self._spool.counts(), Moment(self._clock.wall_us(), self._clock.mono_ns())
        judged = self._judge.estimate(wall_us=now.wall_us, mono_ns=now.mono_ns)
        return summary.summarize(
            summary.ProcessHealth(
                gateway=config.gateway.id,
                site=config.gateway.site,
                boot_id=core.boot_id,
                config_version=config.config.version,
                uptime_s=round((now.mono_ns - self._started_ns) / 1e9, 3),
                cpu_s=round(platform.cpu_s(), 3),
                rss_bytes=platform.rss_bytes(),
                clock_state=judged.state.name,
                clock_offset_us=judged.offset_us,
                restarts=self._supervisor.restarts,
            ),
            lines=[line_health(one, now.mono_ns) for one in self._lines.owners],
            samples=summary.SampleCounts(
                acquired=self._recorder.acquired,
                committed=self._recorder.committed,
                acknowledged=counts.acknowledged,
                pending=counts.pending + self._recorder.samples_in_ram,
                gapped=counts.gapped + self._recorder.losses.stalled,
            ),
            lanes={lane.name: lane_health(log) for lane, log in self._spool.lanes().items()},
            uplink=uplink_health(self._uplink.state),
            spool=summary.SpoolHealth(
                counts.used_bytes, self._spool.quota_bytes, counts.free_bytes
            ),
            overruns=self._recorder.losses.overruns,
            interlocks=self._scans.status(),
            alarms=self._alarms.status(),
        )

    def _more(self, number: int) -> dict[str, object]:
        """Return what acquisition and the alarms know of a point."""
        alarms = alarms_of(self._installation.alarms, number)
        version = self._installation.config.config.version
        return {
            **self._lines.describe_point(number),
            **self._loops.of(self._installation.plant.points[number].name),
            "alarms": alarms,
            "configuration": version,
        }

    def _on_signal(self) -> None:
        """Stop in order; told twice, do not wait for the centre."""
        self._hurry = self._told.is_set()
        self._told.set()

    async def _stop(
        self,
        inner: list[asyncio.Task[None]],
        committers: list[asyncio.Task[None]],
        outer: list[asyncio.Task[None]],
    ) -> int:
        await _cancel(inner)
        clean = not self._supervisor.failed
        if clean:
            await self._recorder.stop()
            await self._drained()
        await _cancel(committers)
        await _cancel(outer)
        status = self.status()
        await self._spool.close(clean=clean)
        self._write_stopped({**status, "clean": clean})
        events.process_stopped(
            clean=clean, uptime_s=(self._clock.mono_ns() - self._started_ns) / 1e9
        )
        for failed in self._supervisor.failed:
            sys.stderr.write("\n".join(failed.lines()) + "\n")
        return EXIT_OK if clean else EXIT_WRONG

    async def _drained(self) -> None:
        """Wait until the centre holds everything, at most `DRAIN_S`, and only while it answers."""
        try:
            async with asyncio.timeout(DRAIN_S):
                while self._may_drain():  # noqa: ASYNC110 - acks, link or a second signal end it
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return

    def _may_drain(self) -> bool:
        pending = any(log.pending for log in self._spool.core.logs.values())
        return pending and self._uplink.state.state == "OPEN" and not self._hurry

    def _start(
        self, parts: dict[str, Callable[[], Coroutine[None, None, None]]]
    ) -> list[asyncio.Task[None]]:
        keep = self._supervisor.keep
        return [asyncio.create_task(keep(name, run), name=name) for name, run in parts.items()]

    def _write_stopped(self, status: dict[str, object]) -> None:
        data = summary.to_json(status)
        path = self._installation.data_dir / STOPPED
        try:
            platform.write_whole(path, data)
        except OSError as error:
            sys.stderr.write(f"{path}: {error.strerror}; the last status is not kept\n")

    def _clock_note(self, now: Moment) -> ClockNote:
        judged = self._judge.estimate(wall_us=now.wall_us, mono_ns=now.mono_ns)
        return ClockNote(judged.offset_us, judged.err_us, judged.state)

    def _clock_word(self) -> ClockWord:
        now_us, now_ns = self._clock.wall_us(), self._clock.mono_ns()
        judged = self._judge.estimate(wall_us=now_us, mono_ns=now_ns)
        used = self._spool.core.ring.used_bytes
        return ClockWord(int(judged.state), judged.offset_us, used, self._spool.quota_bytes)

    def _exchanged(self, t1: int, t2: int, t3: int, t4: int, mono_ns: int) -> None:
        self._judge.exchanged(t1_us=t1, t2_us=t2, t3_us=t3, t4_us=t4, mono_ns=mono_ns)

    def _diagnose(self, now_us: int) -> str | None:
        return keys.diagnose(self._credentials, now_us)

    def _connect(self) -> GrpcCarriage:
        own = self._credentials
        address = self._installation.config.central.address
        return GrpcCarriage(address, root=own.root, cert=own.cert, key=own.key)

    def _warn_of_certificate(self) -> None:
        days = keys.days_left(self._credentials, self._clock.wall_us())
        if days < EXPIRY_WARNED_DAYS:
            events.trust_certificate_expiring(file=self._credentials.place, days=days)


def _credentials(installation: Installation) -> Credentials:
    """Read the uplink's certificate files and hold the certificate's name against the file's.

    Raises:
        ConfigError: every fault of the three files.
    """
    central, gateway = installation.config.central, installation.config.gateway
    found = keys.load(
        root=installation.path(central.ca),
        cert=installation.path(central.cert),
        key=installation.path(central.key),
    )
    keys.check_identity(found, gateway.id)
    return found


def _boot_floor(data_dir: Path) -> int:
    """Return the largest start number known beside the spool; 0 when there is none."""
    try:
        return int((data_dir / BOOT_FLOOR).read_text("ascii"))
    except (OSError, ValueError):
        return 0


async def _first(*waits: Awaitable[object]) -> None:
    """Wait until one of them is done; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
