"""`yujing-edge probe --listen`: what another master asks on a tap.  Shell: terminal, files."""

import asyncio
import sys
from pathlib import Path

from devices.modbus.tap_frames import Question
from devices.modbus.tap_plan import TapRead
from devices.modbus.tap_report import Report, draft
from edge.clock import SystemClock
from edge.commands.words import OK, Language, emit
from edge.plant import LinePlan
from edge.platform import write_whole
from proto.duration import parse_duration
from proto.errors import BadRequest


def listen_on(
    line: LinePlan, duration: str, out: Path | None, lang: Language, as_json: bool
) -> int:
    """Listen for a while, tell every request with its period and provable share, draft profiles.

    Raises:
        BadRequest: the line is no tap, or the duration is none.
    """
    from edge.acquisition.listen import listen
    from edge.acquisition.tap_driver import tap_source

    config = line.config
    if not config.is_listening_only or config.answer_max_ns is None:
        message = f'line "{config.name}" is {config.kind}: only a modbus-tap line is listened to'
        raise BadRequest("probe.kind", message)
    try:
        duration_s = parse_duration(duration) / 1e9
    except ValueError as error:
        raise BadRequest("probe.duration", str(error)) from error
    declared = {
        block.points[0].name: block.request
        for block in line.blocks
        if isinstance(block.request, TapRead)
    }
    source = tap_source(config)
    spoken = "已监听" if lang == "zh" else "heard for"
    frames_word = "帧" if lang == "zh" else "frames"

    def progress(spent_s: float, frames: int) -> None:
        text = f"\r{spoken} {spent_s:.0f} / {duration_s:.0f} s  {frames} {frames_word}  "
        print(text, end="", file=sys.stderr, flush=True)

    bound_ns = config.answer_max_ns
    found = asyncio.run(listen(source, bound_ns, duration_s, SystemClock(), declared, progress))
    print(file=sys.stderr)
    drafts = _write_drafts(found, config.name, out)
    if as_json:
        emit(_body(found, config.name, drafts))
    else:
        _show(found, drafts, lang)
    return OK


def _write_drafts(found: Report, line: str, out: Path | None) -> list[Path]:
    """Write one draft a unit; `out` names the file where only one was heard."""
    units = sorted({row.question.unit for row in found.rows})
    paths = []
    for unit in units:
        name = f"tap_{unit}"
        path = out if out is not None and len(units) == 1 else Path(f"probe-{line}-{unit}.toml")
        write_whole(path, draft(found.rows, unit, name).encode(), mode=0o644)
        paths.append(path)
    return paths


def _show(found: Report, drafts: list[Path], lang: Language) -> None:
    zh = lang == "zh"
    for row in found.rows:
        share = f"{row.share:.0%}"
        proved = f"可证实 {share}" if zh else f"{share} provable"
        times = f"{row.heard} 次" if zh else f"heard {row.heard}"
        print(f"{_text(row.question):<28} {times:>12}   {row.period_ms:>7} ms   {proved}")
    for write, count in found.writes:
        verb = "写入" if zh else "wrote"
        values = " ".join(str(value) for value in write.values)
        place = f"unit {write.unit}  fc {write.function}  {write.start}"
        print(f"{place:<28} {verb} {values}   ×{count}")
    for name, what in found.missing.items():
        print(f"{'总线上无人读取' if zh else 'nobody asks for'} {name} ({what})")
    noise = "字节不成帧" if zh else "bytes of noise"
    frames = "帧" if zh else "frames"
    unasked = "无主应答" if zh else "answers to nothing heard"
    sent = "已发送 0 字节" if zh else "0 bytes sent"
    places = ", ".join(str(path) for path in drafts) or "-"
    print(
        f"{found.frames} {frames}, {found.noise_bytes} {noise}, {found.unasked} {unasked}, {sent}"
        f"   -> {places}"
    )


def _text(question: Question) -> str:
    last = question.start + question.quantity - 1
    return f"unit {question.unit}  fc {question.function}  {question.start}..{last}"


def _body(found: Report, line: str, drafts: list[Path]) -> dict[str, object]:
    return {
        "schema": "listen/1",
        "line": line,
        "requests": [
            {
                "unit": row.question.unit,
                "function": row.question.function,
                "start": row.question.start,
                "quantity": row.question.quantity,
                "heard": row.heard,
                "period_ms": row.period_ms,
                "proved": row.proved,
                "ambiguous": row.ambiguous,
                "refused": row.refused,
            }
            for row in found.rows
        ],
        "writes": [
            {
                "unit": write.unit,
                "function": write.function,
                "address": write.start,
                "values": list(write.values),
                "count": count,
            }
            for write, count in found.writes
        ],
        "missing": sorted(found.missing),
        "frames": found.frames,
        "noise_bytes": found.noise_bytes,
        "drafts": [str(path) for path in drafts],
    }
