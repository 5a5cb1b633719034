"""The stale-answer guard of one line: what may be sent, what may be believed.  Pure.

=========  =========================  =========  ===================================================
state      event                      next       effect
=========  =========================  =========  ===================================================
READY      due, unit synced           IN_FLIGHT  sent, with a deadline
READY      due, unit not synced       PROBING    a probe is sent instead: echo, else fence (G3)
READY      bytes                      DRAIN      nobody asked; older MBAP frames are dropped
IN_FLIGHT  answer passes G1           READY      value or exception is handed on
IN_FLIGHT  answer fails G1            DRAIN      rejected; unit not synced
IN_FLIGHT  deadline; exception 10, 11 DRAIN      timed out; unit not synced
IN_FLIGHT  output write due           WRITING    once its p99 is over: the read counts as timed out
DRAIN      bytes                      DRAIN      lateness learnt, the quiet timer starts again
DRAIN      due, max(sent + D,         READY      flushed; then as in READY
           last byte + Q) is over
DRAIN      10 s of bytes              LOST       babbled; closed, stays closed for D
PROBING    the right answer           READY      unit synced
PROBING    refused                    READY      not synced; the next probe is a fence
PROBING    other bytes                PROBING    discarded, counted
PROBING    deadline                   DRAIN      D of this unit x 1.5; of a suspended unit: READY,
                                                 unless bytes came
not LOST   output write due           WRITING    does not wait for DRAIN, gives a probe up
WRITING    its echo                   before     DRAIN goes on where it was not over
WRITING    other bytes                WRITING    discarded
WRITING    deadline                   DRAIN      timed out; unit not synced
any        link lost                  LOST       whatever is pending fails now
LOST       connected                  DRAIN      READY after D, no unit synced
=========  =========================  =========  ===================================================

Direct MBAP (G0: one device, its transaction ids are its own): every unit counts as synced and D is
0; three time-outs in a row in which not a byte came close the connection.  Under `never` the probe
is the planned read itself, its answer discarded.  Nothing is retried in place, accepted after its
deadline, or carried over from one request into the next (G6).

Source: `acquisition.md` 3.8; checks G1 are in `frame`.
"""

from devices.modbus.frame import TRANSACTIONS, Request, adu, echo_request
from devices.modbus.guard_bytes import lost, received, run_out, to_drain
from devices.modbus.guard_model import (
    ECHOES_SILENT_MAX,
    Action,
    Connected,
    Deadline,
    Due,
    Echo,
    Event,
    Failed,
    Lost,
    Phase,
    Received,
    Rules,
    State,
    Step,
    Tell,
    Transmit,
    Unit,
    Unproved,
    Wait,
    WriteDue,
    drain_ns,
    is_synced,
    ready_ns,
)


def step(state: State, rules: Rules, event: Event, now_ns: int) -> Step:
    """Take one event; return the state after it and what is to be done."""
    match event:
        case Received(data):
            return received(state, rules, data, now_ns)
        case Due():
            return _due(state, rules, event, now_ns)
        case Deadline():
            if now_ns < state.deadline_ns:
                return state, ()
            return run_out(state, rules)
        case WriteDue():
            return _write_due(state, rules, event, now_ns)
        case Connected(timeout_ns):
            return _connected(state, rules, timeout_ns, now_ns)
        case Lost():
            return lost(state)


def _due(state: State, rules: Rules, due: Due, now_ns: int) -> Step:
    told: tuple[Action, ...] = ()
    if state.phase is Phase.DRAIN:
        until_ns = ready_ns(state, rules)
        if now_ns < until_ns:
            return state, (Wait(until_ns),)
        state, told = _drained(state, rules)
    if state.phase is not Phase.READY:
        return state, (*told, Wait(max(state.deadline_ns, state.until_ns)))
    request = due.request
    if request is not None and is_synced(state, rules, due.unit):
        transaction = state.transaction % (TRANSACTIONS - 1) + 1
        deadline_ns = now_ns + due.timeout_ns
        state = state._replace(
            phase=Phase.IN_FLIGHT,
            request=request,
            transaction=transaction,
            sent_ns=now_ns,
            deadline_ns=deadline_ns,
            received=b"",
        )
        data = adu(request, rules.framing, transaction)
        return state, (*told, Transmit(data, deadline_ns))
    return _probe(state, rules, due, told, now_ns)


