"""From configuration and profiles to axes, point table and schema."""

from dataclasses import replace

from devices import catalog
from edge import points
from edge.acquisition.load import axis_row, line_load, load_row
from edge.config import load_text
from proto.schema import SchemaPart
from tests.unit.edge.plant import DUST, EDGE, config, plant


def faults_of(text: str) -> set[tuple[str, str]]:
    """Codes and places of what does not fit."""
    made = load_text(text.encode(), "edge.toml")
    profiles = {device.profile: catalog.find(device.profile) for device in made.device}
    found, faults = points.build(made, profiles)
    assert found is None
    return {(fault.code, fault.place) for fault in faults}


def test_every_point_stands_in_one_axis_and_has_its_number() -> None:
    made = plant(EDGE + DUST)
    assert [axis.index for axis in made.axes] == list(range(len(made.axes)))
    numbers = [i for axis in made.axes for i in axis.points]
    assert numbers == list(range(len(made.points)))
    names = [point.name for axis in made.axes for point in axis.block.points]
    assert names == [point.name for point in made.points]
    assert len(set(names)) == len(names)
    devices = len(made.bindings)
    assert [binding.point for binding in made.bindings] == list(made.points[:devices])
    own = [point.name for point in made.points[devices:]]
    assert own == ["bof1_plc.link", "dust1_plc.link"]


def test_a_point_is_found_by_name_and_by_tag() -> None:
    made = plant()
    assert made.index_of["FT-101"] == made.index_of["bof1_plc/lance_in_flow"]


def test_the_life_point_stands_in_the_fastest_block_of_its_device() -> None:
    made = plant(EDGE + DUST)
    found = [(a.line, a.block.poll) for a in made.axes if a.life_column is not None]
    assert found == [("bof1", "fast"), ("dust1", "fast")]


def test_life_none_makes_no_point_the_life_point() -> None:
    text = EDGE.replace('life = "life_counter"', 'life = "none"\nreason = "no program change"')
    assert all(axis.life_column is None for axis in plant(text).axes)


def test_reads_have_a_grid_and_reported_points_have_none() -> None:
    made = plant(EDGE + DUST)
    by_subscribed = {axis.subscribed: axis for axis in made.axes}
    assert by_subscribed[True].period_us == 0
    assert by_subscribed[False].period_us > 0


def test_lines_with_one_device_share_the_time_eight_abreast() -> None:
    extra = "".join(
        EDGE[EDGE.index("[[line]]") : EDGE.index("[poll]")]
        .replace('"bof1"', f'"bof{n}"')
        .replace('"bof1_plc"', f'"bof{n}_plc"')
        .replace(":5020", f":{5020 + n}")
        for n in range(2, 25)
    )
    made = plant(EDGE + extra)
    phases = {axis.line: axis.phase_us for axis in made.axes if axis.block.poll == "fast"}
    assert list(phases.values()) == [0] * 8 + [50_000] * 8 + [25_000] * 8


def test_the_schema_says_what_the_plant_has_and_survives_its_bytes() -> None:
    made = plant(EDGE + DUST)
    (made_part,) = made.schema
    part = made_part.table()
    assert (made_part.hash, made_part.types) == (part.hash, part.types)
    assert [point.name for point in part.points] == [point.name for point in made.points]
    assert [axis.period_us for axis in part.axes] == [axis.period_us for axis in made.axes]
    assert {axis.path for axis in part.axes} == {"plc"}
    assert SchemaPart.parse(made_part.raw) == part


def test_a_cause_is_read_although_its_profile_subscribes() -> None:
    made = config(EDGE + DUST)
    profiles = {device.profile: catalog.find(device.profile) for device in made.device}
    plain, _ = points.build(made, profiles)
    fed, _ = points.build(made, profiles, causes={"dust1_plc/fan_current"})
    assert plain is not None
    assert fed is not None
    assert plain.facts["dust1_plc/fan_current"].subscribed
    assert not fed.facts["dust1_plc/fan_current"].subscribed


def test_a_life_point_that_the_profile_does_not_have_is_refused() -> None:
    text = EDGE.replace('"life_counter"', '"life_countre"')
    assert ("config.life", "edge.toml: device[0].life") in faults_of(text)


def test_a_life_point_that_does_not_move_is_refused() -> None:
    text = EDGE.replace('"life_counter"', '"lance_pressure"')
    assert ("config.life", "edge.toml: device[0].life") in faults_of(text)


def test_a_profile_of_another_protocol_is_refused() -> None:
    text = EDGE.replace('"bof_lance_plc"', '"dust_dry_plc"')
    assert ("config.protocol", "edge.toml: device[0].profile") in faults_of(text)


def test_two_devices_of_one_profile_go_by_their_names_not_by_the_makers_tags() -> None:
    second = EDGE[EDGE.index("[[device]]") : EDGE.index("[poll]")]
    second = second.replace('"bof1_plc"', '"bof2_plc"').replace("unit_id = 1", "unit_id = 2")
    found = load_text((EDGE + second).encode(), "edge.toml")
    profile = catalog.find("bof_lance_plc")
    plant, faults = points.build(found, {profile.profile: profile})
    assert faults == []
    assert plant is not None
    named = [p for p in plant.points if p.name.endswith("/lance_in_flow")]
    assert [p.tag for p in named] == ["bof1_plc/lance_in_flow", "bof2_plc/lance_in_flow"]


def test_a_poll_class_that_nobody_defines_is_refused() -> None:
    made = config()
    profile = catalog.find("bof_lance_plc")
    quick = {"fast": made.poll["fast"]}
    found, faults = points.build(
        made.model_copy(update={"poll": quick}), {profile.profile: profile}
    )
    assert found is None
    assert {fault.code for fault in faults} == {"config.unknown_poll"}


def test_the_load_of_a_line_is_its_requests_over_their_periods() -> None:
    made = plant(EDGE + DUST)
    bof, dust = (line_load(line) for line in made.lines)
    assert bof.requests_s == 21.0
    assert bof.verdict == "ok"
    assert dust.requests_s == 10.0
    assert load_row(bof)["schema"] == "plan-line/1"
    assert axis_row(made.axes[0])["period_ms"] == 100.0


def test_a_line_that_cannot_keep_up_says_so() -> None:
    made = plant(EDGE.replace('fast = "100ms"', 'fast = "20ms"').replace('"1s"', '"20ms"'))
    (load,) = (line_load(line) for line in made.lines)
    assert load.share > 0.7
    assert load.verdict == "high"
    assert replace(load, fast_share=0.71).verdict == "too_much"
    assert replace(load, share=1.01).verdict == "too_much"
