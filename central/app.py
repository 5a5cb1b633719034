"""The composition root of the centre: builds the parts, joins them, runs them.  Shell: all of it.

Order of the start: database, archive, board, doors; of the stop: doors (last acknowledgements
first), writer, board, database.  A part that gives up ends the process.
"""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc.aio

from central import events
from central.analysis.book import LeadBook
from central.analysis.catalogue import load_pack
from central.analysis.executor import LocalExecutor
from central.analysis.lead import lead_body
from central.analysis.pack import Pack
from central.analysis.runner import Runner
from central.api.queries import Queries
from central.api.rest import api_routes
from central.archive.blocks import Archive
from central.archive.query import ArchiveReader
from central.clock import SystemClock
from central.config import CentralSettings
from central.ingest.admission import Register
from central.ingest.writer import Writer
from central.listeners.client import build_client_server
from central.listeners.gateway import Door, build_gateway_server
from central.listeners.http import build_http, serve_http
from central.status.service import StatusService
from central.store.database import LIBRARY_VERSION, Database
from central.store.register import import_register
from central.supervisor import GaveUp, keep_running
from proto.errors import ConfigError
from proto.site import Site

DRAIN_S: Final = 5.0
EXIT_OK: Final = 0
EXIT_FAILED: Final = 1


@dataclass(slots=True)
class Parts:
    """What one running centre is made of."""

    settings: CentralSettings
    clock: SystemClock
    database: Database
    archive: Archive
    reader: ArchiveReader
    status: StatusService
    writer: Writer
    door: Door
    book: LeadBook
    queries: Queries
    packs: Sequence[Pack]


def sites_of(settings: CentralSettings) -> list[Site]:
    """Return the static register of the configuration."""
    return [
        Site(site.id, site.name, site.region, site.gateways, site.simulated)
        for site in settings.config.site
    ]


def packs_of(settings: CentralSettings) -> list[Pack]:
    """Return the rule packs of the configuration.

    Raises:
        PackError: a pack cannot be read.
    """
    folder = Path(settings.place).resolve().parent
    return [load_pack(name, folder) for name in settings.config.analysis.packs]


async def run_central(settings: CentralSettings) -> int:
    """Run until a signal, or until a part gives up; return the exit code.

    Raises:
        ConfigError: something that the operator must mend.
    """
    database = Database(Path(settings.data_dir))
    database.open()
    try:
        parts = await build(settings, database)
        return await serve(parts, asyncio.Event())
    finally:
        database.close()


async def build(settings: CentralSettings, database: Database) -> Parts:
    """Return the parts, with board and archive as the file says; nothing listens yet."""
    clock = SystemClock()
    sites = sites_of(settings)
    packs = packs_of(settings)
    place, now_us = settings.place, clock.wall_us()
    await database.write(lambda db: import_register(db, sites, now_us, place))
    archive = Archive(database)
    await archive.open()
    reader = ArchiveReader(database, archive)
    status = StatusService(sites, archive, reader, clock)
    await status.open()
    tables = {site.id: await reader.parts(site.id) for site in sites}
    writer = Writer(archive, status, tables)
    book = LeadBook(database)

    async def leads(site: str | None) -> list[bytes]:
        found = await book.leads(site)
        return [json.dumps(lead_body(lead), ensure_ascii=False).encode() for lead in found]

    return Parts(
        settings=settings,
        clock=clock,
        database=database,
        archive=archive,
        reader=reader,
        status=status,
        writer=writer,
        door=Door(Register.of(sites), archive, status, writer, clock),
        book=book,
        queries=Queries(status, reader, leads, clock),
        packs=packs,
    )


async def serve(parts: Parts, stop: asyncio.Event) -> int:
    """Open the doors and run until `stop`, a signal, or a part that gives up."""
    _stop_on_signals(stop)
    gateways, _port = build_gateway_server(parts.settings, parts.door)
    clients, _port = build_client_server(parts.settings, parts.queries)
    executor = LocalExecutor(parts.settings.config.analysis.workers)
    faults: list[ConfigError] = []
    code = EXIT_OK
    try:
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(keep_running(name, part, parts.clock), name=name)
                for name, part in _parts_to_run(parts, executor, stop)
            ]
            await gateways.start()
            await clients.start()
            _tell_started(parts)
            await stop.wait()
            await _drain(parts, gateways, clients)
            for task in running:
                task.cancel()
    except* GaveUp:
        code = EXIT_FAILED
    except* ConfigError as errors:
        faults += [error for error in errors.exceptions if isinstance(error, ConfigError)]
    finally:
        executor.close()
        await gateways.stop(0)
        await clients.stop(0)
    if faults:
        raise faults[0]
    await parts.status.save()
    events.process_stopped("signal" if code == EXIT_OK else "a part gave up")
    return code


def _parts_to_run(
    parts: Parts, executor: LocalExecutor, stop: asyncio.Event
) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    made: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("ingest.writer", parts.writer.run),
        ("status", parts.status.run),
    ]
    for pack in parts.packs:
        runner = Runner(parts.status, parts.reader, parts.book, executor, pack)
        made.append((f"analysis.{pack.pack}", runner.run))
    config = parts.settings.config
    if config.http is not None:
        app = build_http(
            config,
            parts.status,
            parts.reader,
            parts.book,
            clock=parts.clock,
            api=api_routes(parts.queries),
        )
        listen = config.http.listen
        made.append(("http", lambda: serve_http(app, listen, stop)))
    return made


async def _drain(parts: Parts, gateways: grpc.aio.Server, clients: grpc.aio.Server) -> None:
    """Stop reading, commit what was read, send the last acknowledgements, close."""
    parts.door.drain()
    await asyncio.gather(gateways.stop(DRAIN_S), clients.stop(0.2))


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)


def _tell_started(parts: Parts) -> None:
    config = parts.settings.config
    sites = config.site
    events.config_loaded(
        parts.settings.place, sites=len(sites), gateways=sum(len(site.gateways) for site in sites)
    )
    events.process_started(
        config.central.name,
        sqlite=LIBRARY_VERSION,
        gateways=config.gateways.listen,
        clients=config.clients.listen if config.clients else "",
        http=config.http.listen if config.http else "",
    )
