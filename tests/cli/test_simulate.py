"""`simulate`: the table, the JSON object, the CSV files, the exit code."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Cli = Callable[..., Result]
Install = Callable[..., None]

KEYS = {"markets", "books", "orders", "matched", "profit", "errors", "refusals"}


def loaded(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_json_is_one_object_with_the_same_by_strategy(cli: Cli, market: Path, second: Path) -> None:
    result = cli("simulate", market, second, "--strategy", "example", "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = loaded(result)
    assert found.keys() >= KEYS | {"strategies", "refusals_by_control", "bad_lines", "files", "not_simulated"}
    assert (found["files"], found["markets"], found["errors"]) == (2, 2, 0)
    strategy = found["strategies"]["ExampleStrategy"]
    assert strategy.keys() >= KEYS
    assert {key: strategy[key] for key in KEYS} == {key: found[key] for key in KEYS}
    assert found["orders"] >= 2


def test_the_table_has_a_row_for_each_strategy(cli: Cli, market: Path) -> None:
    result = cli("simulate", market, "--strategy", "example")
    assert result.exit_code == 0
    header, _, row, *_ = result.stdout.splitlines()
    assert header.split() == [
        "strategy",
        "markets",
        "traded",
        "orders",
        "matched",
        "staked",
        "profit",
        "refusals",
        "errors",
    ]
    assert row.split()[:3] == ["ExampleStrategy", "1", "1"]
    assert result.stdout.rstrip().endswith("0 errors")


def test_results_are_the_same_byte_for_byte(cli: Cli, market: Path, second: Path, tmp_path: Path) -> None:
    outputs = []
    for name, workers in (("a", 1), ("b", 1), ("c", 2)):
        arguments = (
            "simulate",
            market,
            second,
            "--strategy",
            "example",
            "--format",
            "json",
            "--output",
            tmp_path / name,
        )
        result = cli(*arguments, "--workers", workers)
        assert result.exit_code == 0
        files = [(tmp_path / name / each).read_bytes() for each in ("orders.csv", "markets.csv")]
        outputs.append((result.stdout, *files))
    assert outputs[0] == outputs[1] == outputs[2]


def test_csv_files_hold_orders_and_markets_as_text(cli: Cli, market: Path, second: Path, tmp_path: Path) -> None:
    result = cli("simulate", second, market, "--strategy", "example", "--format", "json", "--output", tmp_path / "out")
    with (tmp_path / "out" / "orders.csv").open(newline="") as file:
        orders = list(csv.DictReader(file))
    with (tmp_path / "out" / "markets.csv").open(newline="") as file:
        markets = list(csv.DictReader(file))
    assert [row["market_id"] for row in markets] == ["1.100000020", "1.100000001"]
    assert [row["market_id"] for row in orders] == sorted((row["market_id"] for row in orders), reverse=True)
    found = loaded(result)
    assert len(orders) == found["orders"]
    assert round(sum(float(row["profit"]) for row in orders), 2) == found["profit"]
    assert round(sum(float(row["size_matched"]) for row in orders), 2) == found["matched"]


def test_csv_files_have_a_header_when_there_is_nothing_to_write(cli: Cli, market: Path, tmp_path: Path) -> None:
    arguments = ("simulate", market, "--strategy", "example", "--set", "seconds_to_start=-1e9")
    assert cli(*arguments, "--output", tmp_path / "out").exit_code == 0
    header = (tmp_path / "out" / "orders.csv").read_text().splitlines()
    assert len(header) == 1
    assert header[0].startswith("market_id,order_id,")


@pytest.mark.parametrize("values", [["stake=4"], ["strategies.example.stake=4"], ["stake=1", "stake=4"]])
def test_options_are_set_on_the_command_line(cli: Cli, market: Path, values: list[str]) -> None:
    sets = [argument for value in values for argument in ("--set", value)]
    found = loaded(cli("simulate", market, "--strategy", "example", *sets, "--format", "json"))
    assert found["staked"] == 4 * found["orders"]


def test_a_configuration_is_enough(cli: Cli, market: Path, tmp_path: Path) -> None:
    Path("flumine.toml").write_text(f"""
