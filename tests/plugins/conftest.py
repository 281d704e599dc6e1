"""Real wheels of broken and of healthy plugins, built once a session and installed into one virtual environment."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import flumine_core
from flumine_core.synthetic.market import SyntheticMarket

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent / "pyproject.toml"
IMPORTED_FROM = Path(flumine_core.__file__).parent.parent

Plugin = dict[str, Any]


def read_plugins(name: str) -> list[Plugin]:
    with (HERE / name).open("rb") as file:
        plugins: list[Plugin] = tomllib.load(file)["plugin"]
    return plugins


def build_wheel(folder: Path, distribution: str, entry_points: str, sources: dict[str, str]) -> Path:
    """Write a wheel as the specification asks: sources, metadata, and a record of their hashes."""
    folded = distribution.replace("-", "_")
    info = f"{folded}-1.0.dist-info"
    files = {f"{module}.py": source for module, source in sources.items()}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/entry_points.txt"] = entry_points
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    wheel = folder / f"{folded}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel


def plugin_wheel(folder: Path, plugin: Plugin) -> Path:
    value = plugin.get("value", plugin["name"])
    module = plugin.get("module", value.partition(":")[0])
    module = module if module.isidentifier() else plugin["name"]
    kind = plugin.get("kind")
    group = f"flumine_core.{kind}" if kind else "flumine_core"
    entry_points = f"[{group}]\n{plugin['name']} = {value}\n"
    distribution = plugin.get("distribution", plugin["name"].replace("_", "-"))
    return build_wheel(folder, distribution, entry_points, {module: plugin["source"]})


def own_wheel(folder: Path) -> Path:
    """A wheel that holds flumine_core's metadata alone, for a checkout that is not installed."""
    with PROJECT.open("rb") as file:
        project = tomllib.load(file)["project"]
    text = ""
    for group, entries in project.get("entry-points", {}).items():
        text += f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
    return build_wheel(folder, "flumine_core", text, {})


class Environment:
    """A virtual environment that sees flumine_core and its dependencies, and has wheels installed."""

    def __init__(self, folder: Path, wheels: Iterable[Path]) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False, symlinks=os.name != "nt")
        self.python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        site = next(folder.glob("[Ll]ib/**/site-packages"))
        seen = [path for path in sys.path if path.endswith("site-packages")]
        (site / "above.pth").write_text("\n".join([str(IMPORTED_FROM), *seen]) + "\n")
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--no-index", "--no-deps"]
        options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--ignore-installed"]
        if named := [*map(str, wheels)]:
            subprocess.run([*pip, *options, *named], check=True, capture_output=True, text=True)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m flumine_core` with these arguments."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
        return subprocess.run(
            [self.python, "-m", "flumine_core", *arguments],
            cwd=self.folder,
            env={**clean, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def plugins(self, *arguments: str) -> list[Plugin]:
        """Return what `plugins --json` prints."""
        found: list[Plugin] = json.loads(self.run("plugins", "--json", *arguments).stdout)
        return found


def is_installed() -> bool:
    try:
        metadata.distribution("flumine_core")
    except metadata.PackageNotFoundError:
        return False
    return True


def environment_with(folder: Path, plugins: Iterable[Plugin]) -> Environment:
    wheels = folder / "wheels"
    wheels.mkdir()
    built = [plugin_wheel(wheels, plugin) for plugin in plugins]
    if not is_installed():
        built.append(own_wheel(wheels))
    return Environment(folder / "environment", built)


@pytest.fixture(scope="session")
def sabotaged() -> list[Plugin]:
    return read_plugins("sabotaged.toml")


@pytest.fixture(scope="session")
def sabotaged_environment(tmp_path_factory: pytest.TempPathFactory, sabotaged: list[Plugin]) -> Environment:
    """Everything broken, beside the healthy ones."""
    plugins = [*sabotaged, *read_plugins("healthy.toml")]
    return environment_with(tmp_path_factory.mktemp("sabotaged"), plugins)


@pytest.fixture(scope="session")
def healthy_environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The healthy plugins alone."""
    return environment_with(tmp_path_factory.mktemp("healthy"), read_plugins("healthy.toml"))


@pytest.fixture(scope="session")
def market_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A synthetic market of some 300 books."""
    return str(SyntheticMarket(updates=300, removals=1).write(tmp_path_factory.mktemp("market") / "1.100000001"))
