"""The plant's axes as the batcher knows them: numbered inside their part of the table.  Pure."""

from edge.points import Plant
from edge.spool.model import AxisShape

SERVER_TIME = 2  # kind of source time of OPC UA (`batches.md` 3.4)


def axis_shapes(plant: Plant) -> list[AxisShape]:
    """Return the axes as the batcher knows them, numbered inside their part of the point table."""
    shapes: list[AxisShape] = []
    kinds = {line.config.name: line.config.kind for line in plant.lines}
    for number, part in enumerate(plant.schema):
        first = 0
        for axis in part.axes:
            is_server = kinds.get(axis.line) == "opcua"
            shapes.append(
                AxisShape(
                    part=number,
                    point_first=first,
                    points=len(axis.block.points),
                    period_us=axis.period_us,
                    source_kind=SERVER_TIME if is_server else 0,
                    first_us=axis.phase_us,
                )
            )
            first += len(axis.block.points)
    return shapes
