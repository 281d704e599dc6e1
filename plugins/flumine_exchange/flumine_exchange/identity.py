"""Sessions: certlogin, login, keepAlive, logout; limits and codes as the identity service has them."""

import hmac
import secrets
from collections import deque
from typing import Any

from attrs import define

from .account import AccountState
from .state import ExchangeState


@define
class Session:
    """A session token's account, and when it ends (milliseconds since 1970)."""

    token: str
    account: AccountState
    expires_ms: float


class Identity:
    """Who is logged in.

    :ivar refusals: by account, the code that every login of it is refused with.
    """

    def __init__(self, state: ExchangeState) -> None:
        self.state = state
        self.refusals: dict[str, str | None] = {name: each.account.login_code for name, each in state.accounts.items()}
        self._sessions: dict[str, Session] = {}
        self._logins: deque[float] = deque()
        self._banned_until = 0.0

    def account_of(self, token: str | None, app_key: str | None) -> tuple[AccountState | None, str]:
        """Return the account of a call, or None and the error code: of the application key first, then the session."""
        if not app_key:
            return None, "NO_APP_KEY"
        owner = next((each for each in self.state.accounts.values() if each.account.app_key == app_key), None)
        if owner is None:
            return None, "INVALID_APP_KEY"
        if not token:
            return None, "NO_SESSION"
        session = self._sessions.get(token)
        if session is None or session.expires_ms <= self.state.clock.epoch_ms:
            return None, "INVALID_SESSION_INFORMATION"
        return session.account, ""

    def cert_login(self, form: dict[str, str], app_key: str | None, has_certificate: bool) -> dict[str, Any]:
        """Answer certlogin."""
        session, code = self._log_in(form, app_key, has_certificate)
        if session is None:
            return {"loginStatus": code}
        return {"sessionToken": session.token, "loginStatus": "SUCCESS"}

    def login(self, form: dict[str, str], app_key: str | None) -> dict[str, Any]:
        """Answer the interactive login."""
        session, code = self._log_in(form, app_key, True)
        if session is None:
            return {"token": "", "product": app_key or "", "status": "FAIL", "error": code}
        return {"token": session.token, "product": app_key, "status": "SUCCESS", "error": ""}

    def _log_in(self, form: dict[str, str], app_key: str | None, has_certificate: bool) -> tuple[Session | None, str]:
        code, account = self._code_of(form, app_key, has_certificate)
        if account is None:
            self.state.ledger.failed_logins += 1
            self.state.record("login", code=code)
            return None, code
        now = self.state.clock.epoch_ms
        self._logins.append(now)
        settings = self.state.settings
        life = settings.wait(settings.session_seconds) * 1000
        session = Session(secrets.token_urlsafe(32), account, now + life)
        self._sessions[session.token] = session
        self.state.ledger.logins += 1
        self.state.record("login", code="SUCCESS", account=account.username)
        return session, ""

    def _code_of(
        self, form: dict[str, str], app_key: str | None, has_certificate: bool
    ) -> tuple[str, AccountState | None]:
        if not form.get("username") or not form.get("password") or not app_key:
            return "INPUT_VALIDATION_ERROR", None
        if not has_certificate:
            return "CERT_AUTH_REQUIRED", None
        if self._is_banned():
            return "TEMPORARY_BAN_TOO_MANY_REQUESTS", None
        account = self.state.accounts.get(form["username"])
        if account is None or not hmac.compare_digest(account.account.password.encode(), form["password"].encode()):
            return "INVALID_USERNAME_OR_PASSWORD", None
        if account.account.app_key != app_key:
            return "INPUT_VALIDATION_ERROR", None
        refusal = self.refusals.get(account.username)
        if refusal is not None:
            return refusal, None
        return "", account

    def _is_banned(self) -> bool:
        now, settings = self.state.clock.epoch_ms, self.state.settings
        if now < self._banned_until:
            return True
        window = settings.wait(settings.login_window_seconds) * 1000
        while self._logins and now - self._logins[0] >= window:
            self._logins.popleft()
        if len(self._logins) < settings.logins_per_minute:
            return False
        self._banned_until = now + settings.wait(settings.login_ban_seconds) * 1000
        return True

    def keep_alive(self, token: str | None, app_key: str | None) -> dict[str, Any]:
        """Answer keepAlive: the same token, its time counted anew."""
        self.state.ledger.keep_alives += 1
        session = self._live(token)
        if session is None:
            return {"token": token or "", "product": app_key or "", "status": "FAIL", "error": "NO_SESSION"}
        settings = self.state.settings
        session.expires_ms = self.state.clock.epoch_ms + settings.wait(settings.session_seconds) * 1000
        return {"token": session.token, "product": app_key, "status": "SUCCESS", "error": ""}

    def logout(self, token: str | None, app_key: str | None) -> dict[str, Any]:
        """Answer logout."""
        session = self._live(token)
        if session is None:
            return {"token": token or "", "product": app_key or "", "status": "FAIL", "error": "NO_SESSION"}
        del self._sessions[session.token]
        self.state.record("logout", account=session.account.username)
        return {"token": session.token, "product": app_key, "status": "SUCCESS", "error": ""}

    def _live(self, token: str | None) -> Session | None:
        session = self._sessions.get(token or "")
        if session is None or session.expires_ms <= self.state.clock.epoch_ms:
            return None
        return session

    def revoke_all(self) -> int:
        """End every session; return how many."""
        number = len(self._sessions)
        self._sessions.clear()
        return number
