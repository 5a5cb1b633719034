"""The allow-list of outputs: what is not on it does not exist, and advisory has no permit."""

import pytest

from devices.modbus.outputs import Output, OutputMap, Permit
from proto.errors import OutputRefused

LANCE = Output("bof/permit", "bof", 1, "coil", 12)
SPEED = Output("bof/speed", "bof", 1, "register", 30, healthy=100, safe=0, is_single=False)


def test_a_level_is_one_single_write_where_the_profile_takes_it() -> None:
    assert LANCE.write(is_healthy=True).pdu == bytes.fromhex("05 000C FF00")
    assert LANCE.write(is_healthy=False).pdu == bytes.fromhex("05 000C 0000")


def test_a_register_goes_by_fc_16_where_it_must() -> None:
    assert SPEED.write(is_healthy=True).pdu == bytes.fromhex("10 001E 0001 02 0064")


def test_the_read_back_asks_for_this_one_alone() -> None:
    assert LANCE.read_back().pdu == bytes.fromhex("01 000C 0001")
    assert SPEED.read_back().pdu == bytes.fromhex("03 001E 0001")


def test_an_output_that_is_not_listed_does_not_exist() -> None:
    with pytest.raises(OutputRefused, match=r"output\.unknown"):
        OutputMap({"bof/permit": LANCE}).output("bof/other")


def test_two_outputs_on_one_address_are_refused() -> None:
    twin = Output("bof/twin", "bof", 1, "coil", 12)
    with pytest.raises(OutputRefused, match=r"output\.duplicate"):
        OutputMap({"bof/permit": LANCE, "bof/twin": twin})


def test_healthy_and_safe_are_two_levels() -> None:
    with pytest.raises(OutputRefused, match=r"output\.level"):
        Output("x", "bof", 1, "coil", 1, healthy=0, safe=0)


@pytest.mark.parametrize("mode", ["advisory", "", "ACTUATING"])
def test_there_is_no_permit_but_in_actuating_mode(mode: str) -> None:
    with pytest.raises(OutputRefused, match=r"output\.advisory"):
        Permit(mode, "ab" * 32)


def test_there_is_no_permit_without_a_certificate() -> None:
    with pytest.raises(OutputRefused, match=r"output\.certificate"):
        Permit("actuating", "")
