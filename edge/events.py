"""The log events of the gateway: a finite set of typed functions.  Shell: writes the log to stdout.

The log is for operators; it is not the record: trips, alarms and gaps are batches in the spool.
An event is a change of state, once down and once back; `CATALOG` says what to do.
"""

import sys
from typing import TextIO

import structlog

CATALOG: dict[str, tuple[str, str]] = {
    "process.started": ("info", "the gateway runs; nothing to do"),
    "process.stopped": (
        "info",
        "the gateway has ended; `clean` says whether everything was committed",
    ),
    "task.restarted": ("warning", "a part failed and runs again; if it repeats, read `error`"),
    "task.gave_up": (
        "error",
        "a part used up its restarts and the process ends; mend what `error` says",
    ),
    "config.loaded": ("info", "the configuration in force; nothing to do"),
    "clock.stepped": ("warning", "the wall clock jumped; check time synchronisation of this host"),
    "device.link_lost": (
        "warning",
        "a device or line does not answer; check power, cable and address",
    ),
    "device.link_restored": ("info", "the device answers again; nothing to do"),
    "device.life_stopped": (
        "warning",
        "the controller answers but its life signal stands still; check its program",
    ),
    "device.life_returned": ("info", "the life signal moves again; nothing to do"),
    "device.unit_suspended": (
        "warning",
        "a unit gave no answer three times and is only probed; check its power, cable and address",
    ),
    "device.unit_resumed": (
        "info",
        "the unit answers again; nothing to do",
    ),
    "device.line_overloaded": (
        "warning",
        "ten slots in a row came too late; poll less often or split the line:"
        " `yujing-edge plan edge.toml`",
    ),
    "device.controller_restarted": (
        "warning",
        "the controller began anew; its values settle for `restart_settle`",
    ),
    "device.identity_changed": (
        "warning",
        "another device or firmware answers; check that it is the right one",
    ),
    "device.clock_stepped": (
        "warning",
        "the clock of a device jumped; its times before and after cannot be compared",
    ),
    "device.pair_switched": (
        "warning",
        "the other member of a redundant pair is read; `reason` says why",
    ),
    "device.pair_flapping": (
        "warning",
        "a redundant pair changed more than six times in a minute and is held; check both members",
    ),
    "device.two_masters": (
        "error",
        "both members of a pair say that they are active; the plant must settle which one leads",
    ),
    "device.line_babbled": (
        "warning",
        "the line was never quiet for 10 s; check baud rate, parity, wiring and who else sends",
    ),
    "device.answer_late": (
        "info",
        "a late answer was thrown away; often: raise answer_max, or lighten the line",
    ),
    "device.misbehaved": (
        "warning",
        "an answer failed a check and was thrown away; often: wiring, two masters, a wrong map",
    ),
    "device.bytes_unasked": (
        "warning",
        "bytes came that nobody asked for; often: a second master on the line",
    ),
    "device.canary_failed": (
        "error",
        "a register of known content is wrong: the map has moved; nothing of the unit is used",
    ),
    "device.canary_right": (
        "info",
        "the register of known content is right again; nothing to do",
    ),
    "device.canary_fitted": (
        "info",
        "after a program change the register of known content fits: the map holds; nothing to do",
    ),
    "device.slot_held": (
        "warning",
        "another client, or a dead connection, has the device's only slot; it is tried each 5 s",
    ),
    "device.slot_freed": (
        "info",
        "the slot of the device is ours again; nothing to do",
    ),
    "device.dial_in_disputed": (
        "error",
        "two devices register with one id; change one of them",
    ),
    "device.dial_in_unknown": (
        "warning",
        "a device with an unknown registration was closed; check its 注册包 and the line",
    ),
    "device.ring_overran": (
        "warning",
        "events of a controller were overwritten before they were read; `lost` says how many",
    ),
    "plant.map_confirmed": (
        "info",
        "a person has confirmed the map after a program change; nothing to do",
    ),
    "plant.program_changed": (
        "warning",
        "the program or its set-points changed; enter the change number, confirm the map",
    ),
    "interlock.tripped": ("warning", "a cause is present; follow the plant's own instruction"),
    "interlock.returned": ("info", "the causes are gone; nothing to do"),
    "interlock.reset": ("info", "the interlock is normal again; nothing to do"),
    "interlock.judged": (
        "warning",
        "the verdict on one effect; NOT_ACTED or LATE needs the plant's attention",
    ),
    "plant.bypassed": (
        "warning",
        "the plant's own interlock is bypassed; it must be restored or justified",
    ),
    "plant.restored": ("info", "the bypass is off; nothing to do"),
    "alarm.raised": ("warning", "a limit is exceeded; acknowledge and act at the plant"),
    "alarm.cleared": ("info", "the alarm is over; nothing to do"),
    "spool.opened": (
        "info",
        "the durable log is ready; `reason` tells a new epoch from a continued one",
    ),
    "spool.damaged": (
        "error",
        "a spool file was set aside under quarantine/; check the disk, keep the file",
    ),
    "spool.batch_shed": (
        "error",
        "the disk is full: history was dropped; enlarge the quota or restore the link",
    ),
    "spool.epoch_opened": ("warning", "a new epoch was opened; `reason` says why"),
    "gap.recorded": ("warning", "samples are missing for the time named; `cause` says why"),
    "uplink.session_opened": ("info", "the centre receives; nothing to do"),
    "uplink.session_lost": ("warning", "the centre does not answer; data wait on this disk"),
    "uplink.refused": ("error", "the centre refuses this gateway; `reason` says what to mend"),
    "uplink.batch_disputed": (
        "warning",
        "the centre could not use a batch as it is; it is kept here and there",
    ),
    "uplink.backfill_started": ("info", "what waited on disk is being sent; nothing to do"),
    "uplink.backfill_finished": ("info", "nothing waits any more; nothing to do"),
    "trust.certificate_expiring": ("warning", "the gateway's certificate ends soon; renew it"),
}

