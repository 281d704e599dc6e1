"""What `doctor` says of a client certificate and its key."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from betfairlightweight import APIClient
from cryptography.hazmat.primitives import serialization

from flumine_core import BetfairClient, Settings
from flumine_core.live.certificate import validity_of
from flumine_core.live.doctor import Finding, examine

VERSION_1 = """\
-----BEGIN CERTIFICATE-----
MIIBFjCBvQIUVOcLF5p87VShEL4K1qFkjBwUG8AwCgYIKoZIzj0EAwIwDTELMAkG
A1UEAwwCbWUwIBcNMjYxMTI5MDAwNjU5WhgPMjEyNjExMDUwMDA2NTlaMA0xCzAJ
BgNVBAMMAm1lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEX336futso5Wt+LsB
7AKaomenfFgU1WvkeaXOUjbL5GyXLoDA44b7Fu+4lx0pv8L2VgM5gmoVtAnGm+r8
GFWWGzAKBggqhkjOPQQDAgNIADBFAiB7rjEkjHHDeX53h7WW6Itmvfd/9GjkE+fG
WdO3gEdiegIhAMrJoL+2Q49HUiGSA5jvopaEorx6BBW/AI2yR4uYw9xI
-----END CERTIFICATE-----
"""
"""What `openssl x509 -req` makes without extensions."""

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def found(*files: Path) -> Finding:
    """Return the first thing that is told of an account with these files."""
    names: Any = [str(each) for each in files]
    api: Any = APIClient("me", "secret", "key", cert_files=names[0] if len(names) == 1 else names)
    return next(examine(BetfairClient(api), None, Settings(), 1))  # type: ignore[arg-type]


@pytest.fixture
def make(authority: trustme.CA, tmp_path: Path) -> Any:
    """Return a function that writes a certificate and its key, and returns their paths."""

    def write(name: str = "client", **options: Any) -> tuple[Path, Path]:
        pair = authority.issue_cert("me@example.invalid", **options)
        certificate, key = tmp_path / f"{name}.crt", tmp_path / f"{name}.key"
        for path, data in ((certificate, pair.cert_chain_pems[0]), (key, pair.private_key_pem)):
            path.touch(mode=0o600)
            data.write_to_path(str(path))
        return certificate, key

    return write


@pytest.mark.parametrize(
    ("after", "until", "level", "told"),
    [
        (-400, -1, "error", f"has expired, on {NOW - DAY:%Y-%m-%d}"),
        (-400, 5, "warning", f"valid until {NOW + 5 * DAY:%Y-%m-%d}"),
        (-400, 29.9, "warning", "29 days from now"),
        (-400, 31, "ok", f"valid until {NOW + 31 * DAY:%Y-%m-%d}"),
        (-1, 365 * 40, "ok", f"valid until {NOW + 365 * 40 * DAY:%Y-%m-%d}"),
        (1, 365, "error", f"not valid yet, but from {NOW + DAY:%Y-%m-%d}"),
    ],
)
def test_the_dates_of_the_certificate(make: Any, after: float, until: float, level: str, told: str) -> None:
    finding = found(*make(not_before=NOW + after * DAY, not_after=NOW + until * DAY))
    assert (finding.level, told in finding.text) == (level, True), finding


def test_a_certificate_of_version_1_has_dates_too(tmp_path: Path) -> None:
    path = tmp_path / "one.crt"
    path.write_text(VERSION_1)
    valid_from, valid_until = validity_of(str(path))
    assert valid_from.date() == date(2026, 11, 29) and valid_until.date() == date(2126, 11, 5)


def test_both_in_one_file(make: Any, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.touch(mode=0o600)
    both.write_bytes(b"".join(path.read_bytes() for path in make()))
    assert found(both).level == "ok"


def encrypted(key: Path) -> None:
    loaded: Any = serialization.load_pem_private_key(key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"secret")
    key.write_bytes(
        loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, locked)
    )


def damaged(path: Path) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[3:]]))


def test_files_that_cannot_be_used_are_told_in_plain_words(make: Any, tmp_path: Path) -> None:
    certificate, key = make()
    _, other = make("other")
    _, rsa = make("rsa", key_type=trustme.KeyType.RSA)
    nothing, missing = tmp_path / "nothing.pem", tmp_path / "missing.key"
    nothing.write_text("")
    archive = tmp_path / "client.p12"
    archive.write_bytes(b"\x30\x82\x01\x00\x02\x01\x03")
    both_wrong = {
        (certificate, other): f"the key {other} does not belong to the certificate {certificate}",
        (certificate, rsa): f"the key {rsa} does not belong to the certificate {certificate}",
        (key, certificate): f"{key} must hold a certificate in PEM, was a private key alone",
        (certificate, certificate): f"{certificate} must hold a private key in PEM, was a certificate alone",
        (certificate,): f"{certificate} must hold a private key in PEM, was a certificate alone",
        (nothing, key): f"{nothing} must hold a certificate in PEM, was empty",
        (certificate, missing): f"the private key {missing} cannot be read: No such file",
        (archive, key): f"{archive} must hold a certificate in PEM, was something else",
    }
    for files, told in both_wrong.items():
        finding = found(*files)
        assert finding.level == "error" and told in finding.text, finding
    encrypted(key)
    assert f"the key {key} is encrypted" in found(certificate, key).text
    damaged(other)
    finding = found(certificate, other)
    assert finding.level == "error" and "is damaged" in finding.text, finding
    damaged(certificate)
    finding = found(certificate, rsa)
    assert finding.level == "error" and "is damaged" in finding.text, finding
