"""Each module imports alone, with warnings as errors; the public face is whole and light."""

import subprocess
import sys
from pathlib import Path

import pytest

import flumine_core

PACKAGE = Path(flumine_core.__file__).parent
MODULES = sorted(
    ".".join(("flumine_core", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.name != "__main__.py"
)


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)


ALONE = """
import importlib, sys, traceback
for module in sys.argv[1:]:
    for name in [name for name in sys.modules if name.partition(".")[0] == "flumine_core"]:
        del sys.modules[name]
    try:
        importlib.import_module(module)
    except Exception:
        print(module, traceback.format_exc())
"""
"""Imports each module after everything of flumine_core was forgotten; what it depends on stays imported."""


@pytest.mark.slow
def test_each_module_imports_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ALONE, *MODULES], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_public_names_are_all_there() -> None:
    for name in flumine_core.__all__:
        assert getattr(flumine_core, name) is not None
    assert set(flumine_core.__all__) <= set(dir(flumine_core))


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, flumine_core; print([m for m in ('msgspec', 'attrs', 'loguru', 'pluggy') if m in sys.modules])"
    assert run(code).stdout.strip() == "[]"


def test_help_imports_nothing_heavy() -> None:
    heavy = ("betfairlightweight", "msgspec", "loguru", "pluggy", "rich", "cattrs", "smart_open", "requests")
    code = (
        "import sys, runpy\nsys.argv = ['flumine_core', '--help']\n"
        "try:\n    runpy.run_module('flumine_core', run_name='__main__')\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', [m for m in {heavy!r} if m in sys.modules])"
    )
    done = run(code)
    assert done.stdout.splitlines()[-1] == "HEAVY []", done.stderr


def test_a_simulation_does_not_import_betfairlightweight() -> None:
    code = "import sys, flumine_core.session; print('betfairlightweight' in sys.modules)"
    assert run(code).stdout.strip() == "False"
