"""Equipment behind one wire: units that answer in order, and an injector on their answers.

Shell: timers of the event loop.  Queueing is the point: an answer that is late by three time-outs
is followed, in order, by the answers to everything that was asked meanwhile.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tests.harness.coded import Unit
from tests.harness.frames import Framing, Request, adu, take
from tests.harness.script import CALM, Fault, Hit, Script, Step, frame_steps, pdu_instead

LAWFUL = frozenset({1, 2, 3, 4, 8, 43})
"""Function codes of a reader; any other one is a broken trip-wire."""
SILENCE_S = 0.01
"""A serial device forgets a frame begun before such a silence."""


class Port(Protocol):
    """Where bytes come and go."""

    def send(self, data: bytes) -> None: ...

    def cut(self, *, reset: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Logged:
    """One request as the equipment saw it, and when it sampled its registers."""

    at_ns: int
    unit: int
    function: int
    start: int
    quantity: int
    sampled_ns: int


class Equipment:
    """All units of one wire.

    Attributes:
        log: the newest requests.
        seen: how many requests, by (unit, function).
        suffered: how many answers of which fault.
        forbidden: requests that a reader must never make.
    """

    def __init__(
        self,
        framing: Framing,
        units: Mapping[int, Unit],
        *,
        script: Script = CALM,
        timeout_s: float = 0.02,
        is_shared: bool = True,
        log_max: int = 4096,
    ) -> None:
        self.framing = framing
        self.units = dict(units)
        self.script = script
        self.log: deque[Logged] = deque(maxlen=log_max)
        self.seen: Counter[tuple[int, int]] = Counter()
        self.suffered: Counter[Fault] = Counter()
        self.forbidden: list[Request] = []
        self.index = 0
        self.deaf = False
        self._timeout_s = timeout_s
        self._is_shared = is_shared
        self._loop = asyncio.get_running_loop()
        self._free_s = self._deaf_s = self._last_s = 0.0
        self._previous = b""
        self._stuck: deque[tuple[int, bytes]] = deque()
        self._port: Port | None = None

    def connected(self, port: Port) -> None:
        """Take a new connection: on a shared line late bytes go to the newest one."""
        self._port = port

    def receive(self, buffer: bytearray, port: Port) -> None:
        """Take whole requests off the buffer and answer them."""
        now = self._loop.time()
        if self.framing == "rtu" and now - self._last_s > SILENCE_S and len(buffer) > 8:
            del buffer[:-8]
        if now - self._last_s > 3 * self._timeout_s:
            self._stuck.clear()  # the gateway flushes its serial side when nobody asks for long
        self._last_s = now
        while (request := take(self.framing, buffer)) is not None:
            self._request(request, port)

    def _request(self, request: Request, port: Port) -> None:
        index, self.index = self.index, self.index + 1
        self.seen[request.unit, request.function] += 1
        now = self._loop.time()
        unit = self.units.get(request.unit)
        if request.function not in LAWFUL:
            self.forbidden.append(request)
        if unit is None or self.deaf or now < self._deaf_s:
            return
        hit = self.script.hit(index)
        if hit is not None:
            self.suffered[hit.fault] += 1
        out_of_order = hit is not None and hit.fault is Fault.OUT_OF_ORDER
        start = now if out_of_order else max(now, self._free_s)
        done = start + unit.service_s
        if hit is not None:
            done = self._faulty_time(hit, request, done, now)
        if not out_of_order:
            self._free_s = done
        if done <= now:
            self._answer(request, unit, hit, port)
        elif start <= now and hit is not None and hit.word & 1:
            sampled = time.monotonic_ns()  # sampled when asked, handed out much later
            self._loop.call_at(done, self._answer, request, unit, hit, port, sampled)
        else:
            self._loop.call_at(done, self._answer, request, unit, hit, port)

    def _faulty_time(self, hit: Hit, request: Request, done: float, now: float) -> float:
        late = done + hit.factor * self._timeout_s
        if hit.fault in (Fault.LATE, Fault.SHIFT, Fault.OUT_OF_ORDER):
            return late
        if hit.fault is Fault.DROP_BUSY:
            self._deaf_s = late
            return late
        if hit.fault is Fault.BLACK_HOLE:
            self._deaf_s = now + hit.factor * self._timeout_s
        return done

    def _answer(
        self, request: Request, unit: Unit, hit: Hit | None, port: Port, sampled: int = 0
    ) -> None:
        mono_ns = sampled or time.monotonic_ns()
        self.log.append(
            Logged(
                time.monotonic_ns(),
                request.unit,
                request.function,
                request.start,
                request.quantity,
                mono_ns,
            )
        )
        pdu = unit.answer(request.unit, request.pdu, mono_ns)
        if pdu is None:
            return
        port = self._port if self._is_shared and self._port is not None else port
        if hit is None and not self._stuck:
            frame = adu(self.framing, request.transaction, request.unit, pdu)
            self._previous = frame
            port.send(frame)
            return
        self._answer_faultily(request, pdu, hit, port)

    def _answer_faultily(self, request: Request, pdu: bytes, hit: Hit | None, port: Port) -> None:
        fault = None if hit is None else hit.fault
        if fault is Fault.SHIFT:
            self._stuck.append((request.unit, pdu))
            return
        if self._stuck:
            self._stuck.append((request.unit, pdu))
            _, pdu = self._stuck.popleft()
        if hit is None:
            port.send(adu(self.framing, request.transaction, request.unit, pdu))
            return
        if fault in (Fault.LOST, Fault.BLACK_HOLE):
            return
        unit_id, pdu = pdu_instead(hit, request.unit, pdu)
        frame = adu(self.framing, request.transaction, unit_id, pdu)
        if fault in (Fault.FIN, Fault.RST):
            if hit.word & 2:
                port.send(frame[: len(frame) // 2])
            port.cut(reset=fault is Fault.RST)
            return
        steps = frame_steps(hit, self.framing, frame, self._previous)
        if fault is Fault.ECHO:
            steps.insert(0, adu(self.framing, request.transaction, request.unit, request.pdu))
        self._previous = frame
        self._play(steps, port)

    def _play(self, steps: list[Step], port: Port) -> None:
        at = self._loop.time()
        for step in steps:
            if isinstance(step, float):
                at += step
            elif at <= self._loop.time():
                port.send(step)
            else:
                self._loop.call_at(at, port.send, step)
        self._free_s = max(self._free_s, at)
