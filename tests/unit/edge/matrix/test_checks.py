"""Each fault of a matrix has its code and its place; all faults come at once."""

from importlib.resources import files

import pytest

from edge.matrix.build import compile_matrix, points_of_causes
from edge.matrix.dimensions import dimension, show
from edge.matrix.facts import PointFacts
from edge.matrix.file import parse_matrix
from proto.catalogue import hazards
from tests.unit.edge.rig import compiled, facts

GOOD = """
schema = "cem/1"
version = 1
title = "test"
[input]
flow = { point = "plc/flow", unit = "m3/h", range = [0, 500] }
out = { point = "plc/out", unit = "m3/h" }
t_a = { point = "plc/t_a", unit = "Cel" }
t_b = { point = "plc/t_b", unit = "Cel" }
up = { point = "plc/up", unit = "bool" }
main = { point = "other/main", unit = "m3/h" }
[derived]
leak = { expr = "flow - out", unit = "m3/h" }
[cause.C1]
title = "leak"
when = "leak >= 15"
deadband = 3
basis = "placeholder"
[cause.C2]
title = "hot"
vote = "1oo2"
of = ["t_a >= 50", "t_b >= 50"]
[effect.E1]
title = "stop"
kind = "stop"
output = "plc/o"
safe = false
feedback = "up"
feedback_within = "3s"
[effect.A1]
title = "sound"
kind = "alarm"
[interlock.I]
title = "I"
clauses = ["O10-4.4"]
process_safety_time = "60s"
witness = "main >= 100"
[interlock.I.matrix]
C1 = ["E1"]
C2 = ["E1", "A1"]
"""
POINTS = facts(
    plc__flow="m3/h",
    plc__out="m3/h",
    plc__t_a="Cel",
    plc__t_b="Cel",
    plc__up="bool",
    other__main="m3/h",
)

BAD: list[tuple[str, str, str, str]] = [
    ('unit = "m3/h", range', 'unit = "m3/hh", range', "CEM-110", "m.toml: input.flow.unit"),
    ('point = "plc/flow"', 'point = "plc/flaw"', "CEM-101", "m.toml: input.flow.point"),
    ("range = [0, 500]", "range = [0, 5000]", "CEM-113", "m.toml: input.flow.range"),
    ('"leak >= 15"', '"leek >= 15"', "CEM-101", "m.toml: cause.C1.when col 1"),
    ('"leak >= 15"', '"leak = 15"', "CEM-111", "m.toml: cause.C1.when col 6"),
    ('"leak >= 15"', '"leak >= t_a"', "CEM-110", "m.toml: cause.C1.when col 6"),
    ('"leak >= 15"', '"NOT leak > 15"', "CEM-002", "m.toml: cause.C1.when col 10"),
    ('"leak >= 15"', '"2 > 1"', "CEM-112", "m.toml: cause.C1.when col 3"),
    ('"leak >= 15"', '"leak + 1"', "CEM-110", "m.toml: cause.C1.when col 1"),
    ('"leak >= 15"', '"flow >= 900"', "CEM-113", "m.toml: cause.C1.when"),
    ('"leak >= 15"', '"leak >= 15 AND up"', "CEM-114", "m.toml: cause.C1.deadband"),
    ('expr = "flow - out"', 'expr = "flow - t_a"', "CEM-110", "m.toml: derived.leak.expr col 6"),
    ('expr = "flow - out"', 'expr = "leak - out"', "CEM-104", "m.toml: derived.leak.expr"),
    ('out", unit = "m3/h" }\n[d', 'out", unit = "m3/h" }\n[d', "", ""),
    ("[derived]\nleak", "[derived]\nflow", "CEM-102", "m.toml: derived.flow"),
    ('vote = "1oo2"', 'vote = "1oo3"', "CEM-120", "m.toml: cause.C2.vote"),
    ('vote = "1oo2"', 'vote = "3oo2"', "CEM-120", "m.toml: cause.C2.vote"),
    ('vote = "1oo2"', 'when = "up"', "CEM-120", "m.toml: cause.C2.of"),
    ('"t_b >= 50"]', '"t_a >= 40"]', "CEM-121", "m.toml: cause.C2.of"),
    ("safe = false\n", "", "CEM-130", "m.toml: effect.E1.safe"),
    ("safe = false\n", "safe = true\n", "CEM-130", "m.toml: effect.E1.safe"),
    ('output = "plc/o"\n', "", "CEM-130", "m.toml: effect.E1.output"),
    ('feedback_within = "3s"\n', "", "CEM-141", "m.toml: effect.E1.feedback"),
    ('kind = "alarm"', 'kind = "alarm"\nsafe = true', "CEM-130", "m.toml: effect.A1.safe"),
    ('C1 = ["E1"]', 'C1 = ["E9"]', "CEM-101", "m.toml: interlock.I.matrix.C1"),
    ('C1 = ["E1"]', 'C9 = ["E1"]', "CEM-101", "m.toml: interlock.I.matrix.C9"),
    ('C1 = ["E1"]', 'C1 = { E1 = "S" }', "CEM-134", "m.toml: interlock.I.matrix.C1"),
    ('C1 = ["E1"]', 'C1 = { RESET = "X" }', "CEM-134", "m.toml: interlock.I.matrix.C1"),
    ('clauses = ["O10-4.4"]', 'clauses = ["O10-4.5"]', "CEM-161", "m.toml: interlock.I.clauses"),
    ('title = "I"', 'title = "I"\nmin_trip = "500ms"', "CEM-124", "m.toml: interlock.I.min_trip"),
    ('basis = "placeholder"', 'basis = "legal"', "CEM-143", "m.toml: cause.C1.source"),
    ('title = "hot"', 'title = "hot"\ntitel = "x"', "CEM-002", "m.toml: cause.C2.titel"),
    ('schema = "cem/1"', 'schema = "cem/2"', "config.value", "m.toml: schema"),
    ("version = 1\n", "", "config.missing", "m.toml: version"),
    ("deadband = 3", 'deadband = "3"', "config.value", "m.toml: cause.C1.deadband"),
    ("deadband = 3", 'on_delay = "3"', "config.value", "m.toml: cause.C1.on_delay"),
    ("deadband = 3", 'on_delay = "11min"', "config.value", "m.toml: cause.C1.on_delay"),
    ("deadband = 3", 'on_bad = "hold"', "CEM-003", "m.toml: cause.C1.on_bad"),
    ("deadband = 3", 'max_degraded = "1h"', "CEM-003", "m.toml: cause.C1.max_degraded"),
    ('title = "I"', 'title = "I"\nmode = "actuating"', "CEM-003", "m.toml: interlock.I.mode"),
    ('title = "I"', 'title = "I"\nduty = "always"', "CEM-003", "m.toml: interlock.I.duty"),
    ('title = "I"', 'title = "I"\nbypass = {}', "CEM-003", "m.toml: interlock.I.bypass"),
    ("[interlock.I.matrix]", "[alarm.X]\n[interlock.I.matrix]", "CEM-003", "m.toml: alarm"),
    ("[input]", "[input", "CEM-001", "m.toml"),
]
BAD = [row for row in BAD if row[2]]


