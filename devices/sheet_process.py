"""Starts the child that opens workbooks, and takes what it prints.  Shell: subprocess, a folder.

The child sees an empty folder, no environment and nothing but the bytes; it is ended after its
deadline, and what it prints is bounded.  Source: `security.md` 3.13.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from proto.errors import Fault
from proto.workbook import LINES_BYTES_MAX

DEADLINE_S = 60.0
"""Wall time; the child's own limit is CPU time, 20 s."""


def read_book(data: bytes, file: str, deadline_s: float = DEADLINE_S) -> tuple[str, list[Fault]]:
    """Return the cells of a workbook as JSON lines, or why it is refused."""
    out, faults = _run("read", data, file, deadline_s)
    text = out.decode("utf-8", "replace")
    last = text.rstrip("\n").rpartition("\n")[2]
    if faults:
        return "", faults
    if last.startswith('{"refused"'):
        return "", [Fault(file, "workbook.refused", str(json.loads(last)["refused"]))]
    if not last.startswith('{"end"'):
        return "", [Fault(file, "workbook.refused", "its reading broke off: out of bounds")]
    return text, []


def write_book(
    sheets: Sequence[tuple[str, Sequence[Sequence[str]]]], deadline_s: float = DEADLINE_S
) -> tuple[bytes, list[Fault]]:
    """Return a workbook with these sheets, or why it could not be made."""
    body = [{"name": name, "rows": [list(row) for row in rows]} for name, rows in sheets]
    return _run("write", json.dumps(body).encode(), "workbook", deadline_s)


def _run(doing: str, data: bytes, file: str, deadline_s: float) -> tuple[bytes, list[Fault]]:
    with tempfile.TemporaryDirectory(prefix="yujing-sheet-") as folder:
        command = [sys.executable, "-I", "-m", "devices.sheet_child", doing]
        try:
            done = subprocess.run(  # noqa: S603 - our own module, no shell, no word from outside
                command,
                input=data,
                capture_output=True,
                cwd=folder,
                env={"TMPDIR": folder, "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"},
                timeout=deadline_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return b"", [Fault(file, "workbook.refused", f"not read within {deadline_s:g} s")]
    if len(done.stdout) > LINES_BYTES_MAX:
        return b"", [Fault(file, "workbook.refused", "more cells than any list has")]
    if done.returncode != 0 and not done.stdout.rstrip().endswith(b"}"):
        reason = _reason(done)
        return b"", [Fault(file, "workbook.refused", reason)]
    return done.stdout, []


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return f"its reading was ended by signal {-done.returncode}: too much time or memory"
    last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f"it cannot be read: {last[:200]}"
