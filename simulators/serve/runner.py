"""Drives one plant in real time: steps, image, line open or closed.  Shell: the clock.

Steps run on a fixed grid from the start, so that plant time cannot drift from the clock; a machine
that is too slow skips plant time and says so, instead of falling further behind.
"""

import asyncio
from dataclasses import replace
from typing import Generic

from proto.clock import Clock
from simulators import events
from simulators.box import Box, is_serving, new_box, restart_plc, step_box, time_ms
from simulators.faults.book import PLC_RESTART, Fault, make_fault, with_fault, without
from simulators.plants.model import Commands, Knobs, Memory, PlantModel, State, Values
from simulators.serve.line import LineServer

CATCH_UP_MS = 500  # more than this behind is skipped


class PlantRunner(Generic[State, Knobs, Memory, Commands]):
    """One plant, its server, its faults; `run()` is the only task that steps it."""

    def __init__(
        self,
        model: PlantModel[State, Knobs, Memory, Commands],
        server: LineServer,
        clock: Clock,
        seed: int,
    ) -> None:
        self.model = model
        self.server = server
        self._clock = clock
        self._seed = seed
        self._box: Box[State, Memory, Commands] = new_box(model)
        self._is_open = False
        self._skipped_ms = 0

    async def run(self) -> None:
        """Step the plant for ever."""
        start_ns = self._clock.mono_ns()
        while True:
            due_ms = (self._clock.mono_ns() - start_ns) // 1_000_000 - self._skipped_ms
            behind_ms = due_ms - time_ms(self.model, self._box.tick)
            if behind_ms > CATCH_UP_MS:
                self._skipped_ms += behind_ms
                events.plant_fell_behind(skipped_ms=behind_ms)
                continue
            await self._step_until(due_ms)
            scan_ms = self.model.traits.scan_ms
            next_ms = (time_ms(self.model, self._box.tick) // scan_ms + 1) * scan_ms
            wait_ms = next_ms + self._skipped_ms - (self._clock.mono_ns() - start_ns) / 1e6
            await asyncio.sleep(max(wait_ms, 1.0) / 1000.0)

    async def stop(self) -> None:
        """Close the line for good."""
        await self.server.stop()
        events.plant_stopped(writes_refused=self.server.writes_refused)

    async def _step_until(self, due_ms: int) -> None:
        before = self._box
        while time_ms(self.model, self._box.tick) + self.model.traits.step_ms <= due_ms:
            self._box = step_box(self.model, self._box, self._seed)
        self._tell(before, self._box)
        if self._box.image is not before.image:
            await self.server.publish(self._box.image, self._clock.wall_us())
        await self._switch_line()

    async def _switch_line(self) -> None:
        """Open or close the line as fault and controller say."""
        wanted = is_serving(self._box)
        if wanted == self._is_open:
            return
        self._is_open = wanted
        if wanted:
            await self.server.open()
            await self.server.publish(self._box.image, self._clock.wall_us())
            events.line_opened(port=self.server.port)
        else:
            await self.server.close()
            events.line_closed(port=self.server.port)

    def _tell(
        self, before: Box[State, Memory, Commands], now: Box[State, Memory, Commands]
    ) -> None:
        """Log what changed: controller, protection, faults that ended by themselves."""
        if now.plc.state is not before.plc.state:
            events.plc_state_changed(state=now.plc.state)
        protection = self.model.protection(now.memory)
        if protection.trips > self.model.protection(before.memory).trips:
            events.plc_tripped(
                first_out=protection.first_out, plant_ms=time_ms(self.model, now.tick)
            )
        for fault in before.faults.active:
            if fault not in now.faults.active:
                events.fault_cleared(kind=fault.kind, point=fault.point)

    def inject(self, kind: str, point: str | None, for_ms: int | None) -> Fault:
        """Set one fault.

        Raises:
            FaultRefused: this plant has no such fault or point.
        """
        fault = make_fault(
            kind,
            point,
            for_ms,
            now_ms=time_ms(self.model, self._box.tick),
            knobs=self.model.traits.knobs,
            points=[each.point for each in self.model.instruments],
        )
        if kind == PLC_RESTART:
            self._box = restart_plc(self._box)
        else:
            self._box = replace(self._box, faults=with_fault(self._box.faults, fault))
        events.fault_set(kind=kind, point=point, for_ms=for_ms)
        return fault

    def clear(self, kind: str | None, point: str | None) -> int:
        """Clear one kind, or all for None; return how many were active."""
        kept = without(self._box.faults, kind, point)
        gone = [fault for fault in self._box.faults.active if fault not in kept.active]
        self._box = replace(self._box, faults=kept)
        for fault in gone:
            events.fault_cleared(kind=fault.kind, point=fault.point)
        return len(gone)

    def status(self) -> dict[str, object]:
        """Return everything a person asks about the plant, as one JSON object."""
        traits, box = self.model.traits, self._box
        protection = self.model.protection(box.memory)
        now_ms = time_ms(self.model, box.tick)
        return {
            "schema": "plant-status/1",
            "plant": traits.name,
            "title": {"zh": traits.title_zh, "en": traits.title_en},
            "protocol": traits.protocol,
            "port": self.server.port,
            "plant_ms": now_ms,
            "plc": box.plc.state.value,
            "boot_id": box.plc.boot_id,
            "is_serving": self._is_open,
            "connections": self.server.connections,
            "writes_refused": self.server.writes_refused,
            "trips": protection.trips,
            "first_out": protection.first_out,
            "faults": [
                {
                    "kind": fault.kind,
                    "on": fault.point,
                    "left_ms": None if fault.until_ms is None else fault.until_ms - now_ms,
                }
                for fault in box.faults.active
            ],
            "image": _plain(box.image.values),
            "truth": _plain(self.model.observe(box.state)),
        }


def _plain(values: Values) -> dict[str, float | int | bool]:
    return {name: round(v, 6) if isinstance(v, float) else v for name, v in values.items()}
