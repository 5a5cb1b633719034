"""Services of a session in our words: read, browse names, history, items.  Shell: sockets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from devices.opcua import history, reconcile
from devices.opcua.plan import NodeItem
from devices.opcua.reconcile import ItemResult
from devices.opcua.session import FOREIGN_ERRORS
from devices.opcua.status_code import BAD_TOO_MANY_OPERATIONS, GOOD
from devices.opcua.value import NodeValue, decode

# Nodes that every server has (Part 5).
STATE, LEVEL, CURRENT_TIME, RETURN_TIME = 2259, 2267, 2258, 12885
_NAMESPACES = 2255
_MANUFACTURER, _PRODUCT, _VERSION = 2263, 2261, 2264
_START_TIME = 2257
_LIMITS = {"reads": 11705, "items": 11714, "browses": 11710, "history": 12165}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself.

    Attributes:
        namespaces: URI -> index.
        limits: of one call, by service (0 = none stated).
        manufacturer, product, version: of its BuildInfo.
        start_us: when it started; another one is another run of the server.
    """

    namespaces: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    manufacturer: str = ""
    product: str = ""
    version: str = ""
    start_us: int = 0


def standard(identifier: int) -> ua.NodeId:
    """Return a node of namespace 0."""
    return ua.NodeId(ua.Int32(identifier))


async def read_facts(client: Client) -> ServerFacts:
    """Read names, limits and start of the server.

    Raises:
        UaError: it has no namespace array: then nothing can be named.
    """
    wanted = [_NAMESPACES, _MANUFACTURER, _PRODUCT, _VERSION, _START_TIME, *_LIMITS.values()]
    found: list[object] = []
    for at in range(0, len(wanted), 5):  # the limits are not known yet: small calls
        some = [standard(one) for one in wanted[at : at + 5]]
        found += [content(data) for data in await read_carefully(client, some)]
    uris, manufacturer, product, version, start, *numbers = found
    if not isinstance(uris, list):
        raise UaError("the server has no namespace array")
    limits = zip(_LIMITS, numbers, strict=True)
    return ServerFacts(
        {str(uri): at for at, uri in reversed(list(enumerate(uris)))},
        {name: one if isinstance(one, int) and one > 0 else 0 for name, one in limits},
        manufacturer if isinstance(manufacturer, str) else "",
        product if isinstance(product, str) else "",
        version if isinstance(version, str) else "",
        time_us(start) if isinstance(start, datetime) else 0,
    )


def content(data: ua.DataValue) -> object:
    """Return what a data value holds; None for nothing, and for nothing good."""
    if data.StatusCode is not None and data.StatusCode.is_bad():
        return None
    return data.Value.Value if data.Value is not None else None


def node_id(node: str, namespaces: Mapping[str, int]) -> ua.NodeId | None:
    """Return today's id of `nsu=<URI>;s=<name>`; None when the server does not know the URI."""
    uri, _, identifier = node.removeprefix("nsu=").partition(";")
    if uri not in namespaces:
        return None
    try:
        return ua.NodeId.from_string(f"ns={namespaces[uri]};{identifier}")
    except FOREIGN_ERRORS:
        return None


async def read_nodes(
    client: Client,
    nodes: Sequence[ua.NodeId],
    attribute: AttributeIds = AttributeIds.Value,
) -> list[ua.DataValue]:
    """Read one attribute of `nodes` as it is now (maxAge 0), one for each, in their order.

    Raises:
        ValueError: the answer has another number of values.
    """
    wanted = ua.ReadParameters(
        MaxAge=0,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        NodesToRead=[ua.ReadValueId(NodeId=node, AttributeId=attribute) for node in nodes],
    )
    answer: list[ua.DataValue] = await client.uaclient.session.read(wanted)
    if len(answer) != len(nodes):
        raise ValueError(f"asked {len(nodes)} got {len(answer)} values")
    return answer


async def read_carefully(client: Client, nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
    """Read a few nodes of a server whose limits nobody knows: one by one if it wants so."""
    try:
        return await read_nodes(client, nodes)
    except UaStatusCodeError as error:
        if int(error.code) != BAD_TOO_MANY_OPERATIONS or len(nodes) == 1:
            raise
    return [(await read_nodes(client, [node]))[0] for node in nodes]


async def create_items(
    client: Client, action: reconcile.CreateItems, nodes: Sequence[ua.NodeId]
) -> list[ItemResult]:
    """Create monitored items; the server's word on each."""
    mode = ua.MonitoringMode.Reporting if action.is_reporting else ua.MonitoringMode.Sampling
    wanted = ua.CreateMonitoredItemsParameters(
        SubscriptionId=action.subscription,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ItemsToCreate=[
            ua.MonitoredItemCreateRequest(
                ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.Value),
                MonitoringMode=mode,
                RequestedParameters=_parameters(slot, action.sampling_ms, action.queue),
            )
            for slot, node in zip(action.slots, nodes, strict=True)
        ],
    )
    answer = await client.uaclient.session.create_monitored_items(wanted)
    return [
        ItemResult(
            int(one.StatusCode.value),
            int(one.MonitoredItemId),
            float(one.RevisedSamplingInterval),
            int(one.RevisedQueueSize),
        )
        for one in answer
    ]


