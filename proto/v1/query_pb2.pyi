from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListSitesRequest(_message.Message):
    __slots__ = ("region", "after", "limit", "values")
    REGION_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    region: str
    after: str
    limit: int
    values: bool
    def __init__(self, region: _Optional[str] = ..., after: _Optional[str] = ..., limit: _Optional[int] = ..., values: _Optional[bool] = ...) -> None: ...

class ListSitesReply(_message.Message):
    __slots__ = ("sites", "as_of_us", "next")
    SITES_FIELD_NUMBER: _ClassVar[int]
    AS_OF_US_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    sites: _containers.RepeatedCompositeFieldContainer[SiteStatus]
    as_of_us: int
    next: str
    def __init__(self, sites: _Optional[_Iterable[_Union[SiteStatus, _Mapping]]] = ..., as_of_us: _Optional[int] = ..., next: _Optional[str] = ...) -> None: ...

class GetSiteRequest(_message.Message):
    __slots__ = ("site",)
    SITE_FIELD_NUMBER: _ClassVar[int]
    site: str
    def __init__(self, site: _Optional[str] = ...) -> None: ...

class WatchStatusRequest(_message.Message):
    __slots__ = ("since_version", "site")
    SINCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    SITE_FIELD_NUMBER: _ClassVar[int]
    since_version: int
    site: str
    def __init__(self, since_version: _Optional[int] = ..., site: _Optional[str] = ...) -> None: ...

class StatusDelta(_message.Message):
    __slots__ = ("version", "site", "status", "resync")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SITE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESYNC_FIELD_NUMBER: _ClassVar[int]
    version: int
    site: str
    status: SiteStatus
    resync: bool
    def __init__(self, version: _Optional[int] = ..., site: _Optional[str] = ..., status: _Optional[_Union[SiteStatus, _Mapping]] = ..., resync: _Optional[bool] = ...) -> None: ...

class Quality(_message.Message):
    __slots__ = ("quality", "reason", "detail")
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    quality: int
    reason: int
    detail: int
    def __init__(self, quality: _Optional[int] = ..., reason: _Optional[int] = ..., detail: _Optional[int] = ...) -> None: ...

class LastGood(_message.Message):
    __slots__ = ("value", "time_us")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    value: float
    time_us: int
    def __init__(self, value: _Optional[float] = ..., time_us: _Optional[int] = ...) -> None: ...

class PointValue(_message.Message):
    __slots__ = ("point", "tag", "title", "unit", "parameter", "value", "quality", "time_us", "last_good", "max_age_us", "range_low", "range_high", "process_unit")
    POINT_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    LAST_GOOD_FIELD_NUMBER: _ClassVar[int]
    MAX_AGE_US_FIELD_NUMBER: _ClassVar[int]
    RANGE_LOW_FIELD_NUMBER: _ClassVar[int]
    RANGE_HIGH_FIELD_NUMBER: _ClassVar[int]
    PROCESS_UNIT_FIELD_NUMBER: _ClassVar[int]
    point: str
    tag: str
    title: str
    unit: str
    parameter: str
    value: float
    quality: Quality
    time_us: int
    last_good: LastGood
    max_age_us: int
    range_low: float
    range_high: float
    process_unit: str
    def __init__(self, point: _Optional[str] = ..., tag: _Optional[str] = ..., title: _Optional[str] = ..., unit: _Optional[str] = ..., parameter: _Optional[str] = ..., value: _Optional[float] = ..., quality: _Optional[_Union[Quality, _Mapping]] = ..., time_us: _Optional[int] = ..., last_good: _Optional[_Union[LastGood, _Mapping]] = ..., max_age_us: _Optional[int] = ..., range_low: _Optional[float] = ..., range_high: _Optional[float] = ..., process_unit: _Optional[str] = ...) -> None: ...

