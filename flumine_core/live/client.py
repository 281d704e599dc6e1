"""A client of Betfair made of plain options, as a configuration file has them."""

from pathlib import Path
from typing import Any

import msgspec

from ..contract.client import BetfairClient
from ..contract.endpoints import LOOPBACK, Endpoints
from ..errors import ClientError
from .credentials import Credentials, read_credentials

_LOCAL = (
    "username",
    "password",
    "app_key",
    "certs_dir",
    "ca_file",
    "identity_uri",
    "api_uri",
    "navigation_uri",
    "stream_host",
    "stream_port",
)


def betfair_client(
    username: str | None = None,
    credentials: str | None = None,
    certs: str | None = None,
    locale: str | None = None,
    identity_uri: str | None = None,
    identity_cert_uri: str | None = None,
    api_uri: str | None = None,
    navigation_uri: str | None = None,
    stream_host: str = Endpoints().stream_host,
    stream_port: int = 443,
    sports_data_host: str = Endpoints().sports_data_host,
    sports_data_port: int = 443,
    server_hostname: str | None = None,
    ca_file: str | None = None,
    exchange: str | None = None,
    transaction_limit: int | None = 1000,
    capital_base: float = 0,
    commission_base: float = 0.05,
    interactive_login: bool = False,
    order_stream: bool = True,
    order_stream_conflate_ms: int | None = None,
    order_streaming_timeout: float = 0.25,
    best_price_execution: bool = True,
    min_bet_validation: bool = True,
    paper_trade: bool = False,
    market_recording_mode: bool = False,
    simulated_full_match: bool = False,
) -> BetfairClient:
    """Make a client with a betfairlightweight APIClient that has not logged in yet.

    :param credentials: file with username, password and app_key, readable by its owner alone; the environment's
        BETFAIR_USERNAME, BETFAIR_PASSWORD and BETFAIR_APP_KEY if None.
    :param certs: directory with the client certificate and its key, or one .pem file with both.
    :param locale: betfairlightweight's, for accounts of other jurisdictions.
    :param ca_file: certificates (PEM) that are trusted in place of the system's, for streams and calls alike.
    :param exchange: file with the line that `exchange serve --json` has printed: addresses, certificates and
        credentials of a local exchange, in place of all of the above.
    :raises ClientError: where credentials are missing or others may read them, or a file is not as it must be.

    All else is as of `Endpoints` and `BetfairClient`.
    """
    import requests
    from betfairlightweight import APIClient

    if exchange is not None:
        local = _read_exchange(exchange)
        who = Credentials(local["username"], local["password"], local["app_key"])
        certs, ca_file = local["certs_dir"], local["ca_file"]
        identity_uri, api_uri, navigation_uri = local["identity_uri"], local["api_uri"], local["navigation_uri"]
        stream_host = sports_data_host = local["stream_host"]
        stream_port = sports_data_port = local["stream_port"]
    else:
        who = read_credentials(credentials, username)
    session = requests.Session()
    if ca_file is not None:
        if not Path(ca_file).is_file():
            raise ClientError(f"ca_file must be a file, there is none at {ca_file}")
        # the environment's certificates and proxies would win over what is asked for here
        session.trust_env = False
        session.verify = ca_file
    api: Any = APIClient(
        who.username,
        who.password,
        who.app_key,
        certs=None if certs is None or _is_pem(certs) else str(Path(certs).expanduser()),
        cert_files=str(Path(certs).expanduser()) if certs is not None and _is_pem(certs) else None,
        locale=locale,
        session=session,
    )
    endpoints = Endpoints(
        identity_uri,
        identity_cert_uri or identity_uri,
        api_uri,
        navigation_uri,
        stream_host,
        stream_port,
        sports_data_host,
        sports_data_port,
        server_hostname,
        ca_file,
    )
    return BetfairClient(
        api,
        transaction_limit=transaction_limit,
        capital_base=capital_base,
        commission_base=commission_base,
        interactive_login=interactive_login,
        order_stream=order_stream,
        order_stream_conflate_ms=order_stream_conflate_ms,
        order_streaming_timeout=order_streaming_timeout,
        best_price_execution=best_price_execution,
        min_bet_validation=min_bet_validation,
        paper_trade=paper_trade,
        market_recording_mode=market_recording_mode,
        simulated_full_match=simulated_full_match,
        endpoints=endpoints,
    )


def _read_exchange(path: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(Path(path).expanduser().read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise ClientError(f"{path} cannot be read: {error.strerror}; is `exchange serve --json` running?") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ClientError(f"{path} must hold what `exchange serve --json` prints: {error}") from error
    missing = [name for name in _LOCAL if name not in found]
    if missing:
        raise ClientError(f"{path} must hold what `exchange serve --json` prints, has no {', '.join(missing)}")
    if found["stream_host"] not in LOOPBACK:
        raise ClientError(f"{path} must be of an exchange on this machine, was of {found['stream_host']}")
    return found


def _is_pem(certs: str) -> bool:
    return certs.endswith(".pem")
