"""A client certificate and its key, as PEM files: what is wrong with them in plain words, and how long they are valid.

The standard library tells a certificate's dates only where a handshake has verified it, so they are read here.
"""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..errors import DataError
from ..hint import one_line

_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_CERTIFICATE_ENDS = "-----END CERTIFICATE-----"
_KEY = "PRIVATE KEY-----"
_NOT_A_PAIR = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
_SEQUENCE, _UTC_TIME, _VERSION = 0x30, 0x17, 0xA0


def why_unusable(files: Sequence[str]) -> str | None:
    """Return why the exchange cannot be shown a certificate, None where it can.

    :param files: the certificate's and the key's, or one with both.
    """
    try:
        ssl.create_default_context().load_cert_chain(files[0], files[-1], password="")
    except OSError as error:
        return _explained(files, error)
    return None


def _explained(files: Sequence[str], error: OSError) -> str:
    certificate, key = files[0], files[-1]
    for what, path, mark in (("certificate", certificate, _CERTIFICATE), ("private key", key, _KEY)):
        try:
            text = Path(path).read_text("latin-1")
        except OSError as unread:
            return f"the {what} {path} cannot be read: {unread.strerror}"
        if mark not in text:
            return f"{path} must hold a {what} in PEM, was {_described(text)}"
    if isinstance(error, ssl.SSLError) and error.reason in _NOT_A_PAIR:
        return f"the key {key} does not belong to the certificate {certificate}"
    if "ENCRYPTED" in text:
        return f"the key {key} is encrypted, and nobody is there to type its passphrase: store it without one"
    return f"the certificate {certificate} or its key {key} is damaged: {one_line(error)}"


def _described(text: str) -> str:
    if _KEY in text:
        return "a private key alone"
    if _CERTIFICATE in text:
        return "a certificate alone"
    return "empty" if not text.strip() else "something else (a .p12, .pfx or DER file has to be converted by openssl)"


def validity_of(path: str) -> tuple[datetime, datetime]:
    """Return from when and until when (UTC) the first certificate of a PEM file is valid.

    :raises DataError: where that cannot be read.
    """
    text = Path(path).read_text("latin-1")
    start = text.find(_CERTIFICATE)
    end = text.find(_CERTIFICATE_ENDS, start)
    try:
        data = ssl.PEM_cert_to_DER_cert(text[start : end + len(_CERTIFICATE_ENDS)])
        # RFC 5280: Certificate { TBSCertificate { [version], serial, algorithm, issuer, validity { from, until } } }
        at = _content(data, _content(data, 0))
        before_validity = 4 if data[at] == _VERSION else 3
        for _ in range(before_validity):
            at = _end(data, at)
        if data[at] != _SEQUENCE:
            raise ValueError(f"a validity was expected, was tag {data[at]:#x}")
        at = _content(data, at)
        return _time(data, at), _time(data, _end(data, at))
    except (ValueError, IndexError) as error:
        raise DataError(f"the dates of certificate {path} cannot be read: {one_line(error)}") from error


def _header(data: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the DER element at `at` begins and ends."""
    length = data[at + 1]
    start = at + 2
    if length >= 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[start : start + count])
        start += count
    return start, start + length


def _content(data: bytes, at: int) -> int:
    return _header(data, at)[0]


def _end(data: bytes, at: int) -> int:
    return _header(data, at)[1]


def _time(data: bytes, at: int) -> datetime:
    text = data[slice(*_header(data, at))].decode("ascii")
    if data[at] == _UTC_TIME:
        text = ("19" if text >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
