"""The session at the exchange: one login at a time, kept alive, never with an empty token."""

import random
import threading
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import msgspec
import requests
from loguru import logger

from ..errors import ExecutionError
from ..settings import Settings
from .connection import Connections

RETRYABLE_LOGINS = frozenset({"TEMPORARY_BAN_TOO_MANY_REQUESTS", "INPUT_VALIDATION_ERROR", "INTERNAL_ERROR"})
"""Refusals of a login that may pass by themselves; every other one needs a human."""

_BAN = "TEMPORARY_BAN_TOO_MANY_REQUESTS"


NEVER_LEFT = frozenset({"LOGIN", "NOT_SENT", "TOO_LATE", "HELD_BACK", "RECONCILIATION", "JOURNAL"})
"""Codes of a call that nobody has received, so that the exchange counts no transaction."""


class CallError(ExecutionError):
    """A call that brought no result.

    :ivar code: the exchange's errorCode or loginStatus, or ours: NO_ANSWER, BAD_ANSWER, HTTP_503, one of NEVER_LEFT.
    :ivar is_refused: True: the exchange has certainly not carried it out; False: nobody knows.
    """

    def __init__(self, code: str, text: str, is_refused: bool) -> None:
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code
        self.is_refused = is_refused


class Login:
    """One session of a betfairlightweight APIClient, shared by all threads and streams.

    :param is_interactive: log in without a certificate.
    :param on_alert: told, once, when a login was refused for good, or its certificate cannot be read.
    :ivar refusal: why no login is tried any more, None while all is well.
    :ivar count: successful logins.
    """

    def __init__(
        self,
        betting_client: Any,
        settings: Settings,
        connections: Connections,
        is_interactive: bool = False,
        on_alert: Callable[[str], None] = logger.critical,
    ) -> None:
        self._betting_client = betting_client
        self._settings = settings
        self._connections = connections
        self._is_interactive = is_interactive
        self._on_alert = on_alert
        self._lock = threading.Lock()
        self._times: deque[float] = deque()
        self._not_before = 0.0
        self._failures = 0
        self._last_error = ""
        self.refusal: str | None = None
        self.count = 0

    def token(self) -> str:
        """Return the session token, after a login where there is none.

        :raises CallError: if there cannot be one now.
        """
        return self._betting_client.session_token or self.renew("")

    def renew(self, dead: str) -> str:
        """Return a session token that is not `dead`; whoever comes while another logs in waits for that one.

        The old token stays until there is a new one: nobody but the exchange knows for sure that it is dead.

        :raises CallError: if the login fails, or is not tried again yet.
        """
        with self._lock:
            token: str | None = self._betting_client.session_token
            if token and token != dead:
                return token
            return self._log_in()

    def keep_alive(self) -> str:
        """Reset the session's clock, or log in anew where that fails; return the token.

        :raises CallError: if neither works.
        """
        token: str | None = self._betting_client.session_token
        if token:
            try:
                answer = self._post("keepAlive", self._betting_client.keep_alive_headers)
            except CallError:
                if token == self._betting_client.session_token:  # the session may well be alive
                    raise
            else:
                kept = answer.get("token")
                if answer.get("status") == "SUCCESS" and kept:
                    with self._lock:
                        if self._betting_client.session_token == token:
                            self._betting_client.set_session_token(str(kept))
                    return str(kept)
        return self.renew(token or "")

    def logout(self) -> None:
        """End the session; a failure is of no consequence."""
        with self._lock:
            if not self._betting_client.session_token:
                return
            try:
                self._post("logout", self._betting_client.keep_alive_headers)
            except CallError as error:
                logger.warning("logout failed: {}", error)
            self._betting_client.client_logout()

    def _log_in(self) -> str:
        if self.refusal is not None:
            raise CallError("LOGIN", self.refusal, is_refused=True)
        now = monotonic()
        if now < self._not_before:
            seconds = self._not_before - now
            raise CallError("LOGIN", f"next try in {seconds:.1f} s, {self._last_error}", is_refused=True)
        self._spend(now)
        try:
            answer = self._ask()
        except CallError as error:
            raise self._fail(str(error), is_banned=False) from error
        code = str(answer.get("loginStatus") or answer.get("status") or "")
        token = answer.get("sessionToken") or answer.get("token")
        if code == "SUCCESS" and token:
            self._failures = 0
            self.count += 1
            self._betting_client.set_session_token(str(token))
            return str(token)
        error_code = str(answer.get("error") or "") or code
        if code == "SUCCESS":
            raise self._fail("the login brought an empty session token", is_banned=False)
        if error_code in RETRYABLE_LOGINS:
            raise self._fail(f"login answered {error_code}", is_banned=error_code == _BAN)
        raise self._stop(f"login was refused: {error_code}")

    def _ask(self) -> Mapping[str, Any]:
        client = self._betting_client
        form = {"username": client.username, "password": client.password}
        if self._is_interactive:
            return self._post("login", client.login_headers, form)
        try:
            certificate = client.cert
        except OSError as error:  # the directory may well be readable again
            failure = CallError("NOT_SENT", f"the certificate for the login cannot be read: {error}", is_refused=True)
            if not self._failures or str(failure) != self._last_error:
                self._on_alert(str(failure))
            raise failure from error
        except Exception as error:
            raise self._stop(f"no certificate for the login: {error}") from error
        return self._post("certlogin", client.login_headers, form, certificate)

    def _post(self, path: str, headers: Any, form: Any = None, certificate: Any = None) -> Mapping[str, Any]:
        client, settings = self._betting_client, self._settings
        base = client.identity_cert_uri if path == "certlogin" else client.identity_uri
        timeout = (settings.wait("connect_timeout"), settings.wait("read_timeout"))
        session = self._connections.new()
        try:
            response = session.post(
                f"{base}{path}", data=form, headers=headers, cert=certificate, timeout=timeout, allow_redirects=False
            )
            body, status = response.content, response.status_code
        except requests.ConnectTimeout as error:
            raise CallError("NOT_SENT", type(error).__name__, is_refused=True) from error
        except (requests.RequestException, OSError) as error:
            raise CallError("NO_ANSWER", type(error).__name__, is_refused=True) from error
        finally:
            session.close()
        if status != 200:
            raise CallError(f"HTTP_{status}", path, is_refused=True)
        try:
            answer = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CallError("BAD_ANSWER", f"{path} answered no JSON", is_refused=True) from error
        if not isinstance(answer, dict):
            raise CallError("BAD_ANSWER", f"{path} must answer an object", is_refused=True)
        return answer

    def _spend(self, now: float) -> None:
        """Count a try of a login against the limit of a minute."""
        minute = 60 * self._settings.wait_factor
        while self._times and self._times[0] <= now - minute:
            self._times.popleft()
        if len(self._times) >= self._settings.login_limit:
            text = f"logins of a minute must stay within {self._settings.login_limit}, were {len(self._times)}"
            raise CallError("LOGIN", text, is_refused=True)
        self._times.append(now)

    def _fail(self, text: str, is_banned: bool) -> CallError:
        settings = self._settings
        self._failures += 1
        wait = min(settings.wait("login_backoff") * 2 ** (self._failures - 1), settings.wait("login_backoff_max"))
        if is_banned:
            wait = settings.wait("login_ban")
        self._not_before = monotonic() + wait * random.uniform(0.8, 1.2)
        self._last_error = text
        logger.warning("{}, next try in about {:.1f} s", text, wait)
        return CallError("LOGIN", text, is_refused=True)

    def _stop(self, text: str) -> CallError:
        self.refusal = text
        self._on_alert(text)
        return CallError("LOGIN", text, is_refused=True)
