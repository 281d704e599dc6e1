"""Whether a plugin's source reads the wall clock, where time is to be asked of the framework."""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

from .subject import Subject

READS = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.ctime",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
}
"""Calls that tell the time of the machine."""

ASK = {
    "strategies": "self.now(), market.seconds_to_start or order.elapsed_seconds",
    "trading_controls": "self.flumine.clock.now()",
    "client_controls": "self.flumine.clock.now()",
    "middleware": "market.market_book.publish_time or market.seconds_to_start",
    "hooks": "market.seconds_to_start, or framework.clock.now()",
}
"""Kind -> where time is to be had; kinds that are not here may read the wall clock."""


def wall_clock_faults(subject: Subject) -> Iterator[str]:
    """Yield each place where the plugin's module, or one of its own package that it imports, reads the wall clock."""
    ask = ASK.get(subject.kind)
    if ask is None:
        return
    for path in _sources(subject):
        for line, call in _reads(ast.parse(path.read_text(encoding="utf-8"))):
            yield f"{path.name}:{line} reads the wall clock ({call}), which in a simulation is another day: ask {ask}"


def _sources(subject: Subject) -> Iterator[Path]:
    waiting, seen = [subject.value.partition(":")[0]], set()
    while waiting:
        name = waiting.pop()
        module = sys.modules.get(name)
        path = getattr(module, "__file__", None)
        if name in seen or path is None or not path.endswith(".py") or not path.startswith(subject.directories):
            continue
        seen.add(name)
        yield Path(path)
        package = getattr(module, "__package__", None) or ""
        waiting.extend(_imports(ast.parse(Path(path).read_text(encoding="utf-8")), package, subject.package))


def _imports(tree: ast.AST, package: str, top: str) -> Iterator[str]:
    """Yield the modules of the plugin's own package that are imported, whether the names are modules or not."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = importlib.util.resolve_name("." * node.level + base, package) if package else base
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.partition(".")[0] == top)


def _reads(tree: ast.AST) -> Iterator[tuple[int, str]]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update((alias.asname or alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.update((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and (called := _dotted(node, names)) in READS:
            yield node.lineno, called


def _dotted(node: ast.AST, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, names)
        return f"{base}.{node.attr}" if base else ""
    return ""
