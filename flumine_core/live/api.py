"""The betting and account API: one call, its answer read leniently, and whether a failed call may have happened."""

from collections.abc import Callable
from time import monotonic
from typing import Any

import msgspec
import requests
from loguru import logger

from ..settings import Settings
from .connection import Connections
from .crash import reach
from .login import CallError, Login
from .records import plain_number

_SERVICES = {
    "betting": ("betting/json-rpc/v1", "SportsAPING/v1.0/"),
    "account": ("account/json-rpc/v1", "AccountAPING/v1.0/"),
    "heartbeat": ("heartbeat/json-rpc/v1", "HeartbeatAPING/v1.0/"),
}

DEAD_SESSION = frozenset({"INVALID_SESSION_INFORMATION", "NO_SESSION"})
"""The call was not carried out, since the session is over."""

NOT_EXECUTED = DEAD_SESSION | {
    "INVALID_INPUT_DATA",
    "TOO_MUCH_DATA",
    "REQUEST_SIZE_EXCEEDS_LIMIT",
    "TOO_MANY_INSTRUCTIONS",
    "NO_APP_KEY",
    "INVALID_APP_KEY",
    "ACCESS_DENIED",
    "DSC-0018",
    "DSC-0021",
    "DSC-0024",
}
"""Error codes of a call that was refused before anything was done."""

PASSING = frozenset({"SERVICE_BUSY", "TIMEOUT_ERROR", "UNEXPECTED_ERROR", "TOO_MANY_REQUESTS"})
"""Error codes that may pass by themselves: what only reads may be tried again."""

_PROTOCOL_REFUSALS = frozenset({-32700, -32600, -32601, -32602})
_MOST_LOGINS = 2


class Api:
    """Calls of one account, from any thread. URLs, app key, certificates and token are those of its APIClient.

    :ivar login: the account's session.
    """

    def __init__(
        self,
        betting_client: Any,
        settings: Settings,
        is_interactive: bool = False,
        on_alert: Callable[[str], None] = logger.critical,
        ca_file: str | None = None,
    ) -> None:
        self.betting_client = betting_client
        self.settings = settings
        session = getattr(betting_client, "session", None)
        self._connections = Connections(session, settings.wait("idle_connection"), ca_file)
        self.login = Login(betting_client, settings, self._connections, is_interactive, on_alert)

    def call(
        self,
        operation: str,
        params: dict[str, Any],
        service: str = "betting",
        extra_seconds: float = 0.0,
        latest: float | None = None,
    ) -> Any:
        """Return the result of an operation such as "placeOrders".

        A call that is refused because the session is over logs in and tries again.

        :param extra_seconds: how much longer than `read_timeout` the answer may take.
        :param latest: not to be sent after this time (as of `time.monotonic`).
        :raises CallError: if there is no result.
        """
        path, prefix = _SERVICES[service]
        body = msgspec.json.encode(
            {"jsonrpc": "2.0", "method": prefix + operation, "params": params, "id": 1}, enc_hook=plain_number
        )
        for attempt in range(_MOST_LOGINS + 1):
            token = self.login.token()
            if latest is not None and monotonic() > latest:
                raise CallError("TOO_LATE", f"{operation} was not sent again", is_refused=True)
            answer = self._post(self.betting_client.api_uri + path, body, extra_seconds)
            if "result" in answer:
                return answer["result"]
            code, text = _error_of(answer.get("error"))
            if code in DEAD_SESSION and attempt < _MOST_LOGINS:
                logger.info("{} was refused, {}: logging in anew", operation, code)
                self.login.renew(token)
                continue
            raise CallError(code, text or operation, code in NOT_EXECUTED)
        raise CallError("LOGIN", operation, is_refused=True)

    def _post(self, url: str, body: bytes, extra_seconds: float) -> dict[str, Any]:
        settings = self.settings
        timeout = (settings.wait("connect_timeout"), settings.wait("read_timeout") + extra_seconds)
        session = self._connections.take()
        is_good = False
        try:
            reach("send")
            response = session.call(url, body, self.betting_client.request_headers, timeout)
            content, status = response.content, response.status_code
            is_good = True
            reach("receive")
        except requests.RequestException as error:
            raise _transport_error(error) from error
        except OSError as error:
            raise CallError("NO_ANSWER", f"{type(error).__name__}: {error}", is_refused=False) from error
        finally:
            if is_good:
                self._connections.give_back(session)
            else:
                session.close()
        if status != 200:
            raise CallError(f"HTTP_{status}", "", is_refused=False)
        try:
            answer = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CallError("BAD_ANSWER", "the answer is no JSON", is_refused=False) from error
        if not isinstance(answer, dict):
            raise CallError("BAD_ANSWER", "the answer is no object", is_refused=False)
        return answer

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._connections.close()


def _transport_error(error: requests.RequestException) -> CallError:
    """Return what a failed transport says of the request: only what never connected was certainly not sent."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, requests.ConnectTimeout):
        return CallError("NOT_SENT", text, is_refused=True)
    causes = _causes(error)
    if causes & {"NewConnectionError", "NameResolutionError", "SSLCertVerificationError", "ConnectTimeoutError"}:
        return CallError("NOT_SENT", text, is_refused=True)
    return CallError("NO_ANSWER", text, is_refused=False)


def _causes(error: BaseException) -> set[str]:
    names: set[str] = set()
    waiting: list[Any] = [error]
    while waiting and len(names) < 20:
        each = waiting.pop()
        if isinstance(each, BaseException):
            names.add(type(each).__name__)
            waiting += [getattr(each, "reason", None), each.__cause__, *each.args]
    return names


def _error_of(error: Any) -> tuple[str, str]:
    """Return code and text of a JSON-RPC error, whatever its exact shape."""
    if not isinstance(error, dict):
        return "BAD_ANSWER", "neither result nor error"
    data = error.get("data")
    if isinstance(data, dict):
        for details in (*data.values(), data):
            if isinstance(details, dict) and details.get("errorCode"):
                return str(details["errorCode"]), str(details.get("errorDetails") or "")
    message = str(error.get("message") or "")
    if error.get("code") in _PROTOCOL_REFUSALS:
        return "INVALID_INPUT_DATA", message
    return (message or "UNEXPECTED_ERROR"), ""
