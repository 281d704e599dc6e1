"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")


def upgrade() -> None:
    """The first tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=True),
        sa.Column("started", MOMENT, nullable=True),
        sa.Column("ended", MOMENT, nullable=True),
        sa.Column("version", sa.String(length=64), nullable=True),
        sa.Column("plugins", sa.JSON(), nullable=True),
        sa.Column("configuration", sa.JSON(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("uuid", name=op.f("uq_runs_uuid")),
    )
    op.create_index("ix_runs_started", "runs", ["started"], unique=False)
    op.create_table(
        "balances",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", MOMENT, nullable=True),
        sa.Column("client", sa.String(length=255), nullable=True),
        sa.Column("available_to_bet_balance", sa.Double(), nullable=True),
        sa.Column("exposure", sa.Double(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_balances_runs")),
        sa.PrimaryKeyConstraint("run_id", "sequence", name=op.f("pk_balances")),
    )
    op.create_index("ix_balances_run_id_time", "balances", ["run_id", "time"], unique=False)
    op.create_table(
        "markets",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=32), nullable=True),
        sa.Column("event_type_id", sa.String(length=32), nullable=True),
        sa.Column("event_name", sa.String(length=255), nullable=True),
        sa.Column("market_name", sa.String(length=255), nullable=True),
        sa.Column("market_type", sa.String(length=64), nullable=True),
        sa.Column("market_start", MOMENT, nullable=True),
        sa.Column("country_code", sa.String(length=8), nullable=True),
        sa.Column("venue", sa.String(length=255), nullable=True),
        sa.Column("race_type", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=True),
        sa.Column("closed", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_markets_runs")),
        sa.PrimaryKeyConstraint("run_id", "market_id", name=op.f("pk_markets")),
    )
    op.create_index("ix_markets_market_id", "markets", ["market_id"], unique=False)
    op.create_index("ix_markets_market_start", "markets", ["market_start"], unique=False)
    op.create_table(
        "strategies",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=191), nullable=False),
        sa.Column("name_hash", sa.String(length=32), nullable=True),
        sa.Column("max_order_exposure", sa.Double(), nullable=True),
        sa.Column("max_selection_exposure", sa.Double(), nullable=True),
        sa.Column("max_market_exposure", sa.Double(), nullable=True),
        sa.Column("max_live_trade_count", sa.Double(), nullable=True),
        sa.Column("max_trade_count", sa.Double(), nullable=True),
        sa.Column("context", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_strategies_runs")),
        sa.PrimaryKeyConstraint("run_id", "name", name=op.f("pk_strategies")),
    )
    op.create_table(
        "cleared_markets",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.String(length=64), nullable=False),
        sa.Column("client", sa.String(length=191), nullable=False),
        sa.Column("customer_strategy_ref", sa.String(length=64), nullable=False),
        sa.Column("bet_count", sa.Integer(), nullable=True),
        sa.Column("bet_outcome", sa.String(length=32), nullable=True),
        sa.Column("commission", sa.Double(), nullable=True),
        sa.Column("profit", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id", "market_id"], ["markets.run_id", "markets.market_id"], name=op.f("fk_cleared_markets_markets")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_cleared_markets_runs")),
        sa.PrimaryKeyConstraint(
            "run_id", "market_id", "client", "customer_strategy_ref", name=op.f("pk_cleared_markets")
        ),
    )
    op.create_table(
        "cleared_orders",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("bet_id", sa.String(length=64), nullable=False),
        sa.Column("market_id", sa.String(length=64), nullable=False),
        sa.Column("selection_id", sa.BigInteger(), nullable=True),
        sa.Column("handicap", sa.Double(), nullable=True),
        sa.Column("customer_order_ref", sa.String(length=64), nullable=True),
        sa.Column("customer_strategy_ref", sa.String(length=64), nullable=True),
        sa.Column("side", sa.String(length=8), nullable=True),
        sa.Column("bet_outcome", sa.String(length=32), nullable=True),
        sa.Column("price_requested", sa.Double(), nullable=True),
        sa.Column("price_matched", sa.Double(), nullable=True),
        sa.Column("size_settled", sa.Double(), nullable=True),
        sa.Column("size_cancelled", sa.Double(), nullable=True),
        sa.Column("profit", sa.Double(), nullable=True),
        sa.Column("commission", sa.Double(), nullable=True),
        sa.Column("placed", MOMENT, nullable=True),
        sa.Column("settled", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id", "market_id"], ["markets.run_id", "markets.market_id"], name=op.f("fk_cleared_orders_markets")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_cleared_orders_runs")),
        sa.PrimaryKeyConstraint("run_id", "bet_id", name=op.f("pk_cleared_orders")),
    )
    op.create_index("ix_cleared_orders_run_id_market_id", "cleared_orders", ["run_id", "market_id"], unique=False)
    op.create_table(
        "refusals",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("trade_id", sa.String(length=64), nullable=True),
        sa.Column("strategy", sa.String(length=191), nullable=False),
        sa.Column("market_id", sa.String(length=64), nullable=False),
        sa.Column("selection_id", sa.BigInteger(), nullable=True),
        sa.Column("handicap", sa.Double(), nullable=True),
        sa.Column("side", sa.String(length=8), nullable=True),
        sa.Column("order_type", sa.String(length=32), nullable=True),
        sa.Column("price", sa.Double(), nullable=True),
        sa.Column("size", sa.Double(), nullable=True),
        sa.Column("time", MOMENT, nullable=True),
        sa.Column("package_type", sa.String(length=32), nullable=True),
        sa.Column("control", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id", "market_id"], ["markets.run_id", "markets.market_id"], name=op.f("fk_refusals_markets")
        ),
        sa.ForeignKeyConstraint(
            ["run_id", "strategy"], ["strategies.run_id", "strategies.name"], name=op.f("fk_refusals_strategies")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_refusals_runs")),
        sa.PrimaryKeyConstraint("run_id", "sequence", name=op.f("pk_refusals")),
    )
    op.create_index("ix_refusals_run_id_order_id", "refusals", ["run_id", "order_id"], unique=False)
    op.create_index("ix_refusals_run_id_strategy", "refusals", ["run_id", "strategy"], unique=False)
    op.create_table(
        "runners",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.String(length=64), nullable=False),
        sa.Column("selection_id", sa.BigInteger(), nullable=False),
        sa.Column("handicap", sa.Double(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("sort_priority", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=True),
        sa.Column("adjustment_factor", sa.Double(), nullable=True),
        sa.Column("bsp", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id", "market_id"], ["markets.run_id", "markets.market_id"], name=op.f("fk_runners_markets")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_runners_runs")),
        sa.PrimaryKeyConstraint("run_id", "market_id", "selection_id", "handicap", name=op.f("pk_runners")),
    )
    op.create_table(
        "trades",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("strategy", sa.String(length=191), nullable=False),
        sa.Column("market_id", sa.String(length=64), nullable=False),
        sa.Column("selection_id", sa.BigInteger(), nullable=False),
        sa.Column("handicap", sa.Double(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=True),
        sa.Column("created", MOMENT, nullable=True),
        sa.Column("place_reset_seconds", sa.Double(), nullable=True),
        sa.Column("reset_seconds", sa.Double(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("market_notes", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id", "market_id", "selection_id", "handicap"],
            ["runners.run_id", "runners.market_id", "runners.selection_id", "runners.handicap"],
            name=op.f("fk_trades_runners"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id", "strategy"], ["strategies.run_id", "strategies.name"], name=op.f("fk_trades_strategies")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_trades_runs")),
        sa.PrimaryKeyConstraint("run_id", "id", name=op.f("pk_trades")),
    )
    op.create_index("ix_trades_run_id_strategy", "trades", ["run_id", "strategy"], unique=False)
    op.create_table(
        "orders",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("trade_id", sa.String(length=64), nullable=False),
        sa.Column("strategy", sa.String(length=191), nullable=False),
        sa.Column("market_id", sa.String(length=64), nullable=False),
        sa.Column("selection_id", sa.BigInteger(), nullable=False),
        sa.Column("handicap", sa.Double(), nullable=False),
        sa.Column("client", sa.String(length=255), nullable=True),
        sa.Column("customer_order_ref", sa.String(length=64), nullable=True),
        sa.Column("bet_id", sa.String(length=64), nullable=True),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("order_type", sa.String(length=32), nullable=False),
        sa.Column("price", sa.Double(), nullable=True),
        sa.Column("size", sa.Double(), nullable=True),
        sa.Column("persistence_type", sa.String(length=32), nullable=True),
        sa.Column("time_in_force", sa.String(length=32), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=True),
        sa.Column("created", MOMENT, nullable=True),
        sa.Column("updated", MOMENT, nullable=True),
        sa.Column("placed", MOMENT, nullable=True),
        sa.Column("completed", MOMENT, nullable=True),
        sa.Column("size_matched", sa.Double(), nullable=False),
        sa.Column("average_price_matched", sa.Double(), nullable=False),
        sa.Column("size_remaining", sa.Double(), nullable=False),
        sa.Column("size_cancelled", sa.Double(), nullable=False),
        sa.Column("size_lapsed", sa.Double(), nullable=False),
        sa.Column("size_voided", sa.Double(), nullable=False),
        sa.Column("profit", sa.Double(), nullable=False),
        sa.Column("runner_status", sa.String(length=32), nullable=True),
        sa.Column("violation_msg", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("market_notes", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id", "market_id", "selection_id", "handicap"],
            ["runners.run_id", "runners.market_id", "runners.selection_id", "runners.handicap"],
            name=op.f("fk_orders_runners"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id", "strategy"], ["strategies.run_id", "strategies.name"], name=op.f("fk_orders_strategies")
        ),
        sa.ForeignKeyConstraint(["run_id", "trade_id"], ["trades.run_id", "trades.id"], name=op.f("fk_orders_trades")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_orders_runs")),
        sa.PrimaryKeyConstraint("run_id", "id", name=op.f("pk_orders")),
    )
    op.create_index("ix_orders_bet_id", "orders", ["bet_id"], unique=False)
    op.create_index("ix_orders_created", "orders", ["created"], unique=False)
    op.create_index("ix_orders_market_id", "orders", ["market_id"], unique=False)
    op.create_index("ix_orders_run_id_market_id", "orders", ["run_id", "market_id"], unique=False)
    op.create_index("ix_orders_run_id_strategy", "orders", ["run_id", "strategy"], unique=False)
    op.create_table(
        "order_events",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("time", MOMENT, nullable=True),
        sa.Column("status", sa.String(length=32), nullable=True),
        sa.Column("bet_id", sa.String(length=64), nullable=True),
        sa.Column("price", sa.Double(), nullable=True),
        sa.Column("size", sa.Double(), nullable=True),
        sa.Column("persistence_type", sa.String(length=32), nullable=True),
        sa.Column("size_matched", sa.Double(), nullable=False),
        sa.Column("average_price_matched", sa.Double(), nullable=False),
        sa.Column("size_remaining", sa.Double(), nullable=False),
        sa.Column("size_cancelled", sa.Double(), nullable=False),
        sa.Column("size_lapsed", sa.Double(), nullable=False),
        sa.Column("size_voided", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "order_id"], ["orders.run_id", "orders.id"], name=op.f("fk_order_events_orders")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_order_events_runs")),
        sa.PrimaryKeyConstraint("run_id", "sequence", name=op.f("pk_order_events")),
    )
    op.create_index("ix_order_events_run_id_order_id", "order_events", ["run_id", "order_id"], unique=False)
