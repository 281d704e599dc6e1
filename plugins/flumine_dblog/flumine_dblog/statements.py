"""How rows become SQL: many rows a statement, inserted or, where their key is there already, brought up to date."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import attrs
from sqlalchemy import DateTime, Table

from . import schema
from .pieces import Piece
from .rows import FIELDS

CHUNKS = (500, 100, 10, 1)
"""How many rows a statement may hold: few sizes, so that prepared statements are used again."""

STUB, LATEST, NEW = "stub", "latest", "new"


@attrs.frozen(eq=False)
class Load:
    """One table's share of a noun's rows.

    :ivar columns: column -> field of the row; "sequence" is the entry's number.
    :ivar mode: LATEST brings a row that is there up to date; STUB, which is a key alone, leaves it as it is; NEW is
        always a row of its own.
    :ivar kept: columns that an update leaves as they were inserted.
    """

    table: Table
    nouns: tuple[str, ...]
    columns: dict[str, str]
    mode: str = LATEST
    kept: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """What makes a row one of its own, beside the run."""
        return tuple(column.name for column in self.table.primary_key if column.name != "run_id")

    @functools.cached_property
    def moments(self) -> list[int]:
        """The positions of columns that hold a time."""
        return [number for number, name in enumerate(self.columns) if isinstance(self.table.c[name].type, DateTime)]


def _own(table: Table, noun: str, **others: str) -> dict[str, str]:
    """Map the columns that bear a field's name, and `others`."""
    known = ("sequence", *FIELDS[noun])
    names = [column.name for column in table.columns if column.name in known and column.name not in others]
    return {name: name for name in names} | others


_ORDERS = ("order", "settled_order")
_MARKET_ID = {"market_id": "market_id"}
_RUNNER = {name: name for name in ("market_id", "selection_id", "handicap")}

LOADS = (
    Load(schema.strategies, ("strategy",), _own(schema.strategies, "strategy")),
    Load(schema.strategies, ("order", "settled_order", "refusal"), {"name": "strategy"}, STUB),
    Load(schema.markets, ("market",), _own(schema.markets, "market")),
    Load(schema.markets, ("runner", *_ORDERS, "cleared_order", "cleared_market", "refusal"), _MARKET_ID, STUB),
    Load(schema.runners, ("runner",), _own(schema.runners, "runner")),
    Load(schema.runners, _ORDERS, _RUNNER, STUB),
    Load(
        schema.trades,
        _ORDERS,
        {
            "id": "trade_id",
            "strategy": "strategy",
            **_RUNNER,
            "status": "trade_status",
            "created": "created",
            "place_reset_seconds": "place_reset_seconds",
            "reset_seconds": "reset_seconds",
            "notes": "trade_notes",
            "market_notes": "market_notes",
        },
        kept=("created", "market_notes"),
    ),
    Load(schema.orders, _ORDERS, {name: name for name in _own(schema.orders, "order")}),
    Load(
        schema.order_events,
        ("order",),
        _own(schema.order_events, "order", order_id="id", time="updated"),
        NEW,
    ),
    Load(schema.cleared_orders, ("cleared_order",), _own(schema.cleared_orders, "cleared_order")),
    Load(schema.cleared_markets, ("cleared_market",), _own(schema.cleared_markets, "cleared_market")),
    Load(schema.balances, ("balance",), _own(schema.balances, "balance"), NEW),
    Load(schema.refusals, ("refusal",), _own(schema.refusals, "refusal"), NEW),
)
"""In an order in which every row finds those that it refers to."""


@attrs.frozen(eq=False)
class Dialect:
    """What differs from database to database.

    :ivar mark: stands for a value; `moment`: for a time.
    :ivar given: makes of a time in milliseconds since 1970 what `moment` takes; None where it takes that itself.
    """

    mark: str
    moment: str
    is_mysql: bool = False
    given: Callable[[int | None], str | None] | None = None

    @functools.lru_cache(maxsize=1024)  # noqa: B019 (dialects live as long as the process)
    def insert(self, load: Load, run_id: int, count: int) -> str:
        """Return the statement that writes `count` rows."""
        table = load.table
        names = ["run_id", *load.columns]
        marks = [self.moment if number in load.moments else self.mark for number in range(len(load.columns))]
        marks.insert(0, str(int(run_id)))
        values = ",".join([f"({','.join(marks)})"] * count)
        quoted = ",".join(self._quoted(name) for name in names)
        return f"INSERT INTO {table.name} ({quoted}) VALUES {values} {self._on_conflict(load)}"

    def values(self, load: Load, columns: Sequence[Sequence[Any]]) -> list[Any]:
        """Return the values of columns row by row, as the statement takes them."""
        flat: list[Any] = [None] * (len(columns) * len(columns[0]))
        for position, column in enumerate(columns):
            given = self.given if position in load.moments else None
            flat[position :: len(columns)] = column if given is None else map(given, column)
        return flat

    def _quoted(self, name: str) -> str:
        return f"`{name}`" if self.is_mysql else f'"{name}"'

    def _on_conflict(self, load: Load) -> str:
        key = ("run_id", *load.key)
        updated = [] if load.mode != LATEST else [name for name in load.columns if name not in (*key, *load.kept)]
        if self.is_mysql:
            # an update of a key column to itself changes nothing, where IGNORE would also hide faults
            changes = updated or key[:1]
            return "ON DUPLICATE KEY UPDATE " + ",".join(f"`{name}`=VALUES(`{name}`)" for name in changes)
        target = ",".join(f'"{name}"' for name in key)
        if not updated:
            return f"ON CONFLICT ({target}) DO NOTHING"
        return f"ON CONFLICT ({target}) DO UPDATE SET " + ",".join(f'"{name}"=excluded."{name}"' for name in updated)