class EffectVerdict(_message.Message):
    __slots__ = ("effect", "verdict", "response_ms")
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_MS_FIELD_NUMBER: _ClassVar[int]
    effect: str
    verdict: str
    response_ms: int
    def __init__(self, effect: _Optional[str] = ..., verdict: _Optional[str] = ..., response_ms: _Optional[int] = ...) -> None: ...

class InterlockStatus(_message.Message):
    __slots__ = ("interlock", "title", "clauses", "mode", "shown", "protection", "health", "health_reasons", "service", "running", "occurrence", "first_out", "plant_tripped", "plant_bypassed", "last_verdicts", "since_us", "time_us")
    INTERLOCK_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CLAUSES_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    PROTECTION_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    HEALTH_REASONS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCE_FIELD_NUMBER: _ClassVar[int]
    FIRST_OUT_FIELD_NUMBER: _ClassVar[int]
    PLANT_TRIPPED_FIELD_NUMBER: _ClassVar[int]
    PLANT_BYPASSED_FIELD_NUMBER: _ClassVar[int]
    LAST_VERDICTS_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    interlock: str
    title: str
    clauses: _containers.RepeatedScalarFieldContainer[str]
    mode: str
    shown: str
    protection: str
    health: str
    health_reasons: _containers.RepeatedScalarFieldContainer[str]
    service: str
    running: str
    occurrence: int
    first_out: _containers.RepeatedScalarFieldContainer[str]
    plant_tripped: bool
    plant_bypassed: bool
    last_verdicts: _containers.RepeatedCompositeFieldContainer[EffectVerdict]
    since_us: int
    time_us: int
    def __init__(self, interlock: _Optional[str] = ..., title: _Optional[str] = ..., clauses: _Optional[_Iterable[str]] = ..., mode: _Optional[str] = ..., shown: _Optional[str] = ..., protection: _Optional[str] = ..., health: _Optional[str] = ..., health_reasons: _Optional[_Iterable[str]] = ..., service: _Optional[str] = ..., running: _Optional[str] = ..., occurrence: _Optional[int] = ..., first_out: _Optional[_Iterable[str]] = ..., plant_tripped: _Optional[bool] = ..., plant_bypassed: _Optional[bool] = ..., last_verdicts: _Optional[_Iterable[_Union[EffectVerdict, _Mapping]]] = ..., since_us: _Optional[int] = ..., time_us: _Optional[int] = ...) -> None: ...

class AlarmStatus(_message.Message):
    __slots__ = ("alarm", "point", "tag", "title", "state", "level", "priority", "occurrence", "value", "unit", "limit", "quality", "raised_us", "time_us")
    ALARM_FIELD_NUMBER: _ClassVar[int]
    POINT_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    RAISED_US_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    alarm: str
    point: str
    tag: str
    title: str
    state: str
    level: str
    priority: str
    occurrence: int
    value: float
    unit: str
    limit: float
    quality: int
    raised_us: int
    time_us: int
    def __init__(self, alarm: _Optional[str] = ..., point: _Optional[str] = ..., tag: _Optional[str] = ..., title: _Optional[str] = ..., state: _Optional[str] = ..., level: _Optional[str] = ..., priority: _Optional[str] = ..., occurrence: _Optional[int] = ..., value: _Optional[float] = ..., unit: _Optional[str] = ..., limit: _Optional[float] = ..., quality: _Optional[int] = ..., raised_us: _Optional[int] = ..., time_us: _Optional[int] = ...) -> None: ...

