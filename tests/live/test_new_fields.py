"""An exchange that has learnt new fields: whatever it adds to its answers, nothing of ours breaks."""

from collections.abc import Callable
from typing import Any

import pytest

from flumine_core import OrderStatus
from flumine_core.errors import ClientError
from flumine_core.live.doctor import examine
from flumine_core.live.resources import catalogue_of, cleared_order_of

from .rig import MARKET, PATIENCE, Rig
from .test_closing import SOON

CALLS = [
    "placeOrders", "listCurrentOrders", "listClearedOrders", "listMarketCatalogue", "listMarketBook",
    "getAccountFunds", "getAccountDetails", "getDeveloperAppKeys",
]  # fmt: skip
NEW: dict[str, Any] = {"list": [1, {"deep": None}], "text": "new"}


def test_new_fields_everywhere(make_rig: Callable[..., Rig], exchange: Any) -> None:
    fault = exchange.faults.add("http.after_execute", {"op": CALLS}, None, "add_field", name="newField", value=NEW)
    parts = {
        "listClearedOrders": ("itemDescription", {"eventDesc": "An event", "newField": NEW}),
        "listMarketCatalogue": (
            "description",
            {
                "marketType": "WIN",
                "newField": NEW,
                "lineRangeInfo": {"interval": 1.0, "newField": NEW},
                "priceLadderDescription": {"type": "CLASSIC", "newField": NEW},
            },
        ),
    }
    for op, (name, value) in parts.items():
        exchange.faults.add("http.after_execute", {"op": op}, None, "add_field", name=name, value=value)
    exchange.faults.add("order.publish", None, None, "add_field")
    rig = make_rig(**SOON, poll_account_balance_interval=2.0)
    order = rig.place()
    rig.settled(order)
    assert order.status is OrderStatus.EXECUTABLE
    rig.execution._api.login.keep_alive()
    rig.exchange.market(MARKET).match_bet(order.bet_id)
    rig.wait_until(lambda: order.complete)
    rig.wait_until(lambda: rig.market.market_catalogue is not None)
    assert rig.market.market_catalogue.description.market_type == "WIN"
    rig.exchange.drop_streams()
    rig.exchange.market(MARKET).close([11])
    rig.wait_until(lambda: order.cleared_order is not None)
    assert order.cleared_order.item_description.event_desc == "An event"
    assert rig.client.account_funds.available_to_bet_balance is not None
    assert {"listCurrentOrders", "getAccountFunds", "getAccountDetails"} <= rig.ledger.requests.keys()
    assert fault.hits > 8
    assert not rig.framework.faults.counts
    rig.stop()
    api, settings = rig.execution._api, rig.framework.settings
    wrong = [each for each in examine(rig.client, api, settings, 2) if each.level == "error"]
    assert not wrong


@pytest.mark.parametrize("op", ["getAccountDetails", "getAccountFunds"])
def test_an_account_that_answers_nonsense_is_refused_by_name(
    make_rig: Callable[..., Rig], exchange: Any, op: str
) -> None:
    exchange.faults.add("http.after_execute", {"op": op}, None, "replace", result=[1])
    rig = make_rig(is_ready=False)
    rig.thread.join(PATIENCE)
    assert isinstance(rig.error, ClientError) and "cannot be used" in str(rig.error)


@pytest.mark.parametrize("name", ["itemDescription", "newField"])
def test_a_cleared_order_with_a_part_that_is_null(name: str) -> None:
    found = cleared_order_of({"betId": "1", name: None})
    assert (found.bet_id, found.item_description) == ("1", None)


@pytest.mark.parametrize("name", ["competition", "event", "eventType", "description", "runners"])
def test_a_catalogue_with_a_part_that_is_null_or_empty(name: str) -> None:
    for value in (None, {} if name != "runners" else []):
        assert catalogue_of({"marketId": "1.1", name: value}).market_id == "1.1"
