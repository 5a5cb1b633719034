"""Sources behind a path, their life signals, and a toggle that is polled too slowly."""

from dataclasses import replace

from edge.acquisition.sources import block_sources, life_faults, plan_sources
from edge.config_device import SourceConfig
from edge.plant import LinePlan
from tests.unit.edge.plant import EDGE, plant


def line(**keys: object) -> LinePlan:
    """The line of the small plant, its owner changed."""
    made = plant(EDGE).lines[0]
    owners = tuple(owner.model_copy(update=keys) for owner in made.owners)
    return replace(made, owners=owners)


def with_toggle(made: LinePlan, toggle_ns: int | None) -> LinePlan:
    """The same line with a toggle for a life signal."""
    (device,) = made.devices
    points = tuple(
        replace(one, moves="toggle", toggle_ns=toggle_ns) if one.point.life else one
        for one in device.points
    )
    return replace(made, devices=(replace(device, points=points),))


def test_a_plc_is_its_own_source_and_its_counter_has_a_width() -> None:
    made = line()
    (source,) = plan_sources(made.owners[0], made.devices[0], made.axes)
    assert (source.name, source.life) == ("bof1_plc", "life_counter")
    assert source.spec.moves == "counter"
    assert source.spec.modulus in (1 << 16, 1 << 32)
    assert source.spec.within_ns == 2 * 10**9


def test_the_time_of_a_mirror_to_renew_its_copy_is_added() -> None:
    made = line(update_ns=5 * 10**9)
    (source,) = plan_sources(made.owners[0], made.devices[0], made.axes)
    assert source.spec.within_ns == 7 * 10**9


def test_each_controller_behind_a_path_is_a_source_with_points_of_its_own() -> None:
    named = (
        SourceConfig(name="bof1", life="life_counter"),
        SourceConfig(name="bof2", life="none", reason="no program change"),
    )
    made = line(source=named, path="scada", life=None)
    (device,) = made.devices
    points = tuple(
        replace(one, source="bof2" if i % 2 else "bof1") for i, one in enumerate(device.points)
    )
    device = replace(device, points=points)
    sources = plan_sources(made.owners[0], device, made.axes)
    assert [(s.name, s.binding is None) for s in sources] == [("bof1", False), ("bof2", True)]
    blocks = [block_sources(made.owners[0], device, axis, sources) for axis in made.axes]
    of = {
        point.name: int(block.of[i])
        for axis, block in zip(made.axes, blocks, strict=True)
        for i, point in enumerate(axis.block.points)
    }
    assert all(of[one.point.name] == (one.source == "bof2") for one in points)
    assert sum(len(block.lives) for block in blocks) == 1


def test_a_toggle_polled_slower_than_a_quarter_of_its_period_is_refused() -> None:
    fast = 10**8
    assert not list(life_faults([with_toggle(line(), 4 * fast)], "edge.toml"))
    (fault,) = life_faults([with_toggle(line(), 4 * fast - 1)], "edge.toml")
    assert (fault.code, fault.place) == ("config.life_aliased", "edge.toml: device bof1_plc.life")
    (fault,) = life_faults([with_toggle(line(), None)], "edge.toml")
    assert "unknown period" in fault.message
