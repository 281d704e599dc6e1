"""What is wrong with an account, its keys, certificates, clock or streams, in plain words."""

import os
import ssl
import stat
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import attrs
import requests

from ..clock import LiveClock
from ..contract.client import BaseClient
from ..contract.streams import MARKET_FILTER_KEYS, check_filter
from ..errors import DataError, FlumineCoreError, SettingsError, StreamError
from ..settings import Settings
from .api import Api
from .certificate import validity_of, why_unusable
from .login import CallError
from .records import why_not_kept
from .socket import Address, StreamSocket

MOST_MARKETS = 200
"""Markets that one subscription may hold, unless Betfair has granted more."""

_SKEW = 2.0
"""Seconds that a clock may be off; the exchange's Date tells whole ones."""

_FEW_DAYS = 30
"""A certificate that is valid for less is worth a warning."""

_LOGIN_CODES = {
    "INVALID_USERNAME_OR_PASSWORD": "username or password is wrong",
    "CERT_AUTH_REQUIRED": "the certificate is missing, or is not the one uploaded to the account",
    "ACCOUNT_NOW_LOCKED": "the account was locked just now: unlock it on the website",
    "ACCOUNT_ALREADY_LOCKED": "the account is locked: unlock it on the website",
    "SUSPENDED": "the account is suspended: ask the exchange",
    "CLOSED": "the account is closed",
    "SELF_EXCLUDED": "the account is self-excluded",
    "STRONG_AUTH_CODE_REQUIRED": "the account asks for a second factor: append its code to the password",
    "ACTIONS_REQUIRED": "something must be done on the website first, such as accepting terms",
    "INTERNATIONAL_TERMS_ACCEPTANCE_REQUIRED": "new terms must be accepted on the website first",
    "CHANGE_PASSWORD_REQUIRED": "the password must be changed on the website first",
    "BETTING_RESTRICTED_LOCATION": "betting is not allowed from where this machine is",
    "SECURITY_RESTRICTED_LOCATION": "the account may not be used from where this machine is",
    "TEMPORARY_BAN_TOO_MANY_REQUESTS": "there were too many logins: wait 20 minutes",
}


@attrs.frozen
class Finding:
    """One thing that was looked at.

    :ivar level: "ok", "warning" or "error".
    """

    level: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:7}  {self.text}"


def examine(client: BaseClient, api: Api, settings: Settings, streams: int) -> Iterator[Finding]:
    """Look at an account from the key to the streams; stops where nothing further can be told.

    :param streams: how many connections a run of this configuration opens for it.
    """
    if not client.interactive_login:
        findings = list(_certificate(client.betting_client))
        yield from findings
        if any(each.level == "error" for each in findings):
            return
    yield from _clock(client.betting_client, settings, client.endpoints.ca_file)
    try:
        api.login.token()
    except CallError as error:
        yield Finding("error", f"login of {client.username} failed: {login_in_words(error)}")
        return
    yield Finding("ok", f"login of {client.username}")
    yield from _permissions(client, api)
    yield from _stream(client, settings, streams)


def login_in_words(error: CallError) -> str:
    """Return what a failed login means for a human."""
    text = str(error)
    for code, words in _LOGIN_CODES.items():
        if code in text:
            return f"{words} ({code})"
    if "SSL" in text or "certificate" in text.lower():
        return f"the exchange's certificate cannot be verified; ca_file, or REQUESTS_CA_BUNDLE, is wrong: {text}"
    if "NO_ANSWER" in text or "NOT_SENT" in text:
        return f"the exchange cannot be reached: {text}"
    return text


