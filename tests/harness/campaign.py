"""The product's driver on the harness: read in a tight loop, suffer by script, judge every value.

Shell: sockets and ptys.  Each wire is set up as a site would: two units where the wire has a serial
side, one of them without the echo; blocks as the plan has them; no value is looked at before the
driver has called it GOOD.
"""

import asyncio
import atexit
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from types import MappingProxyType

import numpy as np

from devices.address import ModbusAddress, Order, RegisterType, Table
from devices.driver import Block, BlockColumns, DeviceSettings, Driver
from devices.modbus.dial_in import Hall
from devices.modbus.dial_in_frames import Registration
from devices.modbus.driver import ModbusDriver
from devices.modbus.entry import Entry
from devices.modbus.frame import Framing
from devices.modbus.line_settings import (
    DialInEndpoint,
    ModbusLine,
    SerialEndpoint,
    TcpEndpoint,
    Tls,
)
from devices.modbus.plan import Shaping, plan_blocks
from proto.errors import DeviceError
from proto.quality import Quality
from tests.certificates import Authority
from tests.harness.coded import Unit, bit, code
from tests.harness.equipment import Equipment
from tests.harness.oracle import Bit, Tally
from tests.harness.script import BEHIND, CALM, DIRECT, SERIAL, STREAM, Fault, Script
from tests.harness.wires import dial_in, pty, tcp
from tests.integration.devices.clock import RealClock
from tests.unit.devices.builders import modbus_settings, register

TIMEOUT_NS = 20_000_000
BOUND_NS = 60_000_000
REGISTRATION = b"DTU-7"
HEARTBEAT = b"\xfe\x07beat"
OPTIONS = 'max_registers = 28\nforbidden = [{ table = "holding", from = 70, to = 71, why = "w" }]'
POLL_NS = {"fast": 100_000_000, "slow": 1_000_000_000}
PLACES = (*range(0, 20, 2), *range(30, 50, 2), *range(56, 70, 2), *range(72, 92, 2))
"""Registers of the points of 32 bits; what lies between makes the blocks what they are."""
RIDERS = frozenset({8, 36, 38, 40, 60, 82})
"""Registers that a slow point reads from the answer of a fast block."""
HOLES = {1: frozenset({30, 31}), 3: frozenset({38, 39})}
"""Inside fast blocks, where a rider stands and no fast point: the reads are split around them."""
BITS = (*range(0, 24, 3), *range(40, 72, 5))
SLOW_BITS = (7, 30, 36, 52)
FLAGS = ((4, 10), (16, 1), (38, 11), (90, 5))
"""(holding register, bit) of points that are one bit of a register."""


@dataclass(frozen=True, slots=True)
class Wire:
    """One kind of wire.

    Attributes:
        framing: RTU bytes or MBAP.
        units: unit ids on it.
        faults: that may happen on it.
        is_shared: a serial side is behind it: late bytes go to whoever is connected.
        timeout_s: what "late by a time-out" means.
        is_tls: the connection is encrypted.
    """

    framing: Framing
    units: tuple[int, ...]
    faults: Sequence[Fault]
    is_shared: bool
    timeout_s: float = TIMEOUT_NS / 1e9
    is_tls: bool = False


WIRES: Mapping[str, Wire] = {
    "rtu": Wire(Framing.RTU, (1, 2), SERIAL, is_shared=True),
    "rtu-tcp": Wire(Framing.RTU, (1, 2), STREAM, is_shared=True),
    "dial-in": Wire(Framing.RTU, (1, 2), STREAM, is_shared=True),
    "mbap": Wire(Framing.MBAP, (1,), DIRECT, is_shared=False),
    "mbap-tls": Wire(Framing.MBAP, (1,), DIRECT, is_shared=False, is_tls=True),
    "mbap-gateway": Wire(Framing.MBAP, (1, 2), BEHIND, is_shared=True),
}


def settings_of(units: Sequence[int], options: str = OPTIONS) -> list[DeviceSettings]:
    """Return devices with points of 32 bits in four clusters of registers.

    Some of them are slow and ride on the fast blocks around them; beside them are coils, and bits
    of registers.
    """
    found = []
    for unit in units:
        points = [
            register(
                f"u{unit}/r{at}",
                at,
                RegisterType.UINT32,
                order=Order.ABCD,
                poll="slow" if at in RIDERS else "fast",
            )
            for at in PLACES
        ]
        points += [
            register(
                f"u{unit}/c{at}",
                at,
                RegisterType.BOOL,
                table=Table.COIL,
                poll="slow" if at in SLOW_BITS else "fast",
            )
            for at in sorted((*BITS, *SLOW_BITS))
        ]
        points += [
            register(f"u{unit}/r{at}.{k}", at, RegisterType.BOOL, bit=k, poll="slow")
            for at, k in FLAGS
        ]
        made = modbus_settings(points, unit_id=unit, options=options, poll_ns=POLL_NS)
        found.append(DeviceSettings(f"u{unit}", unit, made.profile, made.points, POLL_NS))
    return found


