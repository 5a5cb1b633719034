"""The log events of a simulated plant: a finite set of functions.  Shell: writes to stdout."""

import logging
import sys
from typing import TextIO

import structlog

CATALOG: dict[str, tuple[str, str]] = {
    "plant.started": ("info", "the plant runs; nothing to do"),
    "plant.stopped": ("info", "the plant has ended; nothing to do"),
    "plant.fell_behind": (
        "warning",
        "this machine is too slow for real time; plant time was skipped",
    ),
    "plant.fault_set": ("warning", "a fault was injected on purpose; clear it with --clear"),
    "plant.fault_cleared": ("info", "a fault is over; nothing to do"),
    "plc.state_changed": ("info", "the simulated controller changed its state"),
    "plc.tripped": ("warning", "the simulated controller's own protection acted"),
    "line.opened": ("info", "the protocol is served; nothing to do"),
    "line.closed": (
        "warning",
        "connections are refused: a fault, or the controller does not serve",
    ),
}


def configure(stream: TextIO | None = None) -> None:
    """Set the form of the log: one JSON object a line; libraries say only what is an error."""
    logging.getLogger().setLevel(
        logging.CRITICAL
    )  # asyncua logs each refused client with its stack
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stdout),
        cache_logger_on_first_use=False,
    )


def bind(*, plant: str) -> None:
    """Put the plant's name on every line."""
    structlog.contextvars.bind_contextvars(process="plant", plant=plant)


def _write(event: str, **keys: object) -> None:
    level, _ = CATALOG[event]
    logger = structlog.get_logger()
    if level == "warning":
        logger.warning(event, **keys)
    else:
        logger.info(event, **keys)


def plant_started(*, port: int, seed: int) -> None:
    """The plant runs."""
    _write("plant.started", port=port, seed=seed)


def plant_stopped(*, writes_refused: int) -> None:
    """The plant has ended."""
    _write("plant.stopped", writes_refused=writes_refused)


def plant_fell_behind(*, skipped_ms: int) -> None:
    """Real time ran away."""
    _write("plant.fell_behind", skipped_ms=skipped_ms)


def fault_set(*, kind: str, point: str | None, for_ms: int | None) -> None:
    """A fault was injected."""
    _write("plant.fault_set", kind=kind, point=point, for_ms=for_ms)


def fault_cleared(*, kind: str, point: str | None) -> None:
    """A fault is over."""
    _write("plant.fault_cleared", kind=kind, point=point)


def plc_state_changed(*, state: str) -> None:
    """The controller changed its state."""
    _write("plc.state_changed", state=state)


def plc_tripped(*, first_out: str, plant_ms: int) -> None:
    """The controller's own protection acted."""
    _write("plc.tripped", first_out=first_out, plant_ms=plant_ms)


def line_opened(*, port: int) -> None:
    """The protocol is served."""
    _write("line.opened", port=port)


def line_closed(*, port: int) -> None:
    """Connections are refused."""
    _write("line.closed", port=port)
