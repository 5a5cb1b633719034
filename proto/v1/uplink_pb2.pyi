from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StreamKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_UNSET: _ClassVar[StreamKind]
    URGENT: _ClassVar[StreamKind]
    BULK: _ClassVar[StreamKind]

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_UNSET: _ClassVar[Status]
    STORED: _ClassVar[Status]
    DUPLICATE: _ClassVar[Status]
    QUARANTINED: _ClassVar[Status]
    FORKED: _ClassVar[Status]
STREAM_UNSET: StreamKind
URGENT: StreamKind
BULK: StreamKind
STATUS_UNSET: Status
STORED: Status
DUPLICATE: Status
QUARANTINED: Status
FORKED: Status

class EdgeMsg(_message.Message):
    __slots__ = ("hello", "frames", "heartbeat")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    frames: Frames
    heartbeat: Heartbeat
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., frames: _Optional[_Union[Frames, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ...) -> None: ...

class CentralMsg(_message.Message):
    __slots__ = ("welcome", "ack", "time")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    ack: Ack
    time: TimeReply
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., time: _Optional[_Union[TimeReply, _Mapping]] = ...) -> None: ...

class Frames(_message.Message):
    __slots__ = ("frame",)
    FRAME_FIELD_NUMBER: _ClassVar[int]
    frame: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, frame: _Optional[_Iterable[bytes]] = ...) -> None: ...

