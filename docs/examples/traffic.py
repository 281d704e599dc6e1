"""Counts the changes of a data stream by kind, before a strategy that records gets them."""

from collections import Counter

from flumine_core import hookimpl

changes = Counter()


@hookimpl
def flumine_process_raw_data(stream_id, data):
    """One message as it was received: market, order, race or cricket changes."""
    changes[stream_id] += len(data)
