"""A board as bytes and back, so that a start folds only what came after.  Pure.

A snapshot is a copy of the fold with its place in the archive, never a source: a board recomputed
from the archive alone is the same.  A snapshot that cannot be read is thrown away.
"""

import json
from collections.abc import Mapping
from typing import Any

from central.status.board import Board, GatewayFold, Moment, Said
from central.status.columns import PartColumns
from proto.schema import SchemaPart

FORMAT = 2


def dump(board: Board) -> bytes:
    """Return the board as JSON."""
    body = {
        "format": FORMAT,
        "gateways": {name: _gateway(fold) for name, fold in board.gateways.items()},
        "columns": {
            table.part.hash.hex(): {"gateway": table.gateway, "arrays": table.dump()}
            for table in board.columns.values()
        },
        "interlocks": [_said(said) for said in board.interlocks.values()],
        "alarms": [_said(said) for said in board.alarms_now()],
    }
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def load(site: str, raw: bytes, parts: Mapping[bytes, SchemaPart]) -> Board | None:
    """Return the board; None when the bytes are of another format or name an unknown table."""
    try:
        body = json.loads(raw)
        return _load(site, body, parts) if body["format"] == FORMAT else None
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def _load(site: str, body: dict[str, Any], parts: Mapping[bytes, SchemaPart]) -> Board:
    board = Board(site)
    for name, fold in body["gateways"].items():
        tables = {bytes.fromhex(digest): boot for digest, boot in fold["tables"].items()}
        board.gateways[name] = GatewayFold(
            order=tuple(fold["order"]),
            boot_id=fold["boot_id"],
            config_version=fold["config_version"],
            clock_offset_us=fold["clock_offset_us"],
            tables=tables,
            interlock_boot=fold["interlock_boot"],
        )
    for digest, held in body["columns"].items():
        table = PartColumns(held["gateway"], parts[bytes.fromhex(digest)])
        table.load(held["arrays"])
        board.columns[bytes.fromhex(digest)] = table
    for item in body["interlocks"]:
        said = _to_said(item)
        board.interlocks[str(said.body["interlock"])] = said
    for item in body["alarms"]:
        said = _to_said(item)
        key = (str(said.body["alarm"]), said.order[0], int(str(said.body.get("occurrence", 0))))
        board.alarms[key] = said
    return board


def _gateway(fold: GatewayFold) -> dict[str, object]:
    return {
        "order": fold.order,
        "boot_id": fold.boot_id,
        "config_version": fold.config_version,
        "clock_offset_us": fold.clock_offset_us,
        "tables": {digest.hex(): boot for digest, boot in fold.tables.items()},
        "interlock_boot": fold.interlock_boot,
    }


def _said(said: Said) -> dict[str, object]:
    return {
        "gateway": said.gateway,
        "order": said.order,
        "body": said.body,
        "first": said.first,
        "moved": said.moved,
    }


def _to_said(item: dict[str, Any]) -> Said:
    order = tuple(item["order"])
    return Said(
        item["gateway"], order, item["body"], _moment(item["first"]), _moment(item["moved"])
    )


def _moment(item: list[Any]) -> Moment:
    return tuple(item[0]), int(item[1])
