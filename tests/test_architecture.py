"""The floors: who may import whom, how long a file may be, and that each module says what it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import flumine_core

PACKAGE = Path(flumine_core.__file__).resolve().parent

FLOORS = {
    "errors": -1,
    "clock": 0,
    "ladder": 0,
    "hint": 0,
    "overrides": 0,
    "plain": 0,
    "waits": 0,
    "silence": 0,
    "garbage": 0,
    "leave": 0,
    "book": 1,
    "options": 1,
    "settings": 1,
    "venue": 2,
    "order": 2,
    "market": 3,
    "events": 4,
    "control": 4,
    "contract": 5,
    "kernel": 6,
    "simulation": 6,
    "live": 6,
    "synthetic": 6,
    "relay": 7,
    "session": 7,
    "assembly": 8,
    "spread": 9,
    "run": 10,
    "trading": 10,
    "example": 8,
    "configuration": 11,
    "testing": 11,
    "cli": 12,
    "command": 13,
    "__main__": 13,
    "__init__": 13,
}
"""Room (file or folder) -> floor. A room may import lower floors only, and its own folder."""

MOST_LINES = 450
MOST_CLASS_LINES = 300

FOLDERS_WITH_A_NAME = {"contract": "API_VERSION"}
"""Folder -> the one constant that its `__init__` holds: plugin authors import it from there, it imports nothing."""

PUBLIC = {
    "",  # the names that `from flumine_core import ...` gives
    "clock",
    "command",
    "contract",
    "errors",
    "events",
    "hint",
    "live.client",
    "market.market",
    "order.blotter",
    "order.exposure",
    "order.kinds",
    "order.order",
    "order.package",
    "order.report",
    "order.trade",
    "simulation.catalogues",
    "simulation.execution",
    "simulation.sportsdata",
    "synthetic",
    "testing",
}
"""Rooms that a plugin may import; a module in a public folder is public, too."""

PUBLIC_TO_AN_EXCHANGE = {
    "book",
    "ladder",
    "order.settlement",
    "simulation.bet",
    "simulation.exchange",
    "simulation.matching",
    "simulation.policy",
    "simulation.reader",
    "venue",
}
"""What a plugin may import beside that which is an exchange itself: book cache, matching engine, settlement."""

EXCHANGES = {"flumine_exchange"}

PLUGINS = PACKAGE.parent / "plugins"
PLUGIN_MODULES = sorted(PLUGINS.glob("flumine_*/flumine_*/**/*.py"))

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the rooms that a module imports, also for typing or inside a function, with the line."""
    package = ["flumine_core", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = base + (node.module.split(".") if node.module else [])
            names = [[*module, alias.name] for alias in node.names] if len(module) == 1 else [module]
        else:
            continue
        for name in names:
            if name[0] == "flumine_core":
                yield name[1] if len(name) > 1 else "__init__", node.lineno


def ids(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_every_arrow_runs_down(path: Path) -> None:
    room = room_of(path)
    wrong = [
        f"line {line}: {room} (floor {FLOORS[room]}) imports {target} (floor {FLOORS.get(target, '?')})"
        for target, line in imports_of(path)
        if target != room
        and FLOORS.get(target, 99) >= FLOORS[room]
        and not (room == "__main__" and target == "__init__")
        and not (room == "__init__" and path.parent != PACKAGE)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_no_file_or_class_is_too_long(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and node.end_lineno is not None:
            assert node.end_lineno - node.lineno < MOST_CLASS_LINES, node.name


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_every_module_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring and len(docstring) > 20


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name == "__init__.py" and path.parent != PACKAGE], ids=ids
)
def test_folders_open_with_a_docstring_and_no_code(path: Path) -> None:
    _, *code = ast.parse(path.read_text()).body
    code = [node for node in code if not isinstance(node, ast.Expr)]
    allowed = FOLDERS_WITH_A_NAME.get(path.parent.name)
    assert [node.targets[0].id for node in code] == ([allowed] if allowed else [])  # type: ignore[attr-defined]


def test_only_the_clock_reads_the_time() -> None:
    wall = {("datetime", "now"), ("datetime", "utcnow"), ("time", "time"), ("time", "time_ns")}
    for path in MODULES:
        if path.name == "clock.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in wall, f"{ids(path)}:{node.lineno}"


def test_no_drawer_is_called_utils() -> None:
    drawers = {"utils", "helpers", "common", "manager", "misc"}
    assert not {part.removesuffix(".py") for path in MODULES for part in path.parts} & drawers


def is_public(module: str, public: set[str]) -> bool:
    return module in public or any(module.startswith(f"{each}.") for each in public if each)


@pytest.mark.parametrize("path", PLUGIN_MODULES, ids=lambda path: str(path.relative_to(PLUGINS)))
def test_plugins_import_what_is_public(path: Path) -> None:
    public = PUBLIC | (PUBLIC_TO_AN_EXCHANGE if path.relative_to(PLUGINS).parts[0] in EXCHANGES else set())
    names = set(flumine_core.__all__)
    wrong = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module
            modules = [node.module]
            if node.module == "flumine_core":  # a name, or else a folder
                modules = [f"flumine_core.{each.name}" for each in node.names if each.name not in names]
        else:
            continue
        for module in modules:
            root, _, rest = module.partition(".")
            if root == "flumine_core" and not is_public(rest, public):
                wrong.append(f"line {node.lineno}: {module}")
    assert not wrong, "\n".join(wrong)
