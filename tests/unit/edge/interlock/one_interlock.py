"""One interlock with a cause of each kind, and the rig that scans it."""

from tests.unit.edge.rig import Rig, facts

MATRIX = """
schema = "cem/1"
version = 1
title = "test"
[input]
flow = { point = "plc/flow", unit = "m3/h", bad_grace = "0ms" }
t_a = { point = "plc/t_a", unit = "Cel", bad_grace = "0ms" }
t_b = { point = "plc/t_b", unit = "Cel", bad_grace = "0ms" }
t_c = { point = "plc/t_c", unit = "Cel", bad_grace = "0ms" }
up = { point = "plc/up", unit = "bool" }
run = { point = "plc/run", unit = "bool" }
trip = { point = "plc/trip", unit = "bool" }
byp = { point = "plc/byp", unit = "bool" }
[cause.C1]
title = "leak"
when = "flow >= 15"
deadband = 3
on_delay = "1s"
off_delay = "2s"
[cause.C2]
title = "hot"
vote = "2oo3"
of = ["t_a >= 50", "t_b >= 50", "t_c >= 50"]
deadband = 2
on_delay = "2s"
deviation = { limit = 5, delay = "10s" }
[cause.C3]
title = "alarm only"
when = "flow >= 10"
[effect.E1]
title = "lance"
kind = "stop"
output = "plc/o1"
safe = false
feedback = "up"
feedback_within = "3s"
[effect]
E2 = { title = "blind", kind = "stop", output = "plc/o2", safe = false }
A1 = { title = "sound", kind = "alarm", priority = "high" }
[interlock.I]
title = "I"
clauses = ["O10-4.4"]
armed_when = "run"
min_trip = "5s"
[interlock.I.matrix]
C1 = ["E1", "E2"]
C2 = ["E1"]
C3 = ["A1"]
[interlock.I.observe]
tripped = "trip"
bypassed = "byp"
"""
POINTS = facts(
    plc__flow="m3/h",
    plc__t_a="Cel",
    plc__t_b="Cel",
    plc__t_c="Cel",
    plc__up="bool",
    plc__run="bool",
    plc__trip="bool",
    plc__byp="bool",
)


def rig(text: str = MATRIX) -> Rig:
    """An armed interlock in normal operation, past its start."""
    made = Rig(text, POINTS).put(flow=5, t_a=40, t_b=40, t_c=40, up=0, run=1, trip=0, byp=0)
    made.run("1s")
    assert made.view().service == "ARMED"
    assert made.view().health == "HEALTHY"
    assert made.view().protection == "NORMAL"
    made.events.clear()
    return made
