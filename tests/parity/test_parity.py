"""Every order of every strategy as in flumine 3.3.2: sizes, average price, status and profit, order by order."""

import os
from collections.abc import Callable

import pytest
from oracle.compare import Comparison
from oracle.jobs import Spec, default_plan, random_plan

PLAN = default_plan() + random_plan(0, int(os.environ.get("FLUMINE_CORE_PARITY_SEEDS", "0")))

pytestmark = [pytest.mark.peer, pytest.mark.slow]


@pytest.mark.parametrize("spec", PLAN, ids=lambda spec: spec.name)
def test_every_order_is_equal(spec: Spec, compare: Callable[[Spec], Comparison]) -> None:
    found = compare(spec)
    assert found.differences[:12] == []


def test_thousands_of_orders_were_compared(compare: Callable[[Spec], Comparison]) -> None:
    total = [compare(spec).orders for spec in PLAN]
    assert sum(total) > 2000, "compared no orders, or next to none"
    assert sum(count > 0 for count in total) >= len(total) * 0.8


def test_plan_covers_at_least_twenty_markets_of_three_types() -> None:
    generated = [spec for spec in PLAN if spec.source in ("WIN", "PLACE", "MATCH_ODDS")]
    assert len({spec.source for spec in generated}) == 3
    assert len(PLAN) >= 20
