"""A second decoder of SAMPLES payloads, slow and plain: no numpy, written from the page alone."""

import struct
from dataclasses import dataclass, field

MASK = 2**64 - 1
POWERS = (1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9)


@dataclass
class PlainAxis:
    point_first: int
    period_us: int
    slot_first: int | None
    source_kind: int
    uncertainty_us: int
    skipped: list[int] | None
    time_us: list[int]
    source_us: list[int] | None
    raw: list[list[int]]
    quality: list[list[int]] = field(default_factory=list)
    detail: list[list[int]] = field(default_factory=list)


def signed(value: int) -> int:
    value &= MASK
    return value - 2**64 if value >= 2**63 else value


def unzigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


class Cursor:
    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def take(self, size: int) -> bytes:
        assert self.at + size <= len(self.raw)
        self.at += size
        return self.raw[self.at - size : self.at]

    def column(self, code: str, count: int) -> list[int]:
        return list(struct.unpack(f"<{count}{code}", self.take(struct.calcsize(f"<{count}{code}"))))

    def planes(self, count: int, width: int) -> list[int]:
        planes = [self.take(count) for _ in range(width)]
        return [sum(planes[b][i] << (8 * b) for b in range(width)) for i in range(count)]


def raw_of(code: int, encoding: int, kind: str) -> int:
    """The raw value of one code: the integer itself, or the IEEE bits."""
    if encoding in (0, 1, 3):
        return code
    if encoding == 2:
        return code & 0xFFFFFFFF
    number = float(code) / POWERS[encoding - 4]
    if kind == "f32":
        return int(struct.unpack("<I", struct.pack("<f", number))[0])
    return int(struct.unpack("<q", struct.pack("<d", number))[0])


def decode_plain(raw: bytes, t_first_us: int, kinds: list[str]) -> list[PlainAxis]:
    """Axes of a lawful payload; `kinds` by point number."""
    c = Cursor(raw)
    assert c.column("B", 2) == [1, 0]
    (axes,), (runs,) = c.column("H", 1), c.column("I", 1)
    skip, cnt, rows = c.column("I", axes), c.column("H", axes), c.column("H", axes)
    period, slot, unc = c.column("I", axes), c.column("I", axes), c.column("H", axes)
    flags = c.column("B", axes)
    streams: list[tuple[int, str, int]] = []  # axis, role, rows
    for a in range(axes):
        roles = ["time"] + ["source"] * (flags[a] & 1) + ["slot"] * (flags[a] >> 1 & 1)
        streams += [(a, role, rows[a]) for role in roles + ["series"] * cnt[a]]
    desc = c.column("B", len(streams))
    first = [unzigzag(value) for value in c.planes(len(streams), 8)]
    toggled = [i for i, d in enumerate(desc) if d & 7 == 5]
    bits = sum(streams[i][2] - 1 for i in toggled)
    packed = c.take((bits + 7) // 8)
    toggles = iter([packed[i // 8] >> (i % 8) & 1 for i in range(bits)])
    steps: dict[int, list[int]] = {}
    for i in toggled:
        steps[i] = [next(toggles) for _ in range(streams[i][2] - 1)]
    for width_class, width in ((1, 1), (2, 2), (3, 4), (4, 8)):
        chosen = [i for i, d in enumerate(desc) if d & 7 == width_class]
        values = iter(c.planes(sum(streams[i][2] - 1 for i in chosen), width))
        for i in chosen:
            steps[i] = [unzigzag(next(values)) for _ in range(streams[i][2] - 1)]
    codes: list[list[int]] = []
    for i, (_, _, length) in enumerate(streams):
        code = [signed(first[i])]
        for step in steps.get(i, [0] * (length - 1)):
            code.append(code[-1] ^ step if desc[i] & 7 == 5 else signed(code[-1] + step))
        codes.append(code)
    quality = [c.column(code, runs) for code in "IHHHI"]
    assert c.at == len(raw)
    return _assemble(
        t_first_us,
        kinds,
        streams,
        codes,
        desc,
        quality,
        (skip, cnt, rows, period, slot, unc, flags),
    )


def _assemble(t_first_us, kinds, streams, codes, desc, quality, head):  # type: ignore[no-untyped-def]
    skip, cnt, rows, period, slot, unc, flags = head
    made: list[PlainAxis] = []
    point = 0
    where: dict[int, tuple[int, int | None]] = {}
    i = 0
    for a in range(len(cnt)):
        unit = 1 if flags[a] & 4 else 1000
        point += skip[a]
        where[i] = (a, None)
        time_codes = codes[i]
        i += 1
        source_codes = skipped = None
        if flags[a] & 1:
            source_codes, i = codes[i], i + 1
        if flags[a] & 2:
            skipped, i = codes[i], i + 1
        holes = skipped or [0] * rows[a]
        time = [
            t_first_us + unit * signed(time_codes[k] + (k + holes[k]) * period[a])
            for k in range(rows[a])
        ]
        source = (
            None
            if source_codes is None
            else [signed(time[k] + unit * source_codes[k]) for k in range(rows[a])]
        )
        series = []
        for s in range(cnt[a]):
            where[i] = (a, s)
            series.append([raw_of(code, desc[i] >> 3, kinds[point + s]) for code in codes[i]])
            i += 1
        axis = PlainAxis(
            point,
            period[a] * unit,
            None if slot[a] == 0xFFFFFFFF else slot[a],
            flags[a] >> 3,
            unc[a] * unit,
            skipped,
            time,
            source,
            series,
            [[0] * rows[a] for _ in range(cnt[a])],
            [[0] * rows[a] for _ in range(cnt[a])],
        )
        made.append(axis)
        point += cnt[a]
    for stream, row, length, q, detail in zip(*quality, strict=True):
        a, s = where[stream]
        for target in range(cnt[a]) if s is None else [s]:
            for k in range(row, row + length):
                assert (made[a].quality[target][k], made[a].detail[target][k]) == (0, 0)
                made[a].quality[target][k], made[a].detail[target][k] = q, detail
    return made
