"""`yujing-edge probe`: what an unknown unit can do; reads only, never writes.  Shell: terminal."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from devices.modbus.ask import Ask
from devices.modbus.survey import (
    ECHO,
    IDENTIFY,
    LONGEST_BITS,
    LONGEST_REGISTERS,
    Findings,
    draft,
)
from edge.clock import SystemClock
from edge.commands.files import write_whole
from edge.commands.listen import listen_on
from edge.commands.words import OK, Json, Lang, Language, emit
from edge.control import ask as ask_gateway
from edge.installation import Installation, load
from edge.plant import LinePlan
from edge.shaping import probing_of
from edge.toml_faults import near
from proto.errors import BadRequest, Conflict, NotFound

Line = Annotated[str, Parameter(name="--line", help="name of the line 线路")]
Unit = Annotated[int, Parameter(name="--unit", help="unit id 站号")]
Range = Annotated[str, Parameter(name="--range", help="addresses, such as 0..199 地址范围")]
Reason = Annotated[str | None, Parameter(name="--mark", help="work mark: why 检修事由")]
Listen = Annotated[
    str | None, Parameter(name="--listen", help="only hear a tap, such as 10min 只听时长")
]
Out = Annotated[Path | None, Parameter(name="--out", help="where the draft goes 草稿文件")]

ADDRESS_MAX = 65_535
LONGEST = (LONGEST_REGISTERS, LONGEST_BITS)
THERE = {"zh": ("有", "无应答", "无（异常 {}）"), "en": ("yes", "no answer", "no (exception {})")}


def probe(
    file: Path,
    *,
    line: Line,
    unit: Unit = 0,
    addresses: Range = "0..199",
    reason: Reason = None,
    listen: Listen = None,
    out: Out = None,
    as_json: Json = False,
    lang: Lang = "zh",
) -> int:
    """探测 Function codes, longest read, holes, answer times of one unit; writes a draft."""
    made = load(file)
    if listen is not None:
        return _listen(made, line, listen, out, lang, as_json)
    chosen = _line_of(made, line)
    first, last = _range(addresses)
    _may_probe(made, chosen, unit, reason)
    from edge.acquisition.probing import survey_unit  # the library of the protocol loads slowly

    clock = SystemClock()
    begun_ns = clock.mono_ns()

    def progress(number: int, ask: Ask) -> None:
        print(f"\r{number:>5}  {ask}        ", end="", file=sys.stderr, flush=True)

    found = asyncio.run(
        survey_unit(chosen, made.base, clock, unit=unit, first=first, last=last, told=progress)
    )
    print(file=sys.stderr)
    if not found.tables:  # no table, no answer times: a draft would state what nobody saw
        said = ", ".join(f"fc {code} {_there(found.functions[code])}" for code in (1, 2, 3, 4))
        message = (
            f"nothing could be read, no draft 未读到任何数据，未写草稿: {said}; check unit, range"
        )
        raise NotFound("probe.nothing", message, place=f"{line} unit {unit}")
    took_s = (clock.mono_ns() - begun_ns) / 1e9
    path = out or Path(f"probe-{line}-{unit}.toml")
    today = datetime.fromtimestamp(clock.wall_us() / 1e6, UTC).date().isoformat()
    source = f"probe of {line} unit {unit}, {first}..{last}, {today}, {found.questions} requests"
    source += f", work mark: {reason}" if reason else ""
    text = draft(found, name=f"probe_{unit}", source=source.replace('"', "'").replace("\\", "/"))
    write_whole(path, text.encode())
    if as_json:
        emit(_body(found, line, unit, took_s, path))
    else:
        _show(found, (first, last), took_s, path, lang)
    return OK


def _listen(
    made: Installation,
    line: str,
    duration: str,
    out: Path | None,
    lang: Language,
    as_json: bool,
) -> int:
    """Hear a tap; two readers of one port would take each other's bytes."""
    chosen = _named(made, line)
    if _is_running(made):
        message = "the gateway is running and hears this line; stop it first"
        raise Conflict("probe.gateway_runs", message)
    return listen_on(chosen, duration, out, lang, as_json)


def _named(made: Installation, name: str) -> LinePlan:
    found = next((line for line in made.plant.lines if line.config.name == name), None)
    if found is None:
        hint = near(name, [line.config.name for line in made.plant.lines])
        raise NotFound("edge.unknown_line", f'no line "{name}"{hint}')
    return found


def _line_of(made: Installation, name: str) -> LinePlan:
    found = _named(made, name)
    if not found.config.is_modbus or found.config.is_listening_only:
        message = f'line "{name}" is {found.config.kind}: nothing may be asked of it'
        raise BadRequest("probe.kind", message)
    return found


def _range(text: str) -> tuple[int, int]:
    first, dots, last = text.partition("..")
    if not dots or not first.isdecimal() or not last.isdecimal():
        raise BadRequest("probe.range", f'write addresses as "0..199" (here: {text!r})')
    if not int(first) <= int(last) <= ADDRESS_MAX:
        raise BadRequest("probe.range", f"addresses ascend and end at {ADDRESS_MAX}")
    return int(first), int(last)


