"""`yujing-edge trust`: approved, waiting and revoked servers.  Shell: terminal, pki files."""

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from devices.opcua.certificate import days_left
from devices.opcua.trust_store import FOLDERS, Entry, approve, entries, find, revoke
from edge.clock import SystemClock
from edge.commands.files import read_bytes, write_whole
from edge.commands.words import OK, Json, Lang, emit
from edge.trust import pin
from edge.trust.deferrals import DEFERRALS, read_deferrals
from proto.errors import NotFound

Pki = Annotated[Path, Parameter(help="own/, trusted/, rejected/, revoked/")]

WORDS = {
    "own": ("本机", "ours"),
    "trusted": ("已批准", "approved"),
    "rejected": ("待审核", "waiting"),
    "revoked": ("已吊销", "revoked"),
    "days": ("天后到期", "days left"),
    "lapsed": ("已过期", "out of date"),
    "early": ("尚未生效", "not begun"),
    "none": ("没有证书", "no certificates"),
    "approved": (
        "已批准；请与现场铭牌或服务器画面核对指纹",
        "approved; compare the thumbprint with the server's own display",
    ),
    "revoked_now": ("已吊销；该密钥不再被接受", "revoked; this key is refused from now on"),
    "deferred": ("延期登记至", "deferred until"),
}

trust = App(
    name="trust",
    help="证书信任 Which OPC UA servers are talked to: the approved key is the server.",
    version_flags=[],
)


def _say(key: str, lang: Lang) -> str:
    return WORDS[key][0 if lang == "zh" else 1]


@trust.command(name="list")
def list_(pki: Pki = Path("pki"), *, as_json: Json = False, lang: Lang = "zh") -> int:
    """列出证书 Every certificate of the folder, and how long it holds."""
    if not pki.is_dir():
        message = "no such folder; --pki names that of the line 没有该目录，用 --pki 指定"
        raise NotFound("trust.folder", message, place=str(pki))
    found = entries(pki)
    if not found and not as_json:
        print(f"{pki}: {_say('none', lang)}")
    now_us = SystemClock().wall_us()
    deferred = {d.key: d for d in read_deferrals(pki) if d.from_us <= now_us < d.until_us}
    for folder in FOLDERS:
        for one in (each for each in found if each.folder == folder):
            if as_json:
                emit(_body(one, now_us, is_deferred=one.key in deferred))
                continue
            print(f"{_say(folder, lang):<8} {one.thumbprint}  {_dates(one, now_us, lang)}")
            print(f"         {one.subject}  {', '.join(one.uris)}")
            if one.key in deferred:
                put_off = deferred[one.key]
                print(f"         {_say('deferred', lang)} {put_off.stop}: {', '.join(put_off.by)}")
    return OK


@trust.command(name="approve")
def approve_(thumbprint: str, *, pki: Pki = Path("pki"), lang: Lang = "zh") -> int:
    """批准服务器 A person says: this key is the server; never trusted on first use."""
    one = approve(pki, thumbprint)
    print(f"{one.thumbprint}  {', '.join(one.uris)}  {_say('approved', lang)}")
    return OK


@trust.command(name="revoke")
def revoke_(thumbprint: str, *, pki: Pki = Path("pki"), lang: Lang = "zh") -> int:
    """吊销服务器 The key is refused whatever certificate it comes in."""
    one = revoke(pki, thumbprint)
    print(f"{one.thumbprint}  {', '.join(one.uris)}  {_say('revoked_now', lang)}")
    return OK


@trust.command(name="defer")
def defer(
    thumbprint: str,
    *,
    until: str,
    stop: str,
    by: tuple[str, str],
    pki: Pki = Path("pki"),
    lang: Lang = "zh",
) -> int:
    """延期更换 Two persons put a lapsed certificate off to a named plant stop, 400 days at most."""
    one = find(pki, thumbprint, ("trusted",))
    begin = datetime.fromtimestamp(SystemClock().wall_us() / 1e6, UTC).date()
    try:
        made = pin.deferral(one.key, begin, date.fromisoformat(until), stop, by)
        text = _deferrals(pki) + _entry(made, begin, date.fromisoformat(until))
        pin.parse_deferrals(text.encode())
    except ValueError as error:
        raise NotFound("trust.deferral", str(error), place=str(pki / DEFERRALS)) from None
    write_whole(pki / DEFERRALS, text.encode())
    print(f"{one.thumbprint}  {_say('deferred', lang)} {until}  {stop}: {', '.join(by)}")
    return OK


def _deferrals(pki: Path) -> str:
    """Return what stands in the file; one that cannot be read is not overwritten.

    Raises:
        ValueError: it is damaged.
    """
    path = pki / DEFERRALS
    if not path.exists():
        return ""
    data = read_bytes(path)
    pin.parse_deferrals(data)
    return data.decode("utf-8")


def _entry(made: pin.Deferral, begin: date, until: date) -> str:
    first, second = (_quoted(name) for name in made.by)
    return (
        f"[[deferral]]\nkey = {_quoted(made.key)}\nbegin = {begin}\nuntil = {until}\n"
        f"stop = {_quoted(made.stop)}\nby = [{first}, {second}]\n\n"
    )


def _quoted(text: str) -> str:
    """Return a text as a TOML string; one that TOML cannot hold in a line is a ValueError."""
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if tomllib.loads(f"x = {quoted}")["x"] != text:
        raise ValueError("a name of one line is needed")
    return quoted


def _dates(one: Entry, now_us: int, lang: Lang) -> str:
    if now_us >= one.not_after_us:
        return _say("lapsed", lang)
    if now_us < one.not_before_us:
        return _say("early", lang)
    return f"{days_left(one.not_after_us, now_us)} {_say('days', lang)}"


def _body(one: Entry, now_us: int, *, is_deferred: bool) -> dict[str, object]:
    return {
        "schema": "certificate/1",
        "folder": one.folder,
        "thumbprint": one.thumbprint,
        "key": one.key,
        "subject": one.subject,
        "uris": list(one.uris),
        "not_before_us": one.not_before_us,
        "not_after_us": one.not_after_us,
        "days_left": days_left(one.not_after_us, now_us),
        "deferred": is_deferred,
    }
