"""What comes in, and what does not: the receiving half of the guard's table.  Pure.

See `guard` for the table, and `frame` for the checks G1.
"""

from devices.modbus.frame import (
    ECHO,
    Accepted,
    Framing,
    Incomplete,
    Refused,
    Request,
    ends_with_answer,
    judge,
    older_frames,
)
from devices.modbus.guard_model import (
    BABBLE_NS,
    BEHIND_GATEWAY,
    BUSY,
    D_NS_MAX,
    RECEIVED_BYTES_MAX,
    SILENT_MAX,
    Action,
    Answer,
    Close,
    Echo,
    Failed,
    Phase,
    Proved,
    Rules,
    State,
    Step,
    Tell,
    Unit,
    Unproved,
    drain_ns,
)


def received(state: State, rules: Rules, data: bytes, now_ns: int) -> Step:
    """Take bytes, whatever they are; what is older than its deadline was never in time."""
    match state.phase:
        case Phase.IN_FLIGHT if now_ns < state.deadline_ns:
            return _answered(state, rules, data, now_ns)
        case Phase.PROBING if now_ns < state.deadline_ns:
            return _probed(state, rules, data, now_ns)
        case Phase.WRITING if now_ns < state.deadline_ns:
            return _written(state, rules, data, now_ns)
        case Phase.IN_FLIGHT | Phase.PROBING | Phase.WRITING:
            state, told = run_out(state, rules)
            state, more = received(state, rules, data, now_ns)
            return state, (*told, *more)
        case Phase.DRAIN:
            return _late(state, rules, data, now_ns)
        case Phase.READY:
            return _unasked(state, rules, data, now_ns)
        case Phase.LOST:
            return state, ()


def _answered(state: State, rules: Rules, data: bytes, now_ns: int) -> Step:
    request = state.request
    assert request is not None
    received = state.received + data if state.received else data
    verdict = judge(request, rules.framing, state.transaction, received, tid_zero=rules.tid_zero)
    if isinstance(verdict, Accepted):
        dropped = state.dropped + verdict.dropped
        return state._replace(phase=Phase.READY, silent=0, dropped=dropped), (Answer(verdict),)
    if isinstance(verdict, Incomplete):
        return state._replace(received=received), ()
    state = state._replace(silent=0, dropped=state.dropped + verdict.dropped, last_ns=now_ns)
    if isinstance(verdict, Refused):
        if rules.is_full and verdict.exception in BEHIND_GATEWAY:
            return to_drain(state, rules, Answer(verdict))
        return state._replace(phase=Phase.READY), (Answer(verdict),)
    return to_drain(state._replace(first_ns=now_ns), rules, Failed(verdict))


def _probed(state: State, rules: Rules, data: bytes, now_ns: int) -> Step:
    """Look for the one answer that proves; whatever else comes is discarded and counted."""
    request = state.request
    assert request is not None
    received = (state.received + data)[-RECEIVED_BYTES_MAX:]
    found = ends_with_answer(
        request, rules.framing, state.transaction, received, tid_zero=rules.tid_zero
    )
    state = state._replace(received=received, last_ns=now_ns, silent=0)
    if found is None:
        if len(received) >= _proof_bytes(request, rules):
            state = _learnt(state, now_ns)
        return state._replace(first_ns=state.first_ns or now_ns), ()
    discarded = state.discarded + len(received) - _proof_bytes(request, rules, found)
    known, action = _verdict_on(state.units.get(request.unit, Unit()), request, rules, found)
    state = state._replace(
        phase=Phase.READY,
        discarded=discarded,
        asked_ns=0 if known.is_synced else state.asked_ns,
        units={**state.units, request.unit: known},
    )
    return state, (action,)


