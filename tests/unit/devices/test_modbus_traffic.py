"""The traffic contract as a judge: what the plan sends, what a mark permits, what never."""

import pytest

from devices.modbus.ask import Ask
from devices.modbus.holes_model import Policy
from devices.modbus.traffic import Contract, Planned, Searchable, Wanted, allows

HULL = Ask(3, 100, 20)
PLANNED = Planned(1, (Ask(3, 100, 22), Ask(3, 100, 23)), HULL, 10**9, 8, 51)


def contract(policy: Policy = "commissioning", *, echo: bool = True) -> Contract:
    return Contract(
        "l1",
        "modbus-rtu",
        "any",
        "10.0.0.5:502",
        1,
        5.0,
        (PLANNED,),
        (Searchable(1, "u1", policy, 0, 999),),
        (1,) if echo else (),
    )


def test_what_the_plan_sends_is_allowed_and_its_neighbours_are_not() -> None:
    made = contract()
    assert allows(made, Wanted(1, 3, 100, 22))
    assert allows(made, Wanted(1, 3, 100, 23))
    assert not allows(made, Wanted(1, 3, 100, 24))
    assert not allows(made, Wanted(1, 3, 99, 22))
    assert not allows(made, Wanted(1, 4, 100, 22))
    assert not allows(made, Wanted(2, 3, 100, 22))


def test_a_part_of_the_planned_addresses_is_allowed_except_under_never() -> None:
    assert allows(contract(), Wanted(1, 3, 100, 20))
    assert allows(contract(), Wanted(1, 3, 110, 2))
    assert not allows(contract("never"), Wanted(1, 3, 100, 20))
    assert not allows(contract("never"), Wanted(1, 3, 110, 2))


def test_a_search_needs_a_mark_unless_auto() -> None:
    search = Wanted(1, 4, 0, 64)
    assert not allows(contract(), search)
    assert not allows(contract(), search, ["u2"])
    assert allows(contract(), search, ["u1"])
    assert allows(contract("auto"), search)
    assert not allows(contract("never"), search, ["u1"])
    assert not allows(contract("auto"), Wanted(1, 4, 950, 64))
    assert allows(contract(), Wanted(1, 43), ["u1"])
    assert not allows(contract(), Wanted(1, 43))


@pytest.mark.parametrize("function", [5, 6, 15, 16, 22, 23])
def test_a_write_is_in_no_contract(function: int) -> None:
    for policy in ("commissioning", "auto", "never"):
        assert not allows(contract(policy), Wanted(1, function, 100, 20), ["u1"])  # type: ignore[arg-type]


def test_the_echo_is_allowed_only_where_the_guard_needs_it() -> None:
    assert allows(contract(), Wanted(1, 8))
    assert not allows(contract(), Wanted(2, 8))
    assert not allows(contract(echo=False), Wanted(1, 8))


def test_every_clause_is_in_the_hash() -> None:
    assert contract().hash == contract().hash
    assert len({contract().hash, contract("auto").hash, contract(echo=False).hash}) == 3