class GatewayStatus(_message.Message):
    __slots__ = ("gateway", "link", "since_us", "last_seen_us", "version", "boot_id", "config_version", "clock_offset_us", "certificate_days", "pending_batches", "pending_bytes", "pending_samples", "pending_us")
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_US_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIG_VERSION_FIELD_NUMBER: _ClassVar[int]
    CLOCK_OFFSET_US_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_DAYS_FIELD_NUMBER: _ClassVar[int]
    PENDING_BATCHES_FIELD_NUMBER: _ClassVar[int]
    PENDING_BYTES_FIELD_NUMBER: _ClassVar[int]
    PENDING_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    PENDING_US_FIELD_NUMBER: _ClassVar[int]
    gateway: str
    link: str
    since_us: int
    last_seen_us: int
    version: str
    boot_id: int
    config_version: int
    clock_offset_us: int
    certificate_days: int
    pending_batches: int
    pending_bytes: int
    pending_samples: int
    pending_us: int
    def __init__(self, gateway: _Optional[str] = ..., link: _Optional[str] = ..., since_us: _Optional[int] = ..., last_seen_us: _Optional[int] = ..., version: _Optional[str] = ..., boot_id: _Optional[int] = ..., config_version: _Optional[int] = ..., clock_offset_us: _Optional[int] = ..., certificate_days: _Optional[int] = ..., pending_batches: _Optional[int] = ..., pending_bytes: _Optional[int] = ..., pending_samples: _Optional[int] = ..., pending_us: _Optional[int] = ...) -> None: ...

class Accounting(_message.Message):
    __slots__ = ("expected", "stored", "gapped", "withheld", "pending", "unexplained", "duplicates")
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    GAPPED_FIELD_NUMBER: _ClassVar[int]
    WITHHELD_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    UNEXPLAINED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    expected: int
    stored: int
    gapped: int
    withheld: int
    pending: int
    unexplained: int
    duplicates: int
    def __init__(self, expected: _Optional[int] = ..., stored: _Optional[int] = ..., gapped: _Optional[int] = ..., withheld: _Optional[int] = ..., pending: _Optional[int] = ..., unexplained: _Optional[int] = ..., duplicates: _Optional[int] = ...) -> None: ...

class SiteStatus(_message.Message):
    __slots__ = ("site", "name", "region", "simulated", "link", "link_since_us", "as_of_us", "newest_us", "worst_quality", "points_total", "points_good", "points_uncertain", "points_bad", "points_stale", "warning_level", "gateways", "values", "interlocks", "alarms", "accounting", "quarantined", "version")
    SITE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    SIMULATED_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    LINK_SINCE_US_FIELD_NUMBER: _ClassVar[int]
    AS_OF_US_FIELD_NUMBER: _ClassVar[int]
    NEWEST_US_FIELD_NUMBER: _ClassVar[int]
    WORST_QUALITY_FIELD_NUMBER: _ClassVar[int]
    POINTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    POINTS_GOOD_FIELD_NUMBER: _ClassVar[int]
    POINTS_UNCERTAIN_FIELD_NUMBER: _ClassVar[int]
    POINTS_BAD_FIELD_NUMBER: _ClassVar[int]
    POINTS_STALE_FIELD_NUMBER: _ClassVar[int]
    WARNING_LEVEL_FIELD_NUMBER: _ClassVar[int]
    GATEWAYS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    INTERLOCKS_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTING_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    site: str
    name: str
    region: str
    simulated: bool
    link: str
    link_since_us: int
    as_of_us: int
    newest_us: int
    worst_quality: int
    points_total: int
    points_good: int
    points_uncertain: int
    points_bad: int
    points_stale: int
    warning_level: int
    gateways: _containers.RepeatedCompositeFieldContainer[GatewayStatus]
    values: _containers.RepeatedCompositeFieldContainer[PointValue]
    interlocks: _containers.RepeatedCompositeFieldContainer[InterlockStatus]
    alarms: _containers.RepeatedCompositeFieldContainer[AlarmStatus]
    accounting: Accounting
    quarantined: int
    version: int
    def __init__(self, site: _Optional[str] = ..., name: _Optional[str] = ..., region: _Optional[str] = ..., simulated: _Optional[bool] = ..., link: _Optional[str] = ..., link_since_us: _Optional[int] = ..., as_of_us: _Optional[int] = ..., newest_us: _Optional[int] = ..., worst_quality: _Optional[int] = ..., points_total: _Optional[int] = ..., points_good: _Optional[int] = ..., points_uncertain: _Optional[int] = ..., points_bad: _Optional[int] = ..., points_stale: _Optional[int] = ..., warning_level: _Optional[int] = ..., gateways: _Optional[_Iterable[_Union[GatewayStatus, _Mapping]]] = ..., values: _Optional[_Iterable[_Union[PointValue, _Mapping]]] = ..., interlocks: _Optional[_Iterable[_Union[InterlockStatus, _Mapping]]] = ..., alarms: _Optional[_Iterable[_Union[AlarmStatus, _Mapping]]] = ..., accounting: _Optional[_Union[Accounting, _Mapping]] = ..., quarantined: _Optional[int] = ..., version: _Optional[int] = ...) -> None: ...

