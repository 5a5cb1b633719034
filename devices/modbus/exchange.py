"""Question and answer on one connection: the guard, the timer, who waits.  Shell: timers.

The guard says what is sent and what is believed; here its actions are carried out.  One request is
pending at most.  Who asked waits in a task (`ask`), or is called as soon as the answer has been
judged (`start`): that is the way of planned reads, for a task costs as much as the judging.  An
output write overtakes a read, and then who asked is told that it has timed out (G7).  One timer
serves all requests: it is armed again only when it has run out before the deadline of the present
one, and taken back when nobody asks for a while (`rest`), so that it wakes nobody.
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
    WriteDue,
    is_synced,
    ready_ns,
)
from devices.modbus.transport import Connection
from proto.clock import Clock
from proto.quality import Detail

Waiter = asyncio.Future[Result | None]
Then = Callable[[Result | None], None]
"""Is called once with what came of a request; None = the connection went without a word of it."""


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
        self._waiter: Waiter | None = None  # of the request that is pending
        self._asker: Waiter | None = None  # of the call whose event is just being taken
        self._then: Then | None = None  # of the request that is pending, instead of a waiter
        self._told: tuple[Result | None] | None = None  # what `_then` is called with
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
        if self._connection.has_bytes():
            await self._hear()
        self._rules = rules
        result = await self._put(due)
        if self.state.phase is Phase.LOST or result is None:
            raise self.given_up(due.unit, result)
        return result

    def start(self, due: Due, rules: Rules, then: Then) -> bool:
        """Send one request and call `then` with what comes of it, never from within this call.

        Returns:
            False, without any effect, where the line has to be drained or the unit proved first:
            that is for `ask`.
        """
        connection = self._connection
        if connection is None or not connection.is_open or self.state.phase is not Phase.READY:
            return False
        if due.request is None or not is_synced(self.state, rules, due.unit):
            return False
        if connection.has_bytes():  # what came before the question answers another one
            return False
        self._rules, self._then = rules, then
        self._step(due)
        return True

    def abandon(self) -> None:
        """Call nobody any more: the request counts as timed out, as that of a cancelled `ask`."""
        if self._then is not None:
            self._then = None
            self._run_out_now()

    def rest(self) -> None:
        """Take the timer back where nothing is pending."""
        if self._timer is not None and self._then is None and self._waiter is None:
            self._timer.cancel()
            self._timer = None

    def given_up(self, unit: int, result: Result | None) -> LinkFailed:
        """Close what the guard, or the other side, has given up; return the error to raise."""
        self.close()
        return _lost(unit, result)

    async def write(self, due: WriteDue) -> Result:
        """Send one output write, before whatever waits, and wait for its echo.

        It waits for a read in flight no longer than `p99_ns`, and for no drain.

        Raises:
            DeviceUnreachable: the connection is gone.
        """
        while True:
            if self._connection is None or not self._connection.is_open:
                raise LinkFailed("not connected", place=str(due.request.unit))
            result = await self._put(due)
            if self.state.phase is Phase.LOST or result is None:
                raise self.given_up(due.request.unit, result)
            if not isinstance(result, Wait):
                return result
            left_ns = result.until_ns - self._clock.mono_ns()
            await asyncio.sleep(max(left_ns, 0) / 1e9)

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

    async def _put(self, event: Due | WriteDue) -> Result | None:
        """Take an event that somebody waits for; return what comes of it."""
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._asker = waiter
        try:
            self._step(event)
        finally:
            self._asker = None
        if waiter.done():
            return waiter.result()
        self._waiter = waiter
        try:
            return await waiter
        except asyncio.CancelledError:
            if self._waiter is waiter:
                self._run_out_now()
            raise
        finally:
            if self._waiter is waiter:
                self._waiter = None

    def _run_out_now(self) -> None:
        if self.state.phase is not Phase.LOST:
            self.state = self.state._replace(deadline_ns=self._clock.mono_ns())
            self._step(Deadline())

    async def _hear(self) -> None:
        """Let the loop hand over what the kernel has: two turns bring it here."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _step(self, event: Event) -> None:
        now_ns = self._clock.mono_ns()
        self.state, actions = guard.step(self.state, self._rules, event, now_ns)
        for action in actions:
            self._carry_out(action, event, now_ns)
        if self._told is not None:
            self._call()

    def _call(self) -> None:
        """Call who asked, now that all is done: it may ask again at once."""
        then, told = self._then, self._told
        self._then = self._told = None
        if then is not None and told is not None:
            then(told[0])

    def _carry_out(self, action: Action, event: Event, now_ns: int) -> None:
        if isinstance(action, Transmit):
            self._transmit(action, now_ns)
        elif isinstance(action, Answer | Failed | Proved | Unproved | Wait):
            # what a write puts an end to is told to who waited for it, not to the write
            is_mine = isinstance(action, Wait) or not isinstance(event, WriteDue)
            asker = self._asker if is_mine else None
            if asker is None:
                self.received_ns = now_ns
            self._tell(asker, action)
        elif isinstance(action, Tell):
            self.on_tell(action)
        else:
            self._give_up(action)

    def _give_up(self, action: Close) -> None:
        """Close what the guard has given up; the one that waits is told by its own result."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._tell(self._asker, None)

    def _tell(self, asker: Waiter | None, result: Result | None) -> None:
        """Tell who asked; the first word counts."""
        waiter = self._waiter if asker is None else asker
        if waiter is not None:
            if not waiter.done():
                waiter.set_result(result)
        elif self._then is not None and self._told is None:
            self._told = (result,)

    def _transmit(self, action: Transmit, now_ns: int) -> None:
        assert self._connection is not None
        self.sent_ns = self.last_ns = now_ns
        if self.strips_echo:
            self._echo_left = action.data
        self._connection.send(action.data)
        self._arm(action.deadline_ns - now_ns)

    def _arm(self, delay_ns: int) -> None:
        """Wake at the deadline, or before it where a timer stands already."""
        loop = asyncio.get_running_loop()
        when_s = loop.time() + max(delay_ns, 0) / 1e9
        if self._timer is not None:
            if self._timer.when() <= when_s:
                return
            self._timer.cancel()
        self._timer = loop.call_at(when_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._waiter is None and self._then is None:
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


def _lost(unit: int, result: Result | None) -> LinkFailed:
    """Say why the connection is gone: three time-outs closed it, or the other side did."""
    is_silent = isinstance(result, Failed) and not result.is_link_lost
    detail = Detail.TIMED_OUT if is_silent or isinstance(result, Unproved) else Detail.LINK_DOWN
    text = "no answer three times in a row" if is_silent else "connection lost"
    return LinkFailed(text, place=f"unit {unit}", detail=detail)
