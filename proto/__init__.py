"""The shared language of edge, centre and simulators: the vocabulary, standard library only.  Pure.

The codec (`proto.batch`, `proto.columns`) and the domain data (`proto.catalogue`) are imported by
their own names, so that the engine's neighbours load neither numpy nor files.
"""

from proto.alarm import AlarmLevel, AlarmPriority, AlarmState, WarningLevel
from proto.backoff import backoff_ns
from proto.clause import Clause, Observable
from proto.clock import Clock
from proto.errors import (
    BatchDamaged,
    ConfigError,
    DeviceError,
    Fault,
    LimitExceeded,
    NotFound,
    YujingError,
)
from proto.interlock import Health, Protection, Running, Service, Verdict, shown_state
from proto.notice import NOTICE_EN, NOTICE_ZH
from proto.point import Point, PointType
from proto.quality import Quality, Reason, pack_quality, unpack_quality, worst
from proto.sample import Sample, Situation, situation
from proto.site import Enterprise, Site

__all__ = [
    "NOTICE_EN",
    "NOTICE_ZH",
    "AlarmLevel",
    "AlarmPriority",
    "AlarmState",
    "BatchDamaged",
    "Clause",
    "Clock",
    "ConfigError",
    "DeviceError",
    "Enterprise",
    "Fault",
    "Health",
    "LimitExceeded",
    "NotFound",
    "Observable",
    "Point",
    "PointType",
    "Protection",
    "Quality",
    "Reason",
    "Running",
    "Sample",
    "Service",
    "Site",
    "Situation",
    "Verdict",
    "WarningLevel",
    "YujingError",
    "backoff_ns",
    "pack_quality",
    "shown_state",
    "situation",
    "unpack_quality",
    "worst",
]
