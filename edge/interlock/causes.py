"""From readings to causes: channels with deadband and grace, votes, delays, deviation.  Pure.

A comparison is TRUE at its limit and clears only its deadband before it; the memory survives BAD.
A channel whose input turns BAD keeps its last result until `bad_grace` after the last GOOD sample,
then it is BAD; with its controller not settled it is LOST instead.  After a suspension a cause is
confirmed only on fresh samples over its on-delay, at least two polls.
Source: `interlocks.md` 3.7 phases 4 to 6, 3.8, 3.9.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.interlock import timers
from edge.interlock.expression import Binary, Name, Node
from edge.interlock.link import ControllerState
from edge.interlock.model import Cause, ChannelSpec, Model
from edge.interlock.reading import BAD, GOOD, INIT, Reading
from edge.interlock.reference import binary, evaluate
from edge.interlock.timers import Delay
from edge.interlock.vote import Ballot, Channel, Result, vote_trip

MIRRORED = {">": ">", ">=": ">", "<": "<", "<=": "<"}


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One channel.

    Attributes:
        memory: last result of the comparison.
        good_ns: when the last usable sample behind it was received; None when never.
        says: what it said in this scan.
        uncertain: True when it rests on UNCERTAIN data.
    """

    memory: bool = False
    good_ns: int | None = None
    says: Channel = Channel.LOST
    uncertain: bool = False


UNHEARD = Ballot(Result.SUSPENDED, 0, 0, 0)
IDLE = Delay()


@dataclass(frozen=True, slots=True)
class CauseState:
    """One cause.

    Attributes:
        ballot: of this scan.
        delay: on- and off-delay.
        floor_ns: extra on-delay after a suspension; 0 otherwise.
        deviation_ns: since when its channels disagree; None when they do not.
        deviates: disagreeing for longer than its limit.
    """

    ballot: Ballot = UNHEARD
    delay: Delay = IDLE
    floor_ns: int = 0
    deviation_ns: int | None = None
    deviates: bool = False

    @property
    def confirmed(self) -> bool:
        """TRUE past the on-delay."""
        return self.delay.confirmed

    @property
    def suspended(self) -> bool:
        """Neither TRUE nor FALSE can be said."""
        return self.ballot.result is Result.SUSPENDED


def compare(
    spec: ChannelSpec, state: ChannelState, readings: Sequence[Reading], windows: Sequence[Reading]
) -> Reading:
    """Return a channel's condition, with deadband against its memory where it is a comparison."""
    node = spec.node
    if spec.deadband and state.memory and isinstance(node, Binary) and node.op in MIRRORED:
        left = evaluate(node.left, readings, windows)
        right = evaluate(node.right, readings, windows)
        back = -spec.deadband if node.op in (">", ">=") else spec.deadband
        limit = right._replace(value=right.value + back)
        # clears only below `limit - deadband`: standing on it still holds
        return binary(">=" if node.op in (">", ">=") else "<=", left, limit)
    return evaluate(node, readings, windows)


def step_channel(
    spec: ChannelSpec, state: ChannelState, reading: Reading, settled: bool, now_ns: int
) -> ChannelState:
    """Return the channel after this scan.

    Args:
        spec: what it is.
        state: so far.
        reading: of its condition, from `compare`.
        settled: True when all its controllers are up.
        now_ns: of this scan.
    """
    if reading.quality != BAD:
        result = reading.value != 0.0
        says = Channel.TRUE if result else Channel.FALSE
        seen_ns = reading.mono_ns or now_ns
        return ChannelState(result, seen_ns, says, uncertain=reading.quality != GOOD)
    if state.good_ns is not None and now_ns - state.good_ns <= spec.grace_ns:
        says = Channel.TRUE if state.memory else Channel.FALSE
        return replace(state, says=says, uncertain=False)
    # a window that is not filled yet, or a point never read, is no sensor fault
    lost = not settled or reading.reason == INIT
    return replace(state, says=Channel.LOST if lost else Channel.BAD, uncertain=False)


def step_cause(
    spec: Cause, state: CauseState, channels: Sequence[ChannelState], now_ns: int
) -> CauseState:
    """Return the cause after the vote of its channels."""
    ballot = vote_trip(spec.need, tuple(channels[i].says for i in spec.channels))
    if ballot.result is Result.SUSPENDED:
        return replace(state, ballot=ballot, delay=timers.restarted(state.delay), floor_ns=0)
    floor_ns = state.floor_ns
    if state.suspended:  # data are back: what is confirmed now rests on them alone
        floor_ns = max(spec.on_delay_ns, 2 * spec.poll_ns)
    active = ballot.result is Result.TRUE
    if not active or state.confirmed:
        floor_ns = 0
    on_ns = max(spec.on_delay_ns, floor_ns)
    delay = timers.step(state.delay, active, now_ns, on_ns, spec.off_delay_ns)
    if ballot == state.ballot and delay == state.delay and floor_ns == state.floor_ns:
        return state  # the common case, at a tenth of the cost
    return replace(state, ballot=ballot, delay=delay, floor_ns=floor_ns)


def deviation(
    spec: Cause,
    state: CauseState,
    channels: Sequence[ChannelSpec],
    readings: Sequence[Reading],
    now_ns: int,
) -> CauseState:
    """Return the cause with its disagreement: max - min of GOOD channels beyond the limit."""
    if spec.deviation is None:
        return state
    measured = [_measured(channels[i].node, readings) for i in spec.channels]
    values = [m.value for m in measured if m is not None and m.quality == GOOD]
    if len(values) < 2 or max(values) - min(values) <= spec.deviation:
        return replace(state, deviation_ns=None, deviates=False)
    since = now_ns if state.deviation_ns is None else state.deviation_ns
    return replace(state, deviation_ns=since, deviates=now_ns - since >= spec.deviation_ns)


def _measured(node: Node, readings: Sequence[Reading]) -> Reading | None:
    if isinstance(node, Binary) and isinstance(node.left, Name):
        return readings[node.left.slot]
    return None


def step_all(
    model: Model,
    states: tuple[tuple[ChannelState, ...], tuple[CauseState, ...]],
    values: tuple[Sequence[Reading], Sequence[Reading]],
    controllers: Sequence[ControllerState],
    now_ns: int,
) -> tuple[tuple[ChannelState, ...], tuple[CauseState, ...]]:
    """Return all channels and causes after this scan; `values` are readings and windows."""
    readings, windows = values
    channels: list[ChannelState] = []
    for spec, state in zip(model.channels, states[0], strict=True):
        settled = all(controllers[model.inputs[i].controller].settled for i in spec.inputs)
        reading = compare(spec, state, readings, windows)
        channels.append(step_channel(spec, state, reading, settled, now_ns))
    causes: list[CauseState] = []
    for cause, before in zip(model.causes, states[1], strict=True):
        after = step_cause(cause, before, channels, now_ns)
        causes.append(deviation(cause, after, model.channels, readings, now_ns))
    return tuple(channels), tuple(causes)
