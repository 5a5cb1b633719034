"""The pinned key: never refused for dates, never replaced by another one."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.opcua.certificate import (
    DAY_US,
    Approval,
    Presented,
    Standing,
    strict,
    warning_of,
)
from edge.trust import pin

NOW = 20_000 * DAY_US
URI = "urn:plc"
KEY, OTHER = b"k" * 32, b"o" * 32


def presented(**more: object) -> Presented:
    facts: dict[str, object] = {
        "key": KEY,
        "thumbprint": "t1",
        "application_uri": URI,
        "uris": (URI,),
        "not_before_us": NOW - DAY_US,
        "not_after_us": NOW + DAY_US,
        "fault": None,
        "is_revoked": False,
        "approvals": (Approval(KEY, (URI,), "t1"),),
        **more,
    }
    return Presented(**facts)  # type: ignore[arg-type]


def test_the_approved_key_within_its_dates_is_in_force() -> None:
    verdict = pin.judge(presented(), NOW)
    assert (verdict.standing, verdict.is_renewed) == (Standing.IN_FORCE, False)


def test_dates_over_or_not_begun_do_not_blind() -> None:
    over = pin.judge(presented(not_after_us=NOW), NOW)
    early = pin.judge(presented(not_before_us=NOW + 1), NOW)
    assert (over.standing, early.standing) == (Standing.LAPSED, Standing.NOT_BEGUN)
    assert not over.is_refused
    assert over.is_lapsed
    assert strict(presented(not_after_us=NOW), NOW).is_refused  # without the rule it is cut


def test_a_renewed_certificate_of_the_approved_key_is_accepted_and_recorded() -> None:
    verdict = pin.judge(presented(thumbprint="t2"), NOW)
    assert (verdict.standing, verdict.is_renewed) == (Standing.IN_FORCE, True)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"key": OTHER}, "unknown certificate"),
        ({"is_revoked": True}, "revoked"),
        ({"fault": "RSA key of 1024 bits"}, "1024"),
        ({"application_uri": "urn:liar"}, "calls itself urn:liar"),
        ({"application_uri": "urn:x", "uris": ("urn:x",)}, "unknown certificate"),
        ({"approvals": ()}, "unknown certificate"),
    ],
)
def test_everybody_else_is_refused(more: dict[str, object], reason: str) -> None:
    verdict = pin.judge(presented(**more), NOW)
    assert verdict.is_refused
    assert reason in verdict.reason


@given(st.integers(0, 2 * NOW), st.integers(0, 2 * NOW), st.integers(0, 2 * NOW), st.booleans())
def test_an_approved_key_is_never_refused_for_dates_an_unknown_one_never_accepted(
    begins: int, ends: int, now: int, is_known: bool
) -> None:
    key = KEY if is_known else OTHER
    verdict = pin.judge(presented(key=key, not_before_us=begins, not_after_us=ends), now)
    assert verdict.is_refused is not is_known


def test_a_deferral_by_two_persons_makes_it_a_reminder_until_its_end() -> None:
    begin, until = date(2026, 1, 1), date(2026, 3, 1)
    made = pin.deferral(KEY.hex(), begin, until, "spring stop", ("Zhang", "Li"))
    lapsed = presented(not_after_us=1)
    assert pin.judge(lapsed, made.from_us, [made]).is_deferred
    assert pin.judge(lapsed, made.until_us - 1, [made]).is_deferred
    late = pin.judge(lapsed, made.until_us, [made])
    assert not late.is_deferred
    assert not late.is_refused  # urgent, still not cut off by paper
    other = pin.deferral(OTHER.hex(), begin, until, "spring stop", ("Zhang", "Li"))
    assert not pin.judge(lapsed, made.from_us, [other]).is_deferred


@pytest.mark.parametrize(
    ("until", "stop", "by"),
    [
        (date(2026, 3, 1), "stop", ("Zhang", "Zhang ")),
        (date(2026, 3, 1), "stop", ("Zhang",)),
        (date(2026, 3, 1), " ", ("Zhang", "Li")),
        (date(2027, 2, 6), "stop", ("Zhang", "Li")),
        (date(2026, 1, 1), "stop", ("Zhang", "Li")),
    ],
)
def test_a_deferral_needs_two_persons_a_stop_and_at_most_400_days(
    until: date, stop: str, by: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="deferral"):
        pin.deferral("k", date(2026, 1, 1), until, stop, by)


def test_deferrals_are_read_from_their_file_and_nothing_else() -> None:
    text = (
        '[[deferral]]\nkey = "aa"\nbegin = 2026-01-01\nuntil = 2026-02-01\n'
        'stop = "spring"\nby = ["Zhang", "Li"]\n'
    )
    [one] = pin.parse_deferrals(text.encode())
    assert (one.key, one.by) == ("aa", ("Zhang", "Li"))
    for wrong in (b"deferral = 1", b"[[deferral]]\nkey = 1", b"\xff", text.encode() * 2000):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever TOML says of it
            pin.parse_deferrals(wrong)


def test_the_end_is_announced_90_30_7_and_1_days_before_each_once() -> None:
    told: int | None = None
    said = []
    for left in range(120, -3, -1):
        passed = warning_of(NOW + left * DAY_US, NOW, told)
        if passed is not None:
            told = passed
            said.append((left, passed))
    assert said == [(89, 90), (29, 30), (6, 7), (0, 1)]