def blocks_of(devices: Sequence[DeviceSettings], fence: str) -> tuple[Block, ...]:
    """Return the plan of a line."""
    blocks: list[Block] = []
    for device in devices:
        shaping = Shaping(fence=fence, first_block=len(blocks))  # type: ignore[arg-type]
        blocks += plan_blocks(device, shaping)
    return tuple(blocks)


def places_of(devices: Sequence[DeviceSettings]) -> dict[str, int | Bit]:
    """Return what each point must show."""
    found: dict[str, int | Bit] = {}
    for device in devices:
        unit = device.unit_id
        for binding in device.points:
            address = binding.address
            assert isinstance(address, ModbusAddress)
            place = code(Table(address.table).function, unit, address.address)
            own: int | Bit = place
            if address.table.is_bits:
                own = Bit(place, bit(unit, address.address))
            elif address.bit is not None:
                own = Bit(place, place >> address.bit & 1)
            found[binding.point.name] = own
    return found


@dataclass
class Run:
    """One line under test.

    Attributes:
        driver: of the product.
        equipment: at the other end.
        places: what each point must show.
        tally: what came of it.
        on_read: called after every read, for people who wait.
    """

    driver: Driver
    equipment: Equipment
    places: Mapping[str, int | Bit]
    tally: Tally = field(default_factory=Tally)
    on_read: Callable[[], None] = lambda: None
    has_log: bool = True

    async def read(self, count: int) -> Tally:
        """Read `count` blocks in turn, reconnecting whenever the driver says that it must."""
        expected = [[self.places[p.name] for p in b.points] for b in self.driver.blocks]
        for turn in range(count):
            at = turn % len(self.driver.blocks)
            while not self.driver.connected:
                try:
                    await self.driver.connect()
                except DeviceError:
                    self.tally.outcomes["unreachable"] += 1
                    await asyncio.sleep(0.005)
            try:
                columns = await self.driver.read(self.driver.blocks[at])
            except DeviceError:
                self.tally.outcomes["link_lost"] += 1
                columns = None
            self.tally.reads += 1
            if columns is not None:
                self.judge(expected[at], columns)
            await self._errand()
            if turn % 64 == 0:
                self.driver.notes()
                self.on_read()
                await asyncio.sleep(0)
        return self.tally

    async def _errand(self) -> None:
        due_ns = self.driver.errand_ns
        if due_ns is None or due_ns > time.monotonic_ns() or not self.driver.connected:
            return
        try:
            await self.driver.run_errand()
        except DeviceError:
            self.tally.outcomes["errand_lost"] += 1

    def judge(self, expected: Sequence[int | Bit], columns: BlockColumns) -> None:
        """Judge what was called GOOD."""
        self.tally.outcomes[columns.outcome.name.lower()] += 1
        good = np.flatnonzero(columns.quality == Quality.GOOD)
        raws = [(int(at), int(columns.raw[at])) for at in good]
        log = self.equipment.log if self.has_log else None
        self.tally.judge(expected, raws, columns.sent_mono_ns, columns.receive_mono_ns, log)


def driver_of(
    name: str,
    endpoint: SerialEndpoint | TcpEndpoint | DialInEndpoint,
    devices: Sequence[DeviceSettings],
    *,
    entry: Entry | None = None,
    bound_ns: int | None = BOUND_NS,
    timeout_ns: int = TIMEOUT_NS,
    probing: str = "commissioning",
) -> ModbusDriver:
    """Return the product's driver for one wire."""
    wire = WIRES[name]
    line = ModbusLine(
        name=name,
        endpoint=endpoint,
        framing=wire.framing,
        timeout_ns=timeout_ns,
        answer_max_ns=bound_ns,
        behind_gateway=None if name != "mbap-gateway" else True,
        probing=probing,  # type: ignore[arg-type]
    )
    fence = (
        "none" if name in ("mbap", "mbap-tls") else "fixed" if probing == "never" else "alternate"
    )
    blocks = blocks_of(devices, fence)
    return ModbusDriver(line, devices, RealClock(), blocks=blocks, entry=entry)


