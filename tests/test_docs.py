"""The documentation against the code: nothing is missing, nothing is named that is not there, snippets run."""

import importlib
import importlib.util
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import flumine_core
from flumine_core import BackgroundWorker, BaseStrategy, Flumine, LoggingControl, Middleware, Settings, config
from flumine_core.contract import hookspecs
from flumine_core.events import LOGGED_NOUNS, NOUNS
from flumine_core.settings import option_names
from flumine_core.testing import conformance, plugin
from flumine_core.testing.market import MarketScript

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(flumine_core.__file__).resolve().parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])

if not DOCS.is_dir():
    pytest.skip("the documentation is not here", allow_module_level=True)

HOOKS = {name: function for name, function in vars(hookspecs).items() if name.startswith("flumine_")}
STRATEGY_FUNCTIONS = (
    "add",
    "start",
    "process_new_market",
    "process_market_catalogue",
    "check_market_book",
    "process_market_book",
    "check_sports_data",
    "process_sports_data",
    "process_raw_data",
    "process_orders",
    "process_closed_market",
    "finish",
    "validate_order",
    "place_order",
    "cancel_order",
    "update_order",
    "replace_order",
    "get_runner_context",
    "has_executable_orders",
    "now",
)


def text_of(name: str) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", (DOCS / name).read_text(), flags=re.M | re.S)


def rows_of(name: str, columns: int) -> list[list[str]]:
    """Return the rows of all tables of a page that have so many columns, without heads."""
    rows = []
    for line in text_of(name).splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if len(cells) == columns:
                rows.append(cells)
    return rows


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def first_column(name: str) -> set[str]:
    """Return the names in the first cells of a page's tables, without their arguments."""
    lines = [line for line in text_of(name).splitlines() if line.startswith("| ")]
    return {word.partition("(")[0] for line in lines for word in quoted(line.split(" | ")[0])}


def parameters_of(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


# hooks


def test_every_hook_has_its_row() -> None:
    rows = {quoted(cells[0])[0]: cells for cells in rows_of("hooks.md", 4) if cells[0].startswith("`flumine_")}
    assert list(rows) == list(HOOKS), "in the order of the specifications"
    for name, (_, when, arguments, returns) in rows.items():
        assert quoted(arguments) == list(inspect.signature(HOOKS[name]).parameters), name
        assert when
        assert returns


@pytest.fixture(scope="module")
def hook_pages() -> Any:
    spec = importlib.util.spec_from_file_location("hook_pages", DOCS / "_hook_pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", HOOKS)
def test_the_page_of_a_hook_says_all_that_its_specification_says(name: str, hook_pages: Any) -> None:
    page = " ".join(hook_pages.page_of(name).split())
    text = inspect.getdoc(HOOKS[name]) or ""
    for sentence in re.split(r":param \w+:|^[A-Z][\w ]+:(?= )|;\s*(?=:param)", text, flags=re.M):
        assert " ".join(sentence.split()).rstrip(";") in page, sentence
    for argument in inspect.signature(HOOKS[name]).parameters:
        assert f"| `{argument}` |" in page


@pytest.mark.parametrize("name", HOOKS)
def test_the_page_of_a_hook_links_a_plugin_that_uses_it(name: str, hook_pages: Any) -> None:
    users = hook_pages.users_of(name)
    assert users
    assert all(f"](../{uri})" in hook_pages.page_of(name) for uri in users)


def test_no_hook_is_named_that_does_not_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"\bflumine_[a-z_]+[a-z]\b", page.read_text()):
            if (
                name.split("_")[1] in ("process", "make", "add", "remove", "start", "configure")
                and name != "flumine_make"
            ):
                assert name in HOOKS, f"{page.name}: {name}"


# names, parameters and settings


