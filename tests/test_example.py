"""The example strategy does what its docstring says."""

from pathlib import Path

import pytest

from flumine_core.plain import Named, Row, Run
from flumine_core.run import simulate
from flumine_core.synthetic.market import SyntheticMarket


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("market_type", ["WIN", "PLACE", "MATCH_ODDS", "LINE_RANGE"])
def test_it_backs_once_and_offers_the_matched_stake_lower(tmp_path: Path, market_type: str, seed: int) -> None:
    path = SyntheticMarket(market_type=market_type, seed=seed, updates=600).write(tmp_path / "1.100000001")
    result = simulate(Run((Named("flumine_core.example:ExampleStrategy", {"stake": 4.0}),), (str(path),)))
    assert result.error_count == 0
    orders: list[Row] = result.orders
    assert [order["side"] for order in orders] in (["BACK"], ["BACK", "LAY"])
    assert orders[0]["size"] == 4.0
    if len(orders) == 2:
        back, lay = orders
        assert lay["size"] == back["size_matched"]
        assert lay["price"] < back["average_price_matched"]
        assert lay["trade_id"] == back["trade_id"]
        assert lay["persistence_type"] == "PERSIST"
