"""The role extension of a Modbus/TLS certificate, found in its DER bytes.  Pure.

Clause: MODBUS/TCP Security Protocol Specification (2018), OID 1.3.6.1.4.1.50316.802.1: one
UTF8String within the extension's value.
"""

ROLE_OID = bytes.fromhex("2b0601040183890c862201")
_SEQUENCE, _OCTETS, _OID, _UTF8 = 0x30, 0x04, 0x06, 0x0C
_EXTENSIONS = 0xA3


def role_in(der: bytes) -> str | None:
    """Return the role that a certificate states; None when it states none, or is none."""
    try:
        certificate = _inside(der, _SEQUENCE)
        body = _inside(certificate, _SEQUENCE)
        extensions = next(value for tag, value in _items(body) if tag == _EXTENSIONS)
        for _, extension in _items(_inside(extensions, _SEQUENCE)):
            role = _role_of(list(_items(extension)))
            if role is not None:
                return role
    except (ValueError, StopIteration):
        return None
    return None


def _role_of(items: list[tuple[int, bytes]]) -> str | None:
    if not items or items[0] != (_OID, ROLE_OID):
        return None
    tag, value = items[-1]
    if tag != _OCTETS:
        raise ValueError("an extension ends with its value")
    return _inside(value, _UTF8).decode("utf-8")


def _inside(data: bytes, wanted: int) -> bytes:
    """Return the content of the one element that `data` begins with."""
    for tag, value in _items(data):
        if tag == wanted:
            return value
        break
    raise ValueError(f"no element {wanted:#x}")


def _items(data: bytes) -> list[tuple[int, bytes]]:
    """Take a row of DER elements apart."""
    found, at = [], 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("cut off")
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            n = length & 0x7F
            if not 1 <= n <= 4 or at + n > len(data):
                raise ValueError("no length")
            length, at = int.from_bytes(data[at : at + n], "big"), at + n
        if at + length > len(data):
            raise ValueError("cut off")
        found.append((tag, data[at : at + length]))
        at += length
    return found