async def modify_items(client: Client, action: reconcile.ModifyItems) -> list[ItemResult]:
    """Ask for another sampling interval of items; the server's word on each."""
    wanted = ua.ModifyMonitoredItemsParameters(
        SubscriptionId=action.subscription,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ItemsToModify=[
            ua.MonitoredItemModifyRequest(
                MonitoredItemId=server_id,
                RequestedParameters=_parameters(slot, action.sampling_ms, action.queue),
            )
            for slot, server_id in zip(action.slots, action.server_ids, strict=True)
        ],
    )
    answer = await client.uaclient.session.modify_monitored_items(wanted)
    return [
        ItemResult(
            int(one.StatusCode.value),
            sampling_ms=float(one.RevisedSamplingInterval),
            queue=int(one.RevisedQueueSize),
        )
        for one in answer
    ]


async def set_mode(client: Client, action: reconcile.SetMode) -> list[ItemResult]:
    """Let items report, or sample only."""
    mode = ua.MonitoringMode.Reporting if action.is_reporting else ua.MonitoringMode.Sampling
    answer = await client.uaclient.session.set_monitoring_mode(
        ua.SetMonitoringModeParameters(
            SubscriptionId=action.subscription,
            MonitoringMode=mode,
            MonitoredItemIds=list(action.server_ids),
        )
    )
    return [ItemResult(int(status.value)) for status in answer]


async def delete_items(client: Client, action: reconcile.DeleteItems) -> list[ItemResult]:
    """Delete items."""
    answer = await client.uaclient.session.delete_monitored_items(
        ua.DeleteMonitoredItemsParameters(
            SubscriptionId=action.subscription, MonitoredItemIds=list(action.server_ids)
        )
    )
    return [ItemResult(int(status.value)) for status in answer]


def _parameters(slot: int, sampling_ms: float, queue: int) -> ua.MonitoringParameters:
    return ua.MonitoringParameters(
        ClientHandle=slot, SamplingInterval=sampling_ms, QueueSize=queue, DiscardOldest=True
    )


async def read_history(
    client: Client,
    ask: history.AskValues,
    nodes: Sequence[ua.NodeId],
    items: Sequence[NodeItem],
    *,
    is_release: bool = False,
) -> list[history.Answer]:
    """Read raw history; with `is_release` the continuation points are only given back."""
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=_EPOCH + timedelta(microseconds=ask.from_us),
        EndTime=_EPOCH + timedelta(microseconds=ask.to_us),
        NumValuesPerNode=ask.values_max,
        ReturnBounds=False,
    )
    wanted = ua.HistoryReadParameters(
        HistoryReadDetails=details,
        TimestampsToReturn=ua.TimestampsToReturn.Source,
        ReleaseContinuationPoints=is_release,
        NodesToRead=[
            ua.HistoryReadValueId(NodeId=node, ContinuationPoint=point or None)
            for node, point in zip(nodes, ask.continuations, strict=True)
        ],
    )
    answer = await client.uaclient.session.history_read(wanted)
    if is_release:
        return []
    return [_history(item, one) for item, one in zip(items, answer, strict=True)]


def _history(item: NodeItem, one: ua.HistoryReadResult) -> history.Answer:
    data = one.HistoryData
    found = data.DataValues if isinstance(data, ua.HistoryData) else None
    values = [(at, value) for value, at in (decode_value(item, d) for d in found or ()) if at > 0]
    return history.Answer(int(one.StatusCode.value), values, bytes(one.ContinuationPoint or b""))


def decode_value(item: NodeItem, data: ua.DataValue) -> tuple[NodeValue, int]:
    """Return what a data value says, and its source time in µs (0 = none)."""
    variant = data.Value
    value = decode(
        item.type,
        "" if variant is None or variant.VariantType is None else variant.VariantType.name,
        None if variant is None else variant.Value,
        GOOD if data.StatusCode is None else int(data.StatusCode.value),
        scale=item.scale,
        offset=item.offset,
        fault_values=item.fault_values,
    )
    return value, time_us(data.SourceTimestamp) or time_us(data.ServerTimestamp)


def time_us(when: datetime | None) -> int:
    """Return µs since 1970 UTC, rounded down; 0 for none and for all before 1970."""
    if when is None:
        return 0
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0, (aware - _EPOCH) // _MICROSECOND)
