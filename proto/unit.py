"""Units of measure: the UCUM codes in use, and how people in plants write them.  Pure.

Screens, wires and limits know UCUM codes only; `unit_of` turns what stands in a list into one, or
says that it cannot.  Nothing is converted here: `kPa` stays `kPa`.
"""

import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches

_CODES = (
    "1 bool % %{LEL} %{vol} %{RH} [ppm] [ppb] [pH] dB "
    "Cel K Pa kPa MPa hPa mbar bar mm[H2O] mm[Hg] "
    "m mm cm um km m2 m3 L mL mm/s mm/min m/s m/min m/s2 km/h "
    "m3/h m3/min m3/s L/min L/h L/s kg/h kg/s kg/min t/h t/min t/d m3/d m3/t kg/t "
    "g kg t mg mg/m3 g/m3 ug/m3 kg/m3 g/L mg/L "
    "s ms min h d us "
    "A mA kA V mV kV W kW MW VA kVA var kvar kW.h MW.h J kJ MJ GJ kJ/m3 MJ/m3 Hz kHz "
    "Ohm kOhm MOhm S uS/cm mS/cm deg rad /min /s /h {pcs} {pcs}/min "
    "N kN MN kN/m N.m kN.m kW/m2 lx cd uT mT T mSv uSv/h Bq "
    "K/min K/h Cel/min MPa/min kPa/min mm/h "
)
UNITS: frozenset[str] = frozenset(_CODES.split())
"""Every code that a point may have; the units of the catalogue of parameters are among them."""

_SPELLINGS: Mapping[str, str] = {
    "°c": "Cel", "c": "Cel", "degc": "Cel", "摄氏度": "Cel", "cel": "Cel", "℃": "Cel",
    "k/min": "K/min", "°c/min": "Cel/min",
    "%lel": "%{LEL}", "lel%": "%{LEL}", "lel": "%{LEL}", "%vol": "%{vol}", "vol%": "%{vol}",
    "%(v/v)": "%{vol}", "%rh": "%{RH}", "ppm": "[ppm]", "ppb": "[ppb]", "ph": "[pH]",
    "pa": "Pa", "kpa": "kPa", "mpa": "MPa", "hpa": "hPa", "兆帕": "MPa", "千帕": "kPa", "帕": "Pa",
    "mmh2o": "mm[H2O]", "mmhg": "mm[Hg]", "mm水柱": "mm[H2O]",
    "nm3/h": "m3/h", "m^3/h": "m3/h", "m3/hr": "m3/h", "立方米/小时": "m3/h", "m^3/min": "m3/min",
    "nm3/min": "m3/min", "m^3": "m3", "nm3": "m3", "m^2": "m2", "mg/nm3": "mg/m3",
    "l/min": "L/min", "lpm": "L/min", "l/h": "L/h", "l/s": "L/s", "l": "L", "升/分": "L/min",
    "吨": "t", "吨/小时": "t/h", "千克": "kg", "公斤": "kg", "毫米": "mm", "米": "m", "厘米": "cm",
    "秒": "s", "分": "min", "分钟": "min", "小时": "h", "天": "d", "sec": "s", "hr": "h",
    "安": "A", "毫安": "mA", "伏": "V", "千伏": "kV", "千瓦": "kW", "瓦": "W", "赫兹": "Hz",
    "kwh": "kW.h", "kw·h": "kW.h", "kw.h": "kW.h", "mwh": "MW.h", "kvar": "kvar", "kva": "kVA",
    "rpm": "/min", "r/min": "/min", "转/分": "/min", "rev/min": "/min",
    "ohm": "Ohm", "ω": "Ohm", "Ω": "Ohm", "欧": "Ohm", "欧姆": "Ohm", "kω": "kOhm", "mω": "MOhm",
    "μs/cm": "uS/cm", "μm": "um", "度(角度)": "deg", "°": "deg",
    "kw/m^2": "kW/m2", "n·m": "N.m", "kn·m": "kN.m", "n.m": "N.m",
    "bool": "bool", "开关": "bool", "开关量": "bool", "布尔": "bool", "0/1": "bool",
    "无": "1", "无量纲": "1", "-": "1",
}  # fmt: skip


def unit_of(text: str) -> str | None:
    """Return the UCUM code that `text` means; None when it is not in the table.

    The exact code wins: `mPa` is no `MPa`; letters are folded only where no code differs by it.
    """
    plain = unicodedata.normalize("NFKC", text).replace(" ", "").replace("\u00a0", "")
    if plain in UNITS:
        return plain
    found = _SPELLINGS.get(plain) or _SPELLINGS.get(plain.lower())
    if found is None or (plain != plain.lower() and plain.lower() in _MILLI and plain[0] == "m"):
        return None
    return found


_MILLI = frozenset({"mpa", "mω", "mwh"})
"""Folded, a milli would become a mega: 10⁹ times too much."""


def near_units(text: str) -> str:
    """Return ` - did you mean …?` for a unit that is not in the table, or nothing."""
    found = get_close_matches(text, sorted(UNITS), n=1, cutoff=0.6)
    return f' - did you mean "{found[0]}"?' if found else ""
