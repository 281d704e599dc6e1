"""The pages of the documentation, followed word for word: files are written, commands run, what they print is compared.

On a page, a block with `title="name"` is a file to be written, and a `sh` block is run as a script (not under
`<!-- no-run -->`; under `<!-- fails -->` it ends with exit code 1). Each line of a `text` block below it is
in what the commands before it have printed, save for lines with `...`. A page or block under `<!-- needs: module -->`
runs where that module can be imported.
"""

import importlib.util
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import attrs
import pytest

from flumine_core.cli.new import KINDS

from .plugins.conftest import Environment, is_installed, own_wheel

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if re.search(r"^```sh", page.read_text(), re.M))
CLONE = "in a clone of the repository"

if not DOCS.is_dir():
    pytest.skip("the documentation is not here", allow_module_level=True)


@attrs.frozen
class Block:
    """A block of code: its language, title, text, and the markers in the lines just above it."""

    language: str
    title: str
    text: str
    markers: tuple[str, ...]


def blocks_of(page: Path) -> Iterator[Block]:
    markers: list[str] = []
    lines = iter(page.read_text().splitlines())
    for line in lines:
        fence = re.fullmatch(r'```(\w+)(?: title="([^"]+)")?(?: no-run)?', line)
        if fence is None:
            found = re.fullmatch(r"<!-- (.+) -->", line)
            if found:
                markers.append(found[1])
            elif line.strip():
                markers = []
            continue
        text = []
        while (line := next(lines)) != "```":
            text.append(line)
        yield Block(fence[1], fence[2] or "", "\n".join(text) + "\n", tuple(markers))
        markers = []


def needs_of(text: str) -> list[str]:
    return re.findall(r"needs: (\w+)", text)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("pages")
    return Environment(folder / "environment", [] if is_installed() else [own_wheel(folder)])


def run(script: str, folder: Path, environment: Environment, code: int = 0) -> str:
    """Run a script in a shell in which `python` is the environment's, and pip finds everything here."""
    pip = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "PYTEST"))}
    path = f"{environment.python.parent}{os.pathsep}{clean['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=folder,
        env={**clean, **pip, "PATH": path, "COLUMNS": "200", "XDG_STATE_HOME": str(folder / "state")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.skipif(os.name == "nt", reason="the pages are written for a POSIX shell")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_page_works_word_for_word(page: Path, tmp_path: Path, environment: Environment) -> None:
    for module in needs_of(page.read_text().partition("\n\n")[0]):
        pytest.importorskip(module)
    try:
        follow(page, tmp_path, environment)
    finally:
        for pid in tmp_path.glob("*.pid"):
            with suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGTERM)


def follow(page: Path, tmp_path: Path, environment: Environment) -> None:
    printed = ""
    for block in blocks_of(page):
        wanted = [module for marker in block.markers for module in needs_of(marker)]
        if "no-run" in block.markers or any(importlib.util.find_spec(module) is None for module in wanted):
            printed = printed if block.language != "sh" else ""
            continue
        if block.language == "sh":
            if block.title == CLONE and not (ROOT / "flumine_core").is_dir():
                printed = ""
                continue
            folder = ROOT if block.title == CLONE else tmp_path
            printed = run(block.text, folder, environment, 1 if "fails" in block.markers else 0)
        elif block.title:
            target = tmp_path / block.title
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)
        elif block.language == "text" and printed:
            seen = " ".join(printed.split())
            for line in block.text.splitlines():
                assert "..." in line or " ".join(line.split()) in seen, f"{line!r} is not in\n{printed}"


def test_every_kind_of_plugin_has_its_page() -> None:
    for kind in KINDS:
        name = {"hook": "hooks", "worker": "workers", "command": "commands", "strategy": "strategies"}.get(kind, kind)
        name = f"{name}s" if name.endswith("control") else name
        page = DOCS / "plugins" / f"{name}.md"
        assert f"flumine_core new {kind} " in page.read_text()
