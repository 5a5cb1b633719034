"""What hangs over a session: is the server there, how is it, its papers.  Shell: sockets.

One Read a second of state, service level and time proves the way to the server in both directions,
whether or not anything is subscribed; what it says caps every value (`condition.py`).  A request
that is not answered in time costs its own row: its late answer carries another request id and is
dropped.  Silence of the whole server makes every value BAD at once; only three time-outs in a row
with nothing heard between them close the channel (`acquisition.md` 3.9).
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from asyncua.client.client import Client
from asyncua.ua.uaerrors import UaStatusCodeError

from devices.driver import ClockReading, Note
from devices.opcua import nodes
from devices.opcua.certificate import days_left, warning_of
from devices.opcua.condition import LEVEL_UNKNOWN, RUNNING, Condition
from devices.opcua.session import FOREIGN_ERRORS, Found, renew
from proto.clock import Clock

BEAT_S = 1.0
TIMEOUTS_MAX = 3
WAIT_US_MAX = 3_600_000_000
"""A server whose EstimatedReturnTime is further off is looked at once an hour."""
_RENEW_AT = 0.75
_DAY_NS = 86_400_000_000_000


class Watchdog:
    """The heartbeat of one connection.

    Attributes:
        condition: what the server says of itself now.
        reading: newest reading of its clock, until it is taken.
        not_before_ns: a server at ServiceLevel 0 is left alone until then (monotonic).
    """

    def __init__(self, clock: Clock, timeout_s: float, changed: Callable[[], None]) -> None:
        self.condition = Condition()
        self.reading: ClockReading | None = None
        self.not_before_ns = 0
        self._clock, self._timeout_s, self._changed = clock, timeout_s, changed
        self._heard_ns = 0
        self._timeouts = 0

    def hear(self) -> None:
        """Something came from the server."""
        self._heard_ns = self._clock.mono_ns()
        self._timeouts = 0
        if self.condition.is_silent:
            self.condition = replace(self.condition, is_silent=False)
            self._changed()

    def timed_out(self, sent_ns: int) -> bool:
        """Note a request without an answer; True when the server must be taken for lost."""
        if self._heard_ns >= sent_ns:
            return False
        self._timeouts += 1
        if not self.condition.is_silent:
            self.condition = replace(self.condition, is_silent=True)
            self._changed()
        return self._timeouts >= TIMEOUTS_MAX

    async def look(self, client: Client) -> None:
        """Read state, level and time once.

        Raises:
            TimeoutError, OSError, UaError: the server does not answer.
        """
        wanted = [nodes.standard(one) for one in (nodes.STATE, nodes.LEVEL, nodes.CURRENT_TIME)]
        sent = self._clock.mono_ns()
        async with asyncio.timeout(self._timeout_s):
            state, level, now = await nodes.read_carefully(client, wanted)
        received = self._clock.mono_ns()
        self.hear()
        found_state, found_level = nodes.content(state), nodes.content(level)
        before = self.condition
        self.condition = Condition(
            int(found_state) if isinstance(found_state, int) else RUNNING,
            found_level if isinstance(found_level, int) else LEVEL_UNKNOWN,
            before.is_lapsed,
        )
        when = nodes.content(now)
        if isinstance(when, datetime):
            self.reading = ClockReading(nodes.time_us(when), sent, received)
        if self.condition.level == 0:
            await self._ask_return(client)
        if self.condition != before:
            self._changed()

    async def _ask_return(self, client: Client) -> None:
        async with asyncio.timeout(self._timeout_s):
            [data] = await nodes.read_nodes(client, [nodes.standard(nodes.RETURN_TIME)])
        when = nodes.content(data)
        return_us = nodes.time_us(when) if isinstance(when, datetime) else 0
        wait_us = max(0, min(return_us - self._clock.wall_us(), WAIT_US_MAX))
        self.not_before_ns = self._clock.mono_ns() + wait_us * 1_000

    async def run(self, client: Client, lost: Callable[[str], None]) -> None:
        """Look each second and keep the channel's token new, until the server is lost."""
        renewed = self._clock.mono_ns()
        while True:
            await asyncio.sleep(BEAT_S)
            sent_ns = self._clock.mono_ns()
            try:
                await self.look(client)
                life_ns = int(client.secure_channel_timeout * _RENEW_AT * 1e6)
                if self._clock.mono_ns() - renewed > life_ns:
                    renewed = self._clock.mono_ns()
                    async with asyncio.timeout(self._timeout_s):
                        await renew(client)
            except TimeoutError:
                if self.timed_out(sent_ns):
                    lost(f"no answer within {self._timeout_s:g} s")
                    return
            except UaStatusCodeError as error:
                lost(f"status 0x{int(error.code):08X}")
                return
            except (OSError, *FOREIGN_ERRORS) as error:
                lost(f"{type(error).__name__}")
                return


class Papers:
    """What is said about certificates and policies: each thing once, lapsed ones daily."""

    def __init__(self, clock: Clock, endpoint: str) -> None:
        self._clock, self._endpoint = clock, endpoint
        self._told: dict[str, int] = {}
        self._daily: dict[str, int] = {}

    def look(self, own_end_us: int, found: Found) -> list[Note]:
        """Return what a person is to be told now."""
        now_us = self._clock.wall_us()
        notes = self._ending("gateway", own_end_us, now_us)
        shown, verdict = found.presented, found.verdict
        if shown is not None:
            if verdict.is_lapsed:
                body = {
                    "endpoint": self._endpoint,
                    "thumbprint": shown.thumbprint,
                    "standing": verdict.standing.value,
                    "since_us": shown.not_after_us,
                    "is_deferred": verdict.is_deferred,
                }
                notes += self._each_day("lapsed", Note("device.certificate_lapsed", body=body))
            else:
                notes += self._ending(shown.thumbprint, shown.not_after_us, now_us)
            if verdict.is_renewed and self._told.get(f"renewed {shown.thumbprint}") is None:
                self._told[f"renewed {shown.thumbprint}"] = 0
                body = {"endpoint": self._endpoint, "thumbprint": shown.thumbprint}
                notes.append(Note("device.certificate_renewed", body=body))
        if found.is_insecure:
            body = {"endpoint": self._endpoint, "policy": found.policy_name}
            notes += self._each_day("insecure", Note("device.policy_insecure", body=body))
        return notes

    def _ending(self, whose: str, end_us: int, now_us: int) -> list[Note]:
        passed = warning_of(end_us, now_us, self._told.get(whose))
        if passed is None:
            return []
        self._told[whose] = passed
        body = {"endpoint": self._endpoint, "whose": whose, "days": days_left(end_us, now_us)}
        return [Note("device.certificate_expires", body=body)]

    def _each_day(self, what: str, note: Note) -> list[Note]:
        now = self._clock.mono_ns()
        if what in self._daily and now - self._daily[what] < _DAY_NS:
            return []
        self._daily[what] = now
        return [note]
