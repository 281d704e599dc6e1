"""Clients as descriptions, and the list of them."""

from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from flumine_core import BetfairClient, FlumineCoreError, SimulatedClient
from flumine_core.contract.client import Clients


def test_defaults() -> None:
    client = SimulatedClient()
    assert (client.transaction_limit, client.commission_base, client.best_price_execution) == (1000, 0.05, True)
    assert (client.currency_code, client.min_bet_size, client.min_bet_payout, client.min_bsp_liability) == (
        "GBP",
        1.0,
        10.0,
        10.0,
    )
    assert client.is_simulated and not BetfairClient().is_simulated
    assert client.current_transaction_count_total is client.transaction_count_total is None


@pytest.mark.parametrize(
    "options",
    [
        {"transaction_limit": -1},
        {"commission_base": 1},
        {"commission_base": -0.1},
        {"betting_client": SimpleNamespace(lightweight=True)},
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(FlumineCoreError):
        BetfairClient(**options)


def test_currency_decides_minimum_stakes() -> None:
    client = BetfairClient()
    client.account_details = SimpleNamespace(currency_code="SEK")
    assert client.currency_code == "SEK" and client.min_bet_size != SimulatedClient().min_bet_size


def test_names_are_given_and_unique() -> None:
    clients = Clients()
    for client in (SimulatedClient(), SimulatedClient(), BetfairClient(username="me"), BetfairClient()):
        clients.add_client(client)
    assert [client.username for client in clients] == ["simulated", "simulated-2", "me", "betfair"]
    with pytest.raises(FlumineCoreError, match="me"):
        clients.add_client(SimulatedClient(username="me"))
    assert clients.get_default().username == "simulated" and len(clients) == 4
    assert clients.get_client("me").username == "me"
    with pytest.raises(FlumineCoreError, match=r"'you'.*simulated, simulated-2, me, betfair"):
        clients.get_client("you")
    venue = clients.get_default().venue
    assert clients.get_client(venue, "me") is clients.get_client(None, "me") is clients.get_client("me")
    assert clients.get_client(venue, "you") is None
    assert clients.get_client(None, username="me") is clients.get_client(venue_type=venue, username="me")
    assert clients.get_default(venue_type=venue) is clients.get_default()
    for wrong in ((), (venue, "me", "you")):
        with pytest.raises(TypeError, match="takes a username"):
            clients.get_client(*wrong)  # type: ignore[call-overload]
    other = attrs.evolve(venue, name="elsewhere")
    assert clients.get_client(other, "me") is clients.get_default(other) is None
    assert clients.get_default(venue) is clients.get_default()
    assert set(clients.info) == {"simulated", "simulated-2", "me", "betfair"}


def test_betting_client_names_the_account() -> None:
    assert BetfairClient(SimpleNamespace(lightweight=False, username="login")).username == "login"


def test_no_client_no_default() -> None:
    with pytest.raises(FlumineCoreError):
        Clients().get_default()


@pytest.mark.parametrize(
    ("client", "expected"),
    [(SimulatedClient(), True), (BetfairClient(paper_trade=True), True), (BetfairClient(), False)],
)
def test_simulated_is_who_trades_no_money(client: Any, expected: bool) -> None:
    clients = Clients()
    clients.add_client(client)
    assert clients.simulated is expected


def test_info_tells_no_secrets() -> None:
    client = BetfairClient(SimpleNamespace(lightweight=False, username="me", password="secret", app_key="key"))
    assert (client.info["order_stream_conflate_ms"], client.info["order_streaming_timeout"]) == (None, 0.25)
    assert "secret" not in str(client.info) + repr(client) and "key" not in str(client.info).replace("_key", "")
