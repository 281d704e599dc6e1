"""Plain data as constructor arguments: by annotation, with every fault told."""

import enum
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional, TypedDict

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flumine_core import BaseStrategy
from flumine_core.errors import SettingsError
from flumine_core.options import arguments_for, convert, options_of, problems_and_arguments

if TYPE_CHECKING:
    from nowhere import Unknown


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen
class Inner:
    a: int
    b: float


@attrs.frozen
class Outer:
    x: Inner
    y: dict[str, int]


class Mode(enum.StrEnum):
    BACK = "back"
    LAY = "lay"


class Old(str, enum.Enum):  # noqa: UP042 (as it was written before there was StrEnum)
    A = "a"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Share(float):
    def __new__(cls, value: float) -> "Share":
        if not 0 <= value <= 1:
            raise ValueError("a share lies between 0 and 1")
        return super().__new__(cls, value)


class Ticks(int):
    pass


class Word(str):
    pass


class Keys(TypedDict):
    x: int


class Leaver(int):
    def __new__(cls, value: int) -> "Leaver":
        raise SystemExit(9)


@attrs.define
class Point:
    x: int
    y: int = 0


class Base:
    def __init__(self, size: float = 2.0, name: str | None = None) -> None:
        self.size = size


class Child(Base):
    def __init__(self, ticks: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class Closed(Base):
    def __init__(self, ticks: int = 1) -> None:
        super().__init__()


def test_options_are_those_of_the_constructor_and_where_it_takes_more_of_its_ancestors() -> None:
    assert list(options_of(Child)) == ["ticks", "size", "name"]
    assert list(options_of(Closed)) == ["ticks"]
    assert list(options_of(Child, given=("size",))) == ["ticks", "name"]
    assert options_of(object) == {}


def test_functions_have_options_too() -> None:
    def make(interval: float, *, loud: bool = False) -> None: ...

    assert list(options_of(make)) == ["interval", "loud"]


def test_an_annotation_that_cannot_be_resolved_spoils_no_other() -> None:
    def make(known: int, unknown: "Unknown") -> None: ...

    problems, arguments = problems_and_arguments(make, {"known": "x", "unknown": object})
    assert problems == {"known": "must be a whole number, was 'x'"}
    assert arguments == {"unknown": object}


def test_a_signature_that_cannot_be_read_is_an_error_of_its_owner() -> None:
    def leaves(x: "exit(9)" = 1) -> None: ...  # type: ignore[valid-type]

    def junk(x: int = 1) -> None: ...

    junk.__signature__ = "junk"  # type: ignore[attr-defined]
    for target in (leaves, junk):
        with pytest.raises(SettingsError, match=r"^its signature cannot be read: "):
            options_of(target)
        with pytest.raises(SettingsError, match=r"^worker 'x': its signature cannot be read: "):
            arguments_for("worker 'x'", target, {})


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, 3, 3),
        (float, 3, 3.0),
        (float, 3.5, 3.5),
        (str, "x", "x"),
        (bool, True, True),
        (int | None, None, None),
        (Optional[int], 3, 3),  # noqa: UP045
        (int | str, "3", "3"),
        (int | str, 3, 3),
        (float | None, 2, 2.0),
        (bool | int, True, True),
        (list[int], [1, 2], [1, 2]),
        (Sequence[float], [1, 2.5], [1.0, 2.5]),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple, [1, "a"], (1, "a")),
        (Decimal, 0.1, Decimal("0.1")),
        (Decimal, "2.5", Decimal("2.5")),
        (set[str], ["a", "a"], {"a"}),
        (frozenset[str], ["a"], frozenset({"a"})),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (dict, {"a": 1}, {"a": 1}),
        (list, [1, "a"], [1, "a"]),
        (Literal["a", "b"], "b", "b"),
        (Colour, "blue", Colour.BLUE),
        (Mode, "lay", Mode.LAY),
        (Mode, Mode.LAY, Mode.LAY),
        (Old, "a", Old.A),
        (Level, 2, Level.HIGH),
        (list[Mode], ["lay", "back"], [Mode.LAY, Mode.BACK]),
        (dict[str, Level], {"a": 1}, {"a": Level.LOW}),
        (Mode | None, "back", Mode.BACK),
        (Mode | None, None, None),
        (Share, 1, Share(1.0)),
        (Ticks, 3, Ticks(3)),
        (Word, "x", Word("x")),
        (Path, "a/b", Path("a/b")),
        (timedelta, 2.5, timedelta(seconds=2.5)),
        (datetime, datetime(2024, 6, 1), datetime(2024, 6, 1)),
        (Point, {"x": 1}, Point(1, 0)),
        (list[Point], [{"x": 1, "y": 2}], [Point(1, 2)]),
        (Keys, {"x": 1}, {"x": 1}),
        (Any, object, object),
        (type[Base], "flumine_core.contract.strategy:BaseStrategy", BaseStrategy),
        (Callable[..., Any], "flumine_core.contract.strategy:BaseStrategy", BaseStrategy),
        (Mapping[str, Any] | Any, {"a": 1}, {"a": 1}),
        (Exception, "left as it is", "left as it is"),
    ],
)
def test_values_are_converted(annotation: Any, value: Any, expected: Any) -> None:
    converted = convert(value, annotation)
    assert converted == expected
    assert repr(converted) == repr(expected)
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("annotation", "value", "told"),
    [
        (int, "3", "must be a whole number, was '3'"),
        (int, 3.5, "must be a whole number, was 3.5"),
        (int, True, "must be a whole number, was True"),
        (tuple[str, ...], "abc", "must be a list of (text), was 'abc'"),
        (tuple, "abc", "must be a list, was 'abc'"),
        (Decimal, "abc", "must be Decimal, was 'abc'"),
        (Decimal, "NaN", "must be Decimal, was 'NaN'"),
        (float, "3", "must be a number, was '3'"),
        (float, True, "must be a number, was True"),
        (str, 3, "must be text, was 3"),
        (bool, 1, "must be true or false, was 1"),
        (bool, "yes", "must be true or false, was 'yes'"),
        (int | None, "x", "must be a whole number, was 'x'"),
        (int | str, 1.5, "must be a whole number or text, was 1.5"),
        (list[int], [1, "x"], "must be a whole number, was 'x'"),
        (list[int], 1, "must be a list of (a whole number), was 1"),
        (list[int], "12", "must be a list of (a whole number), was '12'"),
        (dict[str, int], 1, "must be a table of (a whole number), was 1"),
        (dict[str, int], {"a": "x"}, "must be a table of (a whole number), was {'a': 'x'} (see a)"),
        (Outer, {"x": {"a": 1, "b": "q"}, "y": {"k": "z"}}, "(see x.b, y.k)"),
        (Outer, {"x": {"a": 1}, "y": {}}, "must be Outer, was {'x': {'a': 1}, 'y': {}} (see x.b)"),
        (Literal["a", "b"], "c", "must be one of 'a', 'b', was 'c'"),
        (Colour, "green", "must be one of 'red', 'blue', was 'green'"),
        (Mode, "bcak", "must be one of 'back', 'lay', was 'bcak'"),
        (Mode, 1, "must be one of 'back', 'lay', was 1"),
        (Old, "b", "must be one of 'a', was 'b'"),
        (Level, 3, "must be one of 1, 2, was 3"),
        (Level, True, "must be one of 1, 2, was True"),
        (Level, 1.0, "must be one of 1, 2, was 1.0"),
        (list[Mode], ["bcak"], "must be one of 'back', 'lay', was 'bcak'"),
        (Mode | None, "bcak", "must be one of 'back', 'lay', was 'bcak'"),
        (Share, 7.0, "must be Share, was 7.0"),
        (Ticks, "3", "must be Ticks, was '3'"),
        (Word, 3, "must be Word, was 3"),
        (Leaver, 3, "must be Leaver, was 3"),
        ([int], ["x"], "was ['x']"),
        (Point, {"x": "1"}, "must be Point, was {'x': '1'}"),
        (Point, {"x": 1, "z": 1}, "must be Point, was {'x': 1, 'z': 1}"),
        (type[Base], "nowhere:Thing", "'nowhere:Thing' cannot be imported: ModuleNotFoundError"),
        (Path, 3, "must be a path, was 3"),
    ],
)
def test_a_wrong_type_names_what_was_expected_and_what_was_given(annotation: Any, value: Any, told: str) -> None:
    with pytest.raises(SettingsError) as raised:
        convert(value, annotation)
    assert told in str(raised.value)


