"""Peak memory after 100 and after all markets of one process: `growth.py DIRECTORY` prints two numbers of kilobytes."""

import json
import resource
import sys

from flumine_core.plain import Named
from flumine_core.run import Progress, Run, simulate

AT = 100
peaks: dict[int, int] = {}


def watch(progress: Progress) -> None:
    """Note the peak at the hundredth market."""
    if progress.done == AT and AT not in peaks:
        peaks[AT] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


result = simulate(Run((Named("bench_strategies:TopOfBook"),), (sys.argv[1],)), lambda each: None, watch)
print(json.dumps([result.market_count, peaks[AT], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
