"""Markets that are out of the ordinary and do happen: what a plugin must survive."""

from collections.abc import Iterator

from .market import MarketScript


def ordinary(market_id: str = "1.100000001", books: int = 40) -> MarketScript:
    """Return a market with prices on both sides that move, from ten minutes before the start to a winner."""
    script = MarketScript(market_id).runners(3)
    for number in range(books):
        selection_id = 1 + number % 3
        price = round(2.0 + 0.02 * (number % 20), 2)
        script = script.ladder(
            selection_id,
            back=[(price, 50.0 + number)],
            lay=[(round(price + 0.5, 2), 40.0)],
            traded=[(price, 12.0)],
        )
        if number == books // 4:
            script = script.wait(560)
        if number == books * 3 // 4:
            script = script.suspend().bsp(1, 2.1).inplay()
    return script.suspend().win(1)


def odd() -> Iterator[tuple[str, MarketScript]]:
    """Yield what is odd about each market, and its script."""
    priced = MarketScript().runners(3).back(1, 2.0, 100).lay(1, 2.02, 50)
    yield "a market on which nothing is offered", MarketScript().wait(595).suspend().win(1)
    yield "a market that never closes", priced.traded(1, 2.0, 10)
    yield "a market that closes at its second book", MarketScript().win(1)
    yield "a market that is suspended from the first book on", MarketScript(definition={"status": "SUSPENDED"}).win(2)
    in_play = MarketScript(definition={"inPlay": True, "betDelay": 5}).back(1, 2.0, 100)
    yield "a market that is in play from the first book on", in_play.wait(4000).back(1, 1.01, 5).suspend().win(1)
    yield "a runner that is withdrawn", priced.wait(580).suspend().remove(2, 20.0).open().lay(1, 2.2, 5).win(1)
    yield "a market of which every runner is withdrawn", priced.suspend().remove(1).remove(2).remove(3).open().win()
    yield "a market without a winner", priced.wait(590).back(1, 2.1, 10).suspend().win()
    yield "a dead heat", priced.wait(590).back(1, 2.1, 10).suspend().win(1, 2)
    yield "a ladder that empties", priced.wait(595).back(1, 2.0, 0).lay(1, 2.02, 0).back(2, 1000, 2).win(1)
    yield "prices at both ends of the ladder", priced.wait(595).back(1, 1.01, 9).lay(2, 1000, 9).back(3, 1.01, 9).win(3)
    no_number = priced.ladder(1, back=[(2.0, 5)], spn="Infinity", spf="NaN")
    yield "starting prices that are no numbers", no_number.wait(595).bsp(1, 2.0).win(1)
    bare = MarketScript(definition={"venue": None, "countryCode": None, "eventId": None, "regulators": None})
    yield "a definition that lacks what is optional", bare.wait(595).back(1, 2.0, 10).lay(1, 2.1, 9).suspend().win(1)
    line = {"bettingType": "LINE", "lineMinUnit": 0.5, "lineMaxUnit": 300.5, "lineInterval": 1.0, "marketType": "LINE"}
    units = MarketScript(definition=line).runners(1)
    yield "a market whose prices are units of a line", units.wait(595).back(1, 150.5, 20).lay(1, 151.5, 20).win()
    again = priced.suspend().win(1).open().wait(5).back(1, 3.0, 10).suspend().win(2)
    yield "a market that opens again after it closed", again
    yield "one book an hour", priced.wait(3600).back(1, 2.1, 10).wait(3600).back(1, 2.2, 10).win(1)
