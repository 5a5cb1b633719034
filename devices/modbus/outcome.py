"""From the verdict on an answer to the quality of its points.  Pure.

Clause: the table of outcomes in the acquisition design; exception codes of Modbus Application
Protocol V1.1b3, 7.
"""

from devices.failure import AnswerRejected
from devices.modbus.guard import Asked, Rejected
from proto.quality import Reason

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

_BEHIND_GATEWAY = (10, 11)


def exception_reason(exception: int) -> Reason:
    """Return why the points of a block are BAD when the device answers with `exception`.

    A gateway that cannot reach its unit (10, 11) is a lost unit; all else is the device's own word.
    """
    return Reason.COMM_LOSS if exception in _BEHIND_GATEWAY else Reason.DEVICE_ERROR


def exception_text(exception: int) -> str:
    """Return `exception 2 (illegal data address)`."""
    return f"exception {exception} ({EXCEPTIONS.get(exception, 'unknown')})"


def rejection(question: Asked, verdict: Rejected, *, place: str) -> AnswerRejected:
    """Return the error for an answer that failed a check: which one, asked and got."""
    check = verdict.detail.name.lower().replace("_", " ")
    message = (
        f"answer rejected: {check}, asked {verdict.expected} got {verdict.got} "
        f"(unit {question.unit} FC{question.function} {question.start}+{question.quantity})"
    )
    return AnswerRejected(message, place=place, detail=verdict.detail)
