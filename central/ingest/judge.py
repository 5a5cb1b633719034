"""One frame to one verdict, before anything is decoded.  Pure.

Source: `batches.md` 3.14(1).  The same for every carriage: length, magic, header hash, payload
hash, then identity, epoch, lane of the call.  A damaged frame never ends the stream; a frame that
is not the sender's, or on the wrong call, does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from central.archive.codes import number_of_code
from proto.batch import Flag, Frame, Lane, open_frame
from proto.errors import BatchDamaged
from proto.v1 import uplink_pb2 as wire

LANES_OF = {
    wire.URGENT: frozenset({Lane.ALARM, Lane.EVENT, Lane.META}),
    wire.BULK: frozenset({Lane.BULK}),  # RAW only inside an accepted recall, which waits
}


class Refusal(StrEnum):
    """Why the stream ends; each is one gRPC status."""

    WRONG_CALL = "batch.wrong_call"  # INVALID_ARGUMENT
    NOT_YOURS = "batch.not_yours"  # PERMISSION_DENIED
    EPOCH_BOUND = "batch.epoch_bound"  # FAILED_PRECONDITION


@dataclass(frozen=True, slots=True)
class Good:
    """Goes on to the writer."""

    frame: Frame
    late: bool  # by its own flags; number and epoch are judged at the append


@dataclass(frozen=True, slots=True)
class Aside:
    """Goes into quarantine, is acknowledged with its code, and the stream lives on."""

    code: str

    @property
    def number(self) -> int:
        """The code's number on the wire."""
        return number_of_code(self.code)


@dataclass(frozen=True, slots=True)
class Refused:
    """Ends the stream."""

    refusal: Refusal
    message: str


Verdict = Good | Aside | Refused


def judge(
    data: bytes,
    *,
    call: wire.StreamKind,
    site: str,
    gateway: str,
    uid: bytes,
    owners: Mapping[bytes, tuple[str, str]],
) -> Verdict:
    """Return what becomes of one frame.

    Args:
        data: header block and payload as received.
        call: `URGENT` or `BULK`.
        site: of the gateway whose certificate opened the call.
        gateway: that certificate's id.
        uid: the 16 bytes that stand for that gateway in headers.
        owners: epoch -> (site, gateway) that it belongs to for ever.
    """
    try:
        frame = open_frame(data)
    except BatchDamaged as error:
        return Aside(error.code)
    header = frame.header
    if header.gateway_uid != uid:
        return Refused(Refusal.NOT_YOURS, f"the frame is not of gateway {gateway}")
    if owners.get(header.epoch, (site, gateway)) != (site, gateway):
        return Refused(Refusal.EPOCH_BOUND, "the epoch belongs to another gateway")
    if header.lane not in LANES_OF[call]:
        name = wire.StreamKind.Name(call)
        return Refused(Refusal.WRONG_CALL, f"lane {header.lane.name} is not carried by {name}")
    late = bool(header.flags & (Flag.REPLAYED | Flag.THINNED))
    return Good(frame, late)
