"""What is kept of lines that could not be used: some sentences of each file, and how many there were."""

MOST_OF_A_FILE = 100
"""So many lines of one file or stream are told one by one; the rest are counted."""


class BadLines(list[str]):
    """The sentences on the first hundred bad lines of each file or stream; every line is counted.

    :ivar counts: file or stream -> how many of its lines could not be used.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}

    @property
    def total(self) -> int:
        """How many lines could not be used."""
        return sum(self.counts.values())

    def append(self, text: str, source: str = "") -> None:
        """Take note of a line of `source`."""
        count = self.counts[source] = self.counts.get(source, 0) + 1
        if count <= MOST_OF_A_FILE:
            super().append(text)
