"""The list of intended differences and the comparison know the same ones."""

import pytest
from oracle.compare import COUNTED, known_differences


def test_counted_differences_are_those_the_comparison_knows() -> None:
    counted = {name for name, entry in known_differences().items() if entry["handled"] == "counted"}
    assert counted == set(COUNTED)


@pytest.mark.parametrize("name", known_differences())
def test_each_difference_is_described(name: str) -> None:
    entry = known_differences()[name]
    assert entry["handled"] in ("avoided", "counted", "not compared")
    assert all(entry[key] for key in ("flumine", "ours", "rule"))