@contextmanager
def _free_port() -> Iterator[int]:
    """Give a port that nobody has; it is free again when the listener takes it."""
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))
        number: int = end.getsockname()[1]
    yield number


def units_of(
    name: str, holes: Mapping[int, frozenset[int]] = MappingProxyType({})
) -> dict[int, Unit]:
    """Return the equipment of a wire: the first unit may have holes, the second has no echo."""
    return {
        unit: Unit(echo=at == 0, holes=holes if at == 0 else {})
        for at, unit in enumerate(WIRES[name].units)
    }


@cache
def tls() -> tuple[ssl.SSLContext, Tls]:
    """Return both ends of an encrypted wire; the authority lives as long as this process."""
    root = Authority()
    with TemporaryDirectory() as folder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*root.centre().write(Path(folder), "plc"))
    with NamedTemporaryFile(suffix=".pem", delete=False) as file:
        file.write(root.pem)
    atexit.register(Path(file.name).unlink, missing_ok=True)
    return context, Tls(ca=file.name)


@asynccontextmanager
async def open_run(
    name: str,
    script: Script = CALM,
    *,
    units: Mapping[int, Unit] | None = None,
    bound_ns: int | None = BOUND_NS,
    timeout_ns: int = TIMEOUT_NS,
    probing: str = "commissioning",
    options: str = OPTIONS,
) -> AsyncIterator[Run]:
    """Set up one wire with its driver; both are closed afterwards."""
    wire = WIRES[name]
    equipment = Equipment(
        "mbap" if wire.framing is Framing.MBAP else "rtu",
        units or units_of(name),
        script=script,
        timeout_s=wire.timeout_s,
        is_shared=wire.is_shared,
        log_max=256,
    )
    devices = settings_of(tuple(units or wire.units), options)
    more = {"bound_ns": bound_ns, "timeout_ns": timeout_ns, "probing": probing}
    if name == "rtu":
        async with pty(equipment) as port:
            # no wire is so fast: the time-out is what the unit may think, 20 ms, and D begins there
            endpoint = SerialEndpoint(port.path, 1_000_000, parity="N")
            thinks = {**more, "bound_ns": min(bound_ns or TIMEOUT_NS, TIMEOUT_NS)}
            driver = driver_of(name, endpoint, devices, **thinks)  # type: ignore[arg-type]
            yield await _opened(driver, equipment, devices)
            await driver.close()
        return
    if name == "dial-in":
        with _free_port() as number:
            hall = Hall(RealClock())
            endpoint_in = DialInEndpoint(
                "127.0.0.1", number, Registration("literal", REGISTRATION), HEARTBEAT, 10**9
            )
            entry = hall.entry(endpoint_in, wire.framing)
            driver = driver_of(name, endpoint_in, devices, entry=entry, **more)  # type: ignore[arg-type]
            hall.listen(endpoint_in)
            dtu = dial_in(equipment, number, registration=REGISTRATION, heartbeat=HEARTBEAT)
            async with dtu:
                yield await _opened(driver, equipment, devices)
                await driver.close()
            hall.close()
        return
    server_tls, client_tls = tls() if wire.is_tls else (None, None)
    async with tcp(equipment, tls=server_tls) as number:
        endpoint_tcp = TcpEndpoint("127.0.0.1", (number,), tls=client_tls)
        driver = driver_of(name, endpoint_tcp, devices, **more)  # type: ignore[arg-type]
        yield await _opened(driver, equipment, devices)
        await driver.close()


async def _opened(
    driver: ModbusDriver, equipment: Equipment, devices: Sequence[DeviceSettings]
) -> Run:
    for attempt in range(20):
        try:
            await driver.connect()
            break
        except DeviceError:
            if attempt == 19:
                raise
            await asyncio.sleep(0.05)
    return Run(driver, equipment, places_of(devices))


async def campaign(
    name: str, reads: int, seed: int, share: float, on_read: Callable[[], None] = lambda: None
) -> tuple[Tally, Equipment, float]:
    """Run one line with random faults; return what came of it and how long it took (s)."""
    script = Script({}, seed, share, WIRES[name].faults)
    began = time.monotonic()
    units = units_of(name, HOLES)
    async with open_run(name, script, probing="auto", units=units) as run:
        run.on_read = on_read
        tally = await run.read(reads)
        return tally, run.equipment, time.monotonic() - began
