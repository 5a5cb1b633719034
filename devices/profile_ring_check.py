"""Does the event ring of a profile make sense, and does its worked example decode?  Pure."""

import math
from collections.abc import Iterator

from devices.address import Order, RegisterType
from devices.device_time import time_us
from devices.event_record import CODE_TYPES, FORMATS, SEQ_TYPES, Field, decode_record, ring_spec
from devices.profile import ModbusProfile, OpcUaProfile, Profile
from devices.profile_ring import EventRing
from proto.errors import Fault


def ring_faults(profile: Profile, file: str) -> Iterator[Fault]:
    """Yield what is wrong with the ring of a well-formed profile; nothing when it has none."""
    ring = profile.event_ring
    if ring is None:
        return
    place = f"{file}: event_ring"
    if ring.needs_write:
        message = (
            "this ring wants a write before each read: nothing is ever written 该事件环须先写后读"
        )
        yield Fault(f"{place}.needs_write", "profile.ring_needs_write", message)
    yield from _place_faults(ring, profile, place)
    found = [*_field_faults(ring, place), *_number_faults(ring, profile, place)]
    yield from found
    if not found:
        order = profile.modbus.order if isinstance(profile, ModbusProfile) else Order.ABCD
        yield from _vector_faults(ring, order, f"{place}.vector")
    names = {point.name for point in profile.points}
    for code, meaning in ring.codes.items():
        if meaning.point and meaning.point not in names:
            message = f"code {code}: no point {meaning.point}"
            yield Fault(f"{place}.codes.{code}", "profile.ring", message)


def _place_faults(ring: EventRing, profile: Profile, place: str) -> Iterator[Fault]:
    in_nodes = isinstance(profile, OpcUaProfile)
    spots = [("index.at", ring.index.at.node), ("records", ring.records.node)]
    if ring.total is not None:
        spots.append(("total", ring.total.node))
    for key, node in spots:
        if (node is not None) != in_nodes:
            wanted = "node" if in_nodes else "table and address"
            yield Fault(f"{place}.{key}", "profile.ring", f"{profile.protocol}: give {wanted}")
    records = ring.records
    if records.start is not None and records.start + records.words * records.count > 0x10000:
        message = "the last record reaches beyond address 65535"
        yield Fault(f"{place}.records", "profile.ring", message)


def _number_faults(ring: EventRing, profile: Profile, place: str) -> Iterator[Fault]:
    records = ring.records
    if isinstance(profile, ModbusProfile) and records.words > profile.modbus.max_registers:
        message = f"a record is longer than one request of {profile.modbus.max_registers} registers"
        yield Fault(f"{place}.records.words", "profile.ring", message)
    size = 1 << (16 * ring.index.at.type.registers)
    if records.wrap == "total" and size % records.count:
        message = f"an index that counts all records needs a count that divides {size}"
        yield Fault(f"{place}.records.count", "profile.ring", message)
    if records.wrap == "total" and ring.total is not None:
        yield Fault(f"{place}.total", "profile.ring", "the index is the running number already")
    if ring.stamp.by == "interrupt" and not ring.stamp.document:
        message = "times by interrupt need the document that says so"
        yield Fault(f"{place}.stamp.document", "profile.ring", message)


def _field_faults(ring: EventRing, place: str) -> Iterator[Fault]:
    wanted = {
        "seq": SEQ_TYPES,
        "code": CODE_TYPES,
        "time": tuple(kind for kind in RegisterType if kind.is_time),
        "value": tuple(FORMATS),
    }
    for key, kinds in wanted.items():
        text = getattr(ring.fields, key)
        if text is None:
            continue
        name, _, word = text.partition("@")
        known = {str(kind): kind for kind in kinds}
        if name not in known:
            message = f'{key} "{name}": write one of {", ".join(known)}'
            yield Fault(f"{place}.fields.{key}", "profile.ring", message)
        elif Field(known[name], int(word)).end > ring.records.words:
            message = f"{key} reaches beyond the {ring.records.words} words of a record"
            yield Fault(f"{place}.fields.{key}", "profile.ring", message)


def _vector_faults(ring: EventRing, order: Order, place: str) -> Iterator[Fault]:
    vector, words = ring.vector, ring.records.words
    if len(vector.registers) != words:
        yield Fault(place, "profile.vector_shape", f"registers = [...] with {words} of them")
        return
    data = b"".join(word.to_bytes(2, "big") for word in vector.registers)
    got = decode_record(ring_spec(ring, order, words), data, 0)
    try:
        when = time_us(vector.time) if vector.time else None
    except ValueError as error:
        yield Fault(f"{place}.time", "profile.vector_shape", str(error))
        return
    if (got.value is None) != (vector.value is None) or (
        got.value is not None
        and vector.value is not None
        and not math.isclose(got.value, vector.value, rel_tol=1e-6, abs_tol=1e-12)
    ):
        yield _wrong(place, "value", got.value, vector.value)
    for key, found, said in (
        ("seq", got.seq, vector.seq),
        ("code", got.code, vector.code),
        ("time", got.time_us, when),
    ):
        if found != said:
            yield _wrong(place, key, found, said)


def _wrong(place: str, key: str, got: float | None, said: float | None) -> Fault:
    message = f"{key} of the ring's record decodes to {got}, source says {said}"
    return Fault(f"{place}.{key}", "profile.vector_wrong", message)
