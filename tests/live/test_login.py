"""The session: one login for all who need it, no loop where a human is needed, no empty token."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flumine_core import Settings
from flumine_core.live.api import Api
from flumine_core.live.login import CallError

from .conftest import wait_for
from .rig import MARKET, WAITS, Rig, client_of


@pytest.fixture
def make_api(exchange: Any) -> Callable[..., Api]:
    def make(**settings: Any) -> Api:
        client = client_of(exchange)
        return Api(client.betting_client, Settings(**{**WAITS, **settings}), ca_file=client.endpoints.ca_file)

    return make


def funds(api: Api) -> Any:
    return api.call("getAccountFunds", {}, "account")


def code_of(api: Api) -> str:
    with pytest.raises(CallError) as caught:
        funds(api)
    assert caught.value.is_refused
    return str(caught.value)


def test_many_threads_log_in_once(exchange: Any, make_api: Callable[..., Api]) -> None:
    api = make_api()
    exchange.faults.add("http.before_execute", {"op": "certlogin"}, 1, "delay", seconds=0.2)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(funds(api))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert exchange.ledger.logins == 1


def test_a_session_that_ends_is_renewed_once(rig: Rig) -> None:
    logins = rig.ledger.logins
    rig.exchange.revoke_sessions()
    orders = [rig.place() for _ in range(6)]
    rig.settled(*orders)
    assert rig.ledger.logins == logins + 1
    rig.agrees()
    assert len(rig.ledger.bets()) == 6


def test_a_session_that_ends_while_a_call_is_under_way(rig: Rig) -> None:
    fault = rig.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, 1, "revoke_sessions")
    order = rig.place()
    rig.settled(order)
    assert fault.hits
    rig.settled(rig.place())
    rig.agrees()


def test_a_refusal_that_needs_a_human_is_not_tried_again(exchange: Any, make_api: Callable[..., Api]) -> None:
    exchange.set_login_code("ACCOUNT_NOW_LOCKED")
    api = make_api()
    for _ in range(3):
        assert "ACCOUNT_NOW_LOCKED" in code_of(api)
    assert exchange.ledger.failed_logins == 1
    assert api.login.refusal is not None


def test_a_missing_certificate_is_not_tried_again(exchange: Any, make_api: Callable[..., Api]) -> None:
    api = make_api()
    api.betting_client.cert_files = None
    api.betting_client.certs = "/nowhere"
    for _ in range(2):
        assert "certificate" in code_of(api)
    assert exchange.ledger.requests.get("certlogin", 0) == 0


def test_a_ban_is_waited_out(exchange: Any, make_api: Callable[..., Api]) -> None:
    api = make_api(login_ban=10.0)
    exchange.set_login_code("TEMPORARY_BAN_TOO_MANY_REQUESTS")
    assert "TEMPORARY_BAN" in code_of(api)
    for _ in range(5):
        assert "TEMPORARY_BAN" in code_of(api)
    assert exchange.ledger.failed_logins == 1
    exchange.set_login_code(None)
    wait_for_login(api)


def wait_for_login(api: Api) -> None:
    pause = threading.Event()
    for _ in range(1000):
        try:
            funds(api)
        except CallError:
            pause.wait(0.01)
        else:
            return
    raise AssertionError("no login")


def test_logins_keep_within_a_budget(exchange: Any, make_api: Callable[..., Api]) -> None:
    api = make_api(login_limit=3, wait_factor=1.0)
    for _ in range(3):
        funds(api)
        exchange.revoke_sessions()
    assert "logins of a minute" in code_of(api)
    assert exchange.ledger.logins == 3


@pytest.mark.parametrize("answer", ["fail", "empty"])
def test_a_keep_alive_that_fails_logs_in(exchange: Any, make_api: Callable[..., Api], answer: str) -> None:
    api = make_api()
    funds(api)
    if answer == "fail":
        exchange.revoke_sessions()
    else:
        body = '{"token": "", "product": "x", "status": "SUCCESS", "error": ""}'
        text = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        exchange.faults.add("http.before_execute", {"op": "keepAlive"}, 1, "raw", text=text)
    assert api.login.keep_alive()
    assert api.betting_client.session_token
    funds(api)
    assert exchange.ledger.logins == 2


def test_a_keep_alive_keeps_the_token(exchange: Any, make_api: Callable[..., Api]) -> None:
    api = make_api()
    token = api.login.token()
    assert api.login.keep_alive() == token
    assert exchange.ledger.logins == 1


def test_credentials_are_in_no_error(exchange: Any, make_api: Callable[..., Api]) -> None:
    api = make_api()
    token = api.login.token()
    exchange.refuse_connections("http")
    api._connections.close()
    with pytest.raises(CallError) as caught:
        Api(api.betting_client, api.settings, ca_file=exchange.ca_file).call("listMarketCatalogue", {})
    assert caught.value.code == "NOT_SENT"
    assert exchange.password not in repr(caught.value) and token not in repr(caught.value)


def test_an_unreachable_exchange_refuses_the_order(rig: Rig) -> None:
    rig.exchange.refuse_connections("http")
    rig.exchange.drop_http()
    order = rig.place()
    rig.wait_until(lambda: order.complete)
    assert "NOT_SENT" in order.violation_msg or "not placed" in order.violation_msg
    rig.exchange.take_connections("http")
    rig.settled(rig.place())
    rig.agrees()


def test_what_never_left_is_no_transaction(rig: Rig) -> None:
    resting = rig.place()
    rig.settled(resting)
    rig.exchange.set_login_code("TEMPORARY_BAN_TOO_MANY_REQUESTS")
    rig.exchange.revoke_sessions()
    orders = [rig.place() for _ in range(5)]
    rig.ask(lambda: rig.market.cancel_order(resting))
    rig.settled(*orders, resting)
    assert all(order.complete for order in orders) and not resting.complete
    rig.ask(lambda: rig.market.replace_order(resting, 4.0))
    rig.settled(resting)
    (control,) = [each for each in rig.client.trading_controls if each.NAME == "MAX_ORDER_COUNT"]
    assert (control.transaction_count_total, control.pending_transaction_count) == (1, 0)
    assert rig.ledger.transactions == {rig.exchange.username: 1}


def test_idle_connections_that_the_exchange_closes(rig: Rig) -> None:
    rig.settled(rig.place())
    rig.exchange.drop_http()
    order = rig.place()
    rig.settled(order)
    assert order.bet_id is not None
    rig.agrees()
    assert len(rig.ledger.bets()) == 2


def test_lists_are_asked_for_three_at_a_time(rig: Rig) -> None:
    rig.exchange.faults.add("order.publish", None, None, "skip")
    for _ in range(8):
        rig.exchange.faults.add("http.write", {"op": "placeOrders"}, 1, "drop")
    orders = [rig.place(price=3.0 + 0.05 * n) for n in range(8)]
    rig.settled(*orders)
    rig.agrees()
    assert MARKET in rig.exchange.market_ids


def test_a_certificate_that_cannot_be_read_for_a_moment_is_read_again(exchange: Any, tmp_path: Path) -> None:
    betting_client = client_of(exchange).betting_client
    told: list[str] = []
    certificates = tmp_path / "certificates"
    certificates.write_text("in place of a directory")
    betting_client.cert_files, betting_client.certs = None, str(certificates)
    api = Api(betting_client, Settings(**WAITS), on_alert=told.append, ca_file=exchange.ca_file)

    def fails(text: str) -> bool:
        try:
            api.login.token()
        except CallError as error:
            return text in str(error)
        return False

    assert fails("the certificate for the login cannot be read")
    tries = []
    wait_for(lambda: tries.append(fails("next try in")) or tries[-2:] == [True, False])  # it has tried once more
    assert api.login.refusal is None
    assert len(told) == 1 and "cannot be read" in told[0]
    certificates.unlink()
    certificates.mkdir()
    shutil.copy(exchange.cert_file, certificates / "client.crt")
    shutil.copy(exchange.key_file, certificates / "client.key")
    wait_for(lambda: not fails(""))
    assert exchange.ledger.logins == 1