def _verdict_on(
    known: Unit, request: Request, rules: Rules, found: Accepted | Refused
) -> tuple[Unit, Action]:
    """What a probe's answer says of its unit: proved, only there, or nothing."""
    is_echo = request.function == ECHO
    if isinstance(found, Refused) and found.exception in BEHIND_GATEWAY:
        return known._replace(echoes_silent=known.echoes_silent + is_echo), Unproved()
    if isinstance(found, Refused) and rules.is_probing:
        if is_echo and found.exception not in BUSY:
            known = known._replace(echo=Echo.NONE)
        elif is_echo:
            known = known._replace(echoes_silent=known.echoes_silent + 1)
        else:
            known = known._replace(refused=known.refused + 1)
        return known, Proved(is_synced=False)
    echo = Echo.WORKS if is_echo else known.echo
    if not is_echo and rules.is_probing and echo is Echo.UNKNOWN:
        echo = Echo.NONE
    return Unit(is_synced=True, echo=echo, fence=known.fence), Proved(is_synced=True)


def _proof_bytes(request: Request, rules: Rules, found: Accepted | Refused | None = None) -> int:
    pdu = 2 if isinstance(found, Refused) else request.answer_bytes
    return pdu + (3 if rules.framing is Framing.RTU else 7)


def _written(state: State, rules: Rules, data: bytes, now_ns: int) -> Step:
    """Wait for the write's own echo; late answers to reads pass by."""
    request = state.request
    assert request is not None
    received = (state.received + data)[-RECEIVED_BYTES_MAX:]
    found = ends_with_answer(
        request, rules.framing, state.transaction, received, tid_zero=rules.tid_zero
    )
    state = state._replace(received=received, last_ns=now_ns)
    if found is None:
        return state, ()
    discarded = state.discarded + len(received) - _proof_bytes(request, rules, found)
    back = Phase.DRAIN if now_ns < state.until_ns else Phase.READY
    return state._replace(phase=back, discarded=discarded), (Answer(found),)


def run_out(state: State, rules: Rules) -> Step:
    """Take the end of the time-out of whatever is pending."""
    match state.phase:
        case Phase.IN_FLIGHT | Phase.WRITING:
            return _timed_out(state, rules)
        case Phase.PROBING:
            return _unproved(state, rules)
        case _:
            return state, ()


def _timed_out(state: State, rules: Rules) -> Step:
    silent = 0 if state.received else state.silent + 1
    is_read = state.phase is Phase.IN_FLIGHT
    state, told = to_drain(state._replace(silent=silent), rules, Failed())
    if not rules.is_full and is_read and silent >= SILENT_MAX:
        return closed(state, told, state.deadline_ns)
    return state, told


def _unproved(state: State, rules: Rules) -> Step:
    """A probe without answer: a longer D, unless the unit is known to be gone."""
    request = state.request
    assert request is not None
    known = state.units.get(request.unit, Unit())
    if request.function == ECHO:
        known = known._replace(echoes_silent=known.echoes_silent + 1)
    elif known.echo is Echo.UNKNOWN and known.fence == 0:
        known = known._replace(echoes_silent=0)  # three fences unanswered: the echo's turn again
    silent = 0 if state.first_ns else state.silent + 1
    state = state._replace(silent=silent, units={**state.units, request.unit: known})
    if not rules.is_full and silent >= SILENT_MAX:
        return closed(state, (Unproved(),), state.deadline_ns)
    if state.is_suspended and not state.first_ns:
        return state._replace(phase=Phase.READY), (Unproved(),)
    timeout_ns = state.deadline_ns - state.sent_ns
    d_ns = 3 * drain_ns(state, rules, request.unit, timeout_ns) // 2
    known = known._replace(d_ns=min(d_ns, D_NS_MAX), is_synced=False)
    units = {**state.units, request.unit: known}
    return to_drain(state._replace(units=units), rules, Unproved())


def to_drain(state: State, rules: Rules, action: Action) -> Step:
    """Leave IN_FLIGHT, PROBING or WRITING without a usable answer: the unit is not synced."""
    request = state.request
    assert request is not None
    timeout_ns = state.deadline_ns - state.sent_ns
    until_ns = state.sent_ns + drain_ns(state, rules, request.unit, timeout_ns)
    units = state.units
    if rules.is_full:
        known = units.get(request.unit, Unit())
        units = {**units, request.unit: known._replace(is_synced=False)}
    state = state._replace(
        phase=Phase.DRAIN,
        until_ns=max(until_ns, state.until_ns),
        asked_ns=state.sent_ns,
        late_ns=0,
        noise=0,
        received=b"",
        discarded=state.discarded + len(state.received),
        units=units,
    )
    return state, (action,)


