"""Asks one unit what `survey` wants to know, over the guard like every read.  Shell: a connection.

One request at a time; an answer that fails a check, or none, is `LOST`.  It has no write.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from devices.modbus.ask import Ask
from devices.modbus.entry import Entry
from devices.modbus.exchange import Exchange
from devices.modbus.frame import (
    ADU_MAX,
    MBAP_BYTES,
    Accepted,
    Rejected,
    Request,
    echo_request,
    read_request,
)
from devices.modbus.guard_model import Answer, Due, Failed, Rules, Tell, Wait, start
from devices.modbus.survey import ECHO, IDENTIFY, LOST, Findings, Reply, survey
from proto.clock import Clock
from proto.quality import Detail

TRIES = 4
IDENTIFICATION = bytes((IDENTIFY, 14, 1, 0))


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked: unit, rules of its guard, longest time for one answer, pause between."""

    unit: int
    rules: Rules
    timeout_ns: int
    gap_ns: int = 0


async def inquire(
    entry: Entry,
    asked: Asked,
    first: int,
    last: int,
    clock: Clock,
    on_question: Callable[[int, Ask], None],
) -> Findings:
    """Return what the unit showed within addresses `first` to `last`.

    Args:
        entry: the way in; opened once, closed at the end.
        asked: the unit.
        first: lowest address.
        last: highest address, included.
        clock: for the times of answers.
        on_question: told of every request before it leaves: its number and what it asks.

    Raises:
        DeviceUnreachable: nobody is there, or the connection is gone.
    """
    exchange = Exchange(start(), asked.rules, clock, _ignore)
    connection = await entry.open(exchange.on_bytes, exchange.on_lost, asked.timeout_ns / 1e9)
    exchange.begin(connection, asked.timeout_ns)
    questions = survey(first, last)
    try:
        number, question = 1, next(questions)
        while True:
            on_question(number, question.ask)
            entry.sent()
            reply = await _put(exchange, asked, question.ask, clock)
            question = questions.send(reply)
            number += 1
    except StopIteration as end:
        found: Findings = end.value
        return found
    finally:
        exchange.close()


async def _put(exchange: Exchange, asked: Asked, ask: Ask, clock: Clock) -> Reply:
    """Ask once; what comes before the unit has proved itself is no answer."""
    request = _request(asked.unit, ask)
    fences = tuple(read_request(asked.unit, 3, ask.start, count) for count in (1, 2, 3))
    tries = 0
    while tries < TRIES:
        await asyncio.sleep(asked.gap_ns / 1e9)
        due = Due(request, asked.timeout_ns, asked.unit, secrets.randbits(16), fences)
        result = await exchange.ask(due, asked.rules)
        took_ns = exchange.received_ns - exchange.sent_ns
        if isinstance(result, Answer):
            verdict = result.verdict
            return Reply(0 if isinstance(verdict, Accepted) else verdict.exception, took_ns)
        if isinstance(result, Wait):
            await asyncio.sleep(max(0, result.until_ns - clock.mono_ns()) / 1e9)
            continue
        tries += 1
        if isinstance(result, Failed):
            spoke = ask.function == IDENTIFY and is_identification(result.rejected)
            return Reply(0 if spoke else LOST, took_ns)
    return Reply(LOST)


def is_identification(rejected: Rejected | None) -> bool:
    """Return True for an answer that began with unit, 43 and 14 and went on from there.

    Its length is its own (a list of texts), so that the guard always finds it too long; any other
    check that it fails says that these bytes were no identification.
    """
    return (
        rejected is not None
        and rejected.detail is Detail.WRONG_LENGTH
        and rejected.expected == 1 + 2
        and rejected.expected < rejected.got < ADU_MAX - MBAP_BYTES
    )


def _request(unit: int, ask: Ask) -> Request:
    if ask.function == ECHO:
        return echo_request(unit, secrets.randbits(16))
    if ask.function == IDENTIFY:
        return Request(unit, unit, IDENTIFICATION, IDENTIFICATION[:2], 0, "FC43/14")
    return read_request(unit, ask.function, ask.start, ask.quantity)


def _ignore(_: Tell) -> None:
    """The guard's messages matter to a running gateway; the findings say what came back."""
