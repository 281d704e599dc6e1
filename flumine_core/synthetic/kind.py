"""What a type of market brings with it: winners, runners, ladder, starting price, bet delay."""

from attrs import frozen

from ..ladder import PRICES_FLOAT, make_line_prices


@frozen
class LineRange:
    """Least and greatest unit of a line market, and the step between two units."""

    low: float
    high: float
    interval: float


@frozen
class Kind:
    """One type of market.

    `paid` is how many runners a price pays on: 3 in a PLACE market, where three win; `winners` is what the
    definition gives as `numberOfWinners`. `bet_delay` is in seconds, `in_play_ms` is how long it is played.
    """

    name: str
    event_type: str
    winners: int
    paid: int
    bet_delay: int
    in_play_ms: int
    is_race: bool = False
    has_bsp: bool = False
    runners: int = 10
    each_way_divisor: float | None = None
    line: LineRange | None = None

    @property
    def prices(self) -> list[float]:
        """The ladder, ascending: decimal odds, or units where this is a line market."""
        line = self.line
        return PRICES_FLOAT if line is None else make_line_prices(line.low, line.high, line.interval)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("WIN", "7", 1, 1, 1, 90_000, is_race=True, has_bsp=True),
        Kind("PLACE", "7", 3, 3, 1, 90_000, is_race=True, has_bsp=True),
        Kind("OTHER_PLACE", "7", 2, 2, 1, 90_000, is_race=True, has_bsp=True),
        Kind("EACH_WAY", "7", 3, 1, 1, 90_000, is_race=True, each_way_divisor=4.0),
        Kind("MATCH_ODDS", "1", 1, 1, 5, 6_600_000, runners=3),
        Kind("LINE_RANGE", "4", 1, 1, 5, 4_800_000, runners=1, line=LineRange(0.5, 400.5, 1.0)),
    )
}
"""The types that can be made, by the name that the definition gives as `marketType`."""