def _late(state: State, rules: Rules, data: bytes, now_ns: int) -> Step:
    """Bytes while the line is drained: how late they are is learnt; 10 s of them are too much."""
    if not rules.is_full and _is_older(state, rules, data):
        return state._replace(dropped=state.dropped + 1), ()
    first_ns = state.first_ns or now_ns
    state = _learnt(state, now_ns)._replace(
        first_ns=first_ns,
        last_ns=now_ns,
        discarded=state.discarded + len(data),
        noise=state.noise + len(data),
    )
    if now_ns - first_ns < BABBLE_NS:
        return _refused_late(state, rules, data), ()
    request = state.request
    unit = request.unit if request is not None else 0
    timeout_ns = state.deadline_ns - state.sent_ns
    stay_ns = drain_ns(state, rules, unit, timeout_ns)
    told = Tell("device.line_babbled", 0, {"noise_bytes": state.noise})
    return closed(state, (told,), now_ns + stay_ns)


def _refused_late(state: State, rules: Rules, data: bytes) -> State:
    """Take a late refusal of the echo for what it says: the next probe is a fence."""
    request = state.request
    if request is None or request.function != ECHO:
        return state
    found = ends_with_answer(request, rules.framing, state.transaction, data)
    if not isinstance(found, Refused) or found.exception in (*BUSY, *BEHIND_GATEWAY):
        return state
    known = state.units.get(request.unit, Unit())._replace(echo=Echo.NONE)
    return state._replace(units={**state.units, request.unit: known})


def _learnt(state: State, now_ns: int) -> State:
    """Learn how late bytes are that belong to the last request without an answer."""
    late_ns = now_ns - state.asked_ns
    if state.asked_ns == 0 or late_ns > D_NS_MAX:
        return state
    return state._replace(late_ns=late_ns, lateness_ns=max(state.lateness_ns, late_ns))


def _is_older(state: State, rules: Rules, data: bytes) -> bool:
    return rules.framing is Framing.MBAP and older_frames(state.transaction, data) is not None


def _unasked(state: State, rules: Rules, data: bytes, now_ns: int) -> Step:
    """Bytes that nobody asked for: nobody can say whose they are, so no unit stays synced."""
    if not rules.is_full and _is_older(state, rules, data):
        return state._replace(dropped=state.dropped + 1), ()
    units = _unsynced(state)
    state = _learnt(state, now_ns) if rules.is_full else state
    until_ns = now_ns
    if rules.is_full and state.request is not None:
        timeout_ns = state.deadline_ns - state.sent_ns
        until_ns = state.sent_ns + drain_ns(state, rules, state.request.unit, timeout_ns)
    state = state._replace(
        phase=Phase.DRAIN,
        until_ns=until_ns,
        first_ns=now_ns,
        last_ns=now_ns,
        noise=len(data),
        received=b"",
        discarded=state.discarded + len(data),
        units=units,
    )
    return state, (Tell("device.bytes_unasked", 0, {"bytes": len(data)}),)


def closed(state: State, told: tuple[Action, ...], until_ns: int) -> Step:
    """Give the connection up; `told` is what is to be done before."""
    state, _ = lost(state)
    return state._replace(until_ns=until_ns), (*told, Close(until_ns))


def lost(state: State) -> Step:
    """The connection is gone: what is pending fails, and nothing is proved any more."""
    failed: tuple[Action, ...] = ()
    if state.phase in (Phase.IN_FLIGHT, Phase.WRITING):
        failed = (Failed(is_link_lost=True),)
    elif state.phase is Phase.PROBING:
        failed = (Unproved(),)
    state = state._replace(
        phase=Phase.LOST, until_ns=0, received=b"", first_ns=0, silent=0, units=_unsynced(state)
    )
    return state, failed


def _unsynced(state: State) -> dict[int, Unit]:
    return {unit: known._replace(is_synced=False) for unit, known in state.units.items()}
