"""CPU per request at several points: of rules, of connections, of workers."""
import contextlib

from .. import turn
from ..field import Field
from ..holding import Held
from ..report import markdown, median, name_of, notes, ratios, spread
from .row import Row, Section


class Point:
    """`x`: where it stands on a plot, or nothing. `idle`: connections that are kept beside the load."""

    def __init__(self, label, work, x=None, idle=0):
        self.label, self.work, self.x, self.idle = label, work, x, idle


class Series(Row):
    """`grows`: the labels of the two points whose ratio tells how the cost grows."""

    def __init__(self, name, title, points, grows, peers=("haproxy", "nginx", "envoy", "outrider"), axis=None, note=None):
        super().__init__(name, title)
        self.points, self.grows, self.peers, self.axis, self.note = points, grows, peers, axis, note

    def run(self, bench):
        peers = self.chosen(bench)
        entries = [(peer, point.work, f"{peer.name} {point.label}") for point in self.points for peer in peers]
        with Field(bench, entries) as field, contextlib.ExitStack() as held:
            turn.warm(bench, field)
            for point in self.points:
                for one in [one for peer in peers for one in find(field, peer, point)] if point.idle else []:
                    field.guard(one, lambda: held.enter_context(Held(one.port, point.idle, point.work)))
            field.rounds(lambda one: turn.take(bench, one), lambda done: f"{done.total:.1f}")
            return self.section(field, peers)

    def section(self, field, peers):
        by_peer = {peer.name: {point.label: one for point in self.points for one in find(field, peer, point)} for peer in peers}
        lines = [self.note, ""] if self.note else []
        lines += self.table(by_peer) + notes(field)
        first, last = self.grows
        values = {f"growth {name}": ratios(points[last], points[first]) for name, points in by_peer.items()
                  if first in points and last in points}
        return Section(self.title, lines, values, {"lines": self.curves(by_peer)} if self.axis else {}, self.faults(field))

    def table(self, by_peer):
        first, last = self.grows
        columns = ["proxy", *(point.label for point in self.points), f"{last} to {first}", f"{last}, ratio to HAProxy"]
        rows = []
        for points in (found for found in by_peer.values() if found):
            cells = [f"{median(points[point.label].turns, 'total'):.1f} µs, {median(points[point.label].turns, 'rate'):,.0f}/s"
                     if point.label in points else "–" for point in self.points]
            grown = ratios(points[last], points[first]) if first in points and last in points else []
            beside = by_peer.get("haproxy", {}).get(last)
            against = ratios(points[last], beside) if beside and last in points else []
            name = name_of(next(iter(points.values()))).replace(f" {next(iter(points))}", "", 1)
            rows.append([name, *cells, spread(grown), spread(against)])
        return markdown(columns, rows)

    def curves(self, by_peer):
        """For a plot: {peer: [(x, µs)]}, and points that stand apart."""
        curves = {name: [(point.x, median(points[point.label].turns, "total")) for point in self.points
                         if point.x and point.label in points] for name, points in by_peer.items()}
        apart = [(point.label, {name: median(points[point.label].turns, "total") for name, points in by_peer.items()
                                if point.label in points}) for point in self.points if not point.x]
        return {"title": self.title, "axis": self.axis, "curves": curves, "apart": apart}


def find(field, peer, point):
    return [one for one in field.candidates if one.label == f"{peer.name} {point.label}"]