class HistoryRequest(_message.Message):
    __slots__ = ("site", "point", "t0_us", "t1_us", "buckets")
    SITE_FIELD_NUMBER: _ClassVar[int]
    POINT_FIELD_NUMBER: _ClassVar[int]
    T0_US_FIELD_NUMBER: _ClassVar[int]
    T1_US_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    site: str
    point: str
    t0_us: int
    t1_us: int
    buckets: int
    def __init__(self, site: _Optional[str] = ..., point: _Optional[str] = ..., t0_us: _Optional[int] = ..., t1_us: _Optional[int] = ..., buckets: _Optional[int] = ...) -> None: ...

class HistoryBucket(_message.Message):
    __slots__ = ("t_us", "n", "n_good", "v_min", "v_max", "v_avg", "v_last", "quality", "late")
    T_US_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    N_GOOD_FIELD_NUMBER: _ClassVar[int]
    V_MIN_FIELD_NUMBER: _ClassVar[int]
    V_MAX_FIELD_NUMBER: _ClassVar[int]
    V_AVG_FIELD_NUMBER: _ClassVar[int]
    V_LAST_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    t_us: int
    n: int
    n_good: int
    v_min: float
    v_max: float
    v_avg: float
    v_last: float
    quality: int
    late: bool
    def __init__(self, t_us: _Optional[int] = ..., n: _Optional[int] = ..., n_good: _Optional[int] = ..., v_min: _Optional[float] = ..., v_max: _Optional[float] = ..., v_avg: _Optional[float] = ..., v_last: _Optional[float] = ..., quality: _Optional[int] = ..., late: _Optional[bool] = ...) -> None: ...

class HistoryGap(_message.Message):
    __slots__ = ("cause", "t0_us", "t1_us", "samples", "exact")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    T0_US_FIELD_NUMBER: _ClassVar[int]
    T1_US_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    cause: str
    t0_us: int
    t1_us: int
    samples: int
    exact: bool
    def __init__(self, cause: _Optional[str] = ..., t0_us: _Optional[int] = ..., t1_us: _Optional[int] = ..., samples: _Optional[int] = ..., exact: _Optional[bool] = ...) -> None: ...

class HistoryReply(_message.Message):
    __slots__ = ("site", "point", "tag", "title", "unit", "bucket_us", "buckets", "gaps", "as_of_us")
    SITE_FIELD_NUMBER: _ClassVar[int]
    POINT_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    BUCKET_US_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_US_FIELD_NUMBER: _ClassVar[int]
    site: str
    point: str
    tag: str
    title: str
    unit: str
    bucket_us: int
    buckets: _containers.RepeatedCompositeFieldContainer[HistoryBucket]
    gaps: _containers.RepeatedCompositeFieldContainer[HistoryGap]
    as_of_us: int
    def __init__(self, site: _Optional[str] = ..., point: _Optional[str] = ..., tag: _Optional[str] = ..., title: _Optional[str] = ..., unit: _Optional[str] = ..., bucket_us: _Optional[int] = ..., buckets: _Optional[_Iterable[_Union[HistoryBucket, _Mapping]]] = ..., gaps: _Optional[_Iterable[_Union[HistoryGap, _Mapping]]] = ..., as_of_us: _Optional[int] = ...) -> None: ...

