"""The doctor of point lists: right on order and base, and what it names besides."""

from dataclasses import replace

import numpy as np
import pytest

from devices.address import ModbusAddress, Order, RegisterType, Table
from edge.acquisition.doctor import Subject, Trace, diagnose
from tests.synthetic_devices import Device, device

DEVICES = 100
SHARE_RIGHT = 0.99  # acquisition.md M12


def is_right(made: Device) -> bool:
    best = diagnose(made.subjects, made.trace).best
    wide = any(each.address.length > 1 for each in made.subjects)
    return best.shift == made.shift and (not wide or best.order is made.order)


def test_it_is_right_on_order_and_base_of_devices_with_eight_points_and_more() -> None:
    wrong = [seed for seed in range(DEVICES) if not is_right(device(seed))]
    assert len(wrong) <= DEVICES * (1 - SHARE_RIGHT), wrong


def test_a_list_without_fault_is_left_alone() -> None:
    made = device(4)
    right = [
        replace(
            each,
            address=replace(
                each.address, address=each.address.address + made.shift, order=made.order
            ),
        )
        for each in made.subjects
    ]
    found = diagnose(right, made.trace)
    assert found.agrees
    assert (found.best.order, found.best.shift) == (made.order, 0)
    assert found.best.share > 0.9


def test_without_registers_it_proposes_nothing() -> None:
    found = diagnose(device(1).subjects, Trace({}))
    assert found.agrees
    assert found.best.telling == 0


def float_points(**values: float) -> tuple[list[Subject], dict[tuple[Table, int], np.ndarray]]:
    """One ABCD float of range 0-100 a register pair, moving a little."""
    subjects, registers = [], {}
    for i, (tag, value) in enumerate(values.items()):
        series = (value + np.arange(10) * 0.01).astype(">f4")
        words = series.view(">u2").reshape(10, 2).astype(np.int32)
        at = ModbusAddress(Table.HOLDING, 2 * i, RegisterType.FLOAT32)
        registers[(Table.HOLDING, 2 * i)] = words[:, 0]
        registers[(Table.HOLDING, 2 * i + 1)] = words[:, 1]
        subjects.append(Subject(tag, at, low=0.0, high=100.0))
    return subjects, registers


def named(subjects: list[Subject], registers: dict[tuple[Table, int], np.ndarray]) -> set[str]:
    found = diagnose(subjects, Trace(registers))
    return {f"{each.tag} {each.what} {each.detail}".strip() for each in found.findings}


FOUR = {"A": 11.0, "B": 47.0, "C": 83.0, "D": 29.0}


def test_a_wrong_scale_is_named_with_the_one_that_fits() -> None:
    subjects, registers = float_points(**FOUR)
    subjects[1] = replace(subjects[1], scale=10.0)
    assert named(subjects, registers) == {"B scale 1 fits, not 10"}


def test_a_swapped_pair_is_found_by_the_panel() -> None:
    subjects, registers = float_points(**FOUR)
    subjects[0], subjects[1] = replace(subjects[0], panel=47.0), replace(subjects[1], panel=11.0)
    assert "A swapped with B" in named(subjects, registers)


def test_two_points_that_move_alike_are_duplicates() -> None:
    subjects, registers = float_points(**FOUR)
    for word in (0, 1):
        registers[(Table.HOLDING, 4 + word)] = registers[(Table.HOLDING, word)]
    assert named(subjects, registers) == {"C duplicate moves exactly as A"}


def test_a_point_that_does_not_move_is_flat() -> None:
    subjects, registers = float_points(**FOUR)
    for word in (6, 7):
        registers[(Table.HOLDING, word)] = np.full(10, registers[(Table.HOLDING, word)][0])
    assert named(subjects, registers) == {"D flat no movement in 10 polls"}


def test_one_point_of_another_order_is_named() -> None:
    subjects, registers = float_points(**FOUR)
    high, low = registers[(Table.HOLDING, 2)], registers[(Table.HOLDING, 3)]
    registers[(Table.HOLDING, 2)], registers[(Table.HOLDING, 3)] = low, high
    assert named(subjects, registers) == {"B order CDAB fits, the device is ABCD"}


@pytest.mark.parametrize("order", list(Order))
def test_worked_examples_alone_tell_the_order(order: Order) -> None:
    registers = {"ABCD": (0x44FA, 0), "CDAB": (0, 0x44FA), "BADC": (0xFA44, 0), "DCBA": (0, 0xFA44)}
    subjects = [
        Subject(
            f"T-{i}",
            ModbusAddress(Table.HOLDING, 2 * i, RegisterType.FLOAT32),
            vector=(registers[order], 2000.0),
        )
        for i in range(3)
    ]
    found = diagnose(subjects, Trace({}))
    assert (found.best.order, found.best.share) == (order, 1.0)


def test_integers_that_are_floats_are_told() -> None:
    subjects, registers = float_points(**FOUR, E=3.5, F=66.0)
    subjects = [replace(s, address=replace(s.address, type=RegisterType.INT32)) for s in subjects]
    best = diagnose(subjects, Trace(registers)).best
    assert (best.order, best.shift, best.reading) == (Order.ABCD, 0, "float")
