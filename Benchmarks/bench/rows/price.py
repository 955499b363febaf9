"""What each feature of Outrider costs, at the keep-alive work."""
from .. import turn
from ..field import Field
from ..prices import FEATURES
from ..report import markdown, median, notes, ratios, spread
from ..work import Work
from .row import Row, Section


class Price(Row):
    peers = ("outrider",)

    def run(self, bench):
        entries = [(peer, Work(feature=name, headers=("x-version: v2", *headers)), name or "plain")
                   for peer in self.chosen(bench) for name, (_, _, _, headers) in FEATURES.items()]
        with Field(bench, entries) as field:
            turn.warm(bench, field)
            field.rounds(lambda one: turn.take(bench, one), lambda done: f"{done.total:.1f}")
        values = {one.label: ratios(one, field.candidates[0]) for one in field.candidates}
        return Section(self.title, table(field) + notes(field), values, faults=self.faults(field))


def table(field):
    plain = field.candidates[0] if field.candidates else None
    rows = [[FEATURES[one.work.feature][0], f"{median(one.turns, 'total'):.1f} µs", f"{median(one.turns, 'user'):.1f} µs",
             spread(ratios(one, plain)), f"{median(one.turns, 'rate'):,.0f}"] for one in field.candidates]
    return markdown(["Outrider", "CPU per request", "of which user", "ratio to plain", "requests/s"], rows) + [
        "", "Counters have no switch: their price is in every row, and `make profile` shows it."]