class CompletenessRequest(_message.Message):
    __slots__ = ("site",)
    SITE_FIELD_NUMBER: _ClassVar[int]
    site: str
    def __init__(self, site: _Optional[str] = ...) -> None: ...

class LaneCompleteness(_message.Message):
    __slots__ = ("gateway", "epoch", "lane", "batches", "accounting")
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTING_FIELD_NUMBER: _ClassVar[int]
    gateway: str
    epoch: bytes
    lane: int
    batches: int
    accounting: Accounting
    def __init__(self, gateway: _Optional[str] = ..., epoch: _Optional[bytes] = ..., lane: _Optional[int] = ..., batches: _Optional[int] = ..., accounting: _Optional[_Union[Accounting, _Mapping]] = ...) -> None: ...

class GridCompleteness(_message.Message):
    __slots__ = ("gateway", "epoch", "boot_id", "axis", "slots", "stored", "skipped")
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    gateway: str
    epoch: bytes
    boot_id: int
    axis: str
    slots: int
    stored: int
    skipped: int
    def __init__(self, gateway: _Optional[str] = ..., epoch: _Optional[bytes] = ..., boot_id: _Optional[int] = ..., axis: _Optional[str] = ..., slots: _Optional[int] = ..., stored: _Optional[int] = ..., skipped: _Optional[int] = ...) -> None: ...

class SiteCompleteness(_message.Message):
    __slots__ = ("site", "accounting", "lanes", "grids", "gaps", "quarantined", "forked", "trips", "alarms")
    SITE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTING_FIELD_NUMBER: _ClassVar[int]
    LANES_FIELD_NUMBER: _ClassVar[int]
    GRIDS_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_FIELD_NUMBER: _ClassVar[int]
    FORKED_FIELD_NUMBER: _ClassVar[int]
    TRIPS_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    site: str
    accounting: Accounting
    lanes: _containers.RepeatedCompositeFieldContainer[LaneCompleteness]
    grids: _containers.RepeatedCompositeFieldContainer[GridCompleteness]
    gaps: int
    quarantined: int
    forked: int
    trips: int
    alarms: int
    def __init__(self, site: _Optional[str] = ..., accounting: _Optional[_Union[Accounting, _Mapping]] = ..., lanes: _Optional[_Iterable[_Union[LaneCompleteness, _Mapping]]] = ..., grids: _Optional[_Iterable[_Union[GridCompleteness, _Mapping]]] = ..., gaps: _Optional[int] = ..., quarantined: _Optional[int] = ..., forked: _Optional[int] = ..., trips: _Optional[int] = ..., alarms: _Optional[int] = ...) -> None: ...

class CompletenessReply(_message.Message):
    __slots__ = ("sites", "as_of_us")
    SITES_FIELD_NUMBER: _ClassVar[int]
    AS_OF_US_FIELD_NUMBER: _ClassVar[int]
    sites: _containers.RepeatedCompositeFieldContainer[SiteCompleteness]
    as_of_us: int
    def __init__(self, sites: _Optional[_Iterable[_Union[SiteCompleteness, _Mapping]]] = ..., as_of_us: _Optional[int] = ...) -> None: ...

class ListLeadsRequest(_message.Message):
    __slots__ = ("site",)
    SITE_FIELD_NUMBER: _ClassVar[int]
    site: str
    def __init__(self, site: _Optional[str] = ...) -> None: ...

class ListLeadsReply(_message.Message):
    __slots__ = ("lead", "as_of_us")
    LEAD_FIELD_NUMBER: _ClassVar[int]
    AS_OF_US_FIELD_NUMBER: _ClassVar[int]
    lead: _containers.RepeatedScalarFieldContainer[bytes]
    as_of_us: int
    def __init__(self, lead: _Optional[_Iterable[bytes]] = ..., as_of_us: _Optional[int] = ...) -> None: ...
