"""`python -m flumine_core exchange serve`: recorded markets over Betfair's protocols, until Ctrl-C."""

import signal
import threading
import time
from typing import Any

import click
import msgspec
from attrs import evolve, fields_dict
from flumine_core.errors import SettingsError
from flumine_core.hint import did_you_mean
from flumine_core.simulation.reader import expand
from flumine_core.synthetic.market import SyntheticMarket
from loguru import logger

from .exchange import Account, ExchangeSettings, LocalExchange


@click.group()
def exchange() -> None:
    """A local exchange that speaks Betfair's real protocols."""


@exchange.command()
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option("--speed", default="1", show_default=True, metavar="N|max", help="N times as fast as recorded.")
@click.option("--demo", is_flag=True, help="Serve a synthetic market too.")
@click.option(
    "--start",
    type=click.Choice(["subscription", "now", "manual"]),
    default="subscription",
    show_default=True,
    help="When the markets begin: with a client's first subscription, at once, or told by --control.",
)
@click.option("--from-off", type=float, metavar="SECONDS", help="Begin so long before the off.")
@click.option("--balance", type=float, help="Money of the account.")
@click.option("--currency", help="The account's currency.")
@click.option("--http-port", type=click.IntRange(0, 65535), default=0, help="Instead of one that the system chooses.")
@click.option("--stream-port", type=click.IntRange(0, 65535), default=0, help="Instead of one that the system chooses.")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="A field of ExchangeSettings, VALUE as JSON.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides where faults leave something to chance.")
@click.option("--control", is_flag=True, help="Take orders of other processes: faults, clock, ledger, markets.")
@click.option("--json", "as_json", is_flag=True, help="Print ports and files as one line of JSON.")
def serve(
    files: tuple[str, ...],
    speed: str,
    demo: bool,
    start: str,
    from_off: float | None,
    balance: float | None,
    currency: str | None,
    http_port: int,
    stream_port: int,
    sets: tuple[str, ...],
    seed: int,
    control: bool,
    as_json: bool,
) -> None:
    """Serve recorded markets as an exchange on loopback, until Ctrl-C.

    FILE is a recorded stream file (plain, gz, bz2, zst), a glob, a directory or a tar archive. Their dates are moved
    to now. Point a client at what is printed: nothing else of it needs to change.
    """
    logger.enable("flumine_exchange")
    if not files and not demo and not control:
        raise click.UsageError("a recorded file must be named, or --demo, or --control to bring markets later")
    chosen = settings_of(sets)
    if "accounts" in chosen and (balance is not None or currency is not None):
        raise click.UsageError("--balance and --currency do not go with --set accounts=...: say them there")
    account = Account()
    if balance is not None:
        account = evolve(account, balance=balance, exposure_limit=-balance)
    if currency is not None:
        account = evolve(account, currency=currency)
    # bet ids that an earlier exchange has not had: a client's journal may know those
    chosen = {
        "start": start,
        "seconds_before_off": from_off,
        "accounts": (account,),
        "bets_before": time.time_ns() // 10_000_000,
    } | chosen
    sources: list[Any] = [source.name for source in expand(*files)] if files else []
    if demo:
        sources.append(SyntheticMarket())
    served = LocalExchange(
        sources,
        speed_of(speed),
        ExchangeSettings(**chosen),
        seed,
        control=control,
        http_port=http_port,
        stream_port=stream_port,
    )
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda number, frame: stopped.set())
    with served:
        click.echo(msgspec.json.encode(served.details()).decode() if as_json else _guide(served, start))
        told = _tell(served.replay_status()["bad_lines"])
        while not stopped.wait(1.0):
            pass
        bad_lines = served.replay_status()["bad_lines"]
    bets = served.ledger.bets()
    live = len(served.ledger.live_bets())
    click.echo(f"\nstopped: {len(bets)} bets were placed, {live} of them still live", err=as_json)
    _tell(bad_lines[told:])


def speed_of(text: str) -> float | None:
    """Return a speed; None for "max"."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise click.BadParameter(f"must be a number above 0 or max, was {text}", param_hint="--speed")
    return speed


def settings_of(sets: tuple[str, ...]) -> dict[str, Any]:
    """Return fields of ExchangeSettings from NAME=VALUE texts.

    :raises SettingsError: where there is no such field, or the value is not of its type.
    """
    known = fields_dict(ExchangeSettings)
    found: dict[str, Any] = {}
    for text in sets:
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            raise SettingsError(f"no such field of ExchangeSettings: {name!r}{did_you_mean(name, known)}")
        try:
            decoded = msgspec.json.decode(value)
        except msgspec.DecodeError:
            decoded = value
        try:
            found[name] = msgspec.convert(decoded, known[name].type)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{name}: {error}, was {value}") from error
    return found


def _tell(bad_lines: list[str]) -> int:
    """Print the first of what could not be used; return how many there were."""
    for bad in bad_lines[:20]:
        click.echo(f"could not be used: {bad}", err=True)
    return len(bad_lines)


def _guide(served: LocalExchange, start: str) -> str:
    details = served.details()
    width = max(len(name) for name in details)
    lines = [f"  {name:{width}}  {value}" for name, value in details.items()]
    begin = {"subscription": "with the first subscription", "now": "now", "manual": "when they are told to"}[start]
    return "\n".join(
        [
            f"serving {len(served.market_ids)} market(s): {', '.join(served.market_ids[:10])}",
            f"they begin {begin}; stop with Ctrl-C",
            "",
            *lines,
            "",
            "betfairlightweight:",
            "  client = APIClient(username, password, app_key, certs=certs_dir)",
            "  client.identity_uri = client.identity_cert_uri = identity_uri",
            "  client.api_uri, client.navigation_uri = api_uri, navigation_uri",
            f"  export REQUESTS_CA_BUNDLE={details['ca_file']}",
            "",
        ]
    )
