"""What the library and the system raise, in our words.  Shell: the library's errors."""

from asyncua.ua.uaerrors import UaStatusCodeError

from devices.failure import AnswerRejected, LinkFailed
from devices.opcua.session import FOREIGN_ERRORS
from devices.opcua.status_code import name
from proto.errors import DeviceError, DeviceRefused
from proto.quality import Detail

CALL_ERRORS = (OSError, *FOREIGN_ERRORS)
"""What a call to a server may raise; a time-out is an OSError."""


def of_connect(error: Exception, place: str, waited_s: float) -> DeviceError:
    """Return the error of a connection that was not made."""
    if isinstance(error, TimeoutError):
        message = f"no session within {waited_s:g} s"
        return LinkFailed(message, place=place, detail=Detail.TIMED_OUT)
    if isinstance(error, UaStatusCodeError):
        message = f"the server refuses a session: {name(int(error.code))}"
        return DeviceRefused("device.refused", message, place=place)
    if isinstance(error, OSError):
        return LinkFailed(f"no connection: {error}", place=place)
    return LinkFailed(f"no session: {type(error).__name__}: {error}", place=place)


def of_read(error: Exception, place: str, waited_s: float) -> DeviceError:
    """Return the error of a read after which the connection is given up."""
    if isinstance(error, TimeoutError):
        message = f"no answer within {waited_s:g} s"
        return LinkFailed(message, place=place, detail=Detail.TIMED_OUT)
    if isinstance(error, UaStatusCodeError):
        return LinkFailed(f"session lost: {name(int(error.code))}", place=place)
    if isinstance(error, OSError):
        return LinkFailed("connection lost", place=place)
    message = f"answer rejected: {type(error).__name__}: {error}"
    return AnswerRejected(message, place=place, detail=Detail.WRONG_LENGTH)
