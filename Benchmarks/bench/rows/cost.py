"""CPU per request of everyone at the same work."""
from .. import turn
from ..field import Field
from ..report import OTHERS, markdown, median, memory, name_of, notes, ratios, spread
from .row import Row, Section


class Cost(Row):
    def __init__(self, name, title, work):
        super().__init__(name, title)
        self.work = work

    def run(self, bench):
        with Field(bench, [(peer, self.work, None) for peer in self.chosen(bench)]) as field:
            field.settle()
            turn.warm(bench, field)
            field.rounds(lambda one: turn.take(bench, one), lambda done: f"{done.total:.1f} µs")
        return Section(self.title, table(field, self.work) + notes(field), values(field), {"cost": self.bars(field)},
                       self.faults(field))

    def bars(self, field):
        bars = [(one.label, median(one.turns, "user"), median(one.turns, "total")) for one in field.candidates]
        return {"name": self.name, "title": self.title, "bars": bars}


def table(field, work):
    by_name = {one.peer.name: one for one in field.candidates}
    against = [name for name in OTHERS if name in by_name]
    columns = ["proxy", "CPU per request", "of which user", *(f"ratio to {OTHERS[name]}" for name in against),
               "requests/s", "upstream connections per 1000 requests", "RSS idle (anonymous)", "under load"]
    if work.mebibytes:
        columns.insert(3, "CPU per MiB")
    rows = []
    for one in field.candidates:
        total, user, rate, connections = (median(one.turns, key) for key in ("total", "user", "rate", "connections"))
        loaded = [median(one.turns, lambda turn: turn.rss[at]) for at in (0, 1)]
        cells = [name_of(one), f"{total:.1f} µs", f"{user:.1f} µs", *(spread(ratios(one, by_name[name])) for name in against),
                 f"{rate:,.0f}", "–" if work.upstream == "grpc" else f"{connections:.1f}", memory(one.idle), memory(loaded)]
        if work.mebibytes:
            cells.insert(3, f"{total / work.mebibytes:.0f} µs")
        rows.append(cells)
    return markdown(columns, rows)


def values(field):
    """The ratios of Outrider to each, and its memory."""
    by_name = {one.peer.name: one for one in field.candidates}
    ours = by_name.get("outrider")
    if not ours:
        return {}
    found = {f"/{name}": ratios(ours, by_name[name]) for name in OTHERS if name in by_name}
    found["resident"], found["anonymous"] = [ours.idle[0] / 1024], [ours.idle[1] / 1024]
    return found
