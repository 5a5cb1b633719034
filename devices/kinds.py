"""Kinds of equipment: which parameters such equipment must offer, whatever the brand.  Pure.

Matrices and rule packs are written against kinds.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from devices.model_faults import read_toml, validate
from devices.profile import Model, Name, Text
from proto.errors import Fault, ProfileError


class Kind(Model):
    """One kind of equipment.

    Attributes:
        kind: its name, and the name of its file.
        title: what people read, Chinese and English.
        clauses: ids of the hazard catalogue that make these parameters necessary.
        requires: parameter ids that a profile of this kind must offer.
    """

    kind: Name
    title: Text
    clauses: Annotated[tuple[Text, ...], Field(min_length=1)]
    requires: Annotated[tuple[Text, ...], Field(min_length=1)]


def parse_kind(text: str, file: str, parameters: Mapping[str, str]) -> Kind:
    """Return the kind in a TOML text.

    Raises:
        ProfileError: every fault at once.
    """
    data, faults = read_toml(text, file)
    kind = None
    if not faults:
        kind, faults = validate(Kind, data, file)
    if kind is not None:
        faults = [
            Fault(
                f"{file}: requires[{at}]",
                "profile.parameter_unknown",
                f"{id_}: not in the catalogue",
            )
            for at, id_ in enumerate(kind.requires)
            if id_ not in parameters
        ]
    if kind is None or faults:
        raise ProfileError(faults)
    return kind