[simulation]
paths = [{str(market)!r}]
output = "out"
[[strategies]]
name = "example"
stake = 3
[[strategies]]
name = "flumine_core.example:ExampleStrategy"
options = {{ name = "second", stake = 7, max_order_exposure = 5 }}
""")
    found = loaded(cli("simulate", "--format", "json"))
    assert list(found["strategies"]) == ["ExampleStrategy", "second"]
    assert found["strategies"]["second"]["refusals_by_control"].keys() == {"StrategyExposure"}
    assert found["strategies"]["ExampleStrategy"]["refusals"] == 0
    assert (tmp_path / "out" / "orders.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--strategy", "exampel"], "did you mean 'example'"),
        (["--strategy", "nowhere:Thing"], "nowhere:Thing cannot be imported: ModuleNotFoundError"),
        (["--strategy", "example", "--set", "stke=3"], "did you mean 'stake'"),
        (["--strategy", "example", "--set", "stake=much"], "stake: must be a number, was 'much'"),
        (["--strategy", "example", "--set", "settings.place_latency=x"], "settings.place_latency: must be seconds"),
        (["--strategy", "json:"], "json: must be a class, was module"),
        (["--strategy", "example", "--set", "settings=1"], "must be section.key=value, was 'settings=1'"),
        (["--strategy", "example", "--set", "settings.hostname=5"], "settings.hostname: must be text, was 5"),
        (["--strategy", "example", "--set", "settings.nested.x=1"], "--set: settings.nested: there is no such setting"),
        ([], "a strategy must be named (--strategy NAME or module:Class), installed are: example"),
    ],
)
def test_what_cannot_start_is_one_plain_error(cli: Cli, market: Path, arguments: list[str], told: str) -> None:
    result = cli("simulate", market, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert told in result.stderr


def test_an_output_of_no_name_is_refused(cli: Cli, market: Path) -> None:
    result = cli("simulate", market, "--strategy", "example", "--output", "")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--output must be a directory" in result.stderr


def test_files_must_be_named(cli: Cli) -> None:
    result = cli("simulate", "--strategy", "example")
    assert result.exit_code == 1
    assert "a recorded file must be named" in result.stderr


def test_a_missing_file_and_bad_lines_are_told_and_the_rest_is_done(cli: Cli, market: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(b"garbage\n" * 30 + b"\n")
    result = cli("simulate", market, tmp_path / "gone", bad, "--strategy", "example", "--format", "json")
    assert result.exit_code == 1
    found = loaded(result)
    assert (found["markets"], found["bad_lines"], len(found["bad_line_messages"])) == (1, 31, 31)
    assert found["not_simulated"] == [f"no such file: {tmp_path / 'gone'}"]
    assert found["errors"] == 32
    assert f"bad line: {bad}:1: " in result.stderr
    assert "bad line: 11 more" in result.stderr
    assert f"error: no such file: {tmp_path / 'gone'}" in result.stderr


def test_a_market_that_lacks_its_catalogue_is_not_said_to_be_left_out(cli: Cli, market: Path) -> None:
    Path("flumine.toml").write_text(
        '[[middleware]]\nname = "flumine_core.simulation.catalogues:MarketCatalogueMiddleware"\n'
    )
    result = cli("simulate", market, "--strategy", "example")
    assert result.exit_code == 1 and "1 market, 406 books, 1 error" in result.stdout
    assert "error: no catalogue of market" in result.stderr and "not simulated" not in result.stderr


def test_what_is_told_of_bad_lines_does_not_grow_with_them(cli: Cli, tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"bad-{number}").write_bytes(b"garbage\n" * 300)
    result = cli("simulate", "bad-*", "--strategy", "example", "--format", "json")
    found = loaded(result)
    assert found["bad_lines"] == found["errors"] == 6_000
    assert len(found["bad_line_messages"]) == 1_000
    assert found["bad_lines_by_file"] == {f"bad-{number}": 300 for number in range(20)}
    assert "bad line: 5980 more" in result.stderr


LEAVING = """
from flumine_core import BaseStrategy
class Leaving(BaseStrategy):
    def check_market_book(self, market, market_book):
        raise {}
