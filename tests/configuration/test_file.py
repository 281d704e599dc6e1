"""Reading flumine.toml: the line of each key, and files that are none."""

from pathlib import Path

import pytest

from flumine_core.configuration.file import read_file
from flumine_core.errors import SettingsError

TEXT = """\
# a comment
[settings]
place_latency = 0.2
"order_sep" = "_"

[[strategies]]
name = "one"
[strategies.options]
stake = 2
context.colour.name = "red"

[[ strategies ]] # another
name = "two"
options = { ticks = 3 }
notes = \"\"\"
name = not a key
\"\"\"

[simulation.listener_kwargs]
inplay = true
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "flumine.toml"


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("settings",), 2),
        (("settings", "place_latency"), 3),
        (("settings", "order_sep"), 4),
        (("settings", "nobody"), 2),
        (("strategies", 0), 6),
        (("strategies", 0, "name"), 7),
        (("strategies", 0, "options", "stake"), 9),
        (("strategies", 0, "options", "context", "colour"), 10),
        (("strategies", 0, "options", "context", "colour", "name"), 10),
        (("strategies", 1), 12),
        (("strategies", 1, "name"), 13),
        (("strategies", 1, "options", "ticks"), 14),
        (("simulation", "listener_kwargs", "inplay"), 20),
    ],
)
def test_each_key_has_its_line(path: Path, key: tuple[str | int, ...], line: int) -> None:
    path.write_text(TEXT)
    assert read_file(str(path)).place(key) == f"{path}:{line}"


def test_a_key_that_nothing_surrounds_is_of_the_file(path: Path) -> None:
    path.write_text(TEXT)
    assert read_file(str(path)).place(("clients", 0)) == str(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = 1\nb = \n", ":2: not TOML: invalid value"),
        (b"[a]\n[a]\n", ":2: not TOML: cannot declare"),
        (b'a = "\xff"\n', " must be UTF-8 text: invalid start byte at byte 5"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(path: Path, content: bytes, told: str) -> None:
    path.write_bytes(content)
    with pytest.raises(SettingsError) as raised:
        read_file(str(path))
    assert str(raised.value).startswith(f"{path}{told}")


def test_a_missing_file_is_told(path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read_file(str(path))


def test_a_mark_before_the_text_is_no_part_of_it(path: Path) -> None:
    path.write_text(TEXT, encoding="utf-8-sig")
    assert read_file(str(path)).data["settings"] == {"place_latency": 0.2, "order_sep": "_"}


def test_what_is_nested_too_deep_is_no_configuration(path: Path) -> None:
    path.write_text("deep = " + "[" * 20_000 + "]" * 20_000)
    with pytest.raises(SettingsError, match=r"flumine\.toml: not TOML: .*nested too deep"):
        read_file(str(path))


LOOKALIKES = '''\
[[strategies]]
name = "one" # [[strategies]] """
# a line\u2028that is one \u0085 for all editors
late = 4
text = """
stake = 6 \\"""
[[strategies]]
"""
other = \'\'\'
[elsewhere] \'\'\' # """
pairs = [
  [12], # ]
  ["]", 13]
]
stake = 15

[[strategies]]
name = 18
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("strategies",), 1),
        (("strategies", 0), 1),
        (("strategies", 0, "late"), 4),
        (("strategies", 0, "text"), 5),
        (("strategies", 0, "other"), 9),
        (("strategies", 0, "pairs"), 11),
        (("strategies", 0, "stake"), 15),
        (("strategies", 1), 17),
        (("strategies", 1, "name"), 18),
    ],
)
def test_what_looks_like_a_key_inside_a_text_or_list_is_none(path: Path, key: tuple[str | int, ...], line: int) -> None:
    path.write_text(LOOKALIKES, encoding="utf-8")
    assert read_file(str(path)).place(key) == f"{path}:{line}"
