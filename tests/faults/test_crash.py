"""Three seeded kills: `tox -e faults` makes a hundred."""

import pytest

pytest.importorskip("flumine_exchange.exchange", reason="flumine-exchange is not installed")

from .crash import crash


def test_what_is_killed_loses_no_bet_and_doubles_none() -> None:
    tally = crash(3, 7)
    assert (tally.kills, tally.lost, tally.doubled, tally.told) == (3, 0, 0, [])
    assert tally.bets