class LaneTip(_message.Message):
    __slots__ = ("epoch", "lane", "held_lo", "tip_seq", "tip_sample", "tip_hash")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    HELD_LO_FIELD_NUMBER: _ClassVar[int]
    TIP_SEQ_FIELD_NUMBER: _ClassVar[int]
    TIP_SAMPLE_FIELD_NUMBER: _ClassVar[int]
    TIP_HASH_FIELD_NUMBER: _ClassVar[int]
    epoch: bytes
    lane: int
    held_lo: int
    tip_seq: int
    tip_sample: int
    tip_hash: bytes
    def __init__(self, epoch: _Optional[bytes] = ..., lane: _Optional[int] = ..., held_lo: _Optional[int] = ..., tip_seq: _Optional[int] = ..., tip_sample: _Optional[int] = ..., tip_hash: _Optional[bytes] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("epoch", "lane", "lo", "hi", "hash_hi", "samples")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    LO_FIELD_NUMBER: _ClassVar[int]
    HI_FIELD_NUMBER: _ClassVar[int]
    HASH_HI_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    epoch: bytes
    lane: int
    lo: int
    hi: int
    hash_hi: bytes
    samples: int
    def __init__(self, epoch: _Optional[bytes] = ..., lane: _Optional[int] = ..., lo: _Optional[int] = ..., hi: _Optional[int] = ..., hash_hi: _Optional[bytes] = ..., samples: _Optional[int] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("nth", "epoch", "lane", "seq", "status", "code", "stored_hash")
    NTH_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    STORED_HASH_FIELD_NUMBER: _ClassVar[int]
    nth: int
    epoch: bytes
    lane: int
    seq: int
    status: Status
    code: int
    stored_hash: bytes
    def __init__(self, nth: _Optional[int] = ..., epoch: _Optional[bytes] = ..., lane: _Optional[int] = ..., seq: _Optional[int] = ..., status: _Optional[_Union[Status, str]] = ..., code: _Optional[int] = ..., stored_hash: _Optional[bytes] = ...) -> None: ...

class Pace(_message.Message):
    __slots__ = ("window_messages", "window_bytes", "backfill_bytes_per_s", "not_before_ms")
    WINDOW_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    WINDOW_BYTES_FIELD_NUMBER: _ClassVar[int]
    BACKFILL_BYTES_PER_S_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_MS_FIELD_NUMBER: _ClassVar[int]
    window_messages: int
    window_bytes: int
    backfill_bytes_per_s: int
    not_before_ms: int
    def __init__(self, window_messages: _Optional[int] = ..., window_bytes: _Optional[int] = ..., backfill_bytes_per_s: _Optional[int] = ..., not_before_ms: _Optional[int] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("proto_min", "proto_max", "kind", "session", "version", "boot_id", "tips", "schemas", "config_hash")
    PROTO_MIN_FIELD_NUMBER: _ClassVar[int]
    PROTO_MAX_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    TIPS_FIELD_NUMBER: _ClassVar[int]
    SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_HASH_FIELD_NUMBER: _ClassVar[int]
    proto_min: int
    proto_max: int
    kind: StreamKind
    session: bytes
    version: str
    boot_id: int
    tips: _containers.RepeatedCompositeFieldContainer[LaneTip]
    schemas: _containers.RepeatedScalarFieldContainer[bytes]
    config_hash: bytes
    def __init__(self, proto_min: _Optional[int] = ..., proto_max: _Optional[int] = ..., kind: _Optional[_Union[StreamKind, str]] = ..., session: _Optional[bytes] = ..., version: _Optional[str] = ..., boot_id: _Optional[int] = ..., tips: _Optional[_Iterable[_Union[LaneTip, _Mapping]]] = ..., schemas: _Optional[_Iterable[bytes]] = ..., config_hash: _Optional[bytes] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("proto", "session", "stored", "more", "schemas_wanted", "pace", "server_time_us")
    PROTO_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    SCHEMAS_WANTED_FIELD_NUMBER: _ClassVar[int]
    PACE_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_US_FIELD_NUMBER: _ClassVar[int]
    proto: int
    session: bytes
    stored: _containers.RepeatedCompositeFieldContainer[Range]
    more: bool
    schemas_wanted: _containers.RepeatedScalarFieldContainer[bytes]
    pace: Pace
    server_time_us: int
    def __init__(self, proto: _Optional[int] = ..., session: _Optional[bytes] = ..., stored: _Optional[_Iterable[_Union[Range, _Mapping]]] = ..., more: _Optional[bool] = ..., schemas_wanted: _Optional[_Iterable[bytes]] = ..., pace: _Optional[_Union[Pace, _Mapping]] = ..., server_time_us: _Optional[int] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("stored", "items", "nth", "pace", "receipt")
    STORED_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NTH_FIELD_NUMBER: _ClassVar[int]
    PACE_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    stored: _containers.RepeatedCompositeFieldContainer[Range]
    items: _containers.RepeatedCompositeFieldContainer[Item]
    nth: int
    pace: Pace
    receipt: bytes
    def __init__(self, stored: _Optional[_Iterable[_Union[Range, _Mapping]]] = ..., items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ..., nth: _Optional[int] = ..., pace: _Optional[_Union[Pace, _Mapping]] = ..., receipt: _Optional[bytes] = ...) -> None: ...

class Pending(_message.Message):
    __slots__ = ("lane", "batches", "bytes", "samples", "oldest_t_us")
    LANE_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    OLDEST_T_US_FIELD_NUMBER: _ClassVar[int]
    lane: int
    batches: int
    bytes: int
    samples: int
    oldest_t_us: int
    def __init__(self, lane: _Optional[int] = ..., batches: _Optional[int] = ..., bytes: _Optional[int] = ..., samples: _Optional[int] = ..., oldest_t_us: _Optional[int] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("id", "wall_us", "mono_us", "boot_id", "pending", "disk_used", "disk_quota", "clock_state", "clock_offset_us")
    ID_FIELD_NUMBER: _ClassVar[int]
    WALL_US_FIELD_NUMBER: _ClassVar[int]
    MONO_US_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    DISK_USED_FIELD_NUMBER: _ClassVar[int]
    DISK_QUOTA_FIELD_NUMBER: _ClassVar[int]
    CLOCK_STATE_FIELD_NUMBER: _ClassVar[int]
    CLOCK_OFFSET_US_FIELD_NUMBER: _ClassVar[int]
    id: int
    wall_us: int
    mono_us: int
    boot_id: int
    pending: _containers.RepeatedCompositeFieldContainer[Pending]
    disk_used: int
    disk_quota: int
    clock_state: int
    clock_offset_us: int
    def __init__(self, id: _Optional[int] = ..., wall_us: _Optional[int] = ..., mono_us: _Optional[int] = ..., boot_id: _Optional[int] = ..., pending: _Optional[_Iterable[_Union[Pending, _Mapping]]] = ..., disk_used: _Optional[int] = ..., disk_quota: _Optional[int] = ..., clock_state: _Optional[int] = ..., clock_offset_us: _Optional[int] = ...) -> None: ...

class TimeReply(_message.Message):
    __slots__ = ("id", "edge_wall_us", "recv_us", "send_us")
    ID_FIELD_NUMBER: _ClassVar[int]
    EDGE_WALL_US_FIELD_NUMBER: _ClassVar[int]
    RECV_US_FIELD_NUMBER: _ClassVar[int]
    SEND_US_FIELD_NUMBER: _ClassVar[int]
    id: int
    edge_wall_us: int
    recv_us: int
    send_us: int
    def __init__(self, id: _Optional[int] = ..., edge_wall_us: _Optional[int] = ..., recv_us: _Optional[int] = ..., send_us: _Optional[int] = ...) -> None: ...
