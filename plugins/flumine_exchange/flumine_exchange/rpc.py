"""JSON-RPC 2.0 as the betting, account and heartbeat APIs speak it, and the faults that strike there."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec
from flumine_core.hint import one_line

from .errors import ApiError, ProtocolError
from .faults import Fault
from .identity import Identity
from .placing import Call, refused
from .state import ExchangeState
from .transform import transformed

PREFIXES = {
    "betting": "SportsAPING/v1.0/",
    "account": "AccountAPING/v1.0/",
    "heartbeat": "HeartbeatAPING/v1.0/",
    "scores": "ScoresAPING/v1.0/",
}
ORDER_OPERATIONS = frozenset({"placeOrders", "cancelOrders", "updateOrders", "replaceOrders"})
MESSAGES = {
    "TOO_MUCH_DATA": "0001",
    "INVALID_INPUT_DATA": "0002",
    "INVALID_SESSION_INFORMATION": "0003",
    "UNEXPECTED_ERROR": "0004",
    "INVALID_APP_KEY": "0005",
    "TOO_MANY_REQUESTS": "0006",
    "SERVICE_BUSY": "0007",
    "TIMEOUT_ERROR": "0008",
    "REQUEST_SIZE_EXCEEDS_LIMIT": "0009",
    "NO_APP_KEY": "0010",
    "NO_SESSION": "0013",
    "ACCESS_DENIED": "0014",
}

INSIDE = frozenset({"report", "report_late", "forget_async", "fail_place_leg", "revoke_sessions"})
"""Faults that need somebody who is logged in."""

Handler = Callable[[Call], Awaitable[Any]]
Parsed = TypeVar("Parsed", bound=msgspec.Struct)


class SocketFault(Exception):
    """A fault that strikes the connection instead of the answer."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.action)
        self.fault = fault


def typed(params: type[Parsed], handler: Callable[[Call, Parsed], Awaitable[Any]]) -> Handler:
    """Return a handler that checks its parameters first."""

    async def checked(call: Call) -> Any:
        try:
            parsed = msgspec.convert(call.params, params)
        except msgspec.ValidationError as error:
            raise ProtocolError(-32602, "DSC-0018", str(error)) from error
        return await handler(call, parsed)

    return checked


