"""A certificate authority, a server certificate for loopback and a client certificate, made on the spot."""

import ssl
import tempfile
from pathlib import Path

import trustme
from attrs import frozen

HOST_NAMES = ("localhost", "127.0.0.1")


@frozen
class Certificates:
    """Where the files are (PEM, readable by their owner alone), and the contexts that servers use.

    :ivar directory: holds the client's pair alone, as betfairlightweight's `certs` wants it.
    :ivar untrusted: presents a certificate of an authority that nobody trusts.
    """

    directory: Path
    ca_file: Path
    cert_file: Path
    key_file: Path
    context: ssl.SSLContext
    untrusted: ssl.SSLContext
    _keeper: tempfile.TemporaryDirectory[str]

    def remove(self) -> None:
        """Delete the files."""
        self._keeper.cleanup()


def make_certificates() -> Certificates:
    """Make everything anew in a temporary directory."""
    keeper = tempfile.TemporaryDirectory(prefix="flumine-exchange-")
    root = Path(keeper.name)
    root.chmod(0o700)
    directory = root / "client"
    directory.mkdir(mode=0o700)
    authority = trustme.CA(organization_name="flumine_exchange")
    client = authority.issue_cert("client@flumine-exchange.invalid")
    ca_file = _write(root / "ca.pem", authority.cert_pem.bytes())
    cert_file = _write(directory / "client.crt", b"".join(each.bytes() for each in client.cert_chain_pems))
    key_file = _write(directory / "client.key", client.private_key_pem.bytes())
    return Certificates(
        directory,
        ca_file,
        cert_file,
        key_file,
        _server_context(authority, authority),
        _server_context(trustme.CA(organization_name="nobody trusts this"), authority),
        keeper,
    )


def _write(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def _server_context(issuer: trustme.CA, of_clients: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(*HOST_NAMES).configure_cert(context)
    of_clients.configure_trust(context)
    # only certlogin asks for a certificate, and says so in its answer
    context.verify_mode = ssl.CERT_OPTIONAL
    return context
