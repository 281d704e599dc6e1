"""The tables, as they are after the last migration; times are UTC, money is in the account's currency."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.mysql import DATETIME

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

Moment = DateTime(timezone=True).with_variant(DATETIME(fsp=3), "mysql", "mariadb")
"""A time to the millisecond."""

ID = String(64)
"""Ids of markets, trades, orders and bets."""

NAME = String(191)
"""Names that are part of a key: MariaDB's indexes hold no more of them."""


def _run() -> Column[int]:
    return Column("run_id", Integer, ForeignKey("runs.id"), primary_key=True)


def _belongs(table: str, *pairs: tuple[str, str]) -> ForeignKeyConstraint:
    """Refer to a row of the same run: pairs of our column and the other table's."""
    own = ["run_id", *(pair[0] for pair in pairs)]
    return ForeignKeyConstraint(own, [f"{table}.run_id", *(f"{table}.{pair[1]}" for pair in pairs)])


_STRATEGY = ("strategies", ("strategy", "name"))
_MARKET = ("markets", ("market_id", "market_id"))
_RUNNER = (
    "runners",
    ("market_id", "market_id"),
    ("selection_id", "selection_id"),
    ("handicap", "handicap"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uuid", String(32), nullable=False, unique=True),
    Column("name", String(255)),
    Column("simulated", Boolean),
    Column("started", Moment),
    Column("ended", Moment),
    Column("version", String(64)),
    Column("plugins", JSON),
    Column("configuration", JSON),
    Column("sequence", BigInteger, nullable=False, server_default="0"),
    Index("ix_runs_started", "started"),
)

strategies = Table(
    "strategies",
    metadata,
    _run(),
    Column("name", NAME, primary_key=True),
    Column("name_hash", String(32)),
    Column("max_order_exposure", Double),
    Column("max_selection_exposure", Double),
    Column("max_market_exposure", Double),
    Column("max_live_trade_count", Double),
    Column("max_trade_count", Double),
    Column("context", JSON),
)

markets = Table(
    "markets",
    metadata,
    _run(),
    Column("market_id", ID, primary_key=True),
    Column("event_id", String(32)),
    Column("event_type_id", String(32)),
    Column("event_name", String(255)),
    Column("market_name", String(255)),
    Column("market_type", String(64)),
    Column("market_start", Moment),
    Column("country_code", String(8)),
    Column("venue", String(255)),
    Column("race_type", String(64)),
    Column("status", String(32)),
    Column("closed", Boolean),
    Index("ix_markets_market_id", "market_id"),
    Index("ix_markets_market_start", "market_start"),
)

runners = Table(
    "runners",
    metadata,
    _run(),
    Column("market_id", ID, primary_key=True),
    Column("selection_id", BigInteger, primary_key=True),
    Column("handicap", Double, primary_key=True),
    Column("name", String(255)),
    Column("sort_priority", Integer),
    Column("status", String(32)),
    Column("adjustment_factor", Double),
    Column("bsp", Double),
    _belongs(*_MARKET),
)

trades = Table(
    "trades",
    metadata,
    _run(),
    Column("id", ID, primary_key=True),
    Column("strategy", NAME, nullable=False),
    Column("market_id", ID, nullable=False),
    Column("selection_id", BigInteger, nullable=False),
    Column("handicap", Double, nullable=False),
    Column("status", String(32)),
    Column("created", Moment),
    Column("place_reset_seconds", Double),
    Column("reset_seconds", Double),
    Column("notes", Text),
    Column("market_notes", Text),
    _belongs(*_STRATEGY),
    _belongs(*_RUNNER),
    Index("ix_trades_run_id_strategy", "run_id", "strategy"),
)

orders = Table(
    "orders",
    metadata,
    _run(),
    Column("id", ID, primary_key=True),
    Column("trade_id", ID, nullable=False),
    Column("strategy", NAME, nullable=False),
    Column("market_id", ID, nullable=False),
    Column("selection_id", BigInteger, nullable=False),
    Column("handicap", Double, nullable=False),
    Column("client", String(255)),
    Column("customer_order_ref", String(64)),
    Column("bet_id", ID),
    Column("side", String(8), nullable=False),
    Column("order_type", String(32), nullable=False),
    Column("price", Double),
    Column("size", Double),
    Column("persistence_type", String(32)),
    Column("time_in_force", String(32)),
    Column("status", String(32)),
    Column("created", Moment),
    Column("updated", Moment),
    Column("placed", Moment),
    Column("completed", Moment),
    Column("size_matched", Double, nullable=False),
    Column("average_price_matched", Double, nullable=False),
    Column("size_remaining", Double, nullable=False),
    Column("size_cancelled", Double, nullable=False),
    Column("size_lapsed", Double, nullable=False),
    Column("size_voided", Double, nullable=False),
    Column("profit", Double, nullable=False),
    Column("runner_status", String(32)),
    Column("violation_msg", Text),
    Column("notes", Text),
    Column("market_notes", Text),
    _belongs("trades", ("trade_id", "id")),
    _belongs(*_STRATEGY),
    _belongs(*_RUNNER),
    Index("ix_orders_run_id_strategy", "run_id", "strategy"),
    Index("ix_orders_run_id_market_id", "run_id", "market_id"),
    Index("ix_orders_market_id", "market_id"),
    Index("ix_orders_created", "created"),
    Index("ix_orders_bet_id", "bet_id"),
)

order_events = Table(
    "order_events",
    metadata,
    _run(),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", ID, nullable=False),
    Column("time", Moment),
    Column("status", String(32)),
    Column("bet_id", ID),
    Column("price", Double),
    Column("size", Double),
    Column("persistence_type", String(32)),
    Column("size_matched", Double, nullable=False),
    Column("average_price_matched", Double, nullable=False),
    Column("size_remaining", Double, nullable=False),
    Column("size_cancelled", Double, nullable=False),
    Column("size_lapsed", Double, nullable=False),
    Column("size_voided", Double, nullable=False),
    _belongs("orders", ("order_id", "id")),
    Index("ix_order_events_run_id_order_id", "run_id", "order_id"),
)

cleared_orders = Table(
    "cleared_orders",
    metadata,
    _run(),
    Column("bet_id", ID, primary_key=True),
    Column("market_id", ID, nullable=False),
    Column("selection_id", BigInteger),
    Column("handicap", Double),
    Column("customer_order_ref", String(64)),
    Column("customer_strategy_ref", String(64)),
    Column("side", String(8)),
    Column("bet_outcome", String(32)),
    Column("price_requested", Double),
    Column("price_matched", Double),
    Column("size_settled", Double),
    Column("size_cancelled", Double),
    Column("profit", Double),
    Column("commission", Double),
    Column("placed", Moment),
    Column("settled", Moment),
    _belongs(*_MARKET),
    Index("ix_cleared_orders_run_id_market_id", "run_id", "market_id"),
)

cleared_markets = Table(
    "cleared_markets",
    metadata,
    _run(),
    Column("market_id", ID, primary_key=True),
    Column("client", NAME, primary_key=True),
    Column("customer_strategy_ref", String(64), primary_key=True),
    Column("bet_count", Integer),
    Column("bet_outcome", String(32)),
    Column("commission", Double),
    Column("profit", Double),
    _belongs(*_MARKET),
)

balances = Table(
    "balances",
    metadata,
    _run(),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("time", Moment),
    Column("client", String(255)),
    Column("available_to_bet_balance", Double),
    Column("exposure", Double),
    Column("details", JSON),
    Index("ix_balances_run_id_time", "run_id", "time"),
)

refusals = Table(
    "refusals",
    metadata,
    _run(),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", ID, nullable=False),
    Column("trade_id", ID),
    Column("strategy", NAME, nullable=False),
    Column("market_id", ID, nullable=False),
    Column("selection_id", BigInteger),
    Column("handicap", Double),
    Column("side", String(8)),
    Column("order_type", String(32)),
    Column("price", Double),
    Column("size", Double),
    Column("time", Moment),
    Column("package_type", String(32)),
    Column("control", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("numbers", JSON),
    _belongs(*_STRATEGY),
    _belongs(*_MARKET),
    Index("ix_refusals_run_id_strategy", "run_id", "strategy"),
    Index("ix_refusals_run_id_order_id", "run_id", "order_id"),
)
