"""What the database is asked: runs, orders, and profit by strategy, day or type of market."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Float, Integer, cast, func, select
from sqlalchemy.sql import ColumnElement, Select

from . import schema

Answer = list[dict[str, Any]]
"""Rows as plain data: text, numbers, None; times as ISO 8601 in UTC."""

GROUPS = ("strategy", "day", "market-type")

runs, markets, orders = schema.runs, schema.markets, schema.orders


def last_run(connection: Connection) -> int | None:
    """Return the number of the last run, None where there is none."""
    return connection.execute(select(func.max(runs.c.id))).scalar()


def list_runs(connection: Connection, most: int) -> Answer:
    """Return the last runs, the latest one last."""
    counts = (
        select(orders.c.run_id, func.count().label("orders"), _pence(orders.c.profit).label("profit"))
        .group_by(orders.c.run_id)
        .subquery()
    )
    query = (
        select(
            runs.c.id.label("run"),
            runs.c.name,
            runs.c.simulated,
            runs.c.started,
            runs.c.ended,
            runs.c.version,
            func.coalesce(counts.c.orders, 0).label("orders"),
            counts.c.profit,
        )
        .outerjoin(counts, counts.c.run_id == runs.c.id)
        .order_by(runs.c.id.desc())
        .limit(most)
    )
    return _answer(connection, query)[::-1]


def list_orders(
    connection: Connection,
    run: int | None = None,
    market: str | None = None,
    strategy: str | None = None,
    since: datetime | None = None,
    most: int | None = None,
) -> Answer:
    """Return orders, oldest first; None asks for all.

    :param since: orders that were made then or later.
    """
    names = (
        "run_id",
        "id",
        "bet_id",
        "strategy",
        "market_id",
        "selection_id",
        "handicap",
        "side",
        "order_type",
        "price",
        "size",
        "status",
        "size_matched",
        "average_price_matched",
        "profit",
        "created",
        "violation_msg",
    )
    query = select(*(orders.c[name] for name in names)).order_by(orders.c.run_id, orders.c.created, orders.c.id)
    for column, value in (
        (orders.c.run_id, run),
        (orders.c.market_id, market),
        (orders.c.strategy, strategy),
    ):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(orders.c.created >= since)
    return _answer(connection, query if most is None else query.limit(most))


def profit(connection: Connection, by: str, run: int | None = None, since: datetime | None = None) -> Answer:
    """Return profit before commission by strategy, by day of the market's start (UTC), or by type of market.

    Refused orders are not counted.
    """
    if by == "strategy":
        group: ColumnElement[Any] = orders.c.strategy
    elif by == "day":
        group = func.date(markets.c.market_start)
    else:
        group = markets.c.market_type
    joined = orders.join(markets, (markets.c.run_id == orders.c.run_id) & (markets.c.market_id == orders.c.market_id))
    query = (
        select(
            group.label(by.replace("-", "_")),
            func.count(func.distinct(orders.c.market_id)).label("markets"),
            func.count().label("orders"),
            _pence(orders.c.size_matched).label("size_matched"),
            _pence(orders.c.profit).label("profit"),
        )
        .select_from(joined)
        .where(orders.c.status != "Violation")
        .group_by(group)
        .order_by(group)
    )
    if run is not None:
        query = query.where(orders.c.run_id == run)
    if since is not None:
        query = query.where(orders.c.created >= since)
    return _answer(connection, query)


def _pence(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Sum money in hundredths, so that no order of adding matters."""
    return cast(func.sum(cast(func.round(column * 100), Integer)), Float) / 100


def _answer(connection: Connection, query: Select[Any]) -> Answer:
    return [
        {name: _plain(value) for name, value in row._mapping.items()}
        for row in connection.execution_options(stream_results=True).execute(query)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware.isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value
