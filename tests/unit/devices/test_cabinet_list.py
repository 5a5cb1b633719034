"""The cabinet's list: what is written is listed, what is read is told apart."""

import pytest

from devices.modbus.cabinet_list import CabinetList

FULL = CabinetList(
    7,
    {"sounder": 4, "lamp": 5, "gateway_healthy": 6},
    {"mains": 2, "door": 9, "acknowledge": 3},
)


def test_coils_side_by_side_change_in_one_request() -> None:
    [request] = FULL.writes({"sounder": True, "gateway_healthy": True})
    assert request.unit == 7
    assert request.pdu == bytes((15, 0, 4, 0, 3, 1, 0b101))


def test_coils_apart_are_written_one_by_one_and_nothing_between_them() -> None:
    apart = CabinetList(1, {"sounder": 0, "lamp": 2}, {})
    requests = apart.writes({"lamp": True})
    assert [request.pdu for request in requests] == [
        bytes((5, 0, 0, 0, 0)),
        bytes((5, 0, 2, 0xFF, 0)),
    ]


def test_an_output_that_is_not_named_goes_off() -> None:
    [request] = FULL.writes({})
    assert request.pdu[-1] == 0


def test_a_level_of_an_output_that_is_not_wired_writes_nothing() -> None:
    only = CabinetList(1, {"lamp": 3}, {})
    [request] = only.writes({"sounder": True, "lamp": False})
    assert request.pdu == bytes((5, 0, 3, 0, 0))


def test_inputs_are_told_by_their_places_in_the_answer() -> None:
    request = FULL.read()
    assert request is not None
    assert request.pdu == bytes((2, 0, 2, 0, 8))
    assert FULL.inputs(bytes((0b1000_0010,))) == {
        "mains": False,
        "acknowledge": True,
        "door": True,
    }


def test_a_name_that_no_cabinet_has_is_refused() -> None:
    with pytest.raises(AssertionError):
        CabinetList(1, {"feeder": 0}, {})
