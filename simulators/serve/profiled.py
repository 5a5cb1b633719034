"""Serves any device profile without a model of its plant.  Shell: sockets on loopback, clock."""

import asyncio
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devices.catalog import find
from devices.profile import ModbusProfile, OpcUaProfile, Profile
from proto.errors import ConfigError, Fault
from simulators import events
from simulators.box import Image
from simulators.clock import SystemClock
from simulators.plants.model import Values
from simulators.plc.extras import (
    Happening,
    RingWriter,
    device_map,
    fixed_words,
    new_ring,
    overlaid,
    write_event,
)
from simulators.plc.image import encode, node_cells
from simulators.plc.walk import TICK_MS, still, walk
from simulators.serve.line import LineServer
from simulators.serve.modbus_pdu import Habits
from simulators.serve.modbus_rtu import ModbusPtyServer, ModbusRtuServer
from simulators.serve.modbus_tcp import ModbusTcpServer

EVENT_EVERY = 50
"""Steps between two events of a ring."""


Wire = Literal["mbap", "rtu-tcp", "pty"]
_SERVERS: dict[Wire, type[ModbusTcpServer]] = {
    "mbap": ModbusTcpServer,
    "rtu-tcp": ModbusRtuServer,
    "pty": ModbusPtyServer,
}


@dataclass(frozen=True, slots=True)
class ProfileOptions:
    """What is to be served.

    Name or path of the profile, port (0 = any), pki (OPC UA), values at rest or not, wire (Modbus).
    """

    profile: str
    port: int = 0
    seed: int = 1
    pki: Path | None = None
    is_still: bool = False
    wire: Wire = "mbap"


class ProfiledDevice:
    """One device that shows what its profile promises; `run()` steps it each 100 ms."""

    def __init__(self, options: ProfileOptions) -> None:
        self._profile = find(options.profile)
        self._options = options
        self._clock = SystemClock()
        self._ring: RingWriter | None = None
        self._modbus: ModbusTcpServer | None = None
        self.server: LineServer = self._make(self._profile, options)

    def _make(self, profile: Profile, options: ProfileOptions) -> LineServer:
        if isinstance(profile, ModbusProfile):
            if profile.event_ring is not None:
                self._ring = new_ring(profile.event_ring, profile.modbus.order)
            self._layout = device_map(profile)
            self._fixed = fixed_words(profile)
            self._modbus = _SERVERS[options.wire](
                self._layout,
                port=options.port,
                product=profile.profile,
                seed=options.seed,
                habits=_habits(profile),
            )
            return self._modbus
        return _opcua(profile, options)

    async def start(self) -> None:
        """Listen, with a first image."""
        await self.server.prepare()
        await self.step(0)
        await self.server.open()

    async def run(self) -> None:
        """Step for ever, on a fixed grid."""
        start_ns = self._clock.mono_ns()
        while True:
            tick = (self._clock.mono_ns() - start_ns) // (TICK_MS * 1_000_000) + 1
            due_ns = start_ns + tick * TICK_MS * 1_000_000
            await asyncio.sleep(max((due_ns - self._clock.mono_ns()) / 1e9, 0.0))
            await self.step(tick)

    async def step(self, tick: int) -> None:
        """Show the image of one step."""
        now_us = self._clock.wall_us()
        is_still = self._options.is_still
        values = (
            still(self._profile)
            if is_still
            else walk(self._profile, tick, now_us, self._options.seed)
        )
        if self._modbus is None:
            await self.server.publish(Image(values, tick * TICK_MS), now_us)
        else:
            self._publish_registers(self._modbus, values, tick, now_us)

    def _publish_registers(
        self, server: ModbusTcpServer, values: Values, tick: int, now_us: int
    ) -> None:
        registers = encode(self._layout, values)
        layers = [self._fixed]
        if self._ring is not None:
            if tick and tick % EVENT_EVERY == 0 and not self._options.is_still:
                self._ring = write_event(self._ring, _happening(self._ring, tick, now_us))
            layers.append(self._ring.words)
        server.show(overlaid(registers, *layers))


def _habits(profile: ModbusProfile) -> Habits:
    """Return what the device does as its profile says it does."""
    made, quirks = profile.modbus, profile.modbus.quirks
    return Habits(
        tid_zero=quirks.tid_zero,
        unit_alias=quirks.unit_alias,
        closes_after_each=quirks.close_after_each,
        has_echo=not quirks.no_fc8,
        registers_max=made.max_registers,
        bits_max=made.max_bits,
    )


def _happening(writer: RingWriter, tick: int, now_us: int) -> Happening:
    codes = sorted(int(code) for code in writer.ring.codes) or [1]
    return Happening(codes[writer.written % len(codes)], now_us, float(tick % 100))


def _opcua(profile: OpcUaProfile, options: ProfileOptions) -> LineServer:
    pki = options.pki
    if pki is None or not (pki / "own" / "cert.pem").is_file():
        message = "needs --pki DIR with own/cert.pem, own/key.pem, trusted/"
        raise ConfigError([Fault(str(pki or "--pki"), "plant.pki_missing", message)])
    from simulators.serve.opcua import OpcUaServer  # asyncua is slow to load

    names = [point.name for point in profile.points]
    return OpcUaServer(node_cells(profile, names), name=profile.profile, pki=pki, port=options.port)


async def run_profile(options: ProfileOptions) -> None:
    """Serve one profile until SIGTERM or SIGINT.

    Raises:
        ConfigError: no such profile, or a pki directory that does not fit.
        OSError: the port is in use.
    """
    device = ProfiledDevice(options)
    events.bind(plant=options.profile)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        await device.start()
        events.plant_started(port=device.server.port, seed=options.seed)
        if isinstance(device.server, ModbusPtyServer):
            sys.stdout.write(f"{device.server.path}\n")
            sys.stdout.flush()
        running = asyncio.create_task(device.run())
        stopping = asyncio.create_task(stopped.wait())
        done, left = await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for task in done:
            task.result()
    finally:
        await device.server.stop()
        events.plant_stopped(writes_refused=device.server.writes_refused)
