"""Where an account's exchange is to be reached; Betfair's own addresses unless something else is said."""

from typing import Any

import attrs

_HTTP = ("identity_uri", "identity_cert_uri", "api_uri", "navigation_uri")

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts that are this machine."""


@attrs.frozen
class Endpoints:
    """Addresses of an exchange. Certificates are always verified.

    :ivar identity_uri, identity_cert_uri, api_uri, navigation_uri: as betfairlightweight's APIClient has them, with
        the trailing slash; None leaves them as they are there.
    :ivar stream_host, stream_port: of the market and order streams.
    :ivar sports_data_host, sports_data_port: of the race and cricket streams.
    :ivar server_hostname: name that the streams' certificates must bear; None is the host.
    :ivar ca_file: certificates (PEM) that are trusted in place of the system's; None is the system's.
    """

    identity_uri: str | None = None
    identity_cert_uri: str | None = None
    api_uri: str | None = None
    navigation_uri: str | None = None
    stream_host: str = "stream-api.betfair.com"
    stream_port: int = 443
    sports_data_host: str = "sports-data-stream-api.betfair.com"
    sports_data_port: int = 443
    server_hostname: str | None = None
    ca_file: str | None = None

    def apply(self, betting_client: Any) -> None:
        """Point an APIClient at these addresses."""
        for name in _HTTP:
            uri = getattr(self, name)
            if uri is not None:
                setattr(betting_client, name, uri)
