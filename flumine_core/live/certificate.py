"""A client certificate and its key, as PEM files: what is wrong with them in plain words, and when they are valid."""

import ssl
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ..errors import DataError
from ..hint import one_line

_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_KEY = "PRIVATE KEY-----"
_NOT_A_PAIR = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


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
    from cryptography.x509 import load_pem_x509_certificate

    try:
        certificate = load_pem_x509_certificate(Path(path).read_bytes())
    except ValueError as error:
        raise DataError(f"the dates of certificate {path} cannot be read: {one_line(error)}") from error
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc
