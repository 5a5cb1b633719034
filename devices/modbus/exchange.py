"""Question and answer on one connection: the guard, the timer, the future.  Shell: timers.

The guard says what is sent and what is believed; here its actions are carried out.  One request is
pending at most, and one task waits for it.  One timer serves all requests: it is armed again only
when it has run out before the deadline of the present one.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from devices.failure import LinkFailed
from devices.modbus import guard
from devices.modbus.guard_model import (
    Action,
    Answer,
    Close,
    Connected,
    Deadline,
    Due,
    Event,
    Failed,
    Lost,
    Phase,
    Proved,
    Received,
    Result,
    Rules,
    State,
    Tell,
    Transmit,
    Unproved,
    Wait,
    ready_ns,
)
from devices.modbus.transport import Connection
from proto.clock import Clock
from proto.quality import Detail


class Figures(NamedTuple):
    """What the guard threw away since the start, and the largest lateness it has seen."""

    answers_dropped: int
    bytes_discarded: int
    lateness_ns: int


class RegistersRead(NamedTuple):
    """Registers that are no samples: bytes as on the wire, times of request and answer."""

    data: bytes
    sent_mono_ns: int
    receive_mono_ns: int


class Exchange:
    """One line's questions and answers.

    Attributes:
        state: of the guard.
        sent_ns, received_ns: of the last request and of its answer.
        last_ns: when bytes came or went last.
        on_tell: told of what the guard says.
    """

    def __init__(
        self, state: State, rules: Rules, clock: Clock, on_tell: Callable[[Tell], None]
    ) -> None:
        self.state, self.on_tell = state, on_tell
        self.sent_ns = self.received_ns = self.last_ns = 0
        self._rules, self._clock = rules, clock
        self._connection: Connection | None = None
        self._result: Result | None = None
        self._future: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._echo_left = b""
        self.strips_echo = False

    @property
    def is_open(self) -> bool:
        """True while the connection stands, as far as anybody has told."""
        return (
            self._connection is not None
            and self.state.phase is not Phase.LOST
            and self._connection.is_open
        )

    @property
    def ready_ns(self) -> int:
        """When the line may be asked again."""
        return ready_ns(self.state, self._rules)

    def begin(self, connection: Connection, timeout_ns: int) -> None:
        """Take a connection that has just been opened."""
        self._connection = connection
        self._step(Connected(timeout_ns))

    async def ask(self, due: Due, rules: Rules) -> Result:
        """Send one request, or its probe, and wait for what comes of it.

        Returns at once with `Wait` where the line is being drained.  When cancelled, the request
        counts as timed out: its answer may still come, and must not meet the next question.

        Raises:
            DeviceUnreachable: the connection is gone.
        """
        if self._connection is None or not self._connection.is_open:
            raise LinkFailed("not connected", place=str(due.unit))
        if rules.is_full and self._connection.has_bytes():
            await self._hear()
        self._rules = rules
        self._result = None
        self._step(due)
        if self._result is None:
            await self._wait()
        result = self._result
        if self.state.phase is Phase.LOST or result is None:
            self.close()
            raise _lost(due, result)
        return result

    def on_bytes(self, data: bytes) -> None:
        """Take bytes as they come."""
        self.last_ns = self._clock.mono_ns()
        if self._echo_left:
            data = self._without_echo(data)
        if data:
            self._step(Received(data))

    def on_lost(self) -> None:
        """Take the loss of the connection: what is pending fails now."""
        self._step(Lost())

    def figures(self) -> Figures:
        """Return what was thrown away so far, and how late answers have been."""
        return Figures(self.state.dropped, self.state.discarded, self.state.lateness_ns)

    def distrust(self, unit: int) -> None:
        """Make a unit prove itself again before its next read."""
        known = self.state.units.get(unit)
        if known is not None:
            units = {**self.state.units, unit: known._replace(is_synced=False)}
            self.state = self.state._replace(units=units)

    def close(self) -> None:
        """Close the connection; never waits, and may be called twice."""
        connection, self._connection = self._connection, None
        if self.state.phase is not Phase.LOST:
            self._step(Lost())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if connection is not None:
            connection.close()

    async def _wait(self) -> None:
        self._future = asyncio.get_running_loop().create_future()
        try:
            await self._future
        finally:
            self._future = None
            if self._result is None and self.state.phase is not Phase.LOST:
                state = self.state._replace(deadline_ns=self._clock.mono_ns())
                self.state = state
                self._step(Deadline())

    async def _hear(self) -> None:
        """Let the loop hand over what the kernel has: two turns bring it here."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _step(self, event: Event) -> None:
        now_ns = self._clock.mono_ns()
        self.state, actions = guard.step(self.state, self._rules, event, now_ns)
        for action in actions:
            self._carry_out(action, now_ns)

    def _carry_out(self, action: Action, now_ns: int) -> None:
        if isinstance(action, Transmit):
            self._transmit(action, now_ns)
        elif isinstance(action, Answer | Failed | Proved | Unproved | Wait):
            self._result, self.received_ns = action, now_ns
            future = self._future
            if future is not None and not future.done():
                future.set_result(None)
        elif isinstance(action, Tell):
            self.on_tell(action)
        else:
            self._give_up(action)

    def _give_up(self, action: Close) -> None:
        """Close what the guard has given up; the one that waits is told by its own result."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        future = self._future
        if future is not None and not future.done():
            future.set_result(None)

    def _transmit(self, action: Transmit, now_ns: int) -> None:
        assert self._connection is not None
        self.sent_ns = self.last_ns = now_ns
        if self.strips_echo:
            self._echo_left = action.data
        self._connection.send(action.data)
        if self._timer is None:
            self._arm(action.deadline_ns - now_ns)

    def _arm(self, delay_ns: int) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(delay_ns, 0) / 1e9, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._future is None:
            return
        left_ns = self.state.deadline_ns - self._clock.mono_ns()
        if left_ns > 0:
            self._arm(left_ns)
        else:
            self._step(Deadline())

    def _without_echo(self, data: bytes) -> bytes:
        """Take our own bytes off, which this line gives back (quirk `local_echo`)."""
        n = min(len(data), len(self._echo_left))
        if data[:n] != self._echo_left[:n]:
            self._echo_left = b""
            return data
        self._echo_left = self._echo_left[n:]
        return data[n:]


def _lost(due: Due, result: Result | None) -> LinkFailed:
    """Say why the connection is gone: three time-outs closed it, or the other side did."""
    is_silent = isinstance(result, Failed) and not result.is_link_lost
    detail = Detail.TIMED_OUT if is_silent or isinstance(result, Unproved) else Detail.LINK_DOWN
    text = "no answer three times in a row" if is_silent else "connection lost"
    return LinkFailed(text, place=f"unit {due.unit}", detail=detail)
