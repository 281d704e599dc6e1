"""Values are given to each database as it keeps them."""

import sqlite3

import pytest

from flumine_dblog.statements import DIALECTS


@pytest.mark.parametrize(
    "ms", [None, 0, 1, 999, -1, 1_657_537_230_620, 1_709_251_199_999, 253_402_300_799_999, -62_135_596_800_000]
)
def test_a_time_is_as_sqlite_itself_would_have_it(ms: int | None) -> None:
    given = DIALECTS["sqlite"].given
    assert given is not None
    connection = sqlite3.connect(":memory:")
    asked = "SELECT strftime('%Y-%m-%d %H:%M:%f000', ?/1000.0, 'unixepoch')"
    [(expected,)] = connection.execute(asked, (ms,)).fetchall()
    connection.close()
    assert given(ms) == expected


@pytest.mark.parametrize("ms", [10**18, "soon"])
def test_what_is_no_time_is_refused(ms: object) -> None:
    given = DIALECTS["sqlite"].given
    assert given is not None
    with pytest.raises((OverflowError, TypeError)):
        given(ms)  # type: ignore[arg-type]
