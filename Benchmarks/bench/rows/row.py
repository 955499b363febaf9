"""What a row is, and what it gives."""


class Section:
    """What a row found: lines for the report; values for the verdict, {key: [one a round]}; data for plots; faults."""

    def __init__(self, title, lines, values=None, plots=None, faults=()):
        self.title, self.lines, self.values, self.plots, self.faults = title, lines, values or {}, plots or {}, list(faults)


class Row:
    """A row has a name, a title, and knows how to be run."""
    peers = None  # only these, where not all make sense

    def __init__(self, name, title):
        self.name, self.title = name, title

    def run(self, bench):
        raise NotImplementedError

    def chosen(self, bench):
        return [peer for peer in bench.peers if not self.peers or peer.name in self.peers]

    def faults(self, field):
        return [f"{self.name}: {name}: {why}" for name, why in field.failed.items()]
