"""From what came of a request to the outcome, reason and detail of its points.  Pure.

Clause: the table of outcomes (`acquisition.md` 3.10); exception codes of Modbus Application
Protocol V1.1b3, 7.
"""

from devices.driver import DeviceSettings, Note, Outcome
from devices.modbus.ask import Ask
from devices.modbus.frame import Rejected
from devices.modbus.guard_model import BEHIND_GATEWAY, BUSY, Failed, Proved, Result
from proto.quality import Detail, Reason

EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target failed to respond",
}
"""Names of the exception codes."""


def exception_reason(exception: int) -> Reason:
    """Return why the points of a block are BAD when the device answers with `exception`.

    A gateway that cannot reach its unit (10, 11) is a lost unit; all else is the device's own word.
    """
    return Reason.COMM_LOSS if exception in BEHIND_GATEWAY else Reason.DEVICE_ERROR


def exception_outcome(exception: int) -> Outcome:
    """Return what an exception means to the breaker: a pause, a time-out, or a plain refusal."""
    if exception in BEHIND_GATEWAY:
        return Outcome.TIMED_OUT
    return Outcome.BUSY if exception in BUSY else Outcome.REFUSED


def exception_text(exception: int) -> str:
    """Return `exception 2 (illegal data address)`."""
    return f"exception {exception} ({EXCEPTIONS.get(exception, 'unknown')})"


def check_text(detail: Detail) -> str:
    """Return the name of a check of G1, such as `wrong byte count`."""
    return detail.name.lower().replace("_", " ")


def misbehaved(device: DeviceSettings, ask: Ask, rejected: Rejected) -> Note:
    """Return what is said of an answer that failed a check."""
    body = {
        "check": check_text(rejected.detail),
        "asked": rejected.expected,
        "got": rejected.got,
        "request": str(ask),
        "unit": device.unit_id,
    }
    return Note("device.misbehaved", device.name, body)


def why(result: Result) -> tuple[Reason, Detail, Outcome]:
    """Return what a block says whose request has no answer of the device."""
    if isinstance(result, Failed):
        if result.rejected is not None:
            return Reason.PROTOCOL, result.rejected.detail, Outcome.REJECTED
        return Reason.COMM_LOSS, Detail.TIMED_OUT, Outcome.TIMED_OUT
    is_there = isinstance(result, Proved) and result.is_synced
    outcome = Outcome.ANSWERED if is_there else Outcome.NOT_SYNCED
    return Reason.PROTOCOL, Detail.NOT_SYNCED, outcome
