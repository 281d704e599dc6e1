"""Brings a stream of one's own: `framework.add_stream(Countdown(10))` counts down in custom events."""

from flumine_core import CustomEvent, hookimpl
from flumine_core.contract.streams import BaseStream


class Countdown(BaseStream):
    """What is asked for; equal descriptions share one stream."""

    def __init__(self, start):
        super().__init__()
        self.start = start

    def key(self):
        return {"start": self.start}


class CountdownEvents:
    """What is made of it: an iterable of events, which can be stopped."""

    def __init__(self, start):
        self.left = start

    def __iter__(self):
        while self.left > 0:
            yield CustomEvent(self.left)
            self.left -= 1

    def stop(self):
        self.left = 0


@hookimpl
def flumine_make_stream(description):
    """Return a stream for the description that is ours, None for every other."""
    return CountdownEvents(description.start) if isinstance(description, Countdown) else None
