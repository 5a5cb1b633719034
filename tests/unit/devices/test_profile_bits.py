"""A worked example of a bit names that bit: no other bit number would explain it."""

from collections.abc import Iterator

import pytest

from devices import catalog
from devices.profile import ModbusProfile


def bits() -> Iterator[tuple[str, str, int, int, bool]]:
    """Profile, point, bit, word and value of every example of a bit in a register."""
    for name in catalog.names():
        profile = catalog.find(name)
        if not isinstance(profile, ModbusProfile):
            continue
        for point in profile.points:
            if point.at.bit is not None and point.vector is not None:
                (word,) = point.vector.registers or (0,)
                yield name, point.name, point.at.bit, word, bool(point.vector.value)


@pytest.mark.parametrize(("profile", "point", "bit", "word", "value"), list(bits()))
def test_only_the_stated_bit_explains_the_example(
    profile: str, point: str, bit: int, word: int, value: bool
) -> None:
    explains = [number for number in range(16) if bool(word >> number & 1) is value]
    assert explains == [bit], f"{profile} {point}: {word:#06x} = {value}"


def test_there_are_bits_to_look_at() -> None:
    assert len(list(bits())) > 30
