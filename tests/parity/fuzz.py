"""Look for differences from flumine 3.3.2 beyond the ordinary run: `python tests/parity/fuzz.py [FIRST] [COUNT]`.

Prints the totals and the first differences of each job; exits with 1 where there is one or nothing was compared.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from oracle.compare import Comparison
from oracle.jobs import Builder, random_plan
from oracle.process import run_both

BATCH = 32


def main(first: int = 0, count: int = 100, shown: int = 5) -> int:
    """Run `count` random jobs from seed `first` on, in batches."""
    total = Comparison(runs=0)
    for start in range(first, first + count, BATCH):
        with tempfile.TemporaryDirectory() as folder:
            builder = Builder(Path(folder))
            jobs = [builder.build(spec) for spec in random_plan(start, min(BATCH, first + count - start))]
            for found in run_both(jobs).values():
                total.add(found)
                for line in found.differences[:shown]:
                    print("  ", line)
        print(total.summary(), flush=True)
    if total.by_field:
        print(dict(total.by_field))
    return int(bool(total.differences) or not total.orders)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
