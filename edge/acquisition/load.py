"""What a line is asked for: requests and bytes a second, share of the line's time.  Pure.

Before anything is measured the priors of the drivers hold; the gateway's own figures replace them
later.  Source: `acquisition.md` 3.5 and 3.7.
"""

from dataclasses import dataclass

from devices.driver import Block
from devices.modbus.plan import Cost, ModbusRead
from edge.points import AxisPlan, LinePlan

FAST_SHARE_MAX, ALL_SHARE_MAX, SHARE_WARNING = 0.70, 1.00, 0.70  # acquisition.md 3.7
MODBUS_REQUEST_BYTES, MODBUS_ANSWER_BYTES = 12, 9  # MBAP + PDU of a read, without data
OPCUA_REQUEST_BYTES, OPCUA_NODE_BYTES = 160, 60  # secured Read, placeholder until measured
OPCUA_REQUEST_NS = 5 * 10**6  # prior, as Modbus TCP


@dataclass(frozen=True, slots=True)
class LineLoad:
    """Load of one line.

    Attributes:
        requests_s, bytes_s: per second, both directions.
        share, fast_share: of the line's time, 1.0 = all of it.
    """

    line: str
    requests_s: float
    bytes_s: float
    share: float
    fast_share: float

    @property
    def verdict(self) -> str:
        """`ok`, `high` (above the warning) or `too_much` (cannot be kept up)."""
        if self.fast_share > FAST_SHARE_MAX or self.share > ALL_SHARE_MAX:
            return "too_much"
        return "high" if self.share > SHARE_WARNING else "ok"


def block_bytes(block: Block) -> int:
    """Return the bytes of one request and its answer."""
    request = block.request
    if isinstance(request, ModbusRead):
        data = 2 * request.quantity if request.function in (3, 4) else (request.quantity + 7) // 8
        return MODBUS_REQUEST_BYTES + MODBUS_ANSWER_BYTES + data
    return OPCUA_REQUEST_BYTES + OPCUA_NODE_BYTES * len(block.points)


def block_cost_ns(block: Block) -> int:
    """Return the time of one request on the line."""
    request = block.request
    if isinstance(request, ModbusRead):
        prior = Cost()
        return prior.request_ns + prior.register_ns * request.quantity
    return OPCUA_REQUEST_NS


def line_load(line: LinePlan) -> LineLoad:
    """Return the load that the plan of a line makes; subscriptions cost nothing here."""
    read = [axis.block for axis in line.axes if not axis.subscribed]
    shares = [(block.poll, block_cost_ns(block) / block.period_ns) for block in read]
    return LineLoad(
        line=line.config.name,
        requests_s=sum(1e9 / block.period_ns for block in read),
        bytes_s=sum(block_bytes(block) * 1e9 / block.period_ns for block in read),
        share=sum(share for _, share in shares),
        fast_share=sum(share for poll, share in shares if poll == "fast"),
    )


def axis_row(axis: AxisPlan) -> dict[str, object]:
    """Return one block of the plan as a JSON object."""
    return {
        "schema": "plan-block/1",
        "axis": axis.index,
        "line": axis.line,
        "device": axis.block.device,
        "poll": axis.block.poll,
        "period_ms": axis.period_ns / 1e6,
        "phase_ms": axis.phase_ns / 1e6,
        "subscribed": axis.subscribed,
        "points": len(axis.block.points),
        "request": axis.block.request.describe(),
    }


def load_row(load: LineLoad) -> dict[str, object]:
    """Return the load of one line as a JSON object."""
    return {
        "schema": "plan-line/1",
        "line": load.line,
        "requests_s": round(load.requests_s, 3),
        "bytes_s": round(load.bytes_s),
        "load": round(load.share, 4),
        "fast_load": round(load.fast_share, 4),
        "verdict": load.verdict,
    }