_FIRST = ("time", "level", "event", "process", "boot_id", "config_version")


def configure(stream: TextIO | None = None, *, people: bool | None = None) -> None:
    """Set the form of the log: JSON, or people's form on a terminal."""
    out = stream or sys.stdout
    readable = out.isatty() if people is None else people
    last: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(colors=True)
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _in_order,
            last,
        ],
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )


def _in_order(
    _logger: object, _method: str, line: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Put what stands on every line first, in one order."""
    first = [key for key in _FIRST if key in line]
    return {**{key: line[key] for key in first}, **line}


def bind(*, boot_id: int, config_version: int) -> None:
    """Put what stands on every line: the process, its start and the configuration in force."""
    structlog.contextvars.bind_contextvars(
        process="gateway", boot_id=boot_id, config_version=config_version
    )


def _write(event: str, **keys: object) -> None:
    level, _ = CATALOG[event]
    logger = structlog.get_logger()
    if level == "error":
        logger.error(event, **keys)
    elif level == "warning":
        logger.warning(event, **keys)
    else:
        logger.info(event, **keys)


def process_started(*, gateway: str, site: str, version: str) -> None:
    """The gateway runs."""
    _write("process.started", gateway=gateway, site=site, version=version)


def process_stopped(*, clean: bool, uptime_s: float) -> None:
    """The gateway has ended."""
    _write("process.stopped", clean=clean, uptime_s=round(uptime_s, 3))


def task_restarted(*, part: str, error: str, restarts: int) -> None:
    """A part failed and runs again."""
    _write("task.restarted", part=part, error=error, restarts=restarts)


def task_gave_up(*, part: str, error: str) -> None:
    """A part used up its restarts."""
    _write("task.gave_up", part=part, error=error)


def config_loaded(*, version: int, points: int) -> None:
    """The configuration in force."""
    _write("config.loaded", version=version, points=points)


def clock_stepped(*, step_ms: float, step_no: int) -> None:
    """The wall clock jumped against the monotonic one."""
    _write("clock.stepped", step_ms=round(step_ms, 3), step_no=step_no)


def recorded(kind: str, **keys: object) -> None:
    """A record that belongs in the log too; kinds outside the catalogue are only recorded."""
    if kind in CATALOG:
        _write(kind, **keys)


def spool_opened(*, epoch: str, reason: str, tips: dict[str, int], sqlite: str) -> None:
    """The durable log is ready."""
    _write("spool.opened", epoch=epoch, reason=reason, tips=tips, sqlite=sqlite)


def spool_damaged(*, file: str, reason: str) -> None:
    """A spool file was set aside."""
    _write("spool.damaged", file=file, reason=reason)


def spool_epoch_opened(*, epoch: str, reason: str) -> None:
    """A new epoch was opened while running."""
    _write("spool.epoch_opened", epoch=epoch, reason=reason)


def spool_batch_shed(*, segment: int, batches: int, samples: int) -> None:
    """History that the centre does not hold was dropped to keep the quota."""
    _write("spool.batch_shed", segment=segment, batches=batches, samples=samples)


def gap_recorded(*, cause: str, n: int, t0_us: int, t1_us: int) -> None:
    """Something is missing and named."""
    _write("gap.recorded", cause=cause, n=n, t0_us=t0_us, t1_us=t1_us)


def uplink_session_opened(*, address: str, session: str) -> None:
    """Both calls are welcome."""
    _write("uplink.session_opened", address=address, session=session)


def uplink_session_lost(*, address: str, reason: str, code: str) -> None:
    """The session ended; logged once until it is back."""
    _write("uplink.session_lost", address=address, reason=reason, code=code)


def uplink_refused(*, address: str, reason: str, code: str) -> None:
    """The centre refuses this gateway; a person is needed."""
    _write("uplink.refused", address=address, reason=reason, code=code)


def uplink_batch_disputed(*, lane: str, sequence: int, status: str, code: int) -> None:
    """The centre quarantined or disputed one batch."""
    _write("uplink.batch_disputed", lane=lane, sequence=sequence, status=status, code=code)


def uplink_backfill_started(*, batches: int) -> None:
    """History that waited is being sent."""
    _write("uplink.backfill_started", batches=batches)


def uplink_backfill_finished(*, batches: int) -> None:
    """Nothing waits any more."""
    _write("uplink.backfill_finished", batches=batches)


def trust_certificate_expiring(*, file: str, days: int) -> None:
    """The gateway's certificate ends soon."""
    _write("trust.certificate_expiring", file=file, days=days)
