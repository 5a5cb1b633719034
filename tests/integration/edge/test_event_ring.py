"""Events of a controller's ring, from our simulator's server to the sink: each once, or counted."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devices import catalog
from devices.driver import BlockColumns
from devices.profile import ModbusProfile
from devices.profile_ring import EventRing
from edge import points
from edge.acquisition.drivers import make_driver
from edge.acquisition.lines import Lines
from edge.config import load_text
from edge.image import ProcessImage
from edge.plant import Plant
from proto.batch import Lane
from simulators.plc.extras import (
    Happening,
    RingWriter,
    device_map,
    fixed_words,
    new_ring,
    overlaid,
    write_event,
)
from simulators.plc.image import encode
from simulators.plc.walk import still
from simulators.serve.modbus_tcp import ModbusTcpServer
from tests.integration.devices.clock import RealClock
from tests.integration.edge.test_line_units import HEAD, POLL, until

DEVICE = """
[[line]]
name = "holder_line"
kind = "modbus-tcp"
address = "127.0.0.1:{port}"
[[device]]
name = "holder"
line = "holder_line"
unit_id = 1
profile = "gas_holder_plc"
path = "plc"
life = "none"
reason = "the server stands still"
"""
T0_US = 1_795_000_000_000_000


class Store:
    """A sink of records, and of what is committed with them."""

    def __init__(self) -> None:
        self.records: list[Mapping[str, object]] = []
        self.keeps: dict[str, str] = {}

    def offer(self, axis: int, slot: int | None, skipped: int, columns: BlockColumns) -> None:
        """Take a row."""

    def overrun(self, axis: int, first_slot: int, count: int) -> None:
        """Take a gap."""

    def record(self, lane: Lane, body: dict[str, object]) -> None:
        """Take a record."""
        self.records.append(body)

    def record_kept(
        self, lane: Lane, bodies: Sequence[Mapping[str, object]], key: str, value: str
    ) -> None:
        """Take records with what belongs to them."""
        self.records += bodies
        self.keeps[key] = value

    def kept(self, key: str) -> str | None:
        """What a run before kept."""
        return self.keeps.get(key)

    def durable_records(self) -> tuple[int, int]:
        """Nothing waits."""
        return len(self.records), len(self.records)

    def of(self, kind: str) -> list[Mapping[str, object]]:
        """Records of one kind."""
        return [one for one in self.records if one["k"] == kind]

    def seqs(self) -> list[object]:
        """Numbers of the events, in order."""
        return [one["seq"] for one in self.of("device.event")]


class Controller:
    """Our simulator's server with a ring that the test writes."""

    def __init__(self) -> None:
        found = catalog.find("gas_holder_plc")
        assert isinstance(found, ModbusProfile)
        assert isinstance(found.event_ring, EventRing)
        bare = tuple(point.model_copy(update={"tag": ""}) for point in found.points)
        self.profile = found.model_copy(update={"points": bare})
        self.map = device_map(self.profile)
        self.server = ModbusTcpServer(self.map, port=0, product="ring", seed=1)
        self.ring: RingWriter = new_ring(found.event_ring, found.modbus.order)

    def write(self, count: int) -> None:
        """Write some events, and show the whole."""
        for _ in range(count):
            n = self.ring.written
            self.ring = write_event(self.ring, Happening(1 + n % 4, T0_US + n * 10**6, float(n)))
        registers = encode(self.map, still(self.profile))
        self.server.show(overlaid(registers, fixed_words(self.profile), self.ring.words))

    def plant(self) -> Plant:
        """A site with this device."""
        text = HEAD + DEVICE.format(port=self.server.port) + POLL
        config = load_text(text.encode(), "edge.toml")
        made, faults = points.build(config, {"gas_holder_plc": self.profile})
        assert made is not None, faults
        return made


async def watch(
    controller: Controller, store: Store, folder: Path, enough: Callable[[], bool]
) -> None:
    """Run the lines of the site until it is enough."""
    plant, clock = controller.plant(), RealClock()
    lines = Lines(
        plant,
        lambda line: make_driver(line, folder, clock),
        clock=clock,
        image=ProcessImage(plant.layout),
        sink=store,
        start_ns=clock.mono_ns(),
        keeper=store,
    )
    tasks = [asyncio.create_task(run()) for run in lines.tasks().values()]
    try:
        await until(enough, 20.0)
        await asyncio.sleep(0.5)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_events_come_once_each_over_restart_wrap_and_overrun(tmp_path: Path) -> None:
    controller, store = Controller(), Store()
    await controller.server.prepare()
    controller.write(3)
    await controller.server.open()
    try:
        await watch(controller, store, tmp_path, lambda: "ring/holder" in store.keeps)
        assert store.seqs() == []  # the first look begins at the last record
        controller.write(5)
        await watch(controller, store, tmp_path, lambda: len(store.seqs()) >= 5)
        assert store.seqs() == list(range(4, 9))
        event = store.of("device.event")[0]
        assert (event["device"], event["code"], event["value"]) == ("holder", 4, 3.0)
        assert event["t_device_us"] == T0_US + 3 * 10**6
        assert event["replayed"] is True
        controller.write(195)  # round the end of the ring
        await watch(controller, store, tmp_path, lambda: len(store.seqs()) >= 200)
        assert store.seqs() == list(range(4, 204))
        controller.write(250)  # more than the ring holds
        await watch(controller, store, tmp_path, lambda: store.seqs()[-1] == 453)
        [lost] = store.of("device.ring_overran")
        whole = len(store.seqs())
        assert lost["lost"] == 450 - whole
        assert len(set(map(str, store.seqs()))) == whole
        assert len({str(one["id"]) for one in store.of("device.event")}) == whole
    finally:
        await controller.server.stop()
