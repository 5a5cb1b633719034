"""Windows of a small converter for tests: plain builders with good defaults."""

from dataclasses import replace

import numpy as np

from central.analysis.catalogue import load_pack
from central.analysis.pack import Pack, Rule
from central.analysis.window import (
    Carried,
    InputFact,
    InterlockFact,
    PointFacts,
    Series,
    SiteFacts,
    Window,
)
from proto.quality import Quality, Reason

S = 1_000_000
T0 = 1_800_000_000 * S
T1 = T0 + 10 * S
SITE = SiteFacts("hancheng-steel", "韩城钢铁", simulated=True, region="610581")
DEMO: Pack = load_pack("demo")
HEALTH, ANSWER, BYPASS = DEMO.rules


def rule(name: str) -> Rule:
    return next(each for each in DEMO.rules if each.rule == name)


def facts(point: str, parameter: str, **changes: object) -> PointFacts:
    made = PointFacts(
        point=f"bof1_plc/{point}",
        tag=point.upper(),
        title=point,
        unit="m3/h",
        parameter=parameter,
        process_unit="BOF-1",
        period_us=100_000,
        digital=False,
        resolution=None,
        range_low=0.0,
        range_high=500.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def series(
    of: PointFacts,
    value: object,
    *,
    quality: Quality = Quality.GOOD,
    reason: Reason = Reason.NONE,
    start_us: int = T0,
    end_us: int = T1,
    carried: Carried | None = None,
) -> Series:
    """Samples on the point's grid; `value` is a number or an array of fitting length."""
    step = of.period_us or 10 * S
    times = np.arange(start_us, end_us, step, dtype=np.int64)
    values = np.broadcast_to(np.asarray(value, np.float64), times.shape).copy()
    return Series(
        facts=of,
        time_us=times,
        value=values,
        quality=np.full(times.shape, int(quality), np.uint8),
        reason=np.full(times.shape, int(reason), np.uint8),
        carried=carried,
    )


def noise(of: PointFacts, around: float, seed: int = 7) -> Series:
    count = 10 * S // of.period_us
    return series(of, around + np.random.default_rng(seed).normal(0, 0.4, count))


FLOW_IN = facts("lance_in_flow", "bof.lance.cw_inlet_flow")
FLOW_OUT = facts("lance_out_flow", "bof.lance.cw_outlet_flow")
TEMP = facts("lance_out_t_a", "bof.lance.cw_outlet_temp", unit="Cel", range_high=100.0)
SWITCH = {"digital": True, "unit": "bool", "range_low": None, "range_high": None}
BLOWING = facts("o2_blowing", "sys.proc.process_state", **SWITCH)
BYPASSED = facts("ilk_bypassed", "sys.ilk.bypass_active", **SWITCH)


def healthy(**changed: Series | None) -> Window:
    """A converter in blow; name a point to put another series in its place, or None for none."""
    made: dict[str, Series | None] = {
        "flow_in": noise(FLOW_IN, 240.0, 1),
        "flow_out": noise(FLOW_OUT, 239.0, 2),
        "temp": noise(TEMP, 38.0, 3),
        "blowing": series(BLOWING, 1.0),
        "bypassed": series(BYPASSED, 0.0),
    }
    made |= changed
    found = tuple(each for each in made.values() if each is not None)
    return Window(SITE.site, T0, T1, found)


def fact(**changes: object) -> InterlockFact:
    """A judgement on a leak trip; the inputs are good."""
    made = InterlockFact(
        time_us=T0 + 4 * S,
        kind="interlock.judged",
        interlock="BOF1-LANCE",
        title="1 号转炉氧枪联锁",
        clauses=("O10-4.4",),
        mode="advisory",
        occurrence=3,
        cause="leak_hh",
        inputs=(
            InputFact("flow_in", "bof1_plc/lance_in_flow", 240.0, "m3/h", "GOOD", "NONE", 40),
            InputFact("flow_out", "bof1_plc/lance_out_flow", 210.0, "m3/h", "GOOD", "NONE", 40),
        ),
        service="ARMED",
        running="TRUE",
        plant_bypassed=False,
        effect="raise_lance",
        verdict="NOT_ACTED",
        response_ms=None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
