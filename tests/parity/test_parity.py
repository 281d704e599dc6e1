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
    assert found.orders > 0, "compared no orders"


def test_plan_covers_at_least_twenty_markets_of_three_types() -> None:
    generated = [spec for spec in PLAN if spec.source in ("WIN", "PLACE", "MATCH_ODDS")]
    assert len({spec.source for spec in generated}) == 3
    assert len(PLAN) >= 20
