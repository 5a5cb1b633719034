"""Sends the log to the centre for ever: one session after the other, with back-off.  Shell: timers.

A change of state is logged once when the line is lost and once when it is back.
Clause: batches.md 3.13 (Reconnect).
"""

import asyncio
import random
from dataclasses import replace

from edge import events
from edge.pulse import Pulse
from edge.supervisor import contained, leaves
from edge.uplink.carriage import Connect, SessionEnded
from edge.uplink.conduct import Conduct
from edge.uplink.model import Source
from edge.uplink.refusal import Suspicion, meaning, pause_ns, suspect
from edge.uplink.settings import Ears, UplinkSettings, UplinkState
from proto.batch import Lane
from proto.clock import Clock
from proto.errors import UplinkError
from proto.v1 import uplink_pb2 as wire


class Uplink:
    """Holds sessions with the centre.

    Attributes:
        state: the link as the status shows it.
    """

    def __init__(
        self,
        settings: UplinkSettings,
        source: Source,
        connect: Connect,
        clock: Clock,
        ears: Ears,
        pulse: Pulse | None = None,
    ) -> None:
        self._pulse = pulse or Pulse(clock)
        self._settings, self._source, self._connect = settings, source, connect
        self._clock, self._ears = clock, ears
        self.state = UplinkState("CONNECTING", clock.wall_us())
        self._attempt = 0
        self._away_ns: int | None = clock.mono_ns()
        self._told = False
        self._suspicion: Suspicion | None = None

    async def run(self) -> None:
        """Hold one session after the other until cancelled."""
        while True:
            status = await self._one_session()
            await asyncio.sleep(self._pause_ns(status) / 1e9)

    def pending(self) -> int:
        """Return how many batches wait for the centre."""
        return sum(view.pending.total for view in self._source.lanes())

    async def _one_session(self) -> str:
        """Hold one session to its end and return the status that ended it."""
        carriage = self._connect()
        suspected = None if self._suspicion is None else self._suspicion.key
        conduct = Conduct(
            self._settings,
            self._source,
            carriage,
            self._clock,
            self._ears,
            self._pulse,
            suspected=suspected,
            on_open=self._opened,
            on_sent=self._sent,
            on_ack=self._acknowledged,
        )
        try:
            error = await contained(conduct.run())
        finally:
            await carriage.close()
        ended = _reason(error)
        if ended.status == "INVALID_ARGUMENT" and not await self._suspect(conduct, ended):
            ended = SessionEnded("INTERNAL", str(ended.args[0]), ended.kind)  # not about a batch
        if ended.status == "FAILED_PRECONDITION" and ended.kind == wire.BULK:
            ended = SessionEnded("UNAVAILABLE", str(ended.args[0]))  # URGENT was welcome: transient
        self._lost(ended)
        return ended.status

    async def _suspect(self, conduct: Conduct, ended: SessionEnded) -> bool:
        """A message was refused as malformed: the same batch twice is set aside.

        False when no batch was in flight.
        """
        key = None if ended.kind is None else conduct.session.first_in_flight(ended.kind)
        self._suspicion, guilty = suspect(self._suspicion, key)
        if guilty is not None:
            await self._source.refuse(guilty)
        return key is not None

    def _pause_ns(self, status: str) -> int:
        now_ns = self._clock.mono_ns()
        if self._away_ns is None:
            self._away_ns = now_ns
        attempt, self._attempt = self._attempt, self._attempt + 1
        views = self._source.lanes()
        return pause_ns(
            status,
            attempt,
            away_ns=now_ns - self._away_ns,
            alarm_waits=any(view.lane is Lane.ALARM and view.pending for view in views),
            fraction=random.random(),  # noqa: S311 - jitter, not a secret
        )

    def _opened(self, session: bytes) -> None:
        self._attempt, self._away_ns, self._told = 0, None, False
        self.state = replace(
            self.state,
            state="OPEN",
            since_us=self._clock.wall_us(),
            sessions=self.state.sessions + 1,
            last_error=None,
        )
        events.uplink_session_opened(address=self._settings.address, session=session.hex())

    def _sent(self, frames: int, size: int) -> None:
        self.state = replace(
            self.state,
            frames_sent=self.state.frames_sent + frames,
            bytes_sent=self.state.bytes_sent + size,
        )

    def _acknowledged(self) -> None:
        self.state = replace(self.state, last_ack_us=self._clock.wall_us())
        if self._suspicion is not None and not self._waits(self._suspicion):
            self._suspicion = None

    def _waits(self, suspicion: Suspicion) -> bool:
        epoch, lane, seq = suspicion.key
        for view in self._source.lanes():
            if view.epoch == epoch and view.lane is lane:
                return seq in view.pending
        return False

    def _lost(self, ended: SessionEnded) -> None:
        what = meaning(ended.status)
        own = self._ears.diagnose(self._clock.wall_us())
        reason = own or f"{what.text} ({ended.args[0]})"
        state = "REFUSED" if what.person or own else "LOST"
        if self.state.state != state:
            self.state = replace(self.state, state=state, since_us=self._clock.wall_us())
        self.state = replace(self.state, last_error=reason)
        if not self._told:
            self._told = True
            tell = events.uplink_refused if state == "REFUSED" else events.uplink_session_lost
            tell(address=self._settings.address, reason=reason, code=ended.status)


def _reason(error: BaseException | None) -> SessionEnded:
    """Return why the session ended: the centre's own word before what followed from it.

    What is no error of the uplink is a fault of this program, and goes to the supervisor.
    """
    transient = ("UNAVAILABLE", "CANCELLED")
    found = [_ended(one) for one in leaves(error)] if error is not None else []
    last = SessionEnded("CANCELLED", "the centre closed the session")
    return next((one for one in found if one.status not in transient), (*found, last)[0])


def _ended(error: BaseException) -> SessionEnded:
    if isinstance(error, SessionEnded):
        return error
    if isinstance(error, UplinkError):
        return SessionEnded("UNAVAILABLE", str(error))
    raise error