def _drained(state: State, rules: Rules) -> Step:
    """The drain is over: say so where an answer came late after all."""
    told: tuple[Action, ...] = ()
    if state.late_ns and state.request is not None:
        unit = state.request.unit
        timeout_ns = state.deadline_ns - state.sent_ns
        body = {
            "late_ms": state.late_ns // 10**6,
            "drain_ms": drain_ns(state, rules, unit, timeout_ns) // 10**6,
            "unit": unit,
        }
        told = (Tell("device.answer_late", unit, body),)
    return state._replace(phase=Phase.READY, first_ns=0, late_ns=0, until_ns=0), told


def _probe(state: State, rules: Rules, due: Due, told: tuple[Action, ...], now_ns: int) -> Step:
    """Send the probe that the unit is known to answer: echo, fence, or under `never` the read."""
    known = state.units.get(due.unit, Unit())
    echo_only = not due.fences
    request: Request
    if not rules.is_probing:
        planned = due.request or (due.fences[-1] if due.fences else None)
        if planned is None:
            return state, (*told, Unproved())
        request = planned
    elif echo_only or not _prefers_fence(known):
        alias = due.fences[0].answer_unit if due.fences else due.unit
        request = echo_request(due.unit, due.word, answer_unit=alias)
    else:
        request = due.fences[known.fence % 3]
        known = known._replace(fence=(known.fence + 1) % 3)
    transaction = state.transaction % (TRANSACTIONS - 1) + 1
    deadline_ns = now_ns + due.timeout_ns
    state = state._replace(
        phase=Phase.PROBING,
        request=request,
        transaction=transaction,
        sent_ns=now_ns,
        deadline_ns=deadline_ns,
        received=b"",
        first_ns=0,
        is_suspended=due.is_suspended,
        units={**state.units, due.unit: known},
    )
    return state, (*told, Transmit(adu(request, rules.framing, transaction), deadline_ns))


def _prefers_fence(known: Unit) -> bool:
    """Echo first; a unit that refuses it, or was silent to it twice, gets a fence probe."""
    if known.echo is Echo.UNKNOWN:
        return known.echoes_silent >= ECHOES_SILENT_MAX
    return known.echo is Echo.NONE


def _write_due(state: State, rules: Rules, due: WriteDue, now_ns: int) -> Step:
    told: tuple[Action, ...] = ()
    if state.phase in (Phase.LOST, Phase.WRITING):
        return state, (Wait(max(state.deadline_ns, state.until_ns)),)
    if state.phase is Phase.IN_FLIGHT:
        patience_ns = min(state.sent_ns + due.p99_ns, state.deadline_ns)
        if now_ns < patience_ns:
            return state, (Wait(patience_ns),)
        state, told = to_drain(state, rules, Failed())
    elif state.phase is Phase.PROBING:
        state, told = to_drain(state, rules, Unproved())
    transaction = state.transaction % (TRANSACTIONS - 1) + 1
    deadline_ns = now_ns + due.timeout_ns
    state = state._replace(
        phase=Phase.WRITING,
        request=due.request,
        transaction=transaction,
        sent_ns=now_ns,
        deadline_ns=deadline_ns,
        received=b"",
    )
    data = adu(due.request, rules.framing, transaction)
    return state, (*told, Transmit(data, deadline_ns))


def _connected(state: State, rules: Rules, timeout_ns: int, now_ns: int) -> Step:
    """A new connection: on a serial line, or behind one, older answers may still come for D."""
    if not rules.is_full:
        return state._replace(phase=Phase.READY, transaction=0, until_ns=0, last_ns=0), ()
    d_ns = drain_ns(state, rules, -1, timeout_ns)
    state = state._replace(
        phase=Phase.DRAIN,
        request=None,
        until_ns=now_ns + d_ns,
        sent_ns=now_ns,
        deadline_ns=now_ns + timeout_ns,
        asked_ns=0,
        first_ns=0,
        last_ns=0,
        late_ns=0,
        received=b"",
    )
    return state, ()