"""


def test_a_strategy_that_leaves_or_is_interrupted_ends_with_an_error(cli: Cli, market: Path) -> None:
    for number, what in enumerate(("SystemExit(0)", "KeyboardInterrupt")):
        Path(f"leaving{number}.py").write_text(LEAVING.format(what))
        result = cli("simulate", market, "--strategy", f"leaving{number}:Leaving")
        assert result.exit_code == 1
        assert ("SystemExit: 0" in result.stdout) is (number == 0)


CLOSING = """
import sys
from flumine_core import BaseStrategy
class Closing(BaseStrategy):
    def check_market_book(self, market, market_book):
        {}
class Interrupted(BaseStrategy):
    def __init__(self, **options):
        raise KeyboardInterrupt
"""


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("closing", ["sys.stdout.close()", "sys.stderr.close()", "sys.stdout.detach().close()"])
def test_a_strategy_cannot_close_the_output(
    tmp_path: Path, market: Path, second: Path, closing: str, workers: str
) -> None:
    (tmp_path / "closing.py").write_text(CLOSING.format(closing + "; print('heard')"))
    command = [sys.executable, "-m", "flumine_core", "simulate", str(market), str(second), "--workers", workers]
    done = subprocess.run(
        [*command, "--strategy", "closing:Closing"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "Closing" in done.stdout and "heard" not in done.stdout
    assert "heard" in done.stderr


def test_a_strategy_that_is_interrupted_as_it_is_made_is_named(cli: Cli, market: Path) -> None:
    Path("made.py").write_text(CLOSING.format("pass"))
    result = cli("simulate", market, "--strategy", "made:Interrupted")
    assert result.exit_code == 1
    assert "interrupted while 'made:Interrupted' of strategies was made" in result.stderr


LINGERING = """
import re, threading, time
from pathlib import Path
from flumine_core import BaseStrategy
class Lingering(BaseStrategy):
    def start(self, flumine):
        threading.Thread(target=time.sleep, args=(8,)).start()
    def check_market_book(self, market, market_book):
        while not Path("stop").exists():
            Path(f"alive-{market.market_id}").write_text(f"{time.monotonic()}")
            time.sleep(0.02)
            if Path("stuck").exists():
                re.match("(a+)+$", "a" * 32 + "b")  # which lets no other thread run, for a minute or more
"""


@pytest.fixture
def lingering(tmp_path: Path, market: Path, second: Path) -> Iterator[Callable[[int], subprocess.Popen[str]]]:
    """Return a function that begins a run of so many workers, each of which is busy for ever."""
    (tmp_path / "lingering.py").write_text(LINGERING)
    begun: list[subprocess.Popen[str]] = []

    def begin(workers: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "flumine_core", "simulate", str(market), str(second)]
        command += ["--strategy", "lingering:Lingering", "--workers", str(workers), "--output", "out"]
        heeds_ctrl_c = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # not so in a shell's background
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=heeds_ctrl_c)
        begun.append(process)
        until = time.monotonic() + 30
        while len(signs(tmp_path)) < workers and time.monotonic() < until:
            time.sleep(0.02)
        return process

    yield begin
    (tmp_path / "stop").touch()
    for process in begun:
        process.kill()
        process.wait()


def signs(folder: Path) -> dict[str, str]:
    """Return the signs of life of lingering strategies."""
    return {path.name: path.read_text() for path in folder.glob("alive-*")}


def have_ended(folder: Path) -> bool:
    """Whether no strategy lives any more, or all end within 5 s."""
    for _ in range(25):
        before = signs(folder)
        time.sleep(0.2)
        if signs(folder) == before:
            return True
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_and_its_workers(lingering: Any, tmp_path: Path, number: int, workers: int) -> None:
    process = lingering(workers)
    process.send_signal(number)
    _, told = process.communicate(timeout=5)
    assert (process.returncode, told.split()) == (1, ["Aborted!"])
    assert have_ended(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_workers_that_let_no_thread_run_are_ended(lingering: Any, tmp_path: Path) -> None:
    (tmp_path / "stuck").touch()
    process = lingering(2)
    assert have_ended(tmp_path)  # since they are stuck now
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=5)  # until nobody has its stderr any more
    assert (process.returncode, told.split()) == (1, ["Aborted!"])


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_workers_end_with_a_run_that_was_killed(lingering: Any, tmp_path: Path) -> None:
    process = lingering(2)
    process.kill()
    process.communicate(timeout=5)
    assert have_ended(tmp_path)


THREADING = """
import threading, time
from flumine_core import BaseStrategy
class Threading(BaseStrategy):
    def start(self, flumine):
        threading.Thread(target=time.sleep, args=(60,), name="my-poller").start()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_thread_that_keeps_the_process_is_named_and_ended_by_ctrl_c(tmp_path: Path, market: Path) -> None:
    (tmp_path / "threaded.py").write_text(THREADING)
    command = [sys.executable, "-m", "flumine_core", "simulate", str(market), "--strategy", "threaded:Threading"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    assert "my-poller" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=5)
    assert "1 file" in told


