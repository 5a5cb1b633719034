"""A small plant on Modbus, its fake driver and everything that the owner of a line needs."""

from devices import catalog
from devices.driver import BlockColumns
from devices.fake import FakeDriver
from edge import points
from edge.config import EdgeConfig, load_text
from edge.points import Plant
from proto.batch import Lane
from proto.errors import DeviceError

EDGE = """
gateway = { id = "610581-bof1a", site = "hancheng-steel", data_dir = "data" }
central = { address = "127.0.0.1:7443", ca = "root.pem", cert = "gw.pem", key = "gw.key" }
config  = { version = 12 }
[[line]]
name = "bof1"
kind = "modbus-tcp"
address = "127.0.0.1:5020"
timeout = "500ms"
[[device]]
name = "bof1_plc"
line = "bof1"
unit_id = 1
profile = "bof_lance_plc"
path = "plc"
life = "life_counter"
[poll]
fast = "100ms"
normal = "1s"
"""
DUST = """
[[line]]
name = "dust1"
kind = "opcua"
address = "opc.tcp://127.0.0.1:4840/"
security = "Basic256Sha256"
pki = "pki/opcua"
[[device]]
name = "dust1_plc"
line = "dust1"
profile = "dust_dry_plc"
path = "plc"
life = "life_counter"
"""


def config(text: str = EDGE) -> EdgeConfig:
    """The configuration in a text."""
    return load_text(text.encode(), "edge.toml")


def plant(text: str = EDGE) -> Plant:
    """The plant of a configuration with the profiles of the package."""
    made = config(text)
    names = {device.profile for device in made.device if device.profile is not None}
    profiles = {name: catalog.find(name) for name in names}
    found, faults = points.build(made, profiles)
    assert found is not None, faults
    return found


class LoopClock:
    """Virtual time of the running loop."""

    def __init__(self, now_s: float = 0.0) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._offset_s = now_s

    def jump_ns(self, jump_ns: int) -> None:
        """Let time pass in which nobody runs."""
        self._offset_s += jump_ns / 1e9

    def mono_ns(self) -> int:
        """Monotonic nanoseconds."""
        return round((self._loop.time() + self._offset_s) * 1e9) + 10**12

    def wall_us(self) -> int:
        """Microseconds since 1970."""
        return 1_700_000_000_000_000 + self.mono_ns() // 1000


class Sink:
    """Keeps rows, records and overruns."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int | None, int, BlockColumns]] = []
        self.records: list[tuple[Lane, dict[str, object]]] = []
        self.overruns: list[tuple[int, int, int]] = []

    def offer(self, axis: int, slot: int | None, skipped: int, columns: BlockColumns) -> None:
        """Keep a row."""
        self.rows.append((axis, slot, skipped, columns))

    def record(self, lane: Lane, body: dict[str, object]) -> None:
        """Keep a record."""
        self.records.append((lane, body))

    def overrun(self, axis: int, first_slot: int, count: int) -> None:
        """Keep an overrun."""
        self.overruns.append((axis, first_slot, count))

    def kinds(self) -> list[str]:
        """The kinds of the records."""
        return [str(body["k"]) for _, body in self.records]

    def slots(self, axis: int) -> list[int | None]:
        """The slots of an axis."""
        return [slot for number, slot, _, _ in self.rows if number == axis]


class Living(FakeDriver):
    """Moves its life counter with each read, until it is stopped."""

    stopped = False
    delay_s = 0.0
    refuses = 0

    async def read(self, block):  # type: ignore[no-untyped-def]
        """Answer after a delay."""
        import asyncio

        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if not self.stopped:
            count = self.values.get("bof1_plc/life_counter", 0.0) + 1
            self.values["bof1_plc/life_counter"] = count
        return await super().read(block)


class CallsBack(FakeDriver):
    """What a task would be told is told to `done`."""

    started = 0
    abandoned = 0
    rested = 0

    def start(self, block, done):  # type: ignore[no-untyped-def]
        """Answer after the delay, never from in here."""
        import asyncio

        assert block.rides_on is None
        if not self.connected:
            return False
        self.started += 1
        self._task = asyncio.get_running_loop().create_task(self._answer(block, done))
        return True

    async def _answer(self, block, done):  # type: ignore[no-untyped-def]
        try:
            found = await self.read(block)
        except DeviceError as error:
            found = error
        done(found)

    def ride(self, block):  # type: ignore[no-untyped-def]
        """Answer at once."""
        try:
            FakeDriver.read(self, block).send(None)
        except StopIteration as found:
            return found.value

    def abandon(self) -> None:
        """Forget who is to be called."""
        self.abandoned += 1
        self._task.cancel()

    def rest(self) -> None:
        """Count."""
        self.rested += 1


class Prompted(CallsBack, Living):
    """Moves its life counter and calls back."""


def values(made: Plant) -> dict[str, float]:
    """Something in range for every point."""
    return {
        point.name: 0.0 if point.unit == "bool" else (point.range_low or 0.0) + 1.0
        for point in made.points
    }
