"""The control endpoint: the operations over HTTP for who runs in another process, and the client for it."""

import hmac
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web
from flumine_core.errors import ExecutionError, FlumineCoreError

from .controls import ExchangeControls
from .ledger import LedgerBet, LedgerEvent
from .state import ExchangeState

TOKEN_HEADER = "X-Control-Token"


class ControlEndpoint:
    """POST /control {"operation": name, "args": {...}} -> {"result": ...} or {"error": text}; needs the token."""

    def __init__(self, state: ExchangeState, token: str) -> None:
        self.state = state
        self._token = token

    async def __call__(self, request: web.BaseRequest, body: bytes) -> Any:
        """Carry out one operation."""
        if not hmac.compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), self._token.encode()):
            raise web.HTTPForbidden
        try:
            asked = msgspec.json.decode(body, type=dict[str, Any])
            result = self.state.run_operation(str(asked.get("operation")), **asked.get("args", {}))
        except (FlumineCoreError, msgspec.MsgspecError, TypeError, ValueError) as error:
            return {"error": f"{type(error).__name__}: {error}"}
        return {"result": result}


class ControlClient(ExchangeControls):
    """An exchange that runs in another process, with the methods of `LocalExchange`.

    :ivar pid: the process, where `spawn` started it.
    :param details: what `exchange serve --json` printed: identity_uri, ca_file, control_token and so on; they become
        attributes.
    """

    def __init__(self, details: Mapping[str, Any]) -> None:
        self.details = dict(details)
        self.pid: int | None = None
        self._context = ssl.create_default_context(cafile=str(details["ca_file"]))
        self._url = str(details["control_uri"])
        self._token = str(details["control_token"])
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context)
        )
        self.faults = RemoteFaults(self)
        self.ledger = RemoteLedger(self)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["details"][name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}") from None

    def call(self, operation: str, /, **args: Any) -> Any:
        """Carry out an operation over there.

        :raises ExecutionError: where it fails there, or there is nobody.
        """
        body = msgspec.json.encode({"operation": operation, "args": args})
        request = urllib.request.Request(self._url, body, {TOKEN_HEADER: self._token}, method="POST")
        try:
            with self._opener.open(request, timeout=30) as response:
                answer = msgspec.json.decode(response.read())
        except (urllib.error.URLError, OSError) as error:
            raise ExecutionError(f"the exchange does not answer: {error}") from error
        if "error" in answer:
            raise ExecutionError(answer["error"])
        return answer.get("result")


class RemoteFault:
    """A fault of an exchange in another process."""

    def __init__(self, client: ControlClient, row: Mapping[str, Any]) -> None:
        self._client = client
        self.id = int(row["id"])

    @property
    def hits(self) -> int:
        """How often it has struck."""
        number: int = self._client.call("faults.hits", fault_id=self.id)
        return number


class RemoteFaults:
    """The faults of an exchange in another process; see `Faults`."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def add(
        self,
        hook: str,
        match: Mapping[str, Any] | None = None,
        count: int | None = 1,
        action: str = "drop",
        **params: Any,
    ) -> RemoteFault:
        """Arm a fault and return it."""
        row = self._client.call(
            "faults.add", hook=hook, action=action, match=dict(match or {}), count=count, params=params
        )
        return RemoteFault(self._client, row)

    def remove(self, fault_id: int) -> None:
        """Disarm a fault."""
        self._client.call("faults.remove", fault_id=fault_id)

    def clear(self) -> None:
        """Disarm all."""
        self._client.call("faults.clear")

    def armed(self) -> list[dict[str, Any]]:
        """Return the faults that may still strike, as plain values."""
        found: list[dict[str, Any]] = self._client.call("faults.armed")
        return found


class RemoteLedger:
    """The ledger of an exchange in another process; see `Ledger`."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def bets(self) -> list[LedgerBet]:
        """Return all accepted bets, in the order of placing."""
        return msgspec.convert(self._client.call("ledger.bets"), list[LedgerBet])

    def bets_by_ref(self, rfo: str) -> list[LedgerBet]:
        """Return the bets of a customerOrderRef."""
        return [bet for bet in self.bets() if bet.rfo == rfo]

    def live_bets(self) -> list[LedgerBet]:
        """Return the bets that are still executable."""
        return [bet for bet in self.bets() if bet.status == "E"]

    def events(self, kind: str | None = None) -> list[LedgerEvent]:
        """Return the events, of one kind or all."""
        return msgspec.convert(self._client.call("ledger.events", kind=kind), list[LedgerEvent])

    def write_times(self) -> list[tuple[str, int, int]]:
        """Return (stream, sequence, nanoseconds since 1970) of each message, where the settings have them kept."""
        return [(stream, sequence, time_ns) for stream, sequence, time_ns in self._client.call("ledger.write_times")]

    def summary(self) -> dict[str, Any]:
        """Return everything as plain values: the counts too, each under its name in `Ledger`."""
        found: dict[str, Any] = self._client.call("ledger.summary")
        return found