def test_the_good_file_has_neither_fault_nor_warning() -> None:
    made = compiled(GOOD, POINTS)
    assert (made.faults, made.warnings) == ((), ())
    assert made.model is not None


@pytest.mark.parametrize(("old", "new", "code", "place"), BAD)
def test_a_fault_is_refused_with_its_code_and_place(
    old: str, new: str, code: str, place: str
) -> None:
    assert old in GOOD
    made = compiled(GOOD.replace(old, new, 1), POINTS)
    assert made.model is None
    assert (code, place) in {(fault.code, fault.place) for fault in made.faults}


def test_all_faults_come_at_once() -> None:
    text = GOOD.replace('"leak >= 15"', '"leak = 15"').replace('["E1"]', '["E9"]')
    text = text.replace("O10-4.4", "O10-99")
    codes = {fault.code for fault in compiled(text, POINTS).faults}
    assert codes >= {"CEM-111", "CEM-101", "CEM-161"}


def test_a_near_name_is_proposed() -> None:
    made = compiled(GOOD.replace('["E1", "A1"]', '["E1", "A11"]'), POINTS)
    assert any('did you mean "A1"?' in fault.message for fault in made.faults)
    made = compiled(GOOD.replace("deadband = 3", "deadbnad = 3"), POINTS)
    assert any('did you mean "deadband"?' in fault.message for fault in made.faults)


def test_two_effects_on_one_output_must_agree_on_safe() -> None:
    text = GOOD.replace(
        "[effect.A1]",
        '[effect.E2]\ntitle = "x"\nkind = "stop"\noutput = "plc/o"\nsafe = true\n'
        'basis = "design"\nsource = "doc"\n[effect.A1]',
    )
    assert "CEM-131" in {fault.code for fault in compiled(text, POINTS).faults}


