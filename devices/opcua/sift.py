"""What of a message was on disk before our last stop, and is not to be stored again.  Pure.

| source time of a value, per point       | becomes                                          |
|-----------------------------------------|--------------------------------------------------|
| older than the last one on disk         | dropped, while messages are fetched again;       |
|                                         | later it is a clock that went back: a new value  |
| the last one on disk                    | shown as it stands, not stored                   |
| newer, or none                          | a new value                                      |

Clause: acquisition.md 3.13.4, 3.13.5 (same point, same source time: once).
"""

from collections.abc import Sequence

from devices.opcua.gather import Layer, Plain, layer


def sift(one: Layer, floor_us: Sequence[int], *, is_catching_up: bool) -> tuple[Layer, Layer]:
    """Return what was known already and shall be shown, and what is new.

    Args:
        one: values of one message, at most one a point.
        floor_us: source time of each point's last value on disk; 0 = none.
        is_catching_up: True for messages that the server had sent before.
    """
    known, fresh = layer(), layer()
    _plain(one.floats, floor_us, known.floats, fresh.floats, is_catching_up=is_catching_up)
    _plain(one.integers, floor_us, known.integers, fresh.integers, is_catching_up=is_catching_up)
    for odd in one.odd:
        target = _target(floor_us[odd.slot], odd.time_us, is_catching_up=is_catching_up)
        if target is not None:
            (fresh if target else known).odd.append(odd)
    return known, fresh


def is_empty(one: Layer) -> bool:
    """True for a layer without values."""
    return not (one.floats.slots or one.integers.slots or one.odd)


def _plain(
    one: Plain, floor_us: Sequence[int], known: Plain, fresh: Plain, *, is_catching_up: bool
) -> None:
    for slot, number, time_us in zip(one.slots, one.numbers, one.times_us, strict=True):
        target = _target(floor_us[slot], time_us, is_catching_up=is_catching_up)
        if target is None:
            continue
        into = fresh if target else known
        into.slots.append(slot)
        into.numbers.append(number)
        into.times_us.append(time_us)


def _target(floor_us: int, time_us: int, *, is_catching_up: bool) -> bool | None:
    """True = new, False = known, None = not even to be shown."""
    if not floor_us or not time_us or time_us > floor_us:
        return True
    if time_us == floor_us:
        return False
    return None if is_catching_up else True