class Rpc:
    """Answers the bodies of requests.

    :param operations: service -> operation -> its handler.
    """

    def __init__(
        self, state: ExchangeState, identity: Identity, operations: Mapping[str, Mapping[str, Handler]]
    ) -> None:
        self.state = state
        self.identity = identity
        self.operations = operations
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, service: str, body: bytes, headers: Mapping[str, str], arrived_ns: int) -> Any:
        """Return the answer to a body: of one call, or of a list of calls.

        :param arrived_ns: when its last bytes came, in nanoseconds since 1970.
        :raises SocketFault: where a fault has the connection treated instead.
        """
        try:
            requests = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return _error(None, ProtocolError(-32700, "DSC-0008"))
        if isinstance(requests, list):
            return [await self._answer(service, request, headers, arrived_ns) for request in requests]
        return await self._answer(service, requests, headers, arrived_ns)

    async def _answer(self, service: str, request: Any, headers: Mapping[str, str], arrived_ns: int) -> Any:
        number = request.get("id") if isinstance(request, dict) else None
        try:
            result = await self._call(service, request, headers, arrived_ns)
        except ProtocolError as error:
            return _error(number, error)
        except ApiError as error:
            return _api_error(service, number, error)
        except SocketFault:
            raise
        except Exception as error:
            self.state.fail("request", error)
            return _api_error(service, number, ApiError("UNEXPECTED_ERROR", one_line(error)))
        return {"jsonrpc": "2.0", "result": result, "id": number}

    async def _call(self, service: str, request: Any, headers: Mapping[str, str], arrived_ns: int) -> Any:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            raise ProtocolError(-32600, "DSC-0019")
        method: str = request["method"]
        operation = method.removeprefix(PREFIXES[service])
        handler = self.operations[service].get(operation)
        if handler is None or operation == method:
            raise ProtocolError(-32601, "DSC-0021", f"no such method: {method}")
        self.state.ledger.count_request(operation)
        params = request.get("params")
        params = {} if params is None else params
        if not isinstance(params, dict):
            raise ProtocolError(-32602, "DSC-0018", "params must be an object")
        params = {name: value for name, value in params.items() if value is not None}
        account, code = self.identity.account_of(headers.get("X-Authentication"), headers.get("X-Application"))
        occasion = {
            "op": operation,
            "market": params.get("marketId"),
            "ref": params.get("customerRef"),
            "account": None if account is None else account.username,
            "server": "http",
        }
        if operation in ORDER_OPERATIONS:
            self.state.record("request", operation=operation, params=params, arrived_ns=arrived_ns)
        fault = self.state.faults.take("http.before_execute", **occasion)
        if fault is not None and account is None and fault.action not in INSIDE:
            self._note(fault, operation)
            await self._strike(fault)
        if fault is not None and fault.action == "revoke_sessions":
            self._note(fault, operation)
            self.identity.revoke_all()
            account, code = None, "INVALID_SESSION_INFORMATION"
        if account is None:
            raise ApiError(code)
        call = Call(account, operation, params)
        result = None
        if fault is not None:
            self._note(fault, operation)
            result = await self._before(fault, call, handler)
        if result is None:
            result = await handler(call)
        for fault in self.state.faults.take_all("http.after_execute", **occasion):
            self._note(fault, operation)
            if fault.action == "revoke_sessions":
                self.identity.revoke_all()
            elif fault.action in ("instruction", "add_field", "shuffle_reports", "remove_reports", "replace", "empty"):
                result = transformed(fault, result, self.state.faults.random)
            elif fault.action == "report":
                result = _reported(fault, call)
            else:
                await self._strike(fault)
        return result

    def _note(self, fault: Fault, operation: str) -> None:
        self.state.record("fault", id=fault.id, hook=fault.hook, action=fault.action, operation=operation)

    async def _before(self, fault: Fault, call: Call, handler: Handler) -> Any:
        """Do what a fault asks for before the operation; the answer, where that is settled with it."""
        if fault.action == "report":
            return _reported(fault, call)
        if fault.action in ("report_late", "forget_async"):
            reference = call.params.get("customerRef")
            if reference and call.account.is_reference_used(reference, call.operation, call.params.get("marketId")):
                return None  # an earlier one was accepted: answered as any duplicate
            seconds = fault.get("seconds")
            if seconds is not None:
                late = Call(call.account, call.operation, {**call.params, "customerRef": None})
                self.state.clock.call_later(float(seconds), lambda: self._later(late, handler))
            return _reported(fault, call) if fault.action == "report_late" else _pending(call)
        if fault.action in ("fail_place_leg", "revoke_sessions"):
            call.fault = fault
            return None
        await self._strike(fault)
        return None

    def _later(self, call: Call, handler: Handler) -> None:
        async def run() -> None:
            await handler(call)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _strike(self, fault: Fault) -> None:
        if fault.action == "delay":
            await self.state.clock.sleep(float(fault.get("seconds", 1.0)))
        elif fault.action == "error":
            raise ApiError(fault.get("code", "SERVICE_BUSY"), fault.get("details", ""))
        elif fault.action == "market":
            self.state.run_operation(f"market.{fault.get('method')}", **fault.get("args", {}))
        else:
            raise SocketFault(fault)


def _reported(fault: Fault, call: Call) -> Any:
    status = fault.get("status", "TIMEOUT")
    report = refused(
        call, fault.get("code", "ERROR_IN_MATCHER"), fault.get("instruction_code", "ERROR_IN_ORDER"), status
    )
    if status == "TIMEOUT" and fault.get("instruction_code") is None:
        for each in report["instructionReports"]:
            del each["errorCode"]
    return report


def _pending(call: Call) -> Any:
    report = refused(call, "", "", "SUCCESS")
    del report["errorCode"]
    for each in report["instructionReports"]:
        del each["errorCode"]
        each["orderStatus"] = "PENDING"
    return report


def _error(number: Any, error: ProtocolError) -> dict[str, Any]:
    told: dict[str, Any] = {"code": error.number, "message": error.text}
    if error.details:
        told["data"] = {"details": error.details}
    return {"jsonrpc": "2.0", "error": told, "id": number}


def _api_error(service: str, number: Any, error: ApiError) -> dict[str, Any]:
    name, prefix = ("AccountAPINGException", "AANGX") if service == "account" else ("APINGException", "ANGX")
    data = {
        "exceptionname": name,
        name: {
            "requestUUID": f"prdang-{secrets.token_hex(8)}",
            "errorCode": error.code,
            "errorDetails": error.details,
        },
    }
    message = f"{prefix}-{MESSAGES.get(error.code, '0004')}"
    return {"jsonrpc": "2.0", "error": {"code": -32099, "message": message, "data": data}, "id": number}
