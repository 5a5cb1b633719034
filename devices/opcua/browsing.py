"""Walking a server: variables with type, unit, value and what they allow.  Shell: sockets.

Breadth first, in calls of as many nodes as the server bears; continuation points are followed and
a node is visited once.  Only reading: Browse, BrowseNext, Read.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaStatusCodeError

from devices.failure import LinkFailed
from devices.opcua import nodes
from devices.opcua.history import HISTORY_READ
from devices.opcua.limits import Pace, ServerProfile, answered, choose, pace, too_many
from devices.opcua.session import (
    FOREIGN_ERRORS,
    Found,
    OpcUaSecurity,
    discard,
    open_session,
    scout,
)
from devices.opcua.status_code import BAD_TOO_MANY_OPERATIONS, judge, name
from devices.opcua.trust import load_own
from proto.errors import DeviceRefused, NotFound
from proto.quality import Quality

NODES_MAX = 100_000
_OBJECTS, _SERVER = 85, 2253
_HIERARCHICAL = 33
_DEPTH_MAX = 64
_UNIT, _RANGE = "EngineeringUnits", "EURange"
_TEXT_MAX = 64
_READ_ACCESS = 0x01
_CLOSED = frozenset(
    {
        0x801F0000,  # BadUserAccessDenied
        0x80340000,  # BadNodeIdUnknown
        0x80350000,  # BadAttributeIdInvalid
        0x803A0000,  # BadNotReadable
    }
)
_BUILT_IN_MAX = 25


@dataclass(slots=True)
class Variable:
    """One variable.

    Attributes:
        path: browse names from the start, joined by slashes.
        node: by namespace URI.
        type: built-in type of its value (`Double`); empty where it cannot be read.
        unit, low, high: of its EngineeringUnits and EURange; empty and None where it has none.
        value: as text.
        quality: GOOD, UNCERTAIN, BAD.
        status: name of its status code.
        sampling_ms: the fastest that it is sampled; 0 = as fast as it changes, -1 = not known.
        is_readable, has_history: its access for this user.
    """

    path: str
    node: str
    type: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    value: str = ""
    quality: Quality = Quality.BAD
    status: str = ""
    sampling_ms: float = -1.0
    is_readable: bool = False
    has_history: bool = False


@dataclass(slots=True)
class Walk:
    """What a walk found.

    Attributes:
        found: endpoint and verdict.
        profile: of the server.
        per_call: nodes of one request at the end.
        nodes: visited.
        is_cut: True where the limit ended the walk.
        variables: in the order of the walk.
    """

    found: Found
    profile: ServerProfile
    per_call: int = 0
    nodes: int = 0
    is_cut: bool = False
    variables: list[Variable] = field(default_factory=list)


Progress = Callable[[int, int], None]
"""(nodes visited, nodes waiting)."""


async def walk(
    endpoint: str,
    security: OpcUaSecurity,
    *,
    now_us: int,
    under: str = "",
    limit: int = NODES_MAX,
    profiles: Sequence[ServerProfile] = (),
    timeout_s: float = 10.0,
    progress: Progress = lambda _done, _waiting: None,
) -> Walk:
    """Return the variables under a node of a server.

    Args:
        endpoint: `opc.tcp://host:port`.
        security: pki, policy and login.
        now_us: wall time.
        under: node to start from, by namespace URI; empty = the Objects folder.
        limit: nodes that are visited at most.
        profiles: known servers.
        timeout_s: of one request.
        progress: told after every call.

    Raises:
        DeviceUnreachable: nobody answers, or no more.
        DeviceRefused: trust, policy or login.
        NotFound: the server has no such node.
    """
    own = await asyncio.to_thread(load_own, security.pki)
    client: Client | None = None
    try:
        found = await scout(endpoint, own, security, timeout_s, now_us)
        client, _ = await open_session(endpoint, own, security, found, timeout_s)
        walker = _Walker(client, found, profiles, limit, timeout_s, progress)
        return await walker.run(under)
    except UaStatusCodeError as error:
        message = f"the server refuses: {name(int(error.code))}"
        raise DeviceRefused("device.refused", message, place=endpoint) from None
    except (OSError, TimeoutError) as error:
        raise LinkFailed(f"no connection: {error}", place=endpoint) from None
    except FOREIGN_ERRORS as error:
        message = f"{type(error).__name__}: {error}"
        raise LinkFailed(message, place=endpoint) from None
    finally:
        if client is not None:
            await discard(client)


class _Walker:
    """One walk: the queue, the pace, and what was seen."""

    def __init__(
        self,
        client: Client,
        found: Found,
        profiles: Sequence[ServerProfile],
        limit: int,
        timeout_s: float,
        progress: Progress,
    ) -> None:
        self._client, self._profiles, self._limit = client, profiles, limit
        self._timeout_s, self._progress = timeout_s, progress
        self._walk = Walk(found, choose((), "", ""))
        self._uris: dict[int, str] = {}
        self._seen: set[ua.NodeId] = set()
        self._queue: deque[tuple[ua.NodeId, str, int, Variable | None]] = deque()
        self._extras: list[tuple[ua.NodeId, Variable, str]] = []
        self._browses: Pace = pace()
        self._reads: Pace = pace()

    async def run(self, under: str) -> Walk:
        facts = await nodes.read_facts(self._client)
        self._walk.profile = choose(self._profiles, facts.manufacturer, facts.product)
        stated = self._walk.profile.per_call
        self._browses = pace(facts.limits.get("browses", 0), stated)
        self._reads = pace(facts.limits.get("reads", 0), stated)
        self._uris = {index: uri for uri, index in facts.namespaces.items()}
        start = await self._start(under, facts.namespaces)
        self._seen = {start, nodes.standard(_SERVER)}
        self._queue.append((start, "", 0, None))
        while self._queue and not self._walk.is_cut:
            await self._level()
        await self._read_all()
        self._walk.per_call = self._reads.size
        return self._walk

    async def _start(self, under: str, namespaces: Mapping[str, int]) -> ua.NodeId:
        if not under:
            return nodes.standard(_OBJECTS)
        start = nodes.node_id(under, namespaces)
        if start is not None:
            [data] = await nodes.read_nodes(self._client, [start], AttributeIds.NodeClass)
            if data.StatusCode is None or not data.StatusCode.is_bad():
                return start
        raise NotFound("device.node_unknown", f"no node {under}", place=self._uris.get(1, ""))

    async def _level(self) -> None:
        """Browse as many waiting nodes as one call may hold."""
        some = [self._queue.popleft() for _ in range(min(self._browses.size, len(self._queue)))]
        wanted = [
            ua.BrowseDescription(
                NodeId=one[0],
                BrowseDirection=ua.BrowseDirection.Forward,
                ReferenceTypeId=nodes.standard(_HIERARCHICAL),
                IncludeSubtypes=True,
                NodeClassMask=ua.NodeClass.Object | ua.NodeClass.Variable,
                ResultMask=ua.BrowseResultMask.All,
            )
            for one in some
        ]
        try:
            async with asyncio.timeout(self._timeout_s):
                results = await self._client.uaclient.session.browse(
                    ua.BrowseParameters(
                        View=ua.ViewDescription(),
                        RequestedMaxReferencesPerNode=1_000,
                        NodesToBrowse=wanted,
                    )
                )
        except UaStatusCodeError as error:
            if int(error.code) != BAD_TOO_MANY_OPERATIONS or len(some) == 1:
                raise
            self._browses = too_many(self._browses, len(some))
            self._queue.extendleft(reversed(some))
            return
        for (_, path, depth, owner), result in zip(some, results, strict=True):
            await self._follow(path, depth, owner, result)
        self._progress(self._walk.nodes, len(self._queue))

    async def _follow(
        self, path: str, depth: int, owner: Variable | None, result: ua.BrowseResult
    ) -> None:
        """Take the references of one node, over all its continuation points."""
        while True:
            for reference in result.References or ():
                self._visit(path, depth, owner, reference)
            point = result.ContinuationPoint
            if not point:
                return
            release = self._walk.is_cut
            async with asyncio.timeout(self._timeout_s):
                [result] = await self._client.uaclient.session.browse_next(
                    ua.BrowseNextParameters(
                        ReleaseContinuationPoints=release, ContinuationPoints=[point]
                    )
                )
            if release:
                return

    def _visit(
        self, path: str, depth: int, owner: Variable | None, reference: ua.ReferenceDescription
    ) -> None:
        target = reference.NodeId
        node = ua.NodeId(target.Identifier, target.NamespaceIndex, target.NodeIdType)
        if node in self._seen or self._walk.is_cut:
            return
        self._seen.add(node)
        if self._walk.nodes >= self._limit:
            self._walk.is_cut = True
            return
        self._walk.nodes += 1
        label = str(reference.BrowseName.Name)
        if owner is not None and label in (_UNIT, _RANGE):
            self._extras.append((node, owner, label))
            return
        at = f"{path}/{label}" if path else label
        made: Variable | None = None
        if reference.NodeClass == ua.NodeClass.Variable:
            made = Variable(at, self._named(node))
            is_property = reference.ReferenceTypeId == nodes.standard(46)  # HasProperty
            if not (is_property and node.NamespaceIndex == 0):
                self._walk.variables.append(made)
        if depth < _DEPTH_MAX:
            self._queue.append((node, at, depth + 1, made))

    def _named(self, node: ua.NodeId) -> str:
        index = node.NamespaceIndex
        text = node.to_string()
        identifier = text.partition(";")[2] if text.startswith("ns=") else text
        return f"nsu={self._uris.get(index, '?')};{identifier}"

    async def _read_all(self) -> None:
        found = self._walk.variables
        ids = {one.node: self._id(one.node) for one in found}
        wanted = [ids[one.node] for one in found]
        for one, data in zip(found, await self._read(wanted, AttributeIds.Value), strict=True):
            _fill_value(one, data)
        await self._read_types([one for one in found if not one.type], ids)
        levels = await self._read(wanted, AttributeIds.UserAccessLevel)
        paces = await self._read(wanted, AttributeIds.MinimumSamplingInterval)
        for one, level, least in zip(found, levels, paces, strict=True):
            access, sampling = nodes.content(level), nodes.content(least)
            if isinstance(access, int):
                one.has_history = bool(access & HISTORY_READ)
                one.is_readable = one.is_readable and bool(access & _READ_ACCESS)
            if isinstance(sampling, int | float):
                one.sampling_ms = float(sampling)
        extras = await self._read([node for node, _, _ in self._extras], AttributeIds.Value)
        for (_, owner, label), data in zip(self._extras, extras, strict=True):
            _fill_extra(owner, label, nodes.content(data))

    async def _read_types(self, found: Sequence[Variable], ids: Mapping[str, ua.NodeId]) -> None:
        """Ask for the declared type of what has no value just now."""
        wanted = [ids[one.node] for one in found]
        answers = await self._read(wanted, AttributeIds.DataType)
        for one, data in zip(found, answers, strict=True):
            kind = nodes.content(data)
            if isinstance(kind, ua.NodeId) and kind.NamespaceIndex == 0:
                number = kind.Identifier
                if isinstance(number, int) and 0 < number <= _BUILT_IN_MAX:
                    one.type = ua.VariantType(number).name

    def _id(self, node: str) -> ua.NodeId:
        namespaces = {uri: index for index, uri in self._uris.items()}
        found = nodes.node_id(node, namespaces)
        return found if found is not None else ua.NodeId()

    async def _read(
        self, wanted: Sequence[ua.NodeId], attribute: AttributeIds
    ) -> list[ua.DataValue]:
        """Read one attribute of many nodes in calls that the server bears."""
        answers: list[ua.DataValue] = []
        loop = asyncio.get_running_loop()
        while len(answers) < len(wanted):
            some = wanted[len(answers) : len(answers) + self._reads.size]
            begun = loop.time()
            try:
                async with asyncio.timeout(self._timeout_s):
                    answers += await nodes.read_nodes(self._client, some, attribute)
            except UaStatusCodeError as error:
                if int(error.code) != BAD_TOO_MANY_OPERATIONS or len(some) == 1:
                    raise
                self._reads = too_many(self._reads, len(some))
                continue
            took_ns = int((loop.time() - begun) * 1e9)
            self._reads = answered(self._reads, len(some), took_ns)
            self._progress(len(answers), len(wanted) - len(answers))
        return answers


def _fill_value(one: Variable, data: ua.DataValue) -> None:
    code = 0 if data.StatusCode is None else int(data.StatusCode.value)
    one.quality, _ = judge(code)
    one.status = name(code)
    one.is_readable = code not in _CLOSED
    variant = data.Value
    if variant is None or variant.VariantType is None or variant.Value is None:
        return
    kind = variant.VariantType.name
    one.type = f"{kind}[]" if variant.is_array else kind
    one.value = str(variant.Value)[:_TEXT_MAX]


def _fill_extra(owner: Variable, label: str, content: object) -> None:
    if label == _UNIT and isinstance(content, ua.EUInformation):
        owner.unit = str(content.DisplayName.Text or "")[:_TEXT_MAX]
    elif label == _RANGE and isinstance(content, ua.Range):
        owner.low, owner.high = float(content.Low), float(content.High)