PRINTING = """
from flumine_core import BaseStrategy
print("imported")
class Printing(BaseStrategy):
    def start(self, flumine):
        print("started")
    def check_market_book(self, market, market_book):
        raise ValueError("no")
"""


def test_what_a_strategy_prints_or_raises_leaves_stdout_alone(cli: Cli, market: Path) -> None:
    Path("printing.py").write_text(PRINTING)
    for workers in (1, 2):
        arguments = [market, "--strategy", "printing:Printing", "--format", "json", "--workers", workers]
        command = [sys.executable, "-m", "flumine_core", "simulate", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 1
        found = json.loads(done.stdout)
        assert found["errors"] == found["strategies"]["Printing"]["errors"] > 1
        assert found["faults"][0]["error"] == "ValueError: no"
        assert "imported\nstarted\n" in done.stderr
        assert "raised: Printing in strategy.check_market_book" in done.stderr


def test_a_strategy_that_cannot_start_is_told_and_the_exit_code_is_1(cli: Cli, market: Path) -> None:
    Path("failing.py").write_text(PRINTING.replace('print("started")', "raise ValueError('no model')"))
    table = cli("simulate", market, "--strategy", "failing:Printing")
    assert table.exit_code == 1
    assert "1 file, 1 market" in table.stdout and "ValueError: no model" in table.stdout
    result = cli("simulate", market, "--strategy", "failing:Printing", "--format", "json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["files"], found["markets"], found["orders"], found["errors"]) == (1, 1, 0, 1)
    assert found["strategies"] == {}
    assert found["faults"] == [
        {"plugin": "Printing", "hook": "strategy.start", "count": 1, "error": "ValueError: no model"}
    ]


def test_a_fault_is_in_the_table(cli: Cli, market: Path) -> None:
    Path("faulty.py").write_text(PRINTING.replace("print", "str").replace("Printing", "Faulty"))
    result = cli("simulate", market, "--strategy", "faulty:Faulty")
    assert result.exit_code == 1
    assert "raised by" in result.stdout
    assert "ValueError: no" in result.stdout
    assert result.stderr == "note: --log-level error shows where it was raised\n"


LOGGING: dict[str, list[str]] = {
    "--log-json": ["--log-json"],
    "setting": ["--set", "settings.log_json=true"],
    "workers": ["--log-json", "--workers", "2"],
}


@pytest.mark.parametrize("options", LOGGING.values(), ids=LOGGING)
def test_json_logs_hold_what_raised(cli: Cli, market: Path, second: Path, options: list[str]) -> None:
    Path("faulty.py").write_text(PRINTING.replace("print", "str").replace("Printing", "Faulty"))
    arguments = ["simulate", str(market), str(second), "--strategy", "faulty:Faulty", "--format", "json", *options]
    done = subprocess.run([sys.executable, "-m", "flumine_core", *arguments], capture_output=True, text=True)
    told, logged = [], []
    for line in done.stderr.splitlines():
        (logged if line.startswith("{") else told).append(line)
    assert [line.partition(",")[0] for line in told] == ["raised: Faulty in strategy.check_market_book"]
    records = [json.loads(line)["record"] for line in logged]
    assert [record["extra"]["plugin"] for record in records] == ["Faulty", "Faulty"]  # one a file
    assert "Traceback" in records[0]["message"]
    assert json.loads(done.stdout)["errors"] > 2


@pytest.mark.parametrize("command", ["simulate", "demo"])
def test_a_level_that_shows_errors_needs_no_note(cli: Cli, market: Path, command: str) -> None:
    Path("faulty.py").write_text(PRINTING.replace("print", "str").replace("Printing", "Faulty"))
    paths = [market] if command == "simulate" else []
    for options, is_logged in (["--log-level", "error"], True), (["--log-json"], True), ([], False):
        stderr = cli(command, *paths, "--strategy", "faulty:Faulty", *options).stderr
        assert ("Traceback" in stderr, "note: --log-level" in stderr) == (is_logged, not is_logged)


def test_a_blocked_plugin_that_does_not_exist_is_an_error(cli: Cli, market: Path) -> None:
    result = cli("simulate", market, "--strategy", "example", "-p", "no:exampl")
    assert result.exit_code == 2
    assert "did you mean 'example'" in result.stderr
    Path("flumine.toml").write_text('[plugins]\nblocked = ["gone"]\n')
    result = cli("simulate", market, "--strategy", "example")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: no plugin to block is called 'gone'")
    Path("flumine.toml").write_text('[plugins]\nblocked = ["exampl"]\n')
    assert cli("simulate", market, "--strategy", "example").exit_code == 2


@pytest.mark.parametrize("command", ["simulate", "trade"])
def test_all_that_keeps_a_run_from_starting_is_told_with_file_and_key(cli: Cli, command: str) -> None:
    Path("flumine.toml").write_text("""\
[[strategies]]
name = "example"
stake = "much"
stke = 3
[[strategies]]
name = "exampel"
[[clients]]
type = "simulated"
commission_base = 5
[plugins]
required = ["gone", "gone_too"]
[settings]
place_latency = -1
""")
    result = cli(command)
    assert (result.exit_code, result.stdout) == (1, "")
    told = result.stderr.removeprefix("error: ").splitlines()
    assert told == cli("config", "check").stderr.splitlines()[:-1]
    assert [line.partition(": ")[0] for line in told] == [f"flumine.toml:{n}" for n in (13, 11, 11, 3, 4, 6, 9)]


def test_a_broken_strategy_keeps_no_other_from_running(cli: Cli, market: Path, install: Install) -> None:
    install("broken", "[flumine_core.strategies]\nbroken = broken_strategy:S\n", broken_strategy="1/0")
    result = cli("simulate", market, "--strategy", "example", "--strategy", "broken", "--format", "json")
    assert loaded(result)["markets"] == 1
    assert loaded(result)["errors"] == 1


def test_a_control_that_is_always_on_is_not_shown_as_blocked(cli: Cli, market: Path) -> None:
    told = "'strategy_exposure' cannot be blocked: the house's own control is always on"
    result = cli("simulate", market, "--strategy", "example", "-p", "no:strategy_exposure")
    assert (result.exit_code, told in result.stderr) == (2, True)
    result = cli("plugins", "--json", "-p", "no:strategy_exposure")
    assert f"warning: {told}" in result.stderr
    (status,) = [each["status"] for each in json.loads(result.stdout) if each["name"] == "strategy_exposure"]
    assert status == "available"


def test_a_directory_is_all_its_files(cli: Cli, market: Path, second: Path) -> None:
    Path("markets").mkdir()
    shutil.copy(market, "markets")
    shutil.copy(second, "markets")
    assert loaded(cli("simulate", "markets", "--strategy", "example", "--format", "json"))["markets"] == 2


def test_results_that_cannot_be_written_are_an_error(cli: Cli, market: Path) -> None:
    Path("file").touch()
    result = cli("simulate", market, "--strategy", "example", "--output", "file")
    assert result.exit_code == 1
    assert "cannot write results to file" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("name", ["orders.csv", "markets.csv"])
def test_a_disk_that_is_full_costs_rows_and_not_the_result(cli: Cli, market: Path, tmp_path: Path, name: str) -> None:
    arguments = ("simulate", market, "--strategy", "example", "--format", "json")
    without = loaded(cli(*arguments))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to("/dev/full")
    result = cli(*arguments, "--output", "out")
    found = loaded(result)
    assert (result.exit_code, found["errors"]) == (1, 1)
    assert (found["orders"], found["profit"]) == (without["orders"], without["profit"])
    assert found["not_simulated"] == [
        "results in out are not whole, they cannot be written: No space left on device",
    ]


def test_results_go_to_a_local_directory_alone(cli: Cli, market: Path, tmp_path: Path) -> None:
    result = cli("simulate", market, "--strategy", "example", "--output", "s3://bucket/out")
    assert result.exit_code == 1
    assert "results are written to a local directory, was s3://bucket/out" in result.stderr
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("wrong", [("nosuch", "example"), ("{market}", "exmple")])
def test_what_cannot_start_leaves_an_earlier_runs_results(cli: Cli, market: Path, wrong: tuple[str, str]) -> None:
    assert cli("simulate", market, "--strategy", "example", "--output", "out").exit_code == 0
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    path, strategy = wrong
    result = cli("simulate", path.format(market=market), "--strategy", strategy, "--output", "out")
    assert result.exit_code == 1
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before
    Path("bad").write_text("nonsense\n")
    assert cli("simulate", "bad", "--strategy", "example", "--output", "out").exit_code == 1
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before
    assert cli("simulate", "bad", "--strategy", "example", "--output", "new").exit_code == 1
    assert all(path.read_text().startswith("market_id,") for path in Path("new").iterdir())
    cli("simulate", market, market, "--strategy", "example", "--output", "out")
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before


@pytest.mark.parametrize("password", ["hunter2", "hu/nter2", "hun@ter2", "hunter2@bob:hunter2"])
@pytest.mark.parametrize("output_format", ["table", "json"])
def test_the_password_of_an_address_is_not_told(cli: Cli, market: Path, output_format: str, password: str) -> None:
    address = f"http://bob:{password}@127.0.0.1:1/x"
    result = cli("simulate", address, market, "--strategy", "example", "--format", output_format)
    assert result.exit_code == 1
    assert "ter2" not in result.output and "http://bob:***@127.0.0.1" in result.stderr


def test_a_note_that_is_no_text_of_any_encoding_is_written(cli: Cli, market: Path) -> None:
    Path("noting.py").write_text(
        "from flumine_core.example import ExampleStrategy\n"
        "class Noting(ExampleStrategy):\n"
        "    def process_orders(self, market, orders):\n"
        "        for order in orders:\n"
        "            order.notes['mood'] = '\\ud800'\n"
    )
    result = cli("simulate", market, "--strategy", "noting:Noting", "--output", "out")
    assert result.exit_code == 0
    with Path("out/orders.csv").open(newline="") as file:
        assert {row["notes"] for row in csv.DictReader(file)} == {"\\ud800"}


def test_a_market_that_never_closes_is_named(cli: Cli, market: Path, tmp_path: Path) -> None:
    lines = market.read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut"
    cut.write_bytes(b"".join(line for line in lines if b'"CLOSED"' not in line))
    result = cli("simulate", cut, "--strategy", "example")
    assert result.exit_code == 0
    assert "market 1.100000001 never closes" in result.stderr
    found = loaded(cli("simulate", cut, "--strategy", "example", "--format", "json"))
    assert len(found["unsettled"]) == 1 and found["matched"] and not found["profit"]
    assert loaded(cli("simulate", market, "--strategy", "example", "--format", "json"))["unsettled"] == []
