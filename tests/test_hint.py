"""Hints for names that nobody knows, and errors in one line, addresses without passwords."""

import pytest

from flumine_core.hint import did_you_mean, one_line, without_passwords


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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at postgresql://me:secret@host/db now", "at postgresql://me:***@host/db now"),
        ("at postgresql://:p:w@rd@host/db", "at postgresql://:***@host/db"),
        ("one://a:b@c two://d:e@f", "one://a:***@c two://d:***@f"),
        ("mail me@host, see http://host:80/path", "mail me@host, see http://host:80/path"),
        ("s3://bucket/key?password=x y", "s3://bucket/key?password=*** y"),
        ("", ""),
    ],
)
def test_passwords_of_addresses_are_hidden(text: str, told: str) -> None:
    assert without_passwords(text) == told


@pytest.mark.parametrize("text", ["a://b:" * 100_000, "a://" * 100_000, "@" * 500_000, "a" * 500_000])
def test_a_long_text_that_looks_like_addresses_is_read_once(text: str) -> None:
    assert without_passwords(text) == text