def _may_probe(made: Installation, line: LinePlan, unit: int, reason: str | None) -> None:
    """Refuse what nobody permitted: a second master on a line, a probe without a mark.

    Raises:
        Conflict: the gateway runs, or the configuration forbids it, or no reason is given.
        BadRequest: no unit can have this number.
    """
    if not 1 <= unit <= 255:
        raise BadRequest("probe.unit", "a unit is 1 to 255")
    if _is_running(made):
        message = (
            "the gateway is running and owns this line; a second master would spoil its reads. "
            "Stop it first; or open a mark and it searches by itself: "
            "yujing-edge mark open DEVICE --reason … --for 1h"
        )
        raise Conflict("probe.gateway_runs", message)
    owner = next(
        (
            made.plant.device_configs[number]
            for device, number in zip(line.devices, line.numbers, strict=True)
            if device.unit_id == unit
        ),
        None,
    )
    policy = line.config.probing if owner is None else probing_of(line.config, owner)
    if policy == "never":
        message = f'probing = "never" on line "{line.config.name}": nothing outside the plan'
        raise Conflict("probe.never", message)
    if policy == "commissioning" and not (reason and reason.strip()):
        raise Conflict("probe.mark", "probing needs a work mark: --mark REASON")


def _is_running(made: Installation) -> bool:
    try:
        asyncio.run(ask_gateway(made.data_dir, {"do": "status"}, timeout_s=2.0))
    except NotFound:
        return False
    return True


def _there(code: int, lang: Language = "en") -> str:
    yes, lost, refused = THERE[lang]
    return yes if code == 0 else lost if code < 0 else refused.format(code)


def _show(
    found: Findings, span: tuple[int, int], took_s: float, path: Path, lang: Language
) -> None:
    zh = lang == "zh"
    names = [f"fc {code} {_there(found.functions[code], lang)}" for code in (1, 2, 3, 4)]
    names.append(f"fc 8 {'回波' if zh else 'echo'} {_there(found.functions[ECHO], lang)}")
    names.append(f"fc 43/14 {_there(found.functions[IDENTIFY], lang)}")
    print("   ".join(names))
    for table in found.tables:
        if not table.longest:
            nothing = "内无可读数据" if zh else "nothing of it answers"
            print(f"fc {table.function}   {span[0]}..{span[1]} {nothing}")
            continue
        is_bits = table.function in (1, 2)
        unit = ("位" if is_bits else "个寄存器") if zh else ("bits" if is_bits else "registers")
        refused = "异常" if zh else "exception"
        proof = f" ({table.longest + 1}: {refused} {table.refused_with})"
        no_proof = "（此范围内更长的未获应答）" if zh else " (no longer one was answered here)"
        full = table.longest >= min(LONGEST[is_bits], span[1] - span[0] + 1)
        proof = proof if table.refused_with else "" if full else no_proof
        holes = ", ".join(f"{a}..{b}" for a, b in table.forbidden) or ("无" if zh else "none")
        longest = "最长读取" if zh else "longest read"
        forbidden = "禁读" if zh else "forbidden within"
        print(
            f"fc {table.function}   {longest} {table.longest} {unit}{proof}      "
            f"{forbidden} {span[0]}..{span[1]}: {holes}"
        )
    p50, p99, most = (found.percentile_ns(share) // 10**6 for share in (0.5, 0.99, 1.0))
    head = "应答时间" if zh else "turnaround"
    answer_max = found.answer_max_ns // 10**6
    slowest = "最长" if zh else "longest"
    print(
        f'{head} p50 {p50} ms  p99 {p99} ms  {slowest} {most} ms   -> answer_max = "{answer_max}ms"'
    )
    end = "次询问，用时" if zh else "requests in"
    no_writes = "，无写入" if zh else ", no writes"
    print(f"{found.questions} {end} {took_s:.1f} s{no_writes}                  -> {path}")


def _body(found: Findings, line: str, unit: int, took_s: float, path: Path) -> dict[str, object]:
    return {
        "schema": "probe/1",
        "line": line,
        "unit": unit,
        "functions": {str(function): code for function, code in found.functions.items()},
        "tables": [
            {
                "fc": table.function,
                "longest": table.longest,
                "refused_with": table.refused_with,
                "forbidden": [list(each) for each in table.forbidden],
            }
            for table in found.tables
        ],
        "p50_ms": found.percentile_ns(0.5) / 1e6,
        "p99_ms": found.percentile_ns(0.99) / 1e6,
        "longest_ms": found.percentile_ns(1.0) / 1e6,
        "answer_max_ms": found.answer_max_ns / 1e6,
        "requests": found.questions,
        "took_s": round(took_s, 3),
        "draft": str(path),
    }
