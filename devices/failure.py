"""What a failed read says about its points: reason and detail beside the error.  Pure."""

from proto.errors import DeviceError, DeviceMisbehaved, DeviceRefused, DeviceUnreachable
from proto.quality import Detail, Reason


class LinkFailed(DeviceUnreachable):
    """No connection, or no answer in time.

    Attributes:
        detail: TIMED_OUT or LINK_DOWN.
    """

    def __init__(self, message: str, *, place: str, detail: Detail = Detail.LINK_DOWN) -> None:
        super().__init__("device.unreachable", message, place=place)
        self.detail = detail


class AnswerRejected(DeviceMisbehaved):
    """An answer came that is none to this question.

    Attributes:
        detail: which check failed.
    """

    def __init__(self, message: str, *, place: str, detail: Detail) -> None:
        super().__init__("device.misbehaved", message, place=place)
        self.detail = detail


def failure_of(error: DeviceError) -> tuple[Reason, int]:
    """Return the reason and detail that every point behind the failed connection gets."""
    match error:
        case LinkFailed():
            return Reason.COMM_LOSS, error.detail
        case AnswerRejected():
            return Reason.PROTOCOL, error.detail
        case DeviceMisbehaved():
            return Reason.PROTOCOL, Detail.NONE
        case DeviceRefused():
            return Reason.DEVICE_ERROR, Detail.NONE
        case _:
            return Reason.COMM_LOSS, Detail.LINK_DOWN
