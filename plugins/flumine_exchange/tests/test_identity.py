"""Logging in and out, sessions and their end, limits and codes."""

from typing import Any

import betfairlightweight
import pytest
from betfairlightweight.exceptions import KeepAliveError, LoginError
from wire import Rpc, client_of, session_of

from flumine_exchange.exchange import Account, LocalExchange


def client_without_login(exchange: LocalExchange, **options: Any) -> betfairlightweight.APIClient:
    who = {"username": exchange.username, "password": exchange.password, "app_key": exchange.app_key}
    client = betfairlightweight.APIClient(
        **(who | options), certs=exchange.certs_dir, session=session_of(exchange), lightweight=True
    )
    client.identity_uri = client.identity_cert_uri = exchange.identity_uri
    client.api_uri = exchange.api_uri
    return client


def test_login_with_certificate(exchange: LocalExchange) -> None:
    client = client_without_login(exchange)
    answer = client.login()
    assert answer["loginStatus"] == "SUCCESS"
    assert answer["sessionToken"] == client.session_token
    assert exchange.ledger.logins == 1


def test_login_without_certificate(exchange: LocalExchange) -> None:
    session = session_of(exchange)
    form = {"username": exchange.username, "password": exchange.password}
    headers = {"X-Application": exchange.app_key}
    answer = session.post(f"{exchange.identity_uri}certlogin", data=form, headers=headers, timeout=5).json()
    assert answer == {"loginStatus": "CERT_AUTH_REQUIRED"}


def test_interactive_login_needs_no_certificate(exchange: LocalExchange) -> None:
    client = client_without_login(exchange)
    answer = client.login_interactive()
    assert (answer["status"], answer["product"]) == ("SUCCESS", exchange.app_key)
    assert client.account.get_account_funds()["availableToBetBalance"] == 10_000


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"password": "wrong"}, "INVALID_USERNAME_OR_PASSWORD"),
        ({"username": "nobody"}, "INVALID_USERNAME_OR_PASSWORD"),
        ({"app_key": "wrong"}, "INPUT_VALIDATION_ERROR"),
    ],
)
def test_login_is_refused(exchange: LocalExchange, options: dict[str, str], code: str) -> None:
    with pytest.raises(LoginError, match=code):
        client_without_login(exchange, **options).login()
    assert (exchange.ledger.logins, exchange.ledger.failed_logins) == (0, 1)


def test_account_may_be_locked_and_let_in_again(make_exchange: Any) -> None:
    exchange = make_exchange(accounts=(Account(login_code="ACCOUNT_NOW_LOCKED"),))
    client = client_without_login(exchange)
    with pytest.raises(LoginError, match="ACCOUNT_NOW_LOCKED"):
        client.login()
    exchange.set_login_code(None)
    assert client.login()["loginStatus"] == "SUCCESS"


def test_too_many_logins_are_banned_while_sessions_live_on(make_exchange: Any) -> None:
    exchange = make_exchange(scale=1.0, logins_per_minute=2)
    first = client_of(exchange)
    client_of(exchange)
    with pytest.raises(LoginError, match="TEMPORARY_BAN_TOO_MANY_REQUESTS"):
        client_of(exchange)
    assert first.account.get_account_funds()
    exchange.clock.advance(61)
    with pytest.raises(LoginError, match="TEMPORARY_BAN_TOO_MANY_REQUESTS"):
        client_of(exchange)
    exchange.clock.advance(1200)
    client_of(exchange)


def test_session_ends_unless_it_is_kept_alive(make_exchange: Any) -> None:
    rpc = Rpc(make_exchange(scale=1.0, session_seconds=100.0))
    rpc.exchange.clock.advance(90)
    assert rpc.client.keep_alive()["status"] == "SUCCESS"
    rpc.exchange.clock.advance(90)
    rpc("listCurrentOrders")
    rpc.exchange.clock.advance(20)
    assert rpc.error("listCurrentOrders") == "INVALID_SESSION_INFORMATION"
    assert rpc.error("getAccountFunds", "account") == "INVALID_SESSION_INFORMATION"
    with pytest.raises(KeepAliveError, match="NO_SESSION"):
        rpc.client.keep_alive()


def test_logout_ends_the_session(rpc: Rpc) -> None:
    rpc.client.logout()
    rpc.client.set_session_token("gone")
    assert rpc.error("listCurrentOrders") == "INVALID_SESSION_INFORMATION"


def test_every_session_is_revoked(rpc: Rpc) -> None:
    assert rpc.exchange.revoke_sessions() == 1
    assert rpc.error("listCurrentOrders") == "INVALID_SESSION_INFORMATION"


@pytest.mark.parametrize(
    ("app_key", "token", "code"),
    [(None, "x", "NO_APP_KEY"), ("wrong", "x", "INVALID_APP_KEY"), ("local-app-key", None, "NO_SESSION")],
)
def test_call_without_key_or_session(
    exchange: LocalExchange, app_key: str | None, token: str | None, code: str
) -> None:
    headers = {"X-Application": app_key, "X-Authentication": token}
    body = {"jsonrpc": "2.0", "method": "SportsAPING/v1.0/listCurrentOrders", "params": {}, "id": 7}
    answer = session_of(exchange).post(
        f"{exchange.api_uri}betting/json-rpc/v1",
        json=body,
        headers={name: value for name, value in headers.items() if value is not None},
        timeout=5,
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["data"]["APINGException"]["errorCode"]) == (200, code)


@pytest.mark.parametrize(("operation", "key"), [("certlogin", "loginStatus"), ("login", "error")])
def test_login_code_of_a_fault(exchange: LocalExchange, operation: str, key: str) -> None:
    exchange.faults.add("http.before_execute", {"op": operation}, action="login_code", code="INTERNAL_ERROR")
    url = f"{exchange.identity_uri}{operation}"
    assert session_of(exchange).post(url, timeout=5).json()[key] == "INTERNAL_ERROR"


def test_keep_alive_that_answers_an_empty_token(rpc: Rpc) -> None:
    rpc.exchange.faults.add("http.after_execute", {"op": "keepAlive"}, action="replace", result={"token": ""})
    assert rpc.client.keep_alive()["token"] == ""


def test_credentials_are_in_no_repr(exchange: LocalExchange) -> None:
    shown = repr(exchange) + repr(exchange.settings) + repr(exchange.ledger.summary())
    assert exchange.password not in shown
    assert exchange.app_key not in shown