def test_a_cause_on_a_subscribed_point_is_refused() -> None:
    old = POINTS["plc/t_a"]
    made = compiled(
        GOOD,
        POINTS
        | {
            "plc/t_a": PointFacts(
                old.column, old.device, "plc", "Cel", old.low, old.high, old.poll_ns, True
            )
        },
    )
    assert [(f.code, f.place) for f in made.faults] == [
        ("config.subscribed_cause", "m.toml: input.t_a.point")
    ]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('witness = "main >= 100"\n', "", "CEM-145"),
        ('"main >= 100"', '"flow >= 100"', "CEM-145"),
        ('process_safety_time = "60s"', 'process_safety_time = "6s"', "CEM-144"),
        ('C2 = ["E1", "A1"]', 'C2 = ["E1"]', "CEM-103"),
        ('title = "I"', 'title = "I"\nlatch = false', "CEM-153"),
    ],
)
def test_what_is_weak_is_a_warning_and_no_fault(old: str, new: str, code: str) -> None:
    made = compiled(GOOD.replace(old, new, 1), POINTS)
    assert made.model is not None
    assert code in {warning.code for warning in made.warnings}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("m3/h", "m3/h"), ("K/min", "K/min"), ("1", "1"), ("kg.m2/s3", "kg.m2/s3"), ("%", "%")],
)
def test_units_are_products_of_symbols(text: str, shown: str) -> None:
    assert show(dimension(text)) == shown


@pytest.mark.parametrize(
    ("expr", "unit"),
    [
        ("t_a - t_b", "K"),
        ("RATE(t_a, 30s, min)", "K/min"),
        ("RATE(flow, 30s)", "m3/h/s"),
        ("flow * 2", "m3/h"),
        ("flow / out", "1"),
        ("flow * flow", "m6/h2"),
        ("MAX(t_a, t_b)", "Cel"),
        ("AVG(flow, 10s)", "m3/h"),
        ("SINCE(up)", "s"),
        ("SEL(up, flow, out)", "m3/h"),
    ],
)
def test_a_derived_unit_follows_from_its_expression(expr: str, unit: str) -> None:
    text = GOOD.replace(
        '[derived]\nleak = { expr = "flow - out", unit = "m3/h" }',
        f'[derived]\nleak = {{ expr = "flow - out", unit = "m3/h" }}\n'
        f'd = {{ expr = "{expr}", unit = "{unit}" }}',
    )
    assert compiled(text, POINTS).faults == ()
    wrong = text.replace(f'unit = "{unit}" }}\n[cause', 'unit = "mol" }\n[cause')
    assert "CEM-110" in {fault.code for fault in compiled(wrong, POINTS).faults}


def test_the_default_deadband_is_a_share_of_the_range() -> None:
    model = compiled(GOOD, POINTS).model
    assert model is not None
    assert [spec.deadband for spec in model.channels] == [3.0, 10.0, 10.0]


def test_the_points_of_causes_are_known_before_anything_is_planned() -> None:
    file, _ = parse_matrix(GOOD.encode(), "m")
    assert file is not None
    assert points_of_causes(file) == {"plc/flow", "plc/out", "plc/t_a", "plc/t_b"}


def template(name: str) -> bytes:
    """A template of the package."""
    return (files("edge.matrix") / "templates" / name).read_bytes()


def template_points(name: str) -> dict[str, PointFacts]:
    """Facts that fit a template's own inputs."""
    file, faults = parse_matrix(template(name), name)
    assert file is not None, faults
    return {
        table.point: PointFacts(i, 0, table.point.partition("/")[0], table.unit, None, None, 10**8)
        for i, table in enumerate(file.input.values())
    }


@pytest.mark.parametrize("name", ["bof.toml", "dust_dry.toml"])
def test_a_template_compiles_and_every_threshold_is_a_placeholder(name: str) -> None:
    made = compile_matrix(template(name), name, template_points(name), hazards().clauses)
    assert made.faults == ()
    assert {w.code for w in made.warnings} <= {"CEM-145"}
    assert made.file is not None
    assert {cause.basis for cause in made.file.cause.values()} <= {"placeholder", None}
    assert all(interlock.clauses for interlock in made.file.interlock.values())


def test_the_budget_of_the_complete_example_is_25_45_seconds() -> None:
    points = template_points("bof.toml")
    made = compile_matrix(template("bof.toml"), "bof.toml", points, hazards().clauses)
    worst = max(made.budgets, key=lambda budget: budget.total_ns)
    assert (worst.cause, worst.effect, worst.total_ns) == ("C2", "E1", 25_450_000_000)
    assert worst.fits
