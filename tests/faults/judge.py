"""The ledger's rules (a) to (f): whether a framework's orders, exposure and books are what the exchange has."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from .view import BookView, Framework, OrderView

PENNY = 0.015


def differences(exchange: Any, framework: Framework, is_with_books: bool = True) -> list[str]:
    """Return a sentence for each breach of a rule, none where all is as the ledger has it."""
    bets, orders = exchange.ledger.bets(), framework.orders()
    told = [*bound(orders, bets), *sizes(orders, bets), *unique(bets)]
    told += exposure(exchange, bets, framework.exposures())
    if is_with_books:
        told += books(exchange, framework.books())
    if exchange.ledger.cancel_alls:
        told.append("everything on the account was cancelled")
    return told


def bound(orders: Sequence[OrderView], bets: Sequence[Any]) -> Iterable[str]:
    """(a) each order has its one bet, or none and is at its end; (b) each bet has its order."""
    by_bet: dict[str, list[OrderView]] = defaultdict(list)
    refs = {order.ref for order in orders}
    known = {bet.bet_id: bet for bet in bets}
    placed = {bet.rfo for bet in bets if bet.rfo and bet.replaces is None}
    for order in orders:
        if order.bet_id is not None:
            by_bet[order.bet_id].append(order)
        elif not order.complete:
            yield f"(a) order {order.id} is {order.status} and has no bet"
        elif order.ref in placed:
            yield f"(a) order {order.id} is {order.status} without a bet, but its reference has one"
    for bet_id, found in by_bet.items():
        bet = known.get(bet_id)
        if bet is None:
            yield f"(a) order {found[0].id} has bet {bet_id}, which is none of the ledger's"
            continue
        if len(found) > 1:
            yield f"(a) bet {bet_id} has {len(found)} orders"
        if bet.replaces is None and bet.rfo and found[0].is_ours and bet.rfo != found[0].ref:
            yield f"(a) order {found[0].id} has the bet {bet_id} of another reference"
        if bet.replaces is not None and bet.rfo and bet.rfo not in refs:
            yield f"(a) bet {bet_id} is a replacement of no order that there is"
    for bet in bets:
        # a bet of somebody else's that ended with nothing matched before anybody told of it is no loss
        is_needless = not bet.rfo and bet.status == "EC" and not bet.sm
        if bet.bet_id not in by_bet and not is_needless:
            yield f"(b) bet {bet.bet_id} has no order: {bet.status}, matched {bet.sm}, left {bet.sr}"


def sizes(orders: Sequence[OrderView], bets: Sequence[Any]) -> Iterable[str]:
    """(c) sizes and ends agree, bet by bet."""
    known = {bet.bet_id: bet for bet in bets}
    for order in orders:
        bet = known.get(order.bet_id or "")
        if bet is None:
            continue
        ours = (order.matched, order.cancelled, order.lapsed, order.voided)
        theirs = (bet.sm, bet.sc, bet.sl, bet.sv)
        if any(abs(one - other) >= PENNY for one, other in zip(ours, theirs, strict=True)):
            yield f"(c) order {order.id} has matched, cancelled, lapsed, voided {ours}, bet {bet.bet_id} {theirs}"
        if order.complete != (bet.status == "EC"):
            yield f"(c) order {order.id} is {order.status}, bet {bet.bet_id} {bet.status}"
        if bet.sm and abs(order.average - bet.avp) > PENNY:
            yield f"(c) order {order.id} is matched at {order.average}, bet {bet.bet_id} at {bet.avp}"


def unique(bets: Sequence[Any]) -> Iterable[str]:
    """(e) no reference stands for two placings."""
    refs = [bet.rfo for bet in bets if bet.rfo and bet.replaces is None]
    for ref in {ref for ref in refs if refs.count(ref) > 1}:
        yield f"(e) reference {ref} has {refs.count(ref)} bets"


def exposure(exchange: Any, bets: Sequence[Any], found: dict[str, float]) -> Iterable[str]:
    """(d) the worst loss of each selection is the ledger's, in markets that are not closed."""
    by_selection: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for bet in bets:
        by_selection[bet.market_id, bet.selection_id].append(bet)
    for (market_id, selection_id), own in by_selection.items():
        if exchange.market(market_id).definition["status"] == "CLOSED":
            continue
        wanted, ours = worst_loss(own), found.get(f"{market_id}/{selection_id}", 0.0)
        if abs(wanted - ours) > PENNY * max(1, len(own)):
            yield f"(d) exposure of {market_id}/{selection_id} is {ours}, the ledger has {wanted}"


def worst_loss(bets: Iterable[Any]) -> float:
    """Return what the bets of one selection lose at worst, unmatched ones counted where they hurt."""
    if_win = if_lose = 0.0
    for bet in bets:
        sign = 1 if bet.side == "BACK" else -1
        if_win += sign * bet.sm * (bet.avp - 1)
        if_lose -= sign * bet.sm
        if bet.side == "BACK":
            if_lose -= bet.sr
        else:
            if_win -= bet.sr * (bet.price - 1)
    return round(max(-min(if_win, if_lose), 0.0), 2)


def books(exchange: Any, found: dict[str, BookView]) -> Iterable[str]:
    """(f) every market's book is the server's, level by level, and there is no market that the server has not."""
    market_ids = exchange.market_ids
    for market_id in sorted(found.keys() - set(market_ids)):
        yield f"(f) market {market_id} is not the server's"
    for market_id, book in found.items():
        if market_id not in market_ids:
            continue
        market = exchange.market(market_id)
        definition = market.definition
        theirs = (definition["status"], definition["version"], bool(definition.get("inPlay")))
        if (book.status, book.version, book.inplay) != theirs:
            yield f"(f) market {market_id} is {(book.status, book.version, book.inplay)}, the server's {theirs}"
        served = market.book
        for selection, ladders in served.items():
            if "/" in selection:
                continue
            ours = book.ladders.get(int(selection), {})
            for name in ("atb", "atl"):
                wanted = {level[0]: level[1] for level in ladders.get(name, ())}
                if ours.get(name, {}) != wanted:
                    yield f"(f) {name} of {market_id}/{selection} is {ours.get(name)}, the server's {wanted}"
        if book.is_stale:
            yield f"(f) market {market_id} is stale"
