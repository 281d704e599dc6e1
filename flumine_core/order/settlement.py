"""What a bet won or lost once its market is closed: pure functions, in the account's currency."""


def settle_each_way(side: str, size: float, price: float, divisor: float | None, runner_status: str | None) -> float:
    """Return the profit of an each-way bet: `size` to win, and `size` to place at odds over `divisor`.

    Dead heats are not shared out: the exchange's reductions for each-way markets are not modelled.
    """
    win = size * (price - 1)
    place = size * ((price - 1) * (1 / (divisor or 1)))
    if runner_status == "WINNER":
        profit = round(win + place, 2)
    elif runner_status == "PLACED":
        profit = round(place - size, 2)
    elif runner_status == "LOSER":
        profit = -round(size * 2, 2)
    else:
        return 0.0
    return profit if side == "BACK" else -profit


def settle_line(side: str, size: float, price: float, result: float | None) -> float:
    """Return the profit of a bet on a line, struck at evens; 0.0 where the line's result is not known.

    A BACK wins where the result is below its price, a LAY where it is above; an equal one loses both, as in
    flumine.
    """
    if result is None:
        return 0.0
    is_won = price > result if side == "BACK" else price < result
    return round(size, 2) if is_won else -size


def settle(side: str, size: float, price: float, runner_status: str | None, dead_heat: int = 1) -> float:
    """Return the profit of an ordinary bet; `dead_heat` runners share one first place.

    10 backed at 3.0: 20 alone, 5 with two winners, 0 with three. Any status but WINNER and LOSER pays
    nothing.
    """
    if runner_status == "WINNER":
        profit = (size / dead_heat) * (price - 1)
        if dead_heat == 2:
            profit -= size / dead_heat
        elif dead_heat > 2:
            profit -= size * (dead_heat - 1) / dead_heat
        return round(profit if side == "BACK" else -profit, 2)
    if runner_status == "LOSER":
        return -size if side == "BACK" else size
    return 0.0


def dead_heat_count(winners: int, number_of_winners: int | None) -> int:
    """Return how many runners share the place of a one-winner market, 1 where none do."""
    return winners if number_of_winners == 1 and winners > 1 else 1
