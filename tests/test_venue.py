"""What Betfair allows."""

import pickle

import pytest
from betfairlightweight import metadata

from flumine_core.errors import ClientError
from flumine_core.order.package import OrderPackageType
from flumine_core.venue import BETFAIR


@pytest.mark.parametrize("code", sorted(metadata.currency_parameters))
def test_minimum_stakes_are_betfairs(code):
    currency = BETFAIR.currency(code)
    assert {
        "min_bet_size": currency.min_bet_size,
        "min_bet_payout": currency.min_bet_payout,
        "min_bsp_liability": currency.min_bsp_liability,
    } == metadata.currency_parameters[code]


def test_unknown_currency():
    with pytest.raises(ClientError, match="was XYZ"):
        BETFAIR.currency("XYZ")


@pytest.mark.parametrize("package_type", list(OrderPackageType))
def test_order_limits_are_betfairs(package_type):
    expected = metadata.order_limits[f"{package_type.value.lower()}Orders"]
    assert BETFAIR.order_limit(package_type) == BETFAIR.order_limit(package_type.value) == expected


def test_a_venue_is_plain_data():
    assert pickle.loads(pickle.dumps(BETFAIR)) == BETFAIR
