"""Rows of the fault table: a sample of them, drawn by a seed, everywhere; all of them where faults are asked for."""

import os

import pytest

pytest.importorskip("flumine_exchange.exchange", reason="flumine-exchange is not installed")

from .runner import sample
from .scenario import FACTOR, make_ours
from .table import ROWS, rows, run

SEED = int(os.environ.get("FLUMINE_CORE_FAULTS_SEED", "1"))
SAMPLED = frozenset(sample(range(1, ROWS + 1), 10, SEED))


def params() -> list[object]:
    """Return every row; those that are not of the sample bear the mark `faults`."""
    return [
        pytest.param(number, id=f"{number}", marks=() if number in SAMPLED else pytest.mark.faults)
        for number in range(1, ROWS + 1)
    ]


@pytest.mark.parametrize("number", params())
def test_row(number: int) -> None:
    outcome = run(number, make_ours, SEED, FACTOR)
    assert outcome.is_passed, outcome.why


def test_the_table_is_whole() -> None:
    assert list(rows()) == list(range(1, ROWS + 1))
