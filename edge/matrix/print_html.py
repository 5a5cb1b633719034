"""A matrix on paper, for signature: one page an interlock, HTML without script.  Pure.

Every foot carries the hash of the matrix and of the model that the gateway evaluates, as text and
as QR code: a signed sheet can be held against a running gateway.  Source: `acquisition.md` 3.15.
"""

import hashlib
from collections.abc import Sequence
from html import escape

import segno

from edge.interlock.model import Model
from edge.matrix.build import CODE_OF_KIND
from edge.matrix.file import CauseTable, InterlockTable, MatrixFile
from proto.notice import NOTICE_EN, NOTICE_ZH

_STYLE = """
@page { size: A4 landscape; margin: 12mm }
body { font: 10pt/1.35 "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #000 }
section { break-after: page; position: relative; min-height: 178mm }
h1 { font-size: 14pt; margin: 0 0 2mm } h2 { font-size: 11pt; margin: 4mm 0 1mm }
table { border-collapse: collapse; width: 100% }
th, td { border: .3mm solid #000; padding: .8mm 1.5mm; text-align: left; vertical-align: top }
td.cell, th.effect { text-align: center } code { font-family: monospace; overflow-wrap: anywhere }
table.sign td { height: 14mm; width: 33% } .open { font-weight: bold }
footer { display: flex; gap: 4mm; align-items: center; font-size: 8pt; margin-top: 4mm }
"""


def model_hash(model: Model) -> str:
    """Return the hex SHA-256 of the model that the engine evaluates, without its matrix hash."""
    return hashlib.sha256(repr(model).replace(model.matrix_hash, "").encode()).hexdigest()


def print_html(file: MatrixFile, model: Model) -> str:
    """Return the pages of a matrix without faults: UTF-8 HTML that needs nothing from elsewhere."""
    pages = [_page(file, model, name, table) for name, table in file.interlock.items()]
    title = escape(file.title)
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(pages) + "\n</body></html>\n"
    )


def _page(file: MatrixFile, model: Model, name: str, table: InterlockTable) -> str:
    parts = [
        f"<h1>{escape(name)} {escape(table.title)}</h1>",
        f"<p>{escape(file.title)} · 图号 drawing {escape(file.drawing or '—')} · "
        f"版本 version {file.version} · 方式 mode {escape(table.mode)}</p>",
        _facts(table),
        "<h2>因果 causes and effects</h2>",
        _grid(file, table),
        "<h2>原因与限值 causes and limits</h2>",
        _causes(file, table),
        "<h2>签字 signatures</h2>",
        _signatures(),
        _foot(model),
    ]
    return "<section>" + "\n".join(parts) + "</section>"


def _facts(table: InterlockTable) -> str:
    safety = table.process_safety_time_ns
    rows = (
        ("条款 clauses", ", ".join(table.clauses)),
        ("过程安全时间 process safety time", "" if safety is None else f"{safety / 1e9:g} s"),
        ("投用条件 armed when", table.armed_when or ""),
        ("旁证 witness", table.witness or ""),
        ("复位条件 reset", " ; ".join(table.reset_permissive)),
        ("锁定 latch", "是 yes" if table.latch else "否 no"),
    )
    return _table((), [(key, value or "—") for key, value in rows])


def _grid(file: MatrixFile, table: InterlockTable) -> str:
    cells = table.cells()
    effects = list(dict.fromkeys(effect for _, effect, _ in cells))
    heads = "".join(
        f'<th class="effect">{escape(e)}<br>{escape(_effect_title(file, e))}</th>' for e in effects
    )
    rows = []
    for cause in dict.fromkeys(cause for cause, _, _ in cells):
        codes = {e: c or _natural(file, e) for row, e, c in cells if row == cause}
        marks = "".join(f'<td class="cell">{escape(codes.get(e, ""))}</td>' for e in effects)
        rows.append(f"<tr><th>{escape(cause)} {escape(file.cause[cause].title)}</th>{marks}</tr>")
    return f"<table><tr><th></th>{heads}</tr>{''.join(rows)}</table>"


def _natural(file: MatrixFile, effect: str) -> str:
    return "R" if effect == "RESET" else str(CODE_OF_KIND[file.effect[effect].kind])


def _effect_title(file: MatrixFile, effect: str) -> str:
    return "复位 reset" if effect == "RESET" else file.effect[effect].title


def _causes(file: MatrixFile, table: InterlockTable) -> str:
    heads = ("原因", "条件 condition", "表决 vote", "延时 delay", "依据 basis", "文件号 document")
    names = dict.fromkeys(cause for cause, _, _ in table.cells())
    return _table(heads, [_cause(name, file.cause[name]) for name in names])


def _cause(name: str, table: CauseTable) -> tuple[str, ...]:
    delay = f"{table.on_delay_ns / 1e9:g} / {table.off_delay_ns / 1e9:g} s"
    band = "" if table.deadband is None else f" (回差 deadband {table.deadband:g})"
    condition = " | ".join(table.channels) + band
    document = table.source or "未给出 none"
    return name, condition, table.vote or "1oo1", delay, table.basis or "—", document


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows
    )
    return f"<table>{f'<tr>{head}</tr>' if heads else ''}{body}</table>"


def _signatures() -> str:
    cells = "".join(
        f"<td>{word}</td>" for word in ("编制 prepared", "审核 checked", "批准 approved")
    )
    dates = "<td>日期 date</td>" * 3
    return f'<table class="sign"><tr>{cells}</tr><tr>{dates}</tr></table>'


def _foot(model: Model) -> str:
    own = model_hash(model)
    code = segno.make(f"yujing:cem/1:{model.matrix_hash}:{own}", error="m", micro=False)
    picture = code.svg_inline(scale=2, border=2)
    return (
        f"<footer>{picture}<div>矩阵 matrix <code>{model.matrix_hash}</code><br>"
        f"模型 model <code>{own}</code><br>{escape(NOTICE_ZH)}<br>{escape(NOTICE_EN)}"
        "</div></footer>"
    )
