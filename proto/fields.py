"""Reads the fields of a record that came from outside, one type at a time.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from proto.errors import BatchDamaged

_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Fields:
    """A record or a part of one; every method raises `BatchDamaged` `record.field` with the place.

    Unknown keys are ignored: a later version may write more.
    """

    values: Mapping[str, object]
    place: str = ""

    def bad(self, key: str) -> BatchDamaged:
        """Return the error for one field."""
        return BatchDamaged("record.field", f"{self.place}{key} is missing or wrong")

    def text(self, key: str) -> str:
        """Return a text."""
        value = self.values.get(key)
        if not isinstance(value, str):
            raise self.bad(key)
        return value

    def text_or_none(self, key: str) -> str | None:
        """Return a text, or None."""
        return None if self.values.get(key) is None else self.text(key)

    def word(self, key: str, words: type[_Word]) -> _Word:
        """Return a member of an enumeration, by its value."""
        value = self.text(key)
        try:
            return words(value)
        except ValueError:
            raise self.bad(key) from None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.values.get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.bad(key)
        return tuple(value)

    def integer(self, key: str) -> int:
        """Return an integer."""
        value = self.values.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.bad(key)
        return value

    def integer_or_none(self, key: str) -> int | None:
        """Return an integer, or None."""
        return None if self.values.get(key) is None else self.integer(key)

    def real_or_none(self, key: str) -> float | None:
        """Return a number, or None."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.bad(key)
        return float(value)

    def flag_or_none(self, key: str) -> bool | None:
        """Return a truth, or None where nobody knows."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.bad(key)
        return value

    def octets(self, key: str, length: int) -> bytes:
        """Return bytes written as hexadecimal text."""
        try:
            value = bytes.fromhex(self.text(key))
        except ValueError:
            raise self.bad(key) from None
        if len(value) != length:
            raise self.bad(key)
        return value

    def octets_or_none(self, key: str, length: int) -> bytes | None:
        """Return bytes written as hexadecimal text, or None."""
        return None if self.values.get(key) is None else self.octets(key, length)

    def inner(self, key: str) -> "Fields":
        """Return a part that is an object itself."""
        value = self.values.get(key)
        if not isinstance(value, dict):
            raise self.bad(key)
        return Fields(value, f"{self.place}{key}.")

    def rows(self, key: str) -> list["Fields"]:
        """Return a list of objects."""
        value = self.values.get(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.bad(key)
        return [Fields(item, f"{self.place}{key}[{at}].") for at, item in enumerate(value)]
