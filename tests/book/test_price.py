"""A level reads as betfairlightweight's PriceSize, and as a dict."""

from collections.abc import Mapping

from flumine_core.book.price import PriceSize


def test_a_level_reads_as_a_mapping() -> None:
    level = PriceSize(3.0, 10.5)
    assert isinstance(level, Mapping)  # what makers of tables, such as pandas, ask
    assert dict(level) == level.copy() == {"price": 3.0, "size": 10.5} == level
    assert (len(level), list(level), "price" in level, level["size"]) == (2, ["price", "size"], True, 10.5)