@pytest.mark.parametrize("annotation", [int | None, float | None, float | int | None])
@pytest.mark.parametrize("text", ["none", "None"])
def test_no_limit_can_be_written(annotation: Any, text: str) -> None:
    assert convert(text, annotation) is None
    assert convert(text, str | None) == text


def test_every_problem_is_told_at_once() -> None:
    problems, _ = problems_and_arguments(Child, {"size": "x", "nam": "y"})
    assert problems == {
        "size": "must be a number, was 'x'",
        "nam": "there is no such option, did you mean 'name'",
        "ticks": "is required and missing, expected a whole number",
    }
    with pytest.raises(SettingsError, match=r"^strategy 'x': size: must .*; nam: there .*; ticks: is required"):
        arguments_for("strategy 'x'", Child, {"size": "x", "nam": "y"})


def test_a_strategys_own_arguments_are_known_beside_its_base_classs() -> None:
    known = options_of(BaseStrategy)
    assert known["max_order_exposure"].default == 10
    assert arguments_for("s", BaseStrategy, {"max_order_exposure": 5, "name": "x"}) == {
        "max_order_exposure": 5,
        "name": "x",
    }


@example(2**53 + 1)
@example(10**400)
@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_a_plain_value_is_kept_or_refused_and_never_turned_into_another(value: Any) -> None:
    for annotation in (int, float, str, bool, list[int], int | None, str | float):
        try:
            converted = convert(value, annotation)
        except SettingsError:
            continue
        assert converted is value or converted == value


def test_a_table_of_counts_stays_one() -> None:
    assert convert({"a": 1}, Counter[str]) == Counter(a=1)


@pytest.mark.parametrize("table", [dict[int, float], Mapping[int, float]])
def test_a_table_of_numbers_takes_them_as_text(table: Any) -> None:
    assert convert({"123": 2.0, 45: 1}, table) == {123: 2.0, 45: 1.0}
    for wrong in ({"x": 1.0}, {"1": "x"}, [1]):
        with pytest.raises(SettingsError, match="must be"):
            convert(wrong, table)
