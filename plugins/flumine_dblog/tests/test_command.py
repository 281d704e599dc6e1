"""`python -m flumine_core db`: tables and JSON of what is in the database."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flumine_core.cli.main import group


@pytest.fixture
def ask() -> Any:
    """Run `flumine_core ARGUMENTS`."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(group, list(arguments), catch_exceptions=False)

    return run


def as_json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def written(two_runs: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The two runs of a database that the environment names."""
    url, first, second = two_runs
    monkeypatch.setenv("FLUMINE_DBLOG_URL", url)
    return first, second


def orders_of(framework: Any) -> list[Any]:
    return [order for market in framework.markets for order in market.blotter]


def test_runs(written: Any, ask: Any) -> None:
    found = as_json(ask("db", "runs", "--json"))
    assert [(row["run"], row["name"], row["simulated"]) for row in found] == [(1, "first", True), (2, "second", True)]
    for row, framework in zip(found, written, strict=True):
        assert row["profit"] == pytest.approx(sum(round(order.profit, 2) for order in orders_of(framework)))
        assert row["started"] <= row["ended"]
    table = ask("db", "runs", "--most", "1").stdout
    assert "second" in table and "first" not in table and len(table.splitlines()) == 3


def test_orders(written: Any, ask: Any) -> None:
    _, second = written
    market = orders_of(second)[0].market_id
    found = as_json(ask("db", "orders", "--json", "--market", market))
    assert {row["market_id"] for row in found} == {market} and {row["run_id"] for row in found} == {2}
    own = {order.id: order for order in orders_of(second)}
    rows = {row["id"]: row for row in found if row["id"] in own}
    assert rows.keys() == own.keys()
    assert all(rows[each]["profit"] == pytest.approx(order.profit, abs=0.005) for each, order in own.items())
    assert len(as_json(ask("db", "orders", "--json", "--run", "all", "--market", market))) == 2 * len(found)
    assert as_json(ask("db", "orders", "--json", "--strategy", "Nobody")) == []
    assert len(as_json(ask("db", "orders", "--json", "--strategy", "Busy", "--most", "3"))) == 3
    since = sorted(row["created"] for row in found)[len(found) // 2]
    late = as_json(ask("db", "orders", "--json", "--since", since))
    assert [row["id"] for row in late] == [row["id"] for row in found if row["created"] >= since]
    assert ask("db", "orders", "--market", "1.404").stdout == ""


@pytest.mark.parametrize("by", ["strategy", "day", "market-type"])
def test_pnl(by: str, written: Any, ask: Any) -> None:
    first, _ = written
    expected: dict[str, float] = {}
    for market in first.markets:
        key = {
            "strategy": "Busy",
            "day": market.market_start_datetime.date().isoformat(),
            "market-type": market.market_type,
        }[by]
        profit = sum(round(order.profit * 100) for order in market.blotter) / 100
        expected[key] = expected.get(key, 0) + profit
    found = as_json(ask("db", "pnl", "--by", by, "--run", "1", "--json"))
    assert {row[by.replace("-", "_")]: row["profit"] for row in found} == pytest.approx(expected)
    if by != "strategy":
        assert len(found) > 1
    assert sum(row["markets"] for row in found) == 3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["orders", "--since", "yesterday"], "must be ISO 8601, was 'yesterday'"),
        (["orders", "--run", "x"], "must be a run's number, last or all, was 'x'"),
        (["pnl", "--by", "week"], "'week' is not one of"),
    ],
)
def test_what_cannot_be_understood_is_told(ask: Any, arguments: list[str], told: str) -> None:
    result = ask("db", *arguments)
    assert result.exit_code == 2 and told in result.stderr


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:///nowhere.db", "there is no database sqlite:///nowhere.db yet"),
        ("oracle://host/x", "url must be of sqlite, postgresql or mariadb, was of oracle"),
        ("nonsense", "url must be like sqlite:///flumine.db"),
        ("sqlite://", "url must name a file"),
        ("postgresql://me:secret@127.0.0.1:9/x?password=secret", "postgresql+psycopg://me:***@127.0.0.1:9/x cannot be"),
    ],
)
def test_a_database_that_is_not_there_is_told(
    url: str, told: str, ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (["runs"], ["orders"], ["pnl"]):
        result = ask("db", "--url", url, *arguments)
        assert result.exit_code == 1 and told in result.stderr
        assert "secret" not in result.output


def test_a_database_without_tables_is_told_to_be_upgraded(ask: Any, sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.parent.mkdir()
    path.touch()
    result = ask("db", "--url", sqlite_url, "runs")
    assert result.exit_code == 1 and "db upgrade" in result.stderr
    assert ask("db", "--url", sqlite_url, "upgrade").exit_code == 0
    assert as_json(ask("db", "--url", sqlite_url, "runs", "--json")) == []


STRATEGY = """
from flumine_core import BaseStrategy, LimitOrder, Trade

class Layer(BaseStrategy):
    def check_market_book(self, market, market_book):
        return market_book.status == "OPEN"

    def process_market_book(self, market, market_book):
        for runner in market_book.runners:
            if runner.status == "ACTIVE" and runner.ex.available_to_back:
                trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
                market.place_order(trade.create_order("LAY", LimitOrder(runner.ex.available_to_back[0].price, 2.0)))
"""

CONFIGURATION = """
[[strategies]]
name = "layer_of_the_test:Layer"
[[logging_controls]]
name = "dblog"
options = { url = "URL", run = "command" }
"""


@pytest.fixture
def configured(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a strategy and a flumine.toml that names the database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("FLUMINE_DBLOG_URL", raising=False)
    (tmp_path / "layer_of_the_test.py").write_text(STRATEGY)
    (tmp_path / "flumine.toml").write_text(CONFIGURATION.replace("URL", sqlite_url))
    return tmp_path


def test_a_command_writes_one_run(ask: Any, configured: Path, market_files: list[str]) -> None:
    """Though each file is simulated by a framework of its own."""
    own = as_json(ask("simulate", *market_files, "--format", "json"))
    [run] = as_json(ask("db", "runs", "--json"))
    assert run["name"] == "command" and run["ended"]
    [total] = as_json(ask("db", "pnl", "--json"))
    assert total["markets"] == 3
    assert total["profit"] == pytest.approx(own["profit"])
    ask("simulate", market_files[0])
    assert [row["run"] for row in as_json(ask("db", "runs", "--json"))] == [1, 2]


def test_a_market_that_comes_twice_in_a_command_is_written_once(
    ask: Any, configured: Path, market_files: list[str]
) -> None:
    copy = configured / "copy"
    copy.write_bytes(Path(market_files[0]).read_bytes())
    result = ask("simulate", market_files[0], str(copy))
    assert "came before" in result.output
    twice = as_json(ask("db", "pnl", "--json"))
    ask("simulate", market_files[0])
    assert as_json(ask("db", "pnl", "--json")) == twice
    assert as_json(ask("db", "orders", "--json"))


def test_an_option_that_does_not_fit_stops_the_start(ask: Any, configured: Path, market_files: list[str]) -> None:
    file = configured / "flumine.toml"
    plain = file.read_text()
    for options, told in (
        ('{ url = "mongodb://x/y" }', "url must be of sqlite, postgresql or mariadb, was of mongodb"),
        ("{ batch = 0 }", "batch must be above 0, was 0"),
        ('{ urll = "x" }', "urll"),
    ):
        file.write_text(plain[: plain.index("options")] + f"options = {options}\n")
        result = ask("simulate", market_files[0])
        assert result.exit_code == 1 and told in result.output


def test_it_is_listed(ask: Any) -> None:
    found = as_json(ask("plugins", "--json"))
    own = {(row["kind"], row["name"]): row["status"] for row in found if row["distribution"] == "flumine-dblog"}
    assert own == {("commands", "db"): "available", ("logging_controls", "dblog"): "available"}


FLAT = '[[logging_controls]]\nname = "dblog"\nurl = "sqlite:///written.db"\n'
OTHER = FLAT.replace("written", "other")
SET = ("--set", "logging_controls.dblog.url=sqlite:///written.db")


@pytest.mark.parametrize(
    ("file", "text", "before", "between", "after"),
    [
        ("flumine.toml", FLAT, (), (), ()),
        ("flumine.toml", "\ufeff" + FLAT, (), (), ()),
        ("flumine.toml", FLAT.replace("dblog", "flumine_dblog.plugin:DatabaseLog"), (), (), ()),
        ("flumine.toml", OTHER, SET, (), ()),
        ("flumine.toml", OTHER, (), SET, ()),
        ("flumine.toml", OTHER, (), (), SET),
        ("mine.toml", FLAT, ("--config", "mine.toml"), (), ()),
        ("mine.toml", FLAT, (), ("--config", "mine.toml"), ()),
        ("mine.toml", FLAT, (), (), ("--config", "mine.toml")),
    ],
)
def test_it_looks_where_a_run_of_the_same_configuration_writes(
    file: str,
    text: str,
    before: tuple[str, ...],
    between: tuple[str, ...],
    after: tuple[str, ...],
    ask: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLUMINE_DBLOG_URL", raising=False)
    Path(file).write_text(text, encoding="utf-8")
    assert ask("db", "--url", "sqlite:///written.db", "upgrade").exit_code == 0
    for arguments in (["runs"], ["orders", "--run", "1"], ["pnl", "--run", "1"]):
        assert as_json(ask(*before, "db", *between, *arguments, "--json", *after)) == []


def test_a_configuration_with_errors_is_told_unless_it_is_not_needed(
    ask: Any, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLUMINE_DBLOG_URL", raising=False)
    Path("flumine.toml").write_text("[[logging_controls]]\nnome = 'dblog'\n")
    result = ask("db", "upgrade")
    assert result.exit_code == 1 and "flumine.toml:1" in result.stderr
    assert ask("db", "--url", sqlite_url, "upgrade").exit_code == 0


def test_a_tilde_is_the_home_directory(
    ask: Any, simulate: Any, market_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    url = "sqlite:///~/data/mine.db"
    simulate(url, files=market_files[:1], spool=Path("~/spool"))
    assert (tmp_path / "home" / "data" / "mine.db").is_file() and (tmp_path / "home" / "spool").is_dir()
    assert not (tmp_path / "~").exists()
    assert len(as_json(ask("db", "--url", url, "runs", "--json"))) == 1
