"""Numbers of the quarantine codes, as they stand in `Item.code`.  Pure.

Numbers are on the wire: append only.  A code that is not listed is 255.
"""

OTHER = 255
CODE_FORK_QUOTA = 254  # no room for more forks of this site
_CODES = (
    "batch.length",
    "batch.magic",
    "batch.hash_alg",
    "batch.header_hash",
    "batch.payload_hash",
    "batch.lane",
    "batch.kind",
    "batch.codec",
    "batch.flags",
    "batch.field",
    "batch.limit",
    "batch.version",
    "batch.zstd",
    "batch.count",
    "batch.payload",
    "batch.layout",
    "batch.points",
    "batch.quality",
    "batch.streams",
    "batch.times",
    "batch.values",
    "batch.stub",
    "record.limit",
    "record.json",
    "record.kind",
    "record.field",
    "gap.field",
    "schema.limit",
    "schema.field",
)
_NUMBERS = {code: number for number, code in enumerate(_CODES, 1)}


def number_of_code(code: str) -> int:
    """Return the number of a quarantine code."""
    return _NUMBERS.get(code, OTHER)
