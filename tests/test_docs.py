"""The documentation names what there is, and its Python runs."""

import inspect
import re
from pathlib import Path

import pytest

from flumine_core.contract import hookspecs
from flumine_core.settings import option_names

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCKS = [
    (page.name, number, code)
    for page in PAGES
    for number, code in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S))
]


def test_every_hook_is_on_its_page_with_its_arguments() -> None:
    text = (ROOT / "docs" / "hooks.md").read_text()
    for name, function in vars(hookspecs).items():
        if name.startswith("flumine_"):
            assert f"| `{name}` | `{', '.join(inspect.signature(function).parameters)}` |" in text


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "advanced.md").read_text()
    assert [name for name in option_names() if f"`{name}`" not in text] == []


def test_named_tests_exist() -> None:
    for name in re.findall(r"`(tests/[\w/]+\.py)`", "".join(page.read_text() for page in PAGES)):
        assert (ROOT / name).is_file(), name


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).is_file(), f"{page.name}: {target}"


@pytest.mark.parametrize(("page", "number", "code"), BLOCKS, ids=[f"{page}-{number}" for page, number, _ in BLOCKS])
def test_python_runs(page: str, number: int, code: str) -> None:
    exec(compile(code, f"{page}-{number}", "exec"), {"__name__": "docs"})
