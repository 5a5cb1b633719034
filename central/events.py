"""The log events of the centre: a finite set of typed functions.  Shell: writes the log.

Log a change of state once; count everything else.  The log is for operators and is not the record.
"""

import logging
import sys
from typing import Final, TextIO

import structlog

_EVENT_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

# event: level, what to do
CATALOG: Final[dict[str, tuple[str, str]]] = {
    "process.started": ("info", "the centre runs; nothing to do"),
    "process.stopped": ("info", "the centre has ended in order; nothing to do"),
    "config.refused": (
        "error",
        "mend the key at `place`, then start again; `yujing-central check FILE` names all",
    ),
    "config.loaded": ("info", "the configuration in force; nothing to do"),
    "task.restarted": ("warning", "a part failed and runs again; if it repeats, read `error`"),
    "task.gave_up": (
        "error",
        "a part failed too often and the centre ends; mend what `error` says",
    ),
    "task.failed": (
        "error",
        "one request failed for a reason of ours; report `incident` and `error`",
    ),
    "ingest.session_opened": ("info", "a gateway sends; nothing to do"),
    "ingest.session_closed": ("info", "a call of a gateway has ended; it opens the next by itself"),
    "ingest.session_refused": (
        "warning",
        "a call was refused; `code` says what its operator must mend",
    ),
    "gateway.disputed": (
        "error",
        "an older start of a gateway speaks again; find the second unit or a cloned disk",
    ),
    "ingest.batch_quarantined": (
        "error",
        "a batch is unusable and its bytes are kept; check that gateway's disk",
    ),
    "ingest.fork_found": (
        "error",
        "one key has two contents and both are kept; find the restored or cloned gateway",
    ),
    "ingest.gap_found": ("warning", "a gateway has named a loss; ask the plant about `cause`"),
    "archive.damaged": (
        "error",
        "nothing is acknowledged until the disk takes commits; free or mend it",
    ),
    "site.went_silent": ("warning", "silent for 45 s; ask the plant about power, line and gateway"),
    "site.returned": ("info", "the gateway is back; what waited is coming"),
    "analysis.pack_loaded": ("info", "a rule pack is in force; nothing to do"),
    "analysis.pack_refused": (
        "error",
        "mend the key at `place` of the rule pack; the others are in force",
    ),
    "lead.found": ("info", "read it: `yujing-central leads`"),
}


def configure(
    stream: TextIO = sys.stderr, *, people: bool | None = None, level: str = "info"
) -> None:
    """Set the log up: JSON lines, or people's form on a terminal."""
    on_terminal = stream.isatty() if people is None else people
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer()
        if on_terminal
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_EVENT_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process="central")


def _write(event: str, **keys: object) -> None:
    level, _ = CATALOG[event]
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    log.log(_EVENT_LEVELS[level], event, **keys)


def process_started(name: str, *, sqlite: str, gateways: str, clients: str, http: str) -> None:
    """The server is up and listens."""
    _write(
        "process.started", name=name, sqlite=sqlite, gateways=gateways, clients=clients, http=http
    )


def process_stopped(reason: str) -> None:
    """The server has ended in order."""
    _write("process.stopped", reason=reason)


def config_refused(place: str, code: str, message: str) -> None:
    """The configuration has a fault; one line for each."""
    _write("config.refused", place=place, code=code, message=message)


def config_loaded(place: str, *, sites: int, gateways: int) -> None:
    """The configuration is in force."""
    _write("config.loaded", place=place, sites=sites, gateways=gateways)


def task_restarted(task: str, attempt: int, error: str) -> None:
    """A part failed and runs again."""
    _write("task.restarted", task=task, attempt=attempt, error=error)


def task_gave_up(task: str, error: str) -> None:
    """A part failed too often; the process ends."""
    _write("task.gave_up", task=task, error=error)


def handler_failed(incident: str, method: str, error: str) -> None:
    """A handler failed for a reason of our own; the peer was told `internal` and this incident."""
    _write("task.failed", incident=incident, method=method, error=error)


def session_opened(gateway: str, kind: str, *, peer: str, version: str) -> None:
    """A gateway has opened a call."""
    _write("ingest.session_opened", gateway=gateway, kind=kind, peer=peer, version=version)


def session_closed(gateway: str, kind: str, reason: str) -> None:
    """A call of a gateway has ended."""
    _write("ingest.session_closed", gateway=gateway, kind=kind, reason=reason)


def session_refused(gateway: str, code: str, message: str) -> None:
    """A call was refused, or ended for what the peer did."""
    _write("ingest.session_refused", gateway=gateway, code=code, message=message)


def gateway_disputed(gateway: str, boot_id: int) -> None:
    """An older start of a gateway speaks again; both keep delivering."""
    _write("gateway.disputed", gateway=gateway, boot_id=boot_id)


def batch_quarantined(site: str, code: str, size: int) -> None:
    """A batch is unusable; its bytes are kept."""
    _write("ingest.batch_quarantined", site=site, code=code, size=size)


def fork_found(site: str, epoch: str, lane: int, sequence: int) -> None:
    """One key, two contents: both are kept."""
    _write("ingest.fork_found", site=site, epoch=epoch, lane=lane, sequence=sequence)


def gap_found(site: str, cause: str, samples: int) -> None:
    """A gateway has named a loss."""
    _write("ingest.gap_found", site=site, cause=cause, samples=samples)


def archive_broken(message: str) -> None:
    """The archive cannot commit; nothing is acknowledged."""
    _write("archive.damaged", message=message)


def site_went_silent(site: str, gateway: str) -> None:
    """A gateway has been silent for 45 s."""
    _write("site.went_silent", site=site, gateway=gateway)


def site_returned(site: str, gateway: str) -> None:
    """A silent gateway is back."""
    _write("site.returned", site=site, gateway=gateway)


def pack_loaded(pack: str, version: int, digest: str) -> None:
    """A rule pack is in force."""
    _write("analysis.pack_loaded", pack=pack, version=version, hash=digest)


def pack_refused(place: str, code: str, message: str) -> None:
    """A rule pack has a fault; one line for each."""
    _write("analysis.pack_refused", place=place, code=code, message=message)


def lead_found(site: str, rule: str, subject: str, symptom: str) -> None:
    """A rule has begun to find something; `yujing-central leads` explains it."""
    _write("lead.found", site=site, rule=rule, subject=subject, symptom=symptom)
