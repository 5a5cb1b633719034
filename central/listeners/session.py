"""One call of a gateway, without the transport: what to store, what to answer.  Pure.

Rules of this file (theory of operation):
    START --Hello--> OPEN --Frames*, Heartbeat*--> (ended by the peer, or by one of our codes)
`nth` counts the frames of the call in order of arrival; a frame is disposed of when its outcome is
known, and `Ack.nth` never goes back.  A second Hello, and a heartbeat on BULK, end the call.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from central.archive.codes import CODE_FORK_QUOTA
from central.archive.model import Admitted, Outcome
from central.archive.runs import LaneRuns, Link
from central.ingest.judge import Aside, Good, Refused, judge
from central.listeners.pipeline import Peer
from proto import limits
from proto.errors import CentralRefused
from proto.v1 import uplink_pb2 as wire

ITEMS_MAX = 512


@dataclass(frozen=True, slots=True)
class Told:
    """One message of frames, judged.

    Attributes:
        admitted: with `ref` = position in the message.
        aside: (position, bytes, code text, code number) of what goes into quarantine.
        first_nth: number of the message's first frame in the call, from 1.
        count: frames in the message.
        refused: why the call ends after this message; what was admitted before is still stored.
    """

    admitted: tuple[Admitted, ...]
    aside: tuple[tuple[int, bytes, str, int], ...]
    first_nth: int
    count: int
    refused: CentralRefused | None


@dataclass(slots=True)
class CallState:
    """Counts of one open call."""

    peer: Peer
    kind: wire.StreamKind
    frames: int = 0
    owners: dict[bytes, tuple[str, str]] = field(default_factory=dict)

    def frames_in(self, message: wire.Frames, received_us: int) -> Told:
        """Judge the frames of one message, in order, up to the first that ends the call."""
        registered = self.peer.registered
        admitted: list[Admitted] = []
        aside: list[tuple[int, bytes, str, int]] = []
        refused: CentralRefused | None = None
        first = self.frames + 1
        count = 0
        for position, data in enumerate(message.frame):
            verdict = judge(
                data,
                call=self.kind,
                site=registered.site,
                gateway=registered.gateway,
                uid=registered.uid,
                owners=self.owners,
            )
            match verdict:
                case Good(frame, late):
                    carrier = registered.gateway
                    admitted.append(
                        Admitted(
                            registered.site,
                            registered.gateway,
                            carrier,
                            frame.header,
                            frame.block,
                            frame.payload,
                            received_us,
                            late,
                            position,
                        )
                    )
                case Aside(code):
                    aside.append((position, data, code, verdict.number))
                case Refused(refusal, text):
                    refused = CentralRefused(refusal.value, text)
                    break
            count += 1
        self.frames += count
        return Told(tuple(admitted), tuple(aside), first, count, refused)


def ack_for(told: Sequence[tuple[Told, Sequence[Outcome]]]) -> list[wire.CentralMsg]:
    """Return the Acks for messages whose outcomes are durable: ranges that verify, and items.

    Args:
        told: messages in order, each with the outcomes of its admitted frames.
    """
    links: dict[tuple[bytes, int], list[Link]] = {}
    items: list[wire.Item] = []
    for message, outcomes in told:
        for admitted, outcome in zip(message.admitted, outcomes, strict=True):
            header = admitted.header
            if outcome.status in (wire.STORED, wire.DUPLICATE):
                link = Link(
                    header.seq, header.sample_first, header.n, header.prev_hash, header.hash
                )
                links.setdefault((header.epoch, int(header.lane)), []).append(link)
            if outcome.status != wire.STORED:
                items.append(_item(message, admitted, outcome))
        items += [
            wire.Item(nth=message.first_nth + position, status=wire.QUARANTINED, code=number)
            for position, _data, _code, number in message.aside
        ]
    ranges = [
        _range(epoch, lane, first, last)
        for (epoch, lane), found in links.items()
        for first, last in LaneRuns().grouped(found)
    ]
    last, _outcomes = told[-1]
    return list(_cut(ranges, items, last.first_nth + last.count - 1))


def ranges_as_acks(ranges: Sequence[wire.Range], nth: int) -> list[wire.CentralMsg]:
    """Return the ranges that did not fit into Welcome, as Acks."""
    return list(_cut(list(ranges), [], nth)) if ranges else []


def fork_quota_hit(outcomes: Sequence[Outcome]) -> bool:
    """True when a fork could not be kept: the call ends, nothing of it is acknowledged."""
    return any(
        outcome.status == wire.STATUS_UNSET and outcome.code == CODE_FORK_QUOTA
        for outcome in outcomes
    )


def _item(message: Told, admitted: Admitted, outcome: Outcome) -> wire.Item:
    header = admitted.header
    return wire.Item(
        nth=message.first_nth + admitted.ref,
        epoch=header.epoch,
        lane=int(header.lane),
        seq=header.seq,
        status=wire.Status.Name(outcome.status),
        code=outcome.code,
        stored_hash=outcome.stored_hash,
    )


def _range(epoch: bytes, lane: int, first: Link, last: Link) -> wire.Range:
    return wire.Range(
        epoch=epoch,
        lane=lane,
        lo=first.seq,
        hi=last.seq,
        hash_hi=last.hash,
        samples=last.sample_first + last.n - first.sample_first,
    )


def _cut(ranges: list[wire.Range], items: list[wire.Item], nth: int) -> Sequence[wire.CentralMsg]:
    """Cut into messages of at most 256 ranges; only the last one moves `nth` on."""
    made = []
    while len(ranges) > limits.RANGES_MAX or len(items) > ITEMS_MAX:
        head, ranges = ranges[: limits.RANGES_MAX], ranges[limits.RANGES_MAX :]
        some, items = items[:ITEMS_MAX], items[ITEMS_MAX:]
        made.append(wire.CentralMsg(ack=wire.Ack(stored=head, items=some)))
    made.append(wire.CentralMsg(ack=wire.Ack(stored=ranges, items=items, nth=nth)))
    return made