@pytest.mark.parametrize("name", flumine_core.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    words = {word.partition("(")[0] for word in quoted(text_of("advanced.md"))}
    assert name in words


def test_framework_functions_are_documented() -> None:
    functions = [name for name in dir(Flumine) if name.startswith("add_")]
    assert len(functions) >= 8
    assert not set(functions) - first_column("advanced.md")


def test_every_step_is_documented() -> None:
    steps = {f"_process_{noun}" for noun in NOUNS} | {"_add_live_market"}
    named = first_column("advanced.md")
    assert not steps - named
    for name in named:
        if name.startswith("_"):
            assert callable(getattr(Flumine, name)), name


def test_every_noun_of_a_logging_control_is_documented() -> None:
    section = text_of("advanced.md").split("## Logging controls")[1].split("\n## ")[0]
    assert set(quoted(section)) >= {*NOUNS, *LOGGED_NOUNS}
    assert callable(LoggingControl.log)


def test_every_strategy_parameter_has_its_row_and_default() -> None:
    described = {word: cells[1] for cells in rows_of("advanced.md", 3) for word in quoted(cells[0])}
    for name, parameter in inspect.signature(BaseStrategy.__init__).parameters.items():
        if name == "self":
            continue
        default = parameter.default
        shown = described[name].replace(",", "").strip("`")
        assert shown == (default.__name__ if isinstance(default, type) else repr(default)), name


def test_every_strategy_function_has_its_row_and_arguments() -> None:
    signatures = {}
    for line in text_of("advanced.md").splitlines():
        if line.startswith("| `"):
            for word in quoted(line.split(" | ")[0]):
                if "(" in word and not word.startswith(("_", "flumine_core.")):
                    name, _, arguments = word.partition("(")
                    signatures.setdefault(
                        name, [each.split("=")[0] for each in arguments.strip(")").split(", ") if each]
                    )
    for name in STRATEGY_FUNCTIONS:
        arguments = [each.strip("*") for each in signatures[name]]
        expected = parameters_of(getattr(BaseStrategy, name))
        assert arguments == expected[: len(arguments)], name
        if "options" not in expected:
            assert arguments == expected, name


def test_worker_and_middleware_are_documented_with_their_parameters() -> None:
    text = text_of("advanced.md")
    worker = next(word for word in quoted(text) if word.startswith("BackgroundWorker(interval"))
    assert [each.split("=")[0] for each in worker.partition("(")[2].strip(")").split(", ")] == parameters_of(
        BackgroundWorker.__init__
    )
    words = {word.partition("(")[0] for word in quoted(text)}
    assert words >= {name for name in vars(Middleware) if callable(getattr(Middleware, name)) and name != "__repr__"}


def test_every_setting_has_its_row_and_default() -> None:
    section = text_of("advanced.md").split("\n## Settings")[1].split("\n## ")[0]
    rows = {quoted(line)[0]: line.split(" | ")[1] for line in section.splitlines() if line.startswith("| `")}
    assert list(rows) == [*option_names(), "current_time"]
    for field in attrs.fields(Settings):
        if field.init and not isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]
            assert rows[field.name].replace('"', "'") == repr(field.default), field.name


# testing


def test_every_fixture_and_every_call_of_a_script_is_documented() -> None:
    words = {word.partition("(")[0] for word in quoted(text_of("testing.md"))}
    fixtures = {name for name, value in vars(plugin).items() if "fixture" in type(value).__name__.lower()}
    assert len(fixtures) >= 7
    assert not fixtures - words
    calls = {name for name, value in vars(MarketScript).items() if inspect.isfunction(value) and name[0] != "_"}
    assert len(calls) >= 14
    assert not calls - words


def test_every_check_of_the_conformance_suite_is_documented() -> None:
    checks = {name for name in vars(conformance) if name.startswith("test_")}
    assert checks == {word for word in quoted(text_of("testing.md")) if word.startswith("test_")}


# migration, limits, links


def import_lines() -> Iterator[str]:
    for cells in rows_of("migration.md", 2):
        yield from (word for word in quoted(cells[1]) if word.startswith("from flumine_core"))


@pytest.mark.parametrize("line", [*import_lines()])
def test_import_lines_of_the_migration_page_work(line: str) -> None:
    module, _, names = line.removeprefix("from ").partition(" import ")
    for name in names.split(", "):
        assert hasattr(importlib.import_module(module), name), name


@pytest.mark.parametrize("page", ["limits.md", "migration.md", "architecture.md"])
def test_tests_and_files_that_are_named_exist(page: str) -> None:
    for word in quoted(text_of(page)):
        path, _, function = word.partition("::")
        if re.fullmatch(r"[\w/]+\.py", path) and "/" in path:
            file = ROOT / path if path.startswith("tests/") else PACKAGE / path
            assert file.is_file(), word
            assert f"def {function}(" in file.read_text() if function else True, word


def test_every_limit_names_its_test() -> None:
    limits = [cells for cells in rows_of("limits.md", 2) if cells[0] != "limit"]
    assert len(limits) > 20
    for limit, pinned_by in limits:
        assert re.fullmatch(r"`tests/\S+\.py::test_\w+`", pinned_by), limit


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        is_away = target.startswith("plugins/") and not (ROOT / "plugins").is_dir()  # as in tox -e pkg
        if "://" in target or is_away:
            continue
        file = page.parent / path if path else page
        assert file.is_file(), target
        heads = re.findall(r"^#+ (.+)$", file.read_text(), re.M)
        assert not anchor or anchor in {head.lower().replace(" ", "-") for head in heads}, target


# snippets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_configurations_can_be_read(page: Path) -> None:
    for block in re.findall(r"^```toml.*?\n(.*?)^```$", page.read_text(), re.M | re.S):
        tomllib.loads(block)


def snippets() -> Iterator[Any]:
    """Yield the python blocks of all pages but those under a `<!-- no-run -->`."""
    for page in PAGES:
        lines = page.read_text().splitlines()
        for number, line in enumerate(lines):
            if line == "```python" and "<!-- no-run -->" not in lines[max(number - 2, 0) : number]:
                end = lines.index("```", number)
                yield pytest.param(
                    "\n" * (number + 1) + "\n".join(lines[number + 1 : end]), page, id=f"{page.name}:{number + 1}"
                )


@pytest.mark.parametrize(("code", "page"), [*snippets()])
def test_snippets_run(code: str, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = config.as_dict()
    try:
        exec(compile(code, str(page), "exec"), {"__name__": "snippet"})
    finally:
        for name, value in before.items():
            setattr(config, name, value)