def _certificate(betting_client: Any) -> Iterator[Finding]:
    try:
        found = betting_client.cert
    except Exception as error:
        yield Finding("error", f"there is no client certificate: {error}; set certs, or interactive_login = true")
        return
    files = [found] if isinstance(found, str) else list(found)
    reason = why_unusable(files)
    if reason is not None:
        yield Finding("error", f"the client certificate cannot be used: {reason}")
        return
    yield _validity(files[0])
    mode = stat.S_IMODE(Path(files[-1]).stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        yield Finding("warning", f"the key {files[-1]} can be read by others, its mode is {mode:o}: chmod 600")


def _validity(path: str) -> Finding:
    try:
        valid_from, valid_until = validity_of(path)
    except DataError as error:
        return Finding("warning", f"client certificate {path}: {error}")
    now = LiveClock().now()
    if now < valid_from:
        return Finding(
            "error", f"the client certificate {path} is not valid yet, but from {valid_from:%Y-%m-%d %H:%M} UTC on"
        )
    if now >= valid_until:
        told = f"the client certificate {path} has expired, on {valid_until:%Y-%m-%d %H:%M} UTC"
        return Finding("error", f"{told}: make another and upload it to the account")
    told = f"client certificate {path}, valid until {valid_until:%Y-%m-%d}"
    days = (valid_until - now).days
    if days < _FEW_DAYS:
        return Finding("warning", f"{told}, {days} days from now: make another and upload it to the account")
    return Finding("ok", told)


def _clock(betting_client: Any, settings: Settings, ca_file: str | None) -> Iterator[Finding]:
    clock = LiveClock()
    timeout = (settings.wait("connect_timeout"), settings.wait("read_timeout"))
    try:
        before = clock.epoch_ms
        answer = betting_client.session.get(betting_client.identity_uri, timeout=timeout, verify=ca_file)
        after = clock.epoch_ms
        told = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except requests.exceptions.SSLError as error:
        yield Finding("error", f"the certificate of {betting_client.identity_uri} cannot be verified: {error}")
        return
    except (requests.RequestException, OSError) as error:
        yield Finding("error", f"{betting_client.identity_uri} cannot be reached: {type(error).__name__}")
        return
    except (KeyError, ValueError, TypeError):
        yield Finding("warning", "the exchange does not tell its time: clock not compared")
        return
    skew = (before + after) / 2000 - (told + 0.5)
    if abs(skew) > _SKEW:
        side = "ahead of" if skew > 0 else "behind"
        yield Finding(
            "warning", f"this machine's clock is about {abs(skew):.0f} s {side} the exchange's: set it by NTP"
        )
    else:
        yield Finding("ok", f"clock, within {_SKEW:g} s of the exchange's")


def _permissions(client: BaseClient, api: Api) -> Iterator[Finding]:
    try:
        funds = api.call("getAccountFunds", {}, "account")
        details = api.call("getAccountDetails", {}, "account")
    except FlumineCoreError as error:
        yield Finding("error", f"account {client.username} cannot be read: {error}")
        return
    currency = details.get("currencyCode") or "?"
    available = funds.get("availableToBetBalance")
    yield Finding(
        "ok" if available else "warning",
        f"account {client.username}: {available} {currency} available, exposure limit {funds.get('exposureLimit')}",
    )
    try:
        api.call("listCurrentOrders", {"orderProjection": "EXECUTABLE", "fromRecord": 0, "recordCount": 1})
        keys = api.call("getDeveloperAppKeys", {}, "account")
    except FlumineCoreError as error:
        yield Finding("warning", f"whether the key may bet cannot be told: {error}")
        return
    versions = [each for key in keys or () for each in key.get("appVersions") or ()]
    ours = [each for each in versions if each.get("applicationKey") == client.betting_client.app_key]
    if any(each.get("delayData") for each in ours):
        yield Finding("error", "the application key is a delayed one: its prices are late and it may not bet")
    elif any(each.get("active") is False for each in ours):
        yield Finding("error", "the application key is not active")
    else:
        yield Finding("ok", "application key" if ours else "application key (of another account's owner)")


def _stream(client: BaseClient, settings: Settings, streams: int) -> Iterator[Finding]:
    to, betting = client.endpoints, client.betting_client
    address = Address(to.stream_host, to.stream_port, to.server_hostname or to.stream_host, to.ca_file)
    connection = StreamSocket(
        address, 0, betting.app_key, betting.session_token, settings.wait("stream_connect_timeout")
    )
    try:
        connection.open()
    except ssl.SSLCertVerificationError as error:
        yield Finding("error", f"the certificate of {address} cannot be verified: {error.verify_message}")
        return
    except (StreamError, OSError) as error:
        yield Finding("error", f"the stream at {address} cannot be used: {error}")
        return
    finally:
        connection.stop()
    free = connection.connections_available
    # the one that has just been opened is free again
    if free is not None and free + 1 < streams:
        yield Finding(
            "error",
            f"stream: {streams} connections are wanted and {free + 1} can be had: give strategies equal filters, "
            "or end other programs that use this key",
        )
    else:
        yield Finding("ok", f"stream at {address}, {streams} connections wanted")


_FILTER_NAMES = {
    "marketTypes": "marketTypeCodes",
    "countryCodes": "marketCountries",
    "bettingTypes": "marketBettingTypes",
    "turnInPlayEnabled": "turnInPlayEnabled",
    "bspMarket": "bspOnly",
    "eventTypeIds": "eventTypeIds",
    "eventIds": "eventIds",
    "marketIds": "marketIds",
    "venues": "venues",
    "raceTypes": "raceTypes",
}
"""Names of the stream's filter -> those of listMarketCatalogue."""


def count_markets(api: Api, market_filter: Mapping[str, Any]) -> int:
    """Return how many markets a stream's filter would bring now, 1,000 at most.

    :raises CallError: where the exchange does not answer.
    """
    wanted = {_FILTER_NAMES[name]: value for name, value in market_filter.items() if name in _FILTER_NAMES}
    return len(api.call("listMarketCatalogue", {"filter": wanted, "marketProjection": [], "maxResults": 1000}))


def examine_filter(name: str, api: Api, market_filter: Mapping[str, Any]) -> Finding:
    """Tell whether a strategy's filter is one, and within what one subscription may hold."""
    try:
        check_filter(f"strategy {name}", market_filter, MARKET_FILTER_KEYS)
        count = count_markets(api, market_filter)
    except SettingsError as error:
        return Finding("error", str(error))
    except CallError as error:
        return Finding("warning", f"strategy {name}: its markets cannot be counted: {error}")
    if count > MOST_MARKETS:
        told = f"{count} markets" if count < 1000 else "1000 markets or more"
        return Finding(
            "error", f"strategy {name}: its market_filter asks for {told}, a subscription may hold {MOST_MARKETS}"
        )
    if count == 0:
        return Finding("warning", f"strategy {name}: its market_filter fits no market now")
    return Finding("ok", f"strategy {name}: {count} markets now")


def examine_context(name: str, context: Mapping[Any, Any]) -> Iterator[Finding]:
    """Name what of a strategy's context the journal cannot keep, so that a restart would lose it."""
    for key, value in context.items():
        reason = why_not_kept(key, value)
        if reason is not None:
            yield Finding("error", f"strategy {name}: context {key!r} cannot be kept over a restart: {reason}")
