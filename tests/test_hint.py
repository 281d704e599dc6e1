"""Hints for names that nobody knows, and errors in one line."""

import pytest

from flumine_core.hint import did_you_mean, one_line


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("exampel", ["example", "other"], ", did you mean 'example'"),
        ("EXAMPLE", ["example"], ", did you mean 'example'"),
        ("x", ["one", "two"], ", known: 'one', 'two'"),
        ("x", [], ", there are none"),
        ("x", [f"name{n:02}" for n in range(20)], "'name11', ..."),
    ],
)
def test_a_hint_is_the_nearest_name_or_those_that_are_known(name: str, known: list[str], hint: str) -> None:
    assert did_you_mean(name, known).endswith(hint)


def test_an_error_is_told_in_one_line() -> None:
    assert one_line(ValueError("a\n  b")) == "ValueError: a b"
    assert one_line(MemoryError()) == "MemoryError"
    error = SyntaxError("bad", ("file.py", 3, 1, "x"))
    assert one_line(error) == "SyntaxError: bad (file.py, line 3)"


def test_an_error_without_a_text_is_told_by_its_class() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise SystemExit

    assert one_line(Mute()) == "Mute: its text cannot be had"
