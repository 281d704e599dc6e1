"""A configuration file by its text."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write ./flumine.toml of a fresh working directory."""
    monkeypatch.chdir(tmp_path)

    def written(text: str) -> str:
        Path("flumine.toml").write_text(text)
        return "flumine.toml"

    return written
