"""`new` writes what it says, where it is told, and refuses names that would hide something."""

import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from flumine_core.cli.new import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_writes_a_whole_distribution(kind: str, cli: Any, tmp_path: Path) -> None:
    done = cli("new", kind, "price-cap", "--dir", str(tmp_path))
    assert done.exit_code == 0, done.output
    root = tmp_path / "price-cap"
    assert str(root) in done.output
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert found == {
        ".github/workflows/test.yml",
        ".gitignore",
        "README.md",
        "price_cap/__init__.py",
        "price_cap/plugin.py",
        "price_cap/py.typed",
        "pyproject.toml",
        "tests/test_plugin.py",
    }
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    (entries,) = project["entry-points"].values()
    assert list(entries) == ["price_cap"]
    assert project["name"] == "price-cap"
    for path in found:
        text = (root / path).read_text()
        assert "$price" not in text and "${" not in text.replace("${{", ""), path
        assert not text.endswith("\n\n"), path


def test_the_commands_that_are_told_can_be_pasted(cli: Any) -> None:
    done = cli("new", "hook", "price-cap", "--dir", "it's mine")
    install, test, _ = (shlex.split(line) for line in done.stdout.splitlines()[-3:])
    assert install[-1] == "it's mine/price-cap[test]"
    assert test[-1] == "it's mine/price-cap"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2fast", "a letter first"),
        ("class", "'class' is a word of Python's own"),
        ("a/b", "a letter first"),
        ("json", "'json' is the name of another module"),
        ("flumine-core", "'flumine_core' is the name of another module"),
        ("click", "'click' is the name of another module"),
        ("x" * 300, "cannot write to"),
        ("limit-order", "'LimitOrder' is the name of a class that the plugin uses"),
    ],
)
def test_refuses_names_that_hide_something(name: str, message: str, cli: Any, tmp_path: Path) -> None:
    done = cli("new", "strategy", name, "--dir", str(tmp_path))
    assert done.exit_code == (1 if message == "cannot write to" else 2)
    assert message in done.stderr
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("command", "simulate", "'simulate' is the name of a built-in command"),
        ("strategy", "example", "'example' is the name of a plugin of flumine_core's own"),
        ("worker", "Max-Order-Count", "'max_order_count' is the name of a plugin of flumine_core's own"),
    ],
)
def test_refuses_names_that_are_taken(kind: str, name: str, message: str, cli: Any, tmp_path: Path) -> None:
    done = cli("new", kind, name, "--dir", str(tmp_path))
    assert done.exit_code == 2
    assert message in done.stderr
    assert not [*tmp_path.iterdir()]


def test_overwrites_nothing(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("text")
    done = cli("new", "hook", "mine", "--dir", str(tmp_path))
    assert done.exit_code == 2
    assert "exists and is not empty" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["precious"]


def test_an_unknown_kind_is_told_the_known_ones(cli: Any) -> None:
    done = cli("new", "indicator", "mine")
    assert done.exit_code == 2
    assert "trading-control" in done.stderr
