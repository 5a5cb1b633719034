"""M12: a workbook of 20,000 rows in its child, and the doctor on a thousand synthetic devices.

usage: python -m tests.soak lists [--rows 20000] [--devices 1000] [--seed 0]

Shell: a child process.  One JSON line per figure; exit code 1 when a target is missed.
"""

import argparse
import io
import json
import resource
import time
from collections.abc import Sequence

import openpyxl

from devices.sheet_process import read_book
from edge.acquisition.doctor import diagnose
from proto.workbook import read_lines
from tests.synthetic_devices import device

SECONDS_MAX, BYTES_MAX, SHARE_RIGHT = 20.0, 512 * 1024 * 1024, 0.99
_HEADERS = (
    "位号 名称 设备 站号 寄存器区 地址 数据类型 字节序 倍率 偏移 单位 量程下限 量程上限 周期 "
    "工艺单元 低低 低低依据 低 低依据 高 高依据 高高 高高依据 仪表型号 位置 联锁"
)
HEAD = _HEADERS.split()


def main(arguments: Sequence[str]) -> int:
    """Run both figures; 1 = a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak lists")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    figures = [workbook(given.rows), doctor(given.devices, given.seed)]
    for figure in figures:
        print(json.dumps(figure), flush=True)
    return 0 if all(figure["held"] for figure in figures) else 1


def workbook(rows: int) -> dict[str, object]:
    """Seconds of the child and of the sheets after it, and the child's memory."""
    data = _book(rows)
    begun = time.monotonic()
    text, faults = read_book(data, "book.xlsx")
    child_s = time.monotonic() - begun
    found, more = read_lines(text, "book.xlsx") if not faults else (None, faults)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    count = 0 if found is None else len(found.records["points"])
    return {
        "figure": "M12 workbook",
        "rows": count,
        "columns": len(HEAD),
        "bytes": len(data),
        "child_s": round(child_s, 2),
        "total_s": round(time.monotonic() - begun, 2),
        "child_rss_bytes": peak,
        "faults": [str(fault) for fault in more[:3]],
        "held": count == rows and child_s <= SECONDS_MAX and peak <= BYTES_MAX,
    }


def _book(rows: int) -> bytes:
    made = openpyxl.Workbook(write_only=True)
    sheet = made.create_sheet("测点")
    sheet.append(HEAD)
    for i in range(rows):
        where = (f"T-{i}", f"温度 {i}", f"plc{i // 1000}", 1, "保持寄存器", str(2 * i % 60_000))
        how = ("float32", "CDAB", 1, 0, "℃", 0, 200.5, "1s", "转炉")
        limits = (5, "设计", 10, "设计", 90, "设计", 95, "设计")
        sheet.append((*where, *how, *limits, "PT100", "炉前", "是"))
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def doctor(devices: int, seed: int) -> dict[str, object]:
    """Share of devices with 8 to 40 points of which order and base are told right."""
    begun, wrong = time.monotonic(), []
    for at in range(seed, seed + devices):
        made = device(at)
        best = diagnose(made.subjects, made.trace).best
        is_wide = any(each.address.length > 1 for each in made.subjects)
        if best.shift != made.shift or (is_wide and best.order is not made.order):
            wrong.append(at)
    share = 1 - len(wrong) / devices
    return {
        "figure": "M12 doctor",
        "devices": devices,
        "right": round(share, 5),
        "wrong_seeds": wrong[:10],
        "seconds": round(time.monotonic() - begun, 1),
        "held": share >= SHARE_RIGHT,
    }