_EPOCH = datetime(1970, 1, 1)

_SECONDS = tuple(f"{minute:02d}:{second:02d}." for minute in range(60) for second in range(60))
_MILLISECONDS = tuple(f"{rest:03d}000" for rest in range(1000))


@functools.lru_cache(maxsize=1024)
def _hour(number: int) -> str:
    moment = _EPOCH + timedelta(hours=number)
    return f"{moment.date()} {moment.hour:02d}:"


def _as_text(ms: int | None) -> str | None:
    """Return a time as SQLAlchemy keeps it in SQLite, whose own strftime takes several times as long."""
    if ms is None:
        return None
    second, rest = divmod(ms, 1000)
    return _hour(second // 3600) + _SECONDS[second % 3600] + _MILLISECONDS[rest]


DIALECTS = {
    "sqlite": Dialect("?", "?", given=_as_text),
    "postgresql": Dialect("%s", "to_timestamp(CAST(%s AS numeric)/1000)"),
    "mysql": Dialect("%s", "FROM_UNIXTIME(%s/1000)", is_mysql=True),
    "mariadb": Dialect("%s", "FROM_UNIXTIME(%s/1000)", is_mysql=True),
}
"""By SQLAlchemy's name of the backend."""


class Rows(NamedTuple):
    """Rows of one noun: their numbers, and the values of one row after another."""

    noun: str
    numbers: list[int]
    values: list[Any]

    def columns(self, fields: Iterable[str]) -> list[list[Any]]:
        """Return fields of all rows, a list each."""
        known = FIELDS[self.noun]
        return [
            self.numbers if field == "sequence" else self.values[known.index(field) :: len(known)] for field in fields
        ]


def gathered(pieces: Iterable[Piece]) -> dict[str, Rows]:
    """Return the rows of pieces by noun."""
    found: dict[str, Rows] = {}
    for first, size, noun, values in pieces:
        if noun in FIELDS:
            rows = found.setdefault(noun, Rows(noun, [], []))
            rows.numbers.extend(range(first, first + size))
            rows.values.extend(values)
    return found


def loaded(rows: dict[str, Rows]) -> Iterator[tuple[Load, list[list[Any]]]]:
    """Yield what to write into which table, as columns, one row a key; `rows` by noun."""
    for load in LOADS:
        given = [rows[noun] for noun in load.nouns if noun in rows]
        if not given:
            continue
        parts = [some.columns(load.columns.values()) for some in given]
        if load.mode == STUB:
            keys = set(itertools.chain.from_iterable(zip(*part, strict=True) for part in parts))
            yield load, list(map(list, zip(*keys, strict=True)))
            continue
        columns = parts[0] if len(parts) == 1 else [list(itertools.chain(*each)) for each in zip(*parts, strict=True)]
        yield load, _latest(load, columns, given) if load.mode == LATEST else columns


def _latest(load: Load, columns: list[list[Any]], given: Sequence[Rows]) -> list[list[Any]]:
    """Return the last row of each key."""
    names = list(load.columns)
    keys = list(zip(*(columns[names.index(name)] for name in load.key), strict=True))
    order: Iterable[int] = range(len(keys))
    if len(given) > 1:
        numbers = list(itertools.chain.from_iterable(some.numbers for some in given))
        order = sorted(order, key=numbers.__getitem__)
    last = {keys[position]: position for position in order}
    return columns if len(last) == len(keys) else [[column[each] for each in last.values()] for column in columns]


def chunked(count: int) -> Iterator[int]:
    """Split so many rows into the sizes that statements have."""
    for size in CHUNKS:
        yield from itertools.repeat(size, count // size)
        count %= size
