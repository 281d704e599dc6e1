"""Gaps between what is asked, sent, heard and written: whoever dies in one knows every bet when it starts again."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .dying import LIVES
from .rig import Rig

SCRIPT = Path(__file__).with_name("dying.py")
TELLERS = {
    "answer": ("order.publish", None, "skip"),
    "stream": ("http.write", {"op": ["placeOrders", "replaceOrders"]}, "hang"),
}
"""Who alone tells what became of a request: the answer to it, or the order stream (of cancels and updates both)."""


@pytest.mark.parametrize(
    "is_noting",
    [pytest.param(False, id="notes-behind"), pytest.param(True, id="notes-written", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize(
    ("teller", "death"),
    [
        *(("answer", death) for death in ("journal", "send", "receive", "note")),
        *(("stream", death) for death in ("journal", "send", "note")),
    ],
)
def test_a_death_in_a_gap_leaves_no_bet_without_an_order(
    make_rig: Callable[..., Rig], exchange: Any, tmp_path: Path, teller: str, death: str, is_noting: bool
) -> None:
    hook, match, action = TELLERS[teller]
    exchange.faults.add(hook, match, None, action)
    details, journal = tmp_path / "exchange.json", tmp_path / "journal.sqlite"
    details.write_text(json.dumps(exchange.details()))
    command = [sys.executable, str(SCRIPT), str(details), str(journal), death, str(int(is_noting))]
    ended = subprocess.run(command, capture_output=True, timeout=120, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    exchange.faults.clear()
    assert len(exchange.ledger.bets()) >= len(LIVES) - 1

    rig = make_rig(journal=str(journal))
    rig.agrees()
    orders = rig.ask(lambda: list(rig.market.blotter))
    assert {bet.bet_id for bet in exchange.ledger.bets()} <= {order.bet_id for order in orders}
    rig.ask(lambda: [rig.market.cancel_order(order) for order in rig.market.blotter.live_orders if order.bet_id])
    rig.wait_until(lambda: not rig.market.blotter.has_live_orders)
    assert exchange.ledger.live_bets() == []
    rig.agrees()
