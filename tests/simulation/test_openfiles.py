"""Many files merged into one stream: more than a process may usually have open."""

import subprocess
import sys
from pathlib import Path

import pytest

resource = pytest.importorskip("resource")

_MERGE = """
import resource, sys
from flumine_core.contract.streams import HistoricalStream
from flumine_core.simulation.stream import MergedStream, RecordedStream

hard = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
errors = []
streams = [RecordedStream(HistoricalStream(f"{sys.argv[1]}/{n}"), lambda text, path: None) for n in range(100)]
books = sum(len(event.market_books) for event in MergedStream(streams, errors.append))
print(books, len(errors))
"""

_LINE = '{{"op":"mcm","pt":{},"mc":[{{"id":"1.{}","marketDefinition":{{"status":"OPEN","runners":[]}}}}]}}\n'


@pytest.mark.parametrize(("hard", "is_enough"), [(4096, True), (64, False)])
def test_as_many_files_may_be_open_as_are_merged(tmp_path: Path, hard: int, is_enough: bool) -> None:
    for number in range(100):
        (tmp_path / str(number)).write_text(_LINE.format(1000 + number, number) + " " * 400_000 + "\n")
    ran = subprocess.run(
        [sys.executable, "-c", _MERGE, str(tmp_path), str(hard)], capture_output=True, text=True, check=True, timeout=60
    )
    books, errors = map(int, ran.stdout.split())
    assert books + errors == 100
    assert (errors == 0) == is_enough
