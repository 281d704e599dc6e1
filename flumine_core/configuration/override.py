"""`--set key=value`: which key is meant, and the value that its text stands for."""

import tomllib
from typing import Any


def parse_value(text: str) -> Any:
    """Return the TOML value that `text` is, or else the text itself."""
    try:
        parsed = tomllib.loads(f"value = {text}\n")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if parsed.keys() == {"value"} else text


def parse_override(override: str) -> tuple[str, Any]:
    """Split `key=value`."""
    key, _, text = override.partition("=")
    return key.strip(), parse_value(text.strip())
