"""Axes are numbered inside their part of the point table."""

from types import SimpleNamespace
from typing import cast

from edge.points import Plant
from edge.spool.axes import axis_shapes
from edge.spool.model import AxisShape
from proto.schema import SchemaAxis, SchemaPart
from tests.spool_builders import part


def _axis(axis: SchemaAxis) -> SimpleNamespace:
    block = SimpleNamespace(points=axis.points)
    return SimpleNamespace(line="one", period_us=axis.period_us, phase_us=7, block=block)


def _plant(*parts: SchemaPart, kind: str) -> Plant:
    schema = [SimpleNamespace(axes=[_axis(axis) for axis in one.axes]) for one in parts]
    line = SimpleNamespace(config=SimpleNamespace(name="one", kind=kind))
    return cast(Plant, SimpleNamespace(schema=schema, lines=[line]))


def test_points_are_numbered_from_zero_in_each_part() -> None:
    two = SchemaPart(part(2, device="a").axes + part(3, device="b").axes)

    shapes = axis_shapes(_plant(two, part(4, device="c"), kind="modbus-tcp"))

    assert shapes == [
        AxisShape(0, 0, 2, 100_000, 0, 7),
        AxisShape(0, 2, 3, 100_000, 0, 7),
        AxisShape(1, 0, 4, 100_000, 0, 7),
    ]


def test_opc_ua_gives_the_time_of_the_server() -> None:
    [shape] = axis_shapes(_plant(part(2), kind="opcua"))

    assert shape.source_kind == 2
