"""A synthetic market by description: say what it shall be, and have its lines, the same at every call."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from attrs import Attribute, field, frozen

from ..errors import SettingsError
from .field import UNTOUCHED
from .kind import KINDS, Kind
from .lines import Life
from .walk import LineWalk

START_MS = 1_717_246_200_000
"""The publish time of a first line unless told otherwise: 2024-06-01 12:50 UTC."""

MOST_REMOVALS = 5


def _known_type(_: object, attribute: "Attribute[str]", value: str) -> None:
    if value not in KINDS:
        raise SettingsError(f"market_type must be one of {', '.join(KINDS)}, was {value!r}")


def _digits(_: object, attribute: "Attribute[str]", value: str) -> None:
    pattern = r"[0-9]+\.[0-9]+" if attribute.name == "market_id" else "[0-9]+"
    if not re.fullmatch(pattern, value):
        raise SettingsError(f"{attribute.name} must match {pattern}, was {value!r}")


@frozen(kw_only=True)
class SyntheticMarket:
    """A market that never was: its description, from which its lines follow byte for byte.

    Lines come from `seed`, the ids and the options alone, on every machine and Python version. Markets of one
    `seed` and `event_id` have the same runners, finishing order and withdrawals, whatever their type.

    Raises `SettingsError` where the options do not go together.
    """

    market_type: str = field(default="WIN", validator=_known_type)
    """WIN, PLACE, OTHER_PLACE, EACH_WAY, MATCH_ODDS or LINE_RANGE."""
    seed: int = 1
    market_id: str = field(default="1.100000001", validator=_digits)
    event_id: str = field(default="30000001", validator=_digits)
    runners: int | None = None
    """How many runners a race has (10 where None); a match has 3 and a line 1."""
    updates: int = 3_000
    """Lines with changed prices; a dozen with a changed definition come on top."""
    start_ms: int = START_MS
    """Publish time of the first line (ms); the scheduled start is at least ten minutes later."""
    bet_delay: int | None = None
    """Seconds in play; that of the type where None: 1 for a race, 5 otherwise."""
    in_play: bool = True
    """Whether the market is turned in play; one that is not closes after the off, as greyhound races do."""
    removals: int = 0
    """Runners withdrawn before the off: first the strongest of those that may be, then the weakest."""
    dead_heat: bool = False
    """Whether one runner more wins than there are winners."""
    each_way: bool = False
    """The same as `market_type="EACH_WAY"`."""
    reopen_after_close: bool = False
    """Whether the market opens again after CLOSED, and closes with another result."""
    passive_delay: bool = False
    """Whether `betDelayModels` is PASSIVE."""
    missing_bsp: bool = False
    """Whether one runner's starting price is "NaN" at reconciliation, and that of another absent."""

    def __attrs_post_init__(self) -> None:
        kind = self.kind
        if self.each_way and self.market_type not in ("WIN", "EACH_WAY"):
            raise SettingsError(f"each_way needs market_type WIN or EACH_WAY, was {self.market_type}")
        if self.updates < 20:
            raise SettingsError(f"updates must be at least 20, was {self.updates}")
        for name in ("seed", "start_ms", "delay", "removals"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name} must not be negative, was {getattr(self, name)}")
        if not kind.is_race:
            self._check_match(kind)
        elif self.number_of_runners < (least := UNTOUCHED + 1 + self.removals):
            raise SettingsError(f"runners must be at least {least}, was {self.runners}")
        elif self.removals > MOST_REMOVALS:
            raise SettingsError(f"removals must be at most {MOST_REMOVALS}, was {self.removals}")
        if self.missing_bsp and not kind.has_bsp:
            raise SettingsError(f"missing_bsp needs a market with starting prices, was {kind.name}")

    def _check_match(self, kind: Kind) -> None:
        if self.runners not in (None, kind.runners):
            raise SettingsError(f"runners must be {kind.runners} for {kind.name}, was {self.runners}")
        if self.removals:
            raise SettingsError(f"removals must be 0 for {kind.name}, was {self.removals}")
        if self.dead_heat:
            raise SettingsError(f"dead_heat needs a race, was {kind.name}")

    @property
    def kind(self) -> Kind:
        """What the type of market brings with it."""
        return KINDS["EACH_WAY" if self.each_way else self.market_type]

    @property
    def number_of_runners(self) -> int:
        """How many runners there are, the withdrawn ones included."""
        return self.kind.runners if self.runners is None else self.runners

    @property
    def delay(self) -> int:
        """The bet delay in play, in seconds."""
        return self.kind.bet_delay if self.bet_delay is None else self.bet_delay

    @property
    def line_result(self) -> int | None:
        """The units a line ended at, for `market.context["line_range_result"]`; None for the other types."""
        walk = Life(self).walk
        return walk.result if isinstance(walk, LineWalk) else None

    def paid_of(self, finish: list[int]) -> list[int]:
        """Return the runners, as indices of the field in finishing order, that a price pays on."""
        return finish[: self.kind.paid + self.dead_heat]

    def result_of(self, finish: list[int]) -> dict[int, str]:
        """Return the closing statuses by index; who is not named has lost."""
        won = self.paid_of(finish)
        placed = finish[len(won) : self.kind.winners] if self.kind.each_way_divisor is not None else []
        return dict.fromkeys(won, "WINNER") | dict.fromkeys(placed, "PLACED")

    def changes(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield publish time (ms) and market change of each line."""
        return Life(self).changes()

    def lines(self) -> Iterator[bytes]:
        """Yield the stream lines, each a JSON object and a line end."""
        return encode((publish_time, [change]) for publish_time, change in self.changes())

    def write(self, path: str | Path) -> Path:
        """Write the lines to `path`, compressed where it ends in .gz, .bz2 or .zst, and return it."""
        return write(path, self.lines())


def encode(messages: Iterable[tuple[int, list[dict[str, Any]]]]) -> Iterator[bytes]:
    """Yield each publish time (ms) with its market changes as a stream line."""
    # the standard library's encoder, whose output is the same on every Python version
    encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)
    for count, (publish_time, changes) in enumerate(messages):
        message = {"op": "mcm", "clk": f"A{count:07d}", "pt": publish_time, "mc": changes}
        yield encoder.encode(message).encode() + b"\n"


def write(path: str | Path, lines: Iterable[bytes]) -> Path:
    """Write `lines` to `path`, compressed where it ends in .gz, .bz2 or .zst, and return it."""
    target = Path(path)
    with target.open("wb") as raw, _packed(raw, target.suffix.lower()) as file:
        for line in lines:
            file.write(line)
    return target


def _packed(raw: IO[bytes], suffix: str) -> AbstractContextManager[IO[bytes]]:
    if suffix == ".gz":
        import gzip

        # neither name nor time in the file, so that the same lines give the same bytes
        return cast(IO[bytes], gzip.GzipFile("", "wb", fileobj=raw, mtime=0))
    if suffix == ".bz2":
        import bz2

        return cast(IO[bytes], bz2.open(raw, "wb"))
    if suffix == ".zst":
        import zstandard

        return cast(IO[bytes], zstandard.open(cast(BinaryIO, raw), "wb"))
    return nullcontext(raw)
