"""The scan and alarm loops in virtual time, their records, and what the gateway answers."""

import asyncio
import json

import pytest

from edge.alarm.loop import AlarmLoop
from edge.image import Link, ProcessImage
from edge.installation import Installation, load
from edge.scan.answers import Answers
from edge.scan.loop import ScanLoop
from proto.alarm_record import AlarmRecord
from proto.batch import Lane
from proto.errors import BadRequest, NotFound
from proto.interlock_record import InterlockRecord
from proto.records import ALARM_KINDS, INTERLOCK_KINDS, encode_records
from tests.unit.edge.plant import LoopClock
from tests.unit.edge.site import write_site


class Stage:
    """A whole site whose image the test writes; scan and alarm loops run over it."""

    def __init__(self, installation: Installation) -> None:
        self.plant = installation.plant
        self.clock = LoopClock()
        self.image = ProcessImage(self.plant.layout)
        self.records: list[tuple[Lane, dict[str, object]]] = []
        self.scans = ScanLoop(
            installation.models, image=self.image, record=self.keep, clock=self.clock
        )
        self.alarms = AlarmLoop(
            installation.alarms,
            installation.models,
            image=self.image,
            views=self.scans.views,
            record=self.keep,
            clock=self.clock,
        )
        self.answers = Answers(self.plant, self.image, self.scans, self.clock)
        self.values = {p.name: p.range_low or 0.0 for p in self.plant.points}
        self.values |= {"bof1_plc/o2_blowing": 1.0, "bof1_plc/leak_setpoint": 15.0}
        self.values |= {"bof1_plc/lance_pressure": 1.1}

    def keep(self, lane: Lane, body: dict[str, object]) -> None:
        """Keep a record."""
        self.records.append((lane, body))

    def kinds(self) -> list[str]:
        """The kinds of the records."""
        return [str(body["k"]) for _, body in self.records]

    async def poll(self) -> None:
        """Write every block each 100 ms."""
        while True:
            for axis in self.plant.axes:
                points = [p.name for p in axis.block.points]
                zero = [0] * len(points)
                self.image.switch(
                    axis.first_point,
                    value=[self.values[name] for name in points],
                    quality=zero,
                    reason=zero,
                    detail=zero,
                    no_value=[False] * len(points),
                    source_us=zero,
                    receive_mono_ns=self.clock.mono_ns(),
                )
            for i in range(len(self.plant.devices)):
                self.image.set_link(i, Link.UP)
            await asyncio.sleep(0.1)

    async def run(self, seconds: float) -> None:
        """Let poll, scan and alarms run for a time."""
        tasks = [asyncio.create_task(c) for c in (self.poll(), self.scans.run(), self.alarms.run())]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A site without faults."""
    return load(write_site(tmp_path_factory.mktemp("site")))


async def test_a_leak_makes_the_records_of_a_demand_that_nobody_answers(
    site: Installation,
) -> None:
    stage = Stage(site)
    await stage.run(2.0)
    assert stage.kinds().count("interlock.snapshot") == 2
    assert set(stage.kinds()) == {"interlock.snapshot", "interlock.service_changed"}
    stage.records.clear()
    stage.values["bof1_plc/lance_in_flow"] = 20.0
    await stage.run(30.0)
    mine = [b for _, b in stage.records if b.get("interlock") == "BOF1-LANCE"]
    kinds = [b["k"] for b in mine]
    assert kinds[:2] == ["interlock.pending", "interlock.tripped"]
    judged = {b["effect"]: b["verdict"] for b in mine if b["k"] == "interlock.judged"}
    assert judged == {"E1": "NOT_ACTED", "E2": "NOT_ACTED", "E3": "NOT_ACTED"}
    raised = {b["alarm"] for _, b in stage.records if b["k"] == "alarm.raised"}
    assert {"BOF1-LANCE.tripped", "BOF1-LANCE.not_acted"} <= raised
    (status,) = [s for s in stage.scans.status() if s["interlock"] == "BOF1-LANCE"]
    assert status["protection"] == "TRIPPED"
    assert status["shown"] == "PROTECTION_FAILED"
    assert {row["alarm"] for row in stage.alarms.status()} >= raised


async def test_every_record_is_readable_unique_and_in_its_lane(site: Installation) -> None:
    stage = Stage(site)
    stage.values |= {"bof1_plc/lance_in_flow": 20.0, "bof1_plc/ilk_bypassed": 1.0}
    await stage.run(10.0)
    assert encode_records([body for _, body in stage.records])
    assert len({body["id"] for _, body in stage.records}) == len(stage.records)
    for lane, body in stage.records:
        kind = str(body["k"])
        assert lane is (Lane.EVENT if kind == "interlock.snapshot" else Lane.ALARM)
        if kind in ALARM_KINDS:
            assert AlarmRecord.from_record(body).to_record() == body
        else:
            assert kind in INTERLOCK_KINDS
            read = InterlockRecord.from_record(body)
            assert read.state.to_body() == body["state"]
            assert {"inputs", "scan_no", "t_uncertainty_us", "matrix_hash"} <= set(body)
            assert read.before == body["from"]
    bypassed = next(b for _, b in stage.records if b["k"] == "plant.bypassed")
    assert InterlockRecord.from_record(bypassed).state.plant_bypassed is True


async def test_a_late_scan_skips_periods_and_three_in_a_row_are_an_engine_fault(
    site: Installation,
) -> None:
    stage = Stage(site)
    await stage.run(1.0)
    assert stage.scans.overruns == 0
    for _ in range(3):
        stage.scans.step(stage.scans._commands(2))
    assert stage.scans.overruns == 6
    assert "engine_fault" in stage.scans.views()[0].reasons
    for _ in range(20):
        stage.scans.step(stage.scans._commands(0))
    assert "engine_fault" not in stage.scans.views()[0].reasons


async def test_the_gateway_answers_how_a_tag_gets_its_value(site: Installation) -> None:
    stage = Stage(site)
    await stage.run(1.05)
    answer = stage.answers.explain({"id": "FT-101"})
    assert (answer["quality"], answer["reason"], answer["link"]) == ("GOOD", "NONE", "UP")
    assert answer["value"] == 0.0
    assert isinstance(answer["age_ms"], int)
    assert answer["register"] == "holding 0 float32 CDAB"
    assert json.dumps(answer)


async def test_the_gateway_answers_how_an_interlock_decides_now(site: Installation) -> None:
    stage = Stage(site)
    stage.values["bof1_plc/lance_in_flow"] = 20.0
    await stage.run(3.0)
    answer = stage.answers.explain({"id": "BOF1-LANCE"})
    causes = answer["causes"]
    assert isinstance(causes, list)
    assert (causes[0]["result"], causes[0]["confirmed"]) == ("TRUE", True)
    assert causes[0]["channels"][0] == {
        "condition": "leak >= 15",
        "deadband": 3.0,
        "says": "TRUE",
        "values": {"leak": 20.0},
    }
    assert {"key": "armed_when", "text": "blowing OR NOT lance_up", "is": "TRUE"} in list(
        answer["conditions"]  # type: ignore[call-overload]
    )
    assert json.dumps(answer)


async def test_the_gateway_answers_live_values_and_refuses_what_it_does_not_know(
    site: Installation,
) -> None:
    stage = Stage(site)
    await stage.run(1.0)
    rows = stage.answers.points({})["points"]
    assert isinstance(rows, list)
    assert len(rows) == len(stage.plant.points)
    assert len(stage.answers.points({"ids": ["FT-101"]})["points"]) == 1  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="FT-101"):
        stage.answers.points({"ids": ["FT-1O1"]})
    with pytest.raises(BadRequest):
        stage.answers.points({"ids": "FT-101"})
    with pytest.raises(NotFound):
        stage.answers.explain({})
    assert len(stage.answers.interlocks({})["interlocks"]) == 2  # type: ignore[arg-type]


async def test_an_alarm_is_acknowledged_by_its_occurrence(site: Installation) -> None:
    stage = Stage(site)
    stage.values["bof1_plc/ilk_bypassed"] = 1.0
    await stage.run(3.0)
    assert stage.alarms.acknowledge("BOF1-LANCE.plant_bypassed", 7) == "stale"
    assert stage.alarms.acknowledge("nothing", 1) == "unknown"
    assert stage.alarms.acknowledge("BOF1-LANCE.plant_bypassed", 1) is None
    assert stage.records[-1][1]["k"] == "alarm.acknowledged"
    assert stage.records[-1][1]["state"] == "ACKED"
